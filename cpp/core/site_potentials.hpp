// Potentials that point charges make at the sites of a surface: the inputs of the local models.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "cell.hpp"
#include "near_pairs.hpp"
#include "plane_waves.hpp"
#include "radial_table.hpp"

namespace voxion {

// phi[i, k] = sum_j q_j f_k(|r_i - r_j|) over all sources j and all their periodic images within
// the cutoff, in e/angstrom, with f_k of RadialTable; then, where a largest wave vector is given,
// the potential of PlaneWaves.
//
// Sums run over whatever sources the caller passes, so every MPI rank can pass its own atoms and
// the results add up.
class SitePotentials {
 public:
  // `largest_wave` in 1/angstrom.
  explicit SitePotentials(const RadialFunctions &functions,
                          std::optional<double> largest_wave = std::nullopt, double skin = 1.0);

  // Number of potentials at each site.
  std::size_t columns() const { return table_.count() + (waves_ ? 1 : 0); }
  // Sites and sources are xyz triples (angstrom), charges in e, out has sites x columns() values.
  // Throws AtomError where a coordinate is not finite or a source lies on a site, and Error when
  // the cell is flat or too small for the cutoff; and what PlaneWaves throws.
  void compute(std::span<const double> sites, std::span<const double> sources,
               std::span<const double> charges, const Cell &cell, std::span<double> out);

 private:
  struct Hit {        // a pair within the cutoff
    double distance;  // its square at first
    std::uint32_t site;
  };
  struct Sums;
  static void add_all(const Sums &sums);

  [[noreturn]] void fail_at(std::size_t site, std::span<const double> sources,
                            std::span<const double> charges) const;

  RadialTable table_;
  NearPairs near_;
  std::optional<PlaneWaves> waves_;
  std::vector<Hit> hits_;
  std::vector<double> rows_, wave_potentials_;
};

}  // namespace voxion
