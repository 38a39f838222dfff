// The sites of an electrode whose response one process computes, where several share the work.
#pragma once

#include <array>
#include <cstddef>
#include <span>
#include <vector>

#include "cell.hpp"

namespace voxion {

class SiteDomain {
 public:
  // The domain `number` of `domains` that hold about equally many sites each; `reach` (angstrom) is
  // how far other sites matter.
  SiteDomain(std::size_t number, std::size_t domains, double reach);

  // Finds the sites for these positions (xyz triples, angstrom), unless they are where they were,
  // to a part of the margin that is added to the reach. The electrode is divided along its first
  // two lattice vectors, which repeat.
  void update(std::span<const double> positions, const Cell &cell);

  // The domain's own sites, and behind them those that matter for their response.
  const std::vector<std::size_t> &sites() const { return sites_; }
  std::size_t own() const { return own_; }

 private:
  void divide(std::span<const double> positions, const Cell &cell);
  void add_surroundings(std::span<const double> positions, const Cell &cell);

  std::size_t number_, domains_, own_ = 0;
  double reach_;
  std::vector<std::size_t> sites_;
  std::vector<double> positions_;
  Cell cell_;
};

// Rows of a matrix with `columns` columns.
std::vector<double> rows_of(std::span<const double> matrix, std::size_t columns,
                            const std::vector<std::size_t> &rows);

}  // namespace voxion
