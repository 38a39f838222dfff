// Potentials that point charges make at the sites of a surface: the inputs of the local models.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "cell.hpp"
#include "radial_table.hpp"

namespace voxion {

// phi[i, k] = sum_j q_j f_k(|r_i - r_j|) over all sources j and all their periodic images within
// the cutoff, in e/angstrom, with f_k of RadialTable.
//
// The pairs are kept in a list with a skin and rebuilt when an atom has moved half the skin, or
// when the cell or the number of atoms changed. It is a list of places: sources may be renumbered
// between calls, which shows as movement where it matters. The list is the core's own, not an
// engine's: engines' lists end at the force cutoff, hold no periodic image beyond the nearest, or
// are not to be had at all (GROMACS); and because sums run over whatever sources the caller passes,
// every MPI rank can pass its own atoms and the results add up.
class SitePotentials {
 public:
  explicit SitePotentials(const RadialFunctions &functions, double skin = 1.0);

  std::size_t functions() const { return table_.count(); }
  // Sites and sources are xyz triples (angstrom), charges in e, out has sites x functions() values.
  // Throws AtomError where a coordinate is not finite or a source lies on a site, and Error when
  // the cell is flat or too small for the cutoff.
  void compute(std::span<const double> sites, std::span<const double> sources,
               std::span<const double> charges, const Cell &cell, std::span<double> out);

 private:
  struct NearSource {  // a source with sites within reach
    std::uint32_t source;
    std::uint32_t begin, end;  // its part of pairs_
    Vector shift;              // into the cell
  };
  struct Hit {  // a pair within the cutoff
    double r2;
    std::uint32_t site;
  };
  struct Sums;
  static void add_all(const Sums &sums);

  bool outdated(std::span<const double> sites, std::span<const double> sources,
                const Cell &cell) const;
  void build(std::span<const double> sites, std::span<const double> sources, const Cell &cell);
  void check_images(std::size_t sites, const Cell &cell, const Reciprocal &reciprocal) const;
  [[noreturn]] void fail_at(std::size_t site, std::span<const double> sources,
                            std::span<const double> charges) const;
  void make_images(std::span<const double> sites, const Cell &cell, const Reciprocal &reciprocal);
  void place_images(std::span<const double> sites);
  void find_pairs(std::span<const double> sites, std::span<const double> sources, const Cell &cell,
                  const Reciprocal &reciprocal);

  RadialTable table_;
  double reach_;  // cutoff and skin
  double skin_;
  Cell cell_;
  std::vector<double> built_sites_, built_sources_;
  // Periodic images of the sites.
  std::vector<std::uint32_t> image_sites_;
  std::vector<Vector> image_shifts_;
  std::vector<double> image_positions_;
  std::vector<NearSource> near_;
  std::vector<std::uint32_t> pairs_;  // indices of images
  std::vector<Hit> hits_;
  std::vector<double> rows_;
};

}  // namespace voxion
