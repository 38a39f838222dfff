// Sums over waves: from sources to amplitudes, from amplitudes to sites.
#include "plane_waves.hpp"

#include <algorithm>
#include <cmath>
#include <map>
#include <numbers>
#include <string>

#include "error.hpp"
#include "vector_clones.hpp"

namespace voxion {

namespace {

constexpr double most_waves = 2e4;
// Waves of a source that have decayed below exp(-10) at the nearest site are left out.
constexpr double deepest = 10.0;
constexpr double shell_thickness = 1.0;  // angstrom
constexpr double same_place = 1e-9;      // angstrom, or parts of a lattice vector
constexpr double turn = 2.0 * std::numbers::pi;

// Falls to zero at the largest wave vector, u = 1, with its slope.
double weight(double u) { return (1.0 - u * u) * (1.0 - u * u); }

// Several sources side by side in vector registers; two of these together, so that the processor
// need not wait for the end of a chain of products.
constexpr std::size_t lane_count = 4;
using Lanes [[gnu::vector_size(lane_count * sizeof(double)), gnu::aligned(8), gnu::may_alias]] =
    double;
constexpr std::size_t together = 2;
constexpr std::size_t block_size = lane_count * together;
Lanes &lanes(double *p) { return *reinterpret_cast<Lanes *>(p); }

// exp(-x) of each, to 1e-9, from a short series at x / 64; beyond x = 30 that of 30.
[[gnu::always_inline]] inline void decay(Lanes (&e)[together]) {
  for (std::size_t t = 0; t < together; ++t) {
    const Lanes y = (e[t] < 30.0 ? e[t] : e[t] * 0.0 + 30.0) * (-1.0 / 64.0);
    e[t] = 1.0 + y * (1.0 / 7.0);
    for (double n : {6.0, 5.0, 4.0, 3.0, 2.0, 1.0}) e[t] = 1.0 + y * (1.0 / n) * e[t];
  }
  for (int doubling = 0; doubling < 6; ++doubling)
    for (Lanes &one : e) one *= one;
}

// (a + i b) (c + i d), without the checks for infinities that std::complex brings.
[[gnu::always_inline]] inline void multiply(Lanes &a, Lanes &b, const Lanes &c, const Lanes &d) {
  const Lanes real = a * c - b * d;
  b = a * d + b * c;
  a = real;
}

// Cosine and sine of 2 pi f, to 1e-12, from short series at an eighth of the angle.
[[gnu::always_inline]] inline void turned(const Lanes &f, Lanes &cosine, Lanes &sine) {
  constexpr double rounding = 0x1.8p52;  // what is added to it loses its fraction
  const Lanes x = (f - ((f + rounding) - rounding)) * (turn / 8.0), y = x * x;
  cosine = 1.0 - y / 132.0;
  for (double n : {90.0, 56.0, 30.0, 12.0, 2.0}) cosine = 1.0 - y * (1.0 / n) * cosine;
  sine = 1.0 - y * (1.0 / 110.0);
  for (double n : {72.0, 42.0, 20.0, 6.0}) sine = 1.0 - y * (1.0 / n) * sine;
  sine *= x;
  for (int doubling = 0; doubling < 3; ++doubling) multiply(cosine, sine, cosine, sine);
}

std::complex<double> product(std::complex<double> a, std::complex<double> b) {
  return {a.real() * b.real() - a.imag() * b.imag(), a.real() * b.imag() + a.imag() * b.real()};
}

}  // namespace

void PlaneWaves::compute(std::span<const double> sites, std::span<const double> sources,
                         std::span<const double> charges, const Cell &cell, std::span<double> out) {
  const bool same_cell = cell == cell_ && area_ > 0.0;
  if (!same_cell) {
    choose_cell(cell);
    choose_waves();
  }
  if (!same_cell || !std::equal(sites.begin(), sites.end(), sites_.begin(), sites_.end()))
    place_sites(sites);
  find_images(sources, charges);
  sum_products(above_, products_above_);
  sum_products(below_, products_below_);
  for (const Plane &plane : planes_) potentials_of(plane, out);
}

/* Cell, waves and sites -------------------------------------------------- */

void PlaneWaves::choose_cell(const Cell &cell) {
  const Vector &a = cell.vectors[0], &b = cell.vectors[1], &c = cell.vectors[2];
  const double determinant = a[0] * b[1] - a[1] * b[0];
  const bool lateral = a[2] == 0.0 && b[2] == 0.0 && cell.periodic[0] && cell.periodic[1];
  const bool upright = !cell.periodic[2] || (c[0] == 0.0 && c[1] == 0.0);
  if (!lateral || !upright || !(std::abs(determinant) > 0.0))
    throw Error(
        "the model has plane waves along x and y: the cell must repeat along both, and its third "
        "vector must be parallel to z where it repeats; use such a cell, or a model trained "
        "without plane waves");
  if (!(largest_ * largest_ * std::abs(determinant) / (4.0 * turn) < most_waves))
    throw Error("the cell has more than 20000 waves up to the model's largest wave vector, " +
                std::to_string(largest_) +
                " 1/angstrom; train a model with a smaller one, or use a smaller cell");
  inverse_[0][0] = b[1] / determinant;
  inverse_[0][1] = -b[0] / determinant;
  inverse_[1][0] = -a[1] / determinant;
  inverse_[1][1] = a[0] / determinant;
  area_ = std::abs(determinant);
  period_ = cell.periodic[2] ? std::abs(c[2]) : 0.0;
  for (int i = 0; i < 2; ++i)
    most_[i] =
        static_cast<long>(largest_ * std::hypot(cell.vectors[i][0], cell.vectors[i][1]) / turn);
  cell_ = cell;
}

void PlaneWaves::choose_waves() {
  waves_.clear();
  const double *row = inverse_[0], *other = inverse_[1];
  const bool rectangular = row[0] * other[0] + row[1] * other[1] == 0.0;
  for (long n = 0; n <= most_[0]; ++n)
    for (long m = n == 0 ? 1 : 0; m <= most_[1]; ++m) {
      const bool one = n == 0 || m == 0;  // its other sign is itself, or k and -k
      add_wave(n, m, rectangular && !one);
      if (!rectangular && !one) add_wave(n, -m, false);
    }
  shortest_ = largest_;
  for (const Wave &wave : waves_) shortest_ = std::min(shortest_, wave.length);
}

void PlaneWaves::add_wave(long n, long m, bool both) {
  const auto component = [&](int d) {
    return turn *
           (static_cast<double>(n) * inverse_[0][d] + static_cast<double>(m) * inverse_[1][d]);
  };
  const double length = std::hypot(component(0), component(1));
  if (length >= largest_) return;
  // all images along z: a geometric series
  const double images = period_ > 0.0 ? -1.0 / std::expm1(-length * period_) : 1.0;
  const double factor = 2.0 * turn / (area_ * length) * weight(length / largest_) * images;
  waves_.push_back({static_cast<std::uint32_t>(n), static_cast<std::uint32_t>(std::abs(m)), m >= 0,
                    both || m < 0, length, factor});
}

void PlaneWaves::place_sites(std::span<const double> sites) {
  // images next to the first site, in case the cell's boundary cuts the surface
  std::vector<double> heights(sites.size() / 3);
  for (std::size_t i = 0; i < heights.size(); ++i) {
    heights[i] = sites[3 * i + 2];
    if (period_ > 0.0) heights[i] -= period_ * std::round((heights[i] - sites[2]) / period_);
  }
  const auto [low, high] = std::minmax_element(heights.begin(), heights.end());
  middle_ = heights.empty() ? 0.0 : 0.5 * (*low + *high);
  half_thickness_ = heights.empty() ? 0.0 : 0.5 * (*high - *low);
  const auto key = [](double x) { return std::llround(x / same_place); };
  std::map<long long, std::map<long long, Line>> planes;
  site_fractions_.resize(sites.size() / 3);
  for (std::size_t i = 0; i < site_fractions_.size(); ++i) {
    site_fractions_[i] = fraction(0, &sites[3 * i]);
    const double second = fraction(1, &sites[3 * i]);
    Line &line = planes[key(heights[i] - middle_)][key(second - std::floor(second))];
    line.fraction = second;
    line.sites.push_back(static_cast<std::uint32_t>(i));
  }
  planes_.clear();
  for (auto &[height, lines] : planes) {
    Plane plane{static_cast<double>(height) * same_place, {}};
    for (auto &[second, line] : lines) plane.lines.push_back(std::move(line));
    planes_.push_back(std::move(plane));
  }
  sites_.assign(sites.begin(), sites.end());
}

double PlaneWaves::fraction(int direction, const double *position) const {
  return inverse_[direction][0] * position[0] + inverse_[direction][1] * position[1];
}

/* From sources to amplitudes --------------------------------------------- */

// The images that any wave reaches the sites from.
void PlaneWaves::find_images(std::span<const double> sources, std::span<const double> charges) {
  const double furthest = half_thickness_ + deepest / shortest_;
  for (auto *side : {&above_, &below_}) {
    side->resize(static_cast<std::size_t>(furthest / shell_thickness) + 1);
    for (auto &shell : *side) shell.clear();
  }
  const auto shell_at = [](double distance) {
    return static_cast<std::size_t>(distance / shell_thickness);
  };
  for (std::size_t j = 0; j < charges.size(); ++j) {
    double height = sources[3 * j + 2] - middle_;
    if (period_ > 0.0) height -= period_ * std::floor(height / period_);
    const double lower = period_ > 0.0 ? height - period_ : height;
    if (std::min(std::abs(height), std::abs(lower)) < half_thickness_)
      throw AtomError(
          "a source atom lies between the outermost surface atoms along z; a model with plane "
          "waves is for a flat surface that the sources stay outside of",
          std::nullopt, j);
    const double first = fraction(0, &sources[3 * j]), second = fraction(1, &sources[3 * j]);
    if (height >= 0.0 && height < furthest)
      above_[shell_at(height)].push_back({first, second, height, charges[j]});
    if (lower < 0.0 && -lower < furthest)
      below_[shell_at(-lower)].push_back({first, second, -lower, charges[j]});
  }
}

void PlaneWaves::sum_products(const std::vector<std::vector<Image>> &shells,
                              std::vector<Products> &products) const {
  std::vector<double> sums(waves_.size() * 4 * lane_count, 0.0);
  std::vector<double> second((static_cast<std::size_t>(most_[1]) + 1) * 2 * block_size);
  for (std::size_t shell = 0; shell < shells.size(); ++shell) {
    // the waves that reach the sites from the inner side of the shell
    const double inner = shell_thickness * static_cast<double>(shell) - half_thickness_;
    const double limit = inner > 0.0 ? deepest / inner : largest_;
    const auto &images = shells[shell];
    for (std::size_t begin = 0; begin < images.size(); begin += block_size)
      add_block({&images[begin], std::min(block_size, images.size() - begin)}, limit, second.data(),
                sums.data());
  }
  products.assign(waves_.size(), {});
  for (std::size_t w = 0; w < waves_.size(); ++w)
    for (std::size_t lane = 0; lane < lane_count; ++lane) {
      const double *sum = &sums[4 * w * lane_count + lane];
      products[w].cos_cos += sum[0];
      products[w].cos_sin += sum[lane_count];
      products[w].sin_cos += sum[2 * lane_count];
      products[w].sin_sin += sum[3 * lane_count];
    }
}

// Adds some images, side by side, to the sums of waves not longer than `limit`. `second` has room
// for the cosines and sines of m times the phases along the second vector.
VOXION_VECTOR_CLONES void PlaneWaves::add_block(std::span<const Image> images, double limit,
                                                double *second, double *sums) const {
  double values[4][block_size] = {};
  for (std::size_t lane = 0; lane < images.size(); ++lane) {
    const Image &image = images[lane];
    values[0][lane] = image.distance;
    values[1][lane] = image.charge;
    values[2][lane] = image.first;
    values[3][lane] = image.second;
  }
  Lanes distance[together], cos_first[together], sin_first[together];
  Lanes cosine[together], sine[together];  // of n times the phases along the first vector
  for (std::size_t t = 0; t < together; ++t) {
    const std::size_t at = t * lane_count;
    distance[t] = lanes(&values[0][at]);
    turned(lanes(&values[2][at]), cos_first[t], sin_first[t]);
    Lanes cos_second, sin_second;
    turned(lanes(&values[3][at]), cos_second, sin_second);
    cosine[t] = distance[t] * 0.0 + 1.0;
    sine[t] = distance[t] * 0.0;
    double *row = second + at;
    for (long m = 0; m <= most_[1]; ++m, row += 2 * block_size) {
      lanes(row) = cosine[t];
      lanes(row + block_size) = sine[t];
      multiply(cosine[t], sine[t], cos_second, sin_second);
    }
    cosine[t] = lanes(&values[1][at]);
    sine[t] = distance[t] * 0.0;
  }
  std::uint32_t n = 0;
  for (const Wave &wave : waves_) {
    double *sum = sums;
    sums += 4 * lane_count;
    for (; n < wave.n; ++n)
      for (std::size_t t = 0; t < together; ++t)
        multiply(cosine[t], sine[t], cos_first[t], sin_first[t]);
    if (wave.length > limit) continue;
    Lanes factor[together];
    for (std::size_t t = 0; t < together; ++t) factor[t] = wave.length * distance[t];
    decay(factor);
    double *row = second + 2 * wave.m * block_size;
    Lanes cos_cos = lanes(sum), cos_sin = lanes(sum + lane_count);
    Lanes sin_cos = lanes(sum + 2 * lane_count), sin_sin = lanes(sum + 3 * lane_count);
    for (std::size_t t = 0; t < together; ++t) {
      const Lanes real = factor[t] * cosine[t], imaginary = factor[t] * sine[t];
      const Lanes c = lanes(row + t * lane_count), s = lanes(row + block_size + t * lane_count);
      cos_cos += real * c;
      cos_sin += real * s;
      sin_cos += imaginary * c;
      sin_sin += imaginary * s;
    }
    lanes(sum) = cos_cos;
    lanes(sum + lane_count) = cos_sin;
    lanes(sum + 2 * lane_count) = sin_cos;
    lanes(sum + 3 * lane_count) = sin_sin;
  }
}

/* From amplitudes to sites ----------------------------------------------- */

void PlaneWaves::potentials_of(const Plane &plane, std::span<double> out) const {
  // amplitudes of n b_1 + m b_2, by n from 0 and m from -most on
  const auto rows = static_cast<std::size_t>(most_[0]) + 1;
  const auto middle = static_cast<std::size_t>(most_[1]), width = 2 * middle + 1;
  std::vector<std::complex<double>> amplitudes(rows * width);
  for (std::size_t w = 0; w < waves_.size(); ++w) {
    const Wave &wave = waves_[w];
    const double rise = plane.height == 0.0 ? 1.0 : std::exp(wave.length * plane.height);
    const Products &above = products_above_[w], &below = products_below_[w];
    const auto both = [&](double Products::*part) {
      return wave.weight * (above.*part * rise + below.*part / rise);
    };
    const double cc = both(&Products::cos_cos), cs = both(&Products::cos_sin);
    const double sc = both(&Products::sin_cos), ss = both(&Products::sin_sin);
    const std::size_t centre = wave.n * width + middle;
    if (wave.plus) amplitudes[centre + wave.m] = {cc - ss, sc + cs};
    if (wave.minus) amplitudes[centre - wave.m] = {cc + ss, sc - cs};
  }
  std::vector<std::complex<double>> along(rows);
  for (const Line &line : plane.lines) {
    const auto step = std::polar(1.0, -turn * line.fraction);
    const auto start = std::polar(1.0, turn * line.fraction * static_cast<double>(middle));
    for (std::size_t n = 0; n < rows; ++n) {
      std::complex<double> sum = 0.0;  // Horner's rule
      for (std::size_t m = width; m > 0; --m)
        sum = product(sum, step) + amplitudes[n * width + m - 1];
      along[n] = product(sum, start);
    }
    for (auto site : line.sites) {
      const auto first = std::polar(1.0, -turn * site_fractions_[site]);
      std::complex<double> sum = 0.0;
      for (std::size_t n = rows; n > 0; --n) sum = product(sum, first) + along[n - 1];
      out[site] = sum.real();
    }
  }
}

}  // namespace voxion
