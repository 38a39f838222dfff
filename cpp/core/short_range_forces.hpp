// Forces that an engine's sums within the cutoff lack while their charges are older than the
// mesh's.
#pragma once

#include <span>
#include <vector>

#include "cell.hpp"
#include "near_pairs.hpp"

namespace voxion {

// With Ewald sums a pair within the cutoff r_c has the energy q_i q_j erfc(b r)/r, the mesh the
// rest. Where an engine's sums within the cutoff have charges of the sites that differ by dq_j from
// those of its mesh, they lack on the source i
//
//   f_i = sum_j q_i dq_j [erfc(b r)/r + 2 b/sqrt(pi) exp(-b^2 r^2)] (r_i - r_j)/r^2,   r < r_c,
//
// and on the sites the opposite.
class ShortRangeForces {
 public:
  // `cutoff` in angstrom; b follows from erfc(b r_c) = `tolerance`, as in GROMACS (ewald-rtol).
  // Throws Error unless the cutoff is positive and the tolerance between 0 and 1.
  ShortRangeForces(double cutoff, double tolerance);

  double splitting() const { return splitting_; }  // b, 1/angstrom
  // Sites and sources are xyz triples (angstrom), charges in e. Adds the forces on them, xyz
  // triples, e^2/angstrom^2. Throws AtomError where a coordinate is not finite, and Error when the
  // cell is flat or too small for the cutoff.
  void add(std::span<const double> sites, std::span<const double> differences,
           std::span<const double> sources, std::span<const double> charges, const Cell &cell,
           std::span<double> on_sites, std::span<double> on_sources);

 private:
  double strength(double r) const;

  double cutoff_, splitting_;
  std::vector<double> table_;  // force over distance of two e, at multiples of a spacing
  NearPairs near_;
};

}  // namespace voxion
