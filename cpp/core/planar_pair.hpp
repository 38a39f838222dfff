// Charges of two planar electrodes at a potential difference, from the electrolyte between them.
#pragma once

#include <array>
#include <span>
#include <vector>

#include "cell.hpp"
#include "corrugation.hpp"

namespace voxion {

// Electrostatics is linear: the charge of an electrode is that of the empty capacitor and what the
// electrolyte induces, its charge weighted by the potential that a unit difference would have there
// (Shockley, J. Appl. Phys. 9, 635 (1938); Ramo, Proc. IRE 27, 584 (1939)). Between planes that
// potential rises linearly, so that for a neutral electrolyte
//
//   Q_upper = (eps0 A V - sum_i q_i (z_i - z_middle)) / (L - d_lower - d_upper),
//   Q_lower = -Q_upper,
//
// with L the distance of the nuclei that face the electrolyte and d, of each electrode, the
// distance from those nuclei to the plane of the induced charge (ChargeContract::plane_offset).
// Close to the nuclei the potential is not that of planes: Corrugation.
//
// In a cell that is periodic along z, with the field that makes up for V over the cell (fix
// electrode/conp, ffield), the backs of thick electrodes are at one potential and change nothing. A
// single sheet has no back: its mean potential is Q d / (eps0 A) from that of its nuclei, and that
// over the gap w between the backs counts d a second time, (1 + L/w) d in all.
class PlanarPair {
 public:
  // Nuclei of the two electrodes (xyz, angstrom), in either order, and d of each. In a cell that is
  // periodic along z the upper electrode is the one that stands higher in the cell. Throws Error
  // unless they are two flat electrodes across z, with room between them.
  PlanarPair(std::span<const double> first, std::span<const double> second,
             const std::array<double, 2> &plane_offsets, const Cell &cell);

  // Height of a position over the middle between the faces, angstrom; in a periodic cell that of
  // its image above the lower face.
  double height(double z) const;
  // True if the electrolyte may be at this height.
  bool between(double height) const {
    return height > -0.5 * separation_ && height < 0.5 * separation_;
  }
  // What the charge of an atom at this position (xyz, angstrom) and height counts in the moment:
  // its height, with the corrugation of both electrodes where it is close to them.
  double lever(const double *position, double height,
               const std::array<const Corrugation *, 2> &corrugations) const;
  bool second_is_upper() const { return upper_ == 1; }
  // Distance of the faces, angstrom.
  double separation() const { return separation_; }
  // Positions of the nuclei of an electrode (0 or 1) as a model sees them: with the depth behind
  // the face, into the electrode, in place of z (angstrom). Throws AtomError where a nucleus lies
  // in none of these layers (ChargeContract::layers), and Error where one of them has no nuclei.
  std::vector<double> behind_face(std::span<const double> nuclei, int electrode,
                                  std::span<const double> layers) const;
  // Total charges (e) of the first and the second electrode at these potentials (V); `moment` is
  // the sum of the electrolyte's charges times their levers (e angstrom).
  std::array<double, 2> charges(const std::array<double, 2> &potentials, double moment) const;

 private:
  int upper_ = 0;
  double middle_ = 0.0, separation_ = 0.0, effective_ = 0.0, area_ = 0.0;
  double period_ = 0.0;  // along z; 0 where nothing repeats
};

// Throws Error unless the charges of an electrolyte (e) add up to zero within `tolerance`, the
// rounding of the charges in a file.
void check_neutral_electrolyte(double total_charge, double tolerance = 1e-4);

}  // namespace voxion
