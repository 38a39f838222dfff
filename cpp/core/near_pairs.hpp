// The pairs of a surface atom, or a periodic image of it, and a source that are near each other.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "cell.hpp"

namespace voxion {

inline double squared_distance(const double *a, const double *b) {
  const double x = a[0] - b[0], y = a[1] - b[1], z = a[2] - b[2];
  return x * x + y * y + z * z;
}

// A pair list with a skin, rebuilt when an atom has moved half the skin, or when the cell or the
// number of atoms changed. It is a list of places: sources may be renumbered between calls, which
// shows as movement where it matters. It is the core's own, not an engine's: engines' lists end at
// the force cutoff, hold no periodic image beyond the nearest, or are not to be had at all
// (GROMACS).
class NearPairs {
 public:
  struct Source {  // with sites within reach
    std::uint32_t source;
    std::uint32_t begin, end;  // its part of pairs()
    Vector shift;              // into the cell
  };

  // `cutoff` in angstrom, and whose it is, for messages.
  NearPairs(double cutoff, const std::string &whose, double skin = 1.0);

  // Finds the pairs for these positions (xyz triples, angstrom), and some beyond the cutoff. Throws
  // AtomError where a coordinate is not finite, and Error when the cell is flat or too small for
  // the cutoff.
  void update(std::span<const double> sites, std::span<const double> sources, const Cell &cell);

  const std::vector<Source> &sources() const { return near_; }
  // Indices of images, by source.
  const std::vector<std::uint32_t> &pairs() const { return pairs_; }
  // Number of pairs of the source that has most.
  std::size_t most() const { return most_; }
  // Sites of the images, and their positions (xyz).
  const std::vector<std::uint32_t> &image_sites() const { return image_sites_; }
  const std::vector<double> &image_positions() const { return image_positions_; }

 private:
  bool outdated(std::span<const double> sites, std::span<const double> sources,
                const Cell &cell) const;
  void build(std::span<const double> sites, std::span<const double> sources, const Cell &cell);
  void check_images(std::size_t sites, const Cell &cell, const Reciprocal &reciprocal) const;
  void make_images(std::span<const double> sites, const Cell &cell, const Reciprocal &reciprocal);
  void place_images(std::span<const double> sites);
  void find_pairs(std::span<const double> sites, std::span<const double> sources, const Cell &cell,
                  const Reciprocal &reciprocal);

  std::string whose_;
  double cutoff_, reach_, skin_;  // reach: cutoff and skin
  Cell cell_;
  std::vector<double> built_sites_, built_sources_;
  std::vector<std::uint32_t> image_sites_;
  std::vector<Vector> image_shifts_;
  std::vector<double> image_positions_;
  std::vector<Source> near_;
  std::vector<std::uint32_t> pairs_;
  std::size_t most_ = 0;
};

}  // namespace voxion
