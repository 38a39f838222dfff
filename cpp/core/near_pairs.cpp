// The search for pairs.
#include "near_pairs.hpp"

#include <algorithm>
#include <cmath>
#include <optional>

#include "contract.hpp"
#include "error.hpp"
#include "vector_clones.hpp"

namespace voxion {

namespace {

template <typename T>
void reorder(std::vector<T> &values, const std::vector<std::uint32_t> &order) {
  std::vector<T> reordered;
  reordered.reserve(order.size());
  for (auto index : order) reordered.push_back(values[index]);
  values = std::move(reordered);
}

bool moved(std::span<const double> now, std::span<const double> then, double limit) {
  for (std::size_t i = 0; i < now.size(); i += 3)
    // written so that a NaN counts as moved
    if (!(squared_distance(&now[i], &then[i]) <= limit * limit)) return true;
  return false;
}

enum class Atom { site, source };

// Written so that a NaN is refused.
void require_position(std::span<const double> positions, Atom kind) {
  for (std::size_t i = 0; i < positions.size(); ++i) {
    if (std::abs(positions[i]) <= limits::length) continue;
    const bool site = kind == Atom::site;
    const auto index = std::make_optional(i / 3);
    throw AtomError(std::string("the position of a ") + (site ? "surface" : "source") +
                        " atom is not finite or beyond any cell: the simulation has become "
                        "unstable",
                    site ? index : std::nullopt, site ? std::nullopt : index);
  }
}

Vector lattice_shift(const Cell &cell, const std::array<long, 3> &n) {
  Vector shift{};
  for (int i = 0; i < 3; ++i)
    for (int d = 0; d < 3; ++d) shift[d] += static_cast<double>(n[i]) * cell.vectors[i][d];
  return shift;
}

// Buckets of points on a regular grid with edges of at least `edge`.
class Grid {
  static constexpr double most_buckets = 1e7;

 public:
  Grid(std::span<const double> points, double edge) : edge_(edge) {
    const std::size_t n = points.size() / 3;
    for (int d = 0; d < 3; ++d) {
      low_[d] = high_[d] = n ? points[d] : 0.0;
      for (std::size_t i = 0; i < n; ++i) {
        low_[d] = std::min(low_[d], points[3 * i + d]);
        high_[d] = std::max(high_[d], points[3 * i + d]);
      }
    }
    // points that are few and far apart would need more buckets than there is memory
    for (set_sizes(); buckets() > most_buckets; set_sizes()) edge_ *= 2.0;
    begin_.assign(static_cast<std::size_t>(buckets()) + 1, 0);
    std::vector<std::size_t> bucket(n);
    for (std::size_t i = 0; i < n; ++i) {
      bucket[i] = index(position(0, points[3 * i]), position(1, points[3 * i + 1]),
                        position(2, points[3 * i + 2]));
      ++begin_[bucket[i] + 1];
    }
    for (std::size_t b = 1; b < begin_.size(); ++b) begin_[b] += begin_[b - 1];
    members_.resize(n);
    auto next = begin_;
    for (std::size_t i = 0; i < n; ++i) members_[next[bucket[i]]++] = static_cast<std::uint32_t>(i);
  }

  // The points, bucket by bucket.
  const std::vector<std::uint32_t> &order() const { return members_; }

  // Calls visit(begin, end) for ranges of order() that hold all points within `reach` of the
  // centre.
  template <typename Visit>
  void near(const double *centre, double reach, Visit visit) const {
    std::array<long, 3> from{}, to{};
    for (int d = 0; d < 3; ++d) {
      if (centre[d] < low_[d] - reach || centre[d] > high_[d] + reach) return;
      from[d] = std::max(position(d, centre[d] - reach), 0L);
      to[d] = std::min(position(d, centre[d] + reach), size_[d] - 1);
    }
    for (long x = from[0]; x <= to[0]; ++x)
      for (long y = from[1]; y <= to[1]; ++y)
        visit(begin_[index(x, y, from[2])], begin_[index(x, y, to[2]) + 1]);
  }

 private:
  void set_sizes() {
    for (int d = 0; d < 3; ++d) size_[d] = static_cast<long>((high_[d] - low_[d]) / edge_) + 1;
  }
  double buckets() const {
    return static_cast<double>(size_[0]) * static_cast<double>(size_[1]) *
           static_cast<double>(size_[2]);
  }
  long position(int d, double x) const {
    return static_cast<long>(std::floor((x - low_[d]) / edge_));
  }
  std::size_t index(long x, long y, long z) const {
    return static_cast<std::size_t>((x * size_[1] + y) * size_[2] + z);
  }

