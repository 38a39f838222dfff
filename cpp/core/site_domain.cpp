// Division of an electrode's sites into columns of equally many, and of these into blocks.
#include "site_domain.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace voxion {

namespace {

constexpr double margin = 1.0;  // angstrom, beyond the reach

bool near(std::span<const double> now, std::span<const double> then) {
  // two sites may come closer by twice what each has moved
  return std::equal(now.begin(), now.end(), then.begin(), then.end(),
                    [](double a, double b) { return std::abs(a - b) < 0.25 * margin; });
}

std::span<const double> components(const Cell &cell) { return {cell.vectors[0].data(), 9}; }

// Of `domains` = columns x blocks, the number of columns that makes blocks most like squares.
std::size_t columns_for(std::size_t domains, double width, double height) {
  std::size_t best = 1;
  double least = INFINITY;
  for (std::size_t columns = 1; columns <= domains; ++columns) {
    if (domains % columns) continue;
    const auto blocks = static_cast<double>(domains / columns);
    const double edges = width / static_cast<double>(columns) + height / blocks;
    if (edges < least) {
      least = edges;
      best = columns;
    }
  }
  return best;
}

// The part `number` of `parts` that hold equally many.
std::span<std::size_t> part_of(std::span<std::size_t> all, std::size_t number, std::size_t parts) {
  const std::size_t begin = all.size() * number / parts, end = all.size() * (number + 1) / parts;
  return all.subspan(begin, end - begin);
}

double within_period(double fraction) { return fraction - std::floor(fraction); }

// Distance of a fraction from an interval of fractions, across the period.
double outside(double fraction, double low, double high) {
  if (fraction >= low && fraction <= high) return 0.0;
  return std::min(within_period(low - fraction), within_period(fraction - high));
}

}  // namespace

SiteDomain::SiteDomain(std::size_t number, std::size_t domains, double reach)
    : number_(number), domains_(domains), reach_(reach) {}

void SiteDomain::update(std::span<const double> positions, const Cell &cell) {
  if (near(positions, positions_) && near(components(cell), components(cell_))) return;
  divide(positions, cell);
  add_surroundings(positions, cell);
  positions_.assign(positions.begin(), positions.end());
  cell_ = cell;
}

void SiteDomain::divide(std::span<const double> positions, const Cell &cell) {
  const Reciprocal reciprocal(cell);
  const std::size_t columns = columns_for(domains_, reciprocal.width(0), reciprocal.width(1));
  const std::size_t blocks = domains_ / columns;
  std::vector<std::size_t> order(positions.size() / 3);
  std::iota(order.begin(), order.end(), 0);
  const auto sort_along = [&](std::span<std::size_t> sites, std::size_t direction) {
    std::vector<double> fractions(positions.size() / 3);
    for (std::size_t site : sites)
      fractions[site] = within_period(reciprocal.fractional(&positions[3 * site])[direction]);
    // by number where fractions are equal, so that all processes divide alike
    std::sort(sites.begin(), sites.end(), [&](std::size_t a, std::size_t b) {
      return std::pair(fractions[a], a) < std::pair(fractions[b], b);
    });
  };
  sort_along(order, 0);
  const auto column = part_of(order, number_ / blocks, columns);
  sort_along(column, 1);
  const auto block = part_of(column, number_ % blocks, blocks);
  sites_.assign(block.begin(), block.end());
  own_ = sites_.size();
}

void SiteDomain::add_surroundings(std::span<const double> positions, const Cell &cell) {
  const Reciprocal reciprocal(cell);
  std::vector<bool> mine(positions.size() / 3, false);
  std::array<double, 2> low{INFINITY, INFINITY}, high{-INFINITY, -INFINITY};
  for (std::size_t site : sites_) {
    mine[site] = true;
    const Vector fraction = reciprocal.fractional(&positions[3 * site]);
    for (int d = 0; d < 2; ++d) {
      low[d] = std::min(low[d], within_period(fraction[d]));
      high[d] = std::max(high[d], within_period(fraction[d]));
    }
  }
  for (std::size_t site = 0; site < mine.size(); ++site) {
    if (mine[site]) continue;
    const Vector fraction = reciprocal.fractional(&positions[3 * site]);
    bool matters = own_ > 0;
    for (int d = 0; d < 2; ++d)
      matters =
          matters && outside(within_period(fraction[d]), low[d], high[d]) * reciprocal.width(d) <
                         reach_ + margin;
    if (matters) sites_.push_back(site);
  }
}

std::vector<double> rows_of(std::span<const double> matrix, std::size_t columns,
                            const std::vector<std::size_t> &rows) {
  std::vector<double> taken;
  taken.reserve(rows.size() * columns);
  for (std::size_t row : rows)
    taken.insert(taken.end(), &matrix[row * columns], &matrix[row * columns] + columns);
  return taken;
}

}  // namespace voxion
