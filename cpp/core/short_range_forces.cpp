// The splitting parameter, and the sum over pairs.
#include "short_range_forces.hpp"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <string>

#include "contract.hpp"
#include "error.hpp"

namespace voxion {

namespace {

constexpr double spacing = 0.004;  // angstrom

double splitting_of(double cutoff, double tolerance) {
  if (!(cutoff > 0.0 && cutoff < limits::length && tolerance > 0.0 && tolerance < 1.0))
    throw Error("a cutoff of " + std::to_string(cutoff) +
                " angstrom with a relative strength of the Coulomb potential there of " +
                std::to_string(tolerance) + " cannot be; expected a positive one, and one below 1");
  double low = 0.0, high = 1.0;
  while (std::erfc(high * cutoff) > tolerance) high *= 2.0;
  for (int bisection = 0; bisection < 100; ++bisection) {
    const double middle = 0.5 * (low + high);
    (std::erfc(middle * cutoff) > tolerance ? low : high) = middle;
  }
  return 0.5 * (low + high);
}

}  // namespace

ShortRangeForces::ShortRangeForces(double cutoff, double tolerance)
    : cutoff_(cutoff),
      splitting_(splitting_of(cutoff, tolerance)),
      near_(cutoff, "the Coulomb forces", 2.0) {
  const double slope = 2.0 * splitting_ * std::numbers::inv_sqrtpi;
  const auto points = static_cast<std::size_t>(cutoff_ / spacing) + 3;
  for (std::size_t point = 0; point < points; ++point) {
    const double r = spacing * std::max(1.0, static_cast<double>(point));  // not at infinity
    const double x = splitting_ * r;
    table_.push_back((std::erfc(x) / r + slope * std::exp(-x * x)) / (r * r));
  }
}

// Linear between the points of the table, which is right to 1e-5 from 2 angstrom on.
double ShortRangeForces::strength(double r) const {
  const double u = r * (1.0 / spacing);
  const auto interval = static_cast<std::size_t>(u);
  const double t = u - static_cast<double>(interval);
  return table_[interval] + t * (table_[interval + 1] - table_[interval]);
}

void ShortRangeForces::add(std::span<const double> sites, std::span<const double> differences,
                           std::span<const double> sources, std::span<const double> charges,
                           const Cell &cell, std::span<double> on_sites,
                           std::span<double> on_sources) {
  near_.update(sites, sources, cell);
  const double cutoff2 = cutoff_ * cutoff_;
  for (const auto &near : near_.sources()) {
    const double *origin = &sources[3 * near.source];
    const double source[3] = {origin[0] + near.shift[0], origin[1] + near.shift[1],
                              origin[2] + near.shift[2]};
    for (auto p = near.begin; p < near.end; ++p) {
      const auto image = near_.pairs()[p];
      const double *position = &near_.image_positions()[3 * image];
      const double r2 = squared_distance(position, source);
      if (!(r2 < cutoff2)) continue;
      const auto site = near_.image_sites()[image];
      const double factor = charges[near.source] * differences[site] * strength(std::sqrt(r2));
      for (int d = 0; d < 3; ++d) {
        const double force = factor * (source[d] - position[d]);
        on_sources[3 * near.source + d] += force;
        on_sites[3 * site + d] -= force;
      }
    }
  }
}

}  // namespace voxion