  double edge_;
  Vector low_{}, high_{};
  std::array<long, 3> size_{};
  std::vector<std::size_t> begin_;
  std::vector<std::uint32_t> members_;
};

}  // namespace

NearPairs::NearPairs(double cutoff, const std::string &whose, double skin)
    : whose_(whose), cutoff_(cutoff), reach_(cutoff + skin), skin_(skin) {}

void NearPairs::update(std::span<const double> sites, std::span<const double> sources,
                       const Cell &cell) {
  if (outdated(sites, sources, cell)) build(sites, sources, cell);
  place_images(sites);
}

bool NearPairs::outdated(std::span<const double> sites, std::span<const double> sources,
                         const Cell &cell) const {
  return sites.size() != built_sites_.size() || sources.size() != built_sources_.size() ||
         !(cell == cell_) || moved(sites, built_sites_, 0.5 * skin_) ||
         moved(sources, built_sources_, 0.5 * skin_);
}

void NearPairs::build(std::span<const double> sites, std::span<const double> sources,
                      const Cell &cell) {
  require_position(sites, Atom::site);
  require_position(sources, Atom::source);
  const Reciprocal reciprocal(cell);
  make_images(sites, cell, reciprocal);
  find_pairs(sites, sources, cell, reciprocal);
  built_sites_.assign(sites.begin(), sites.end());
  built_sources_.assign(sources.begin(), sources.end());
  cell_ = cell;
}

// In a cell that is tiny beside the cutoff the images would not fit into memory.
void NearPairs::check_images(std::size_t sites, const Cell &cell,
                             const Reciprocal &reciprocal) const {
  constexpr double most_images = 3e7;
  double images = static_cast<double>(sites);
  for (int i = 0; i < 3; ++i)
    if (cell.periodic[i]) images *= 2.0 + 2.0 * reach_ / reciprocal.width(i);
  if (images > most_images)
    throw Error(
        "the cutoff of " + whose_ + ", " + std::to_string(cutoff_) +
        " angstrom, reaches too many periodic images of the surface in a cell that is " +
        std::to_string(std::min({reciprocal.width(0), reciprocal.width(1), reciprocal.width(2)})) +
        " angstrom wide; use a larger cell or a shorter cutoff");
}

// All images of the sites that a source inside the cell can reach.
void NearPairs::make_images(std::span<const double> sites, const Cell &cell,
                            const Reciprocal &reciprocal) {
  image_sites_.clear();
  image_shifts_.clear();
  check_images(sites.size() / 3, cell, reciprocal);
  for (std::size_t site = 0; site < sites.size() / 3; ++site) {
    const Vector fraction = reciprocal.fractional(&sites[3 * site]);
    std::array<long, 3> from{}, to{}, n{};
    for (int i = 0; i < 3; ++i) {
      if (!cell.periodic[i]) continue;
      const double margin = reach_ / reciprocal.width(i);
      from[i] = static_cast<long>(std::ceil(-margin - fraction[i]));
      to[i] = static_cast<long>(std::floor(1.0 + margin - fraction[i]));
    }
    for (n[0] = from[0]; n[0] <= to[0]; ++n[0])
      for (n[1] = from[1]; n[1] <= to[1]; ++n[1])
        for (n[2] = from[2]; n[2] <= to[2]; ++n[2]) {
          image_sites_.push_back(static_cast<std::uint32_t>(site));
          image_shifts_.push_back(lattice_shift(cell, n));
        }
  }
}

void NearPairs::place_images(std::span<const double> sites) {
  image_positions_.resize(3 * image_sites_.size());
  for (std::size_t i = 0; i < image_sites_.size(); ++i)
    for (int d = 0; d < 3; ++d)
      image_positions_[3 * i + d] = sites[3 * image_sites_[i] + d] + image_shifts_[i][d];
}

VOXION_VECTOR_CLONES void NearPairs::find_pairs(std::span<const double> sites,
                                                std::span<const double> sources, const Cell &cell,
                                                const Reciprocal &reciprocal) {
  place_images(sites);
  const Grid grid(image_positions_, 0.25 * reach_);
  // neighbours in space become neighbours in memory
  reorder(image_sites_, grid.order());
  reorder(image_shifts_, grid.order());
  place_images(sites);

  const double reach2 = reach_ * reach_;
  constexpr std::size_t most_pairs = std::size_t{1} << 30;
  std::size_t count = 0;
  most_ = 0;
  near_.clear();
  for (std::size_t source = 0; source < sources.size() / 3; ++source) {
    const Vector fraction = reciprocal.fractional(&sources[3 * source]);
    std::array<long, 3> n{};
    for (int i = 0; i < 3; ++i)
      if (cell.periodic[i]) n[i] = -static_cast<long>(std::floor(fraction[i]));
    const Vector shift = lattice_shift(cell, n);
    const double position[3] = {sources[3 * source] + shift[0], sources[3 * source + 1] + shift[1],
                                sources[3 * source + 2] + shift[2]};
    const std::size_t begin = count;
    grid.near(position, reach_, [&](std::size_t first, std::size_t last) {
      if (pairs_.size() < count + last - first) pairs_.resize(2 * (count + last - first));
      for (std::size_t image = first; image < last; ++image) {
        pairs_[count] = static_cast<std::uint32_t>(image);
        count += squared_distance(&image_positions_[3 * image], position) < reach2;
      }
    });
    if (count > most_pairs)
      throw Error("there are more than " + std::to_string(most_pairs) +
                  " pairs of a surface atom and a source within the cutoff of " + whose_ +
                  "; use a shorter cutoff");
    if (count > begin)
      near_.push_back({static_cast<std::uint32_t>(source), static_cast<std::uint32_t>(begin),
                       static_cast<std::uint32_t>(count), shift});
    most_ = std::max(most_, count - begin);
  }
}

}  // namespace voxion
