// What the package.json of an AOTInductor package says: python/voxion/contract/package.py writes
// it.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "cell.hpp"
#include "error.hpp"
#include "site_tables.hpp"

namespace voxion {

inline constexpr const char *package_file = "package.json";

// A model file that is whole, but cannot be used here.
class Misfit : public Error {
 public:
  using Error::Error;
};

// The one sheet that a package with electrons was made for.
struct PackagedSheet {
  std::vector<double> positions;  // xyz triples, angstrom
  Cell cell;
  double total_charge = 0.0;  // e

  // Why a sheet is another one; empty when it is the same but for a translation.
  std::string misfit(std::span<const double> positions, const Cell &cell, double total) const;
};

struct PackageContents {
  std::string torch_version;
  std::string processor;  // an instruction set of x86-64, or the name of another machine
  std::vector<std::string> methods;
  std::optional<Shells> shells;  // of models of site potentials
  std::optional<PackagedSheet> sheet;
};

// Throws Error when the text is not what packages have.
PackageContents parse_package(const std::string &text);

// True where code for this processor runs.
bool runs_here(const std::string &processor);

}  // namespace voxion
