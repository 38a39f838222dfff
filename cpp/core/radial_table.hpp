// The radial functions of site potentials, tabulated for speed.
#pragma once

#include <cstddef>
#include <vector>

#include "charge_contract.hpp"

namespace voxion {

// Piecewise cubic (Hermite) interpolation of f_k(r) = erfc(a_k r)/r - erfc(a_k rc)/rc on a uniform
// grid in r. The functions lie side by side, padded to `stride` lanes, so that one pair's K values
// are a few vector operations. Interpolation error below 1e-9/angstrom for r >= 1.5 angstrom; below
// `r_min` the functions are evaluated exactly.
class RadialTable {
 public:
  // Throws Error for widths or a cutoff beyond the bounds of a contract.
  explicit RadialTable(const RadialFunctions &functions);

  static constexpr std::size_t lanes = 4;  // the stride is a multiple of this
  static constexpr double spacing = 0.02;  // angstrom
  static constexpr double r_min = 0.5;     // angstrom
  std::size_t count() const { return widths_.size(); }
  std::size_t stride() const { return stride_; }
  double cutoff() const { return cutoff_; }
  // Four rows of `stride` coefficients (constant to cubic) for the interval that begins at
  // index * spacing.
  const double *coefficients(int index) const {
    return table_.data() + 4 * stride_ * static_cast<std::size_t>(index);
  }
  // The exact value of function k at distance r.
  double exact(std::size_t k, double r) const;

 private:
  double slope(std::size_t k, double r) const;

  std::vector<double> widths_;
  std::vector<double> shifts_;  // erfc(a rc)/rc
  double cutoff_;
  std::size_t stride_;
  std::vector<double> table_;
};

}  // namespace voxion
