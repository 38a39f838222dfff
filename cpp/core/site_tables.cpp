// Neighbour tables of the sites of an electrode.
#include "site_tables.hpp"

#include <algorithm>
#include <cmath>

namespace voxion {

namespace {

// Sites may move this far (angstrom) before their neighbours are looked up again.
constexpr double rebuild_distance = 0.1;

bool near(std::span<const double> now, std::span<const double> then) {
  // written so that a NaN is not near
  return std::equal(now.begin(), now.end(), then.begin(), then.end(),
                    [](double a, double b) { return std::abs(a - b) < rebuild_distance; });
}

std::span<const double> components(const Cell &cell) { return {cell.vectors[0].data(), 9}; }

}  // namespace

SiteTables::SiteTables(const Shells &shells)
    : shells_(shells),
      pairs_(*std::max_element(shells.edges.begin(), shells.edges.end()), "the model's shells") {}

void SiteTables::update(std::span<const double> positions, const Cell &cell) {
  if (near(positions, positions_) && near(components(cell), components(cell_))) return;
  Cell periodic = cell;
  periodic.periodic = {true, true, true};
  pairs_.update(positions, positions, periodic);
  positions_.assign(positions.begin(), positions.end());
  cell_ = cell;
  layers_.clear();
  for (std::size_t site = 0; site < sites(); ++site)
    layers_.push_back(layer_of(positions[3 * site + 2]));
  fill(find());
}

// The layer whose depth is the nearest.
std::size_t SiteTables::layer_of(double depth) const {
  const auto farther = [&](double a, double b) {
    return std::abs(a - depth) < std::abs(b - depth);
  };
  const auto found = std::min_element(shells_.depths.begin(), shells_.depths.end(), farther);
  return static_cast<std::size_t>(found - shells_.depths.begin());
}

// All neighbours in ascending order of shell, site and neighbour.
std::vector<SiteTables::Neighbour> SiteTables::find() const {
  std::vector<Neighbour> found;
  for (const auto &near : pairs_.sources()) {
    const std::size_t site = near.source;
    Vector position{};
    for (int d = 0; d < 3; ++d) position[d] = positions_[3 * site + d] + near.shift[d];
    for (std::uint32_t pair = near.begin; pair < near.end; ++pair) {
      const std::uint32_t image = pairs_.pairs()[pair];
      const std::size_t other = pairs_.image_sites()[image];
      const double distance =
          std::sqrt(squared_distance(&pairs_.image_positions()[3 * image], position.data()));
      const std::size_t layer = layers_[other];
      const auto edges =
          shells_.edges.begin() +
          static_cast<long>((layers_[site] * shells_.layers + layer) * shells_.count);
      const auto shell = static_cast<std::size_t>(
          std::upper_bound(edges, edges + static_cast<long>(shells_.count), distance) - edges);
      if (shell < shells_.count) found.push_back({layer * shells_.count + shell, site, other});
    }
  }
  std::sort(found.begin(), found.end());
  return found;
}

void SiteTables::fill(const std::vector<Neighbour> &found) {
  const std::size_t shells = shells_.layers * shells_.count;
  neighbours_.clear();
  entries_.clear();
  shell_of_row_.clear();
  std::size_t first_row = 0, shell = 0;
  for (std::size_t n = 0, rank = 0; n < found.size(); ++n) {
    const auto &[its_shell, site, other] = found[n];
    if (its_shell != shell) {
      shell = its_shell;
      first_row = rows();
    }
    rank = n > 0 && found[n - 1].shell == shell && found[n - 1].site == site ? rank + 1 : 0;
    if (first_row + rank == rows()) {
      shell_of_row_.push_back(static_cast<std::int64_t>(shell));
      neighbours_.resize(rows() * sites(), static_cast<std::int64_t>(sites()));
      entries_.resize(rows() * sites(), static_cast<std::int64_t>(sites() * shells));
    }
    const std::size_t at = (first_row + rank) * sites() + site;
    neighbours_[at] = static_cast<std::int64_t>(other);
    entries_[at] = static_cast<std::int64_t>(other * shells + layers_[site] * shells_.count +
                                             shell % shells_.count);
  }
  members_.assign(sites() * shells_.layers, 0.0);
  first_layer_.clear();
  for (std::size_t site = 0; site < sites(); ++site) {
    members_[site * shells_.layers + layers_[site]] = 1.0;
    if (layers_[site] == 0) first_layer_.push_back(static_cast<std::int64_t>(site));
  }
}

}  // namespace voxion
