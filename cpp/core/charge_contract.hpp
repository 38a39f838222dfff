// The contract of models of kind surface-charges. python/voxion/contract/schema.py checks the same
// rules.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <vector>

#include "cell.hpp"
#include "contract.hpp"

namespace voxion {

enum class ChargeInputs { positions, site_potentials };

struct SourceSpecies {
  std::string name;
  double charge = 0.0;        // e
  std::optional<long> count;  // none: any number
};

// erfc(a r)/r - erfc(a rc)/rc for every inverse width a (1/angstrom), zero from the cutoff rc on.
struct RadialFunctions {
  std::vector<double> widths;
  double cutoff = 0.0;  // angstrom
};

struct ChargeContract {
  ContractCommon common;
  ChargeInputs inputs = ChargeInputs::positions;
  std::optional<double> total_charge;               // e; none: any total
  std::optional<std::array<Vector, 3>> cell;        // angstrom; none: any cell
  std::optional<long> surface_atoms;                // none: any number
  std::vector<SourceSpecies> sources;               // for positions: runs in ascending atom ID
  std::optional<RadialFunctions> radial_functions;  // site potentials only
  // 1/angstrom, of plane waves beside the radial functions; none: there are none
  std::optional<double> largest_wave_vector;
  bool total_charge_input = false;  // site potentials only: forward takes the total
  // angstrom, from the nuclei of a face to the plane of the induced charge; none: not for pairs
  std::optional<double> plane_offset;
  double corrugation = 0.0;  // angstrom, see Corrugation; 0: the potential rises linearly
  // Depths of the layers of nuclei behind the face, the first of them 0, angstrom. For pairs:
  // forward takes the depth of a nucleus in place of its z.
  std::vector<double> layers{0.0};
  // angstrom; site potentials only: sites farther away do not matter for the model's response,
  // which can be computed in parts; none: it cannot
  std::optional<double> reach;
  InputRanges input_ranges;
};

// Throws Error when the text is no contract of kind "surface-charges" that this version knows;
// `model` is the model's name in the messages.
ChargeContract parse_charge_contract(const std::string &json, const std::string &model);

}  // namespace voxion
