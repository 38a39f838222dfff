// Who is in which shell of whom among the sites of an electrode, as a packaged model of site
// potentials wants it: python/voxion/charges/models/site_potentials.py has the same tables.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "cell.hpp"
#include "near_pairs.hpp"

namespace voxion {

// The shells of sites around a site, from the training.
struct Shells {
  std::size_t layers = 1, count = 1;  // shells of the sites of one layer
  // Outer boundaries (angstrom) by layer of the site, layer of the other sites, and shell.
  std::vector<double> edges;
  std::vector<double> depths;  // of the layers behind the face, angstrom
};

class SiteTables {
 public:
  explicit SiteTables(const Shells &shells);

  // Looks up the neighbours, unless the sites are where they were, to 0.1 angstrom. Throws
  // AtomError where a coordinate is not finite, and Error when the cell is flat or too small.
  // Positions are xyz triples, angstrom; all three lattice vectors repeat.
  void update(std::span<const double> positions, const Cell &cell);

  std::size_t sites() const { return positions_.size() / 3; }
  // Number of rows of a table with one column for each site; a row has neighbours of one shell.
  std::size_t rows() const { return shell_of_row_.size(); }
  // Row after row: the neighbour, or sites() where a site has none.
  const std::vector<std::int64_t> &neighbours() const { return neighbours_; }
  // Row after row: where in a matrix [sites, layers * shells] stands what the neighbour adds to the
  // site; one beyond its end where there is none.
  const std::vector<std::int64_t> &entries() const { return entries_; }
  // Of each row: the number of its shell among the shells of all layers.
  const std::vector<std::int64_t> &shell_of_row() const { return shell_of_row_; }
  // Site after site: 1 for its layer, 0 for others.
  const std::vector<double> &members() const { return members_; }
  const std::vector<std::int64_t> &first_layer() const { return first_layer_; }

 private:
  struct Neighbour {
    std::size_t shell, site, other;
    auto operator<=>(const Neighbour &) const = default;
  };
  std::size_t layer_of(double depth) const;
  std::vector<Neighbour> find() const;
  void fill(const std::vector<Neighbour> &found);

  Shells shells_;
  NearPairs pairs_;
  Cell cell_;
  std::vector<double> positions_;
  std::vector<std::size_t> layers_;  // of each site
  std::vector<std::int64_t> neighbours_, entries_, shell_of_row_, first_layer_;
  std::vector<double> members_;
};

}  // namespace voxion
