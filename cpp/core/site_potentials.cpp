// The sums of site potentials.
#include "site_potentials.hpp"

#include <algorithm>
#include <cmath>
#include <optional>

#include "error.hpp"
#include "vector_clones.hpp"

namespace voxion {

namespace {

// Several radial functions side by side in one vector register.
using Lanes
    [[gnu::vector_size(RadialTable::lanes * sizeof(double)), gnu::aligned(8), gnu::may_alias]] =
        double;
Lanes &lanes(double *p) { return *reinterpret_cast<Lanes *>(p); }
const Lanes &lanes(const double *p) { return *reinterpret_cast<const Lanes *>(p); }

}  // namespace

// Inputs and outputs of the summing loop.
struct SitePotentials::Sums {
  const RadialTable &table;
  const double *sources, *charges;
  std::span<const NearPairs::Source> near;
  const std::uint32_t *pairs, *image_sites;
  const double *image_positions;
  Hit *hits;     // room for the pairs of any one source
  double *rows;  // stride() values a site

  // Stride is known to the compiler, or 0 for any.
  template <std::size_t Stride>
  [[gnu::always_inline]] inline void add() const {
    for (const auto &near_source : near)
      add_hits<Stride>(charges[near_source.source], find_hits(near_source));
  }

  // The pairs within the cutoff, without a branch that the processor would have to guess.
  [[gnu::always_inline]] inline std::size_t find_hits(const NearPairs::Source &near_source) const {
    const double cutoff2 = table.cutoff() * table.cutoff();
    const double *origin = &sources[3 * near_source.source];
    const double source[3] = {origin[0] + near_source.shift[0], origin[1] + near_source.shift[1],
                              origin[2] + near_source.shift[2]};
    std::size_t count = 0;
    for (auto p = near_source.begin; p < near_source.end; ++p) {
      const auto image = pairs[p];
      const double r2 = squared_distance(&image_positions[3 * image], source);
      hits[count] = {r2, image_sites[image]};
      count += r2 < cutoff2;
    }
    return count;
  }

  template <std::size_t Stride>
  [[gnu::always_inline]] inline void add_hits(double charge, std::size_t count) const {
    const std::size_t stride = Stride ? Stride : table.stride();
    // in a loop of their own, so that roots are taken side by side
    for (std::size_t h = 0; h < count; ++h) hits[h].distance = std::sqrt(hits[h].distance);
    for (std::size_t h = 0; h < count; ++h) {
      const double r = hits[h].distance;
      double *row = rows + hits[h].site * stride;
      if (r < RadialTable::r_min) {
        for (std::size_t k = 0; k < table.count(); ++k) row[k] += charge * table.exact(k, r);
        continue;
      }
      const double u = r * (1.0 / RadialTable::spacing);
      const auto interval = static_cast<int>(u);
      const double t = u - static_cast<double>(interval);
      const double *c = table.coefficients(interval);
      for (std::size_t k = 0; k < stride; k += RadialTable::lanes) {
        const Lanes c0 = lanes(c + k), c1 = lanes(c + stride + k);
        const Lanes c2 = lanes(c + 2 * stride + k), c3 = lanes(c + 3 * stride + k);
        lanes(row + k) += charge * (c0 + t * (c1 + t * (c2 + t * c3)));
      }
    }
  }
};

VOXION_VECTOR_CLONES void SitePotentials::add_all(const Sums &sums) {
  switch (sums.table.stride()) {
    case 4:
      return sums.add<4>();
    case 8:
      return sums.add<8>();
    case 12:
      return sums.add<12>();
    default:
      return sums.add<0>();
  }
}

SitePotentials::SitePotentials(const RadialFunctions &functions, std::optional<double> largest_wave,
                               double skin)
    : table_(functions), near_(functions.cutoff, "the model's radial functions", skin) {
  if (largest_wave) waves_.emplace(*largest_wave);
}

void SitePotentials::compute(std::span<const double> sites, std::span<const double> sources,
                             std::span<const double> charges, const Cell &cell,
                             std::span<double> out) {
  near_.update(sites, sources, cell);
  hits_.resize(near_.most() + 1);  // one more, since the last pair is written before it is judged
  const std::size_t stride = table_.stride(), count = table_.count();
  rows_.assign(sites.size() / 3 * stride, 0.0);
  add_all({table_, sources.data(), charges.data(), near_.sources(), near_.pairs().data(),
           near_.image_sites().data(), near_.image_positions().data(), hits_.data(), rows_.data()});
  for (std::size_t i = 0; i < sites.size() / 3; ++i) {
    if (!std::isfinite(rows_[i * stride])) fail_at(i, sources, charges);
    std::copy_n(&rows_[i * stride], count, &out[i * columns()]);
  }
  if (!waves_) return;
  wave_potentials_.resize(sites.size() / 3);
  waves_->compute(sites, sources, charges, cell, wave_potentials_);
  for (std::size_t i = 0; i < wave_potentials_.size(); ++i)
    out[i * columns() + count] = wave_potentials_[i];
}

// A potential is infinite where a source lies on a site.
void SitePotentials::fail_at(std::size_t site, std::span<const double> sources,
                             std::span<const double> charges) const {
  for (const auto &near : near_.sources()) {
    const double *origin = &sources[3 * near.source];
    const double source[3] = {origin[0] + near.shift[0], origin[1] + near.shift[1],
                              origin[2] + near.shift[2]};
    for (auto p = near.begin; p < near.end; ++p) {
      if (near_.image_sites()[near_.pairs()[p]] != site) continue;
      const double r =
          std::sqrt(squared_distance(&near_.image_positions()[3 * near_.pairs()[p]], source));
      if (!std::isfinite(charges[near.source] * table_.exact(0, r)))
        throw AtomError("a source atom lies on a surface atom, where its potential is infinite",
                        site, near.source);
    }
  }
  throw AtomError("the potential at a surface atom is not finite", site, std::nullopt);
}

}  // namespace voxion
