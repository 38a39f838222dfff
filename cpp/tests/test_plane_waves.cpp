// Plane waves against their formula, and against a direct sum over images.
#include "plane_waves.hpp"

#include <cmath>
#include <complex>
#include <numbers>
#include <random>

#include "differences.hpp"
#include "error.hpp"
#include "messages.hpp"

using namespace voxion;

namespace {

constexpr double pi = std::numbers::pi;

struct System {
  std::vector<double> sites, sources, charges;
  Cell cell;
};

// Random sites and sources, some of them outside the cell.
System random_system(const Cell &cell, double thickness, bool below, unsigned seed) {
  std::mt19937 generator(seed);
  std::uniform_real_distribution<double> uniform;
  System system;
  system.cell = cell;
  const auto add = [&](std::vector<double> &xyz, double z) {
    const double a = 3.0 * uniform(generator) - 1.0, b = 3.0 * uniform(generator) - 1.0;
    const auto &v = cell.vectors;
    xyz.insert(xyz.end(), {a * v[0][0] + b * v[1][0], a * v[0][1] + b * v[1][1], z});
  };
  for (int i = 0; i < 20; ++i) add(system.sites, 1.0 + thickness * (i % 3) / 2.0);
  for (int j = 0; j < 101; ++j) {
    const double height = 2.0 + 15.0 * uniform(generator);
    add(system.sources, below && j % 3 == 0 ? 1.0 - height : 1.0 + thickness + height);
    system.charges.push_back(uniform(generator) - 0.5);
  }
  return system;
}

std::vector<double> computed(PlaneWaves &waves, const System &s) {
  std::vector<double> out(s.sites.size() / 3);
  waves.compute(s.sites, s.sources, s.charges, s.cell, out);
  return out;
}

// The formula of the header, wave by wave over the whole plane, site by site, image by image.
std::vector<double> by_formula(const System &s, double largest) {
  const auto &a = s.cell.vectors[0], &b = s.cell.vectors[1];
  const double determinant = a[0] * b[1] - a[1] * b[0], period = s.cell.vectors[2][2];
  const int images = s.cell.periodic[2] ? 30 : 0;
  std::vector<double> out(s.sites.size() / 3, 0.0);
  for (int n = -20; n <= 20; ++n)
    for (int m = -20; m <= 20; ++m) {
      const double kx = 2.0 * pi * (n * b[1] - m * a[1]) / determinant;
      const double ky = 2.0 * pi * (-n * b[0] + m * a[0]) / determinant;
      const double k = std::hypot(kx, ky), u = k / largest;
      if (k == 0.0 || u >= 1.0) continue;
      const double weight = 2.0 * pi / (std::abs(determinant) * k) * std::pow(1.0 - u * u, 2);
      for (std::size_t i = 0; i < out.size(); ++i)
        for (std::size_t j = 0; j < s.charges.size(); ++j)
          for (int image = -images; image <= images; ++image) {
            const double *r = &s.sites[3 * i], *source = &s.sources[3 * j];
            out[i] += weight * s.charges[j] *
                      std::cos(kx * (r[0] - source[0]) + ky * (r[1] - source[1])) *
                      std::exp(-k * std::abs(r[2] - source[2] - image * period));
          }
    }
  return out;
}

double largest_value(const std::vector<double> &a) {
  return largest_difference(a, std::vector<double>(a.size(), 0.0));
}

const Cell slab{{{{15, 0, 0}, {0, 14, 0}, {0, 0, 40}}}, {true, true, false}};
const Cell sheared{{{{15, 0, 0}, {4, 14, 0}, {0, 0, 40}}}, {true, true, false}};
const Cell turned{{{{12, 9, 0}, {-8, 11, 0}, {0, 0, 40}}}, {true, true, false}};
const Cell repeated{{{{15, 0, 0}, {-5, 14, 0}, {0, 0, 40}}}, {true, true, true}};

// Potentials without their waves of less than exp(-10) (the tail of a cutoff).
constexpr double left_out = 1e-3;

}  // namespace

BOOST_AUTO_TEST_CASE(waves_add_up_to_their_formula) {
  unsigned seed = 1;
  for (const Cell &cell : {slab, sheared, turned, repeated})
    for (double thickness : {0.0, 3.0})
      for (bool below : {false, true}) {
        const auto system = random_system(cell, thickness, below, seed++);
        PlaneWaves waves(1.5);
        const auto expected = by_formula(system, 1.5);
        BOOST_CHECK(largest_value(expected) > 0.01);
        BOOST_CHECK(largest_difference(computed(waves, system), expected) <
                    left_out * largest_value(expected));
      }
}

// A row of sites along x and the potential of a quadrupole, whose sum over images converges.
BOOST_AUTO_TEST_CASE(waves_are_the_fourier_components_of_the_potential) {
  System system;
  system.cell = slab;
  const double edge = 15.0, height = 3.5, largest = 1.9;
  constexpr int count = 24;
  for (int i = 0; i < count; ++i)
    for (int j = 0; j < count; ++j)
      system.sites.insert(system.sites.end(), {edge * i / count, 14.0 * j / count, 0.0});
  system.sources = {5, 6, height, 9, 6, height, 5, 9, height, 9, 9, height};
  system.charges = {1, -1, -1, 1};
  std::vector<double> direct(count * count, 0.0);
  const int reach = 25;
  for (std::size_t i = 0; i < direct.size(); ++i)
    for (std::size_t j = 0; j < 4; ++j)
      for (int a = -reach; a <= reach; ++a)
        for (int b = -reach; b <= reach; ++b)
          direct[i] +=
              system.charges[j] /
              std::hypot(system.sites[3 * i] - system.sources[3 * j] + edge * a,
                         system.sites[3 * i + 1] - system.sources[3 * j + 1] + 14.0 * b, height);
  PlaneWaves waves(largest);
  const auto found = computed(waves, system);
  const auto component = [&](const std::vector<double> &values, int n, int m) {
    std::complex<double> sum = 0.0;
    for (int i = 0; i < count; ++i)
      for (int j = 0; j < count; ++j)
        sum += values[i * count + j] * std::polar(1.0, -2.0 * pi * (n * i + m * j) / count);
    return sum / static_cast<double>(count * count);
  };
  for (const auto &[n, m] : {std::pair{1, 1}, {2, 1}, {1, -2}, {2, 2}}) {
    const double u = 2.0 * pi * std::hypot(n / edge, m / 14.0) / largest;
    const auto expected = component(direct, n, m) * std::pow(1.0 - u * u, 2);
    BOOST_CHECK_SMALL(std::abs(component(found, n, m) - expected), 1e-3 * std::abs(expected));
  }
  BOOST_CHECK_SMALL(std::abs(component(found, 0, 0)), 1e-12);
  BOOST_CHECK_SMALL(std::abs(component(found, 5, 0)), 1e-12);  // beyond the largest
}

BOOST_AUTO_TEST_CASE(a_surface_may_lie_across_the_boundary) {
  auto system = random_system(repeated, 2.0, true, 6);
  PlaneWaves waves(1.2);
  const auto expected = computed(waves, system);
  for (std::size_t z = 2; z < system.sites.size(); z += 3)
    if (system.sites[z] < 1.5) system.sites[z] += 40.0;
  BOOST_CHECK(largest_difference(computed(waves, system), expected) < 1e-12);
}

BOOST_AUTO_TEST_CASE(waves_of_parts_of_the_sources_add_up) {
  const auto whole = random_system(sheared, 2.0, true, 7);
  PlaneWaves waves(1.2), others(1.2);
  auto part = whole, rest = whole;
  part.sources.resize(3 * 30);
  part.charges.resize(30);
  rest.sources.erase(rest.sources.begin(), rest.sources.begin() + 3 * 30);
  rest.charges.erase(rest.charges.begin(), rest.charges.begin() + 30);
  auto sum = computed(waves, part);
  const auto remainder = computed(others, rest);
  for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += remainder[i];
  // blocks of sources end at other waves
  BOOST_CHECK(largest_difference(sum, computed(waves, whole)) < left_out * largest_value(sum));
}

BOOST_AUTO_TEST_CASE(waves_follow_a_cell_that_changes) {
  auto system = random_system(slab, 0.0, false, 8);
  PlaneWaves waves(1.2);
  computed(waves, system);
  system.cell.vectors[0][0] = 15.4;
  system.sites[2] = 1.2;
  PlaneWaves fresh(1.2);
  BOOST_CHECK(computed(waves, system) == computed(fresh, system));
}

// Its wave vectors cross the largest one on the way.
BOOST_AUTO_TEST_CASE(a_growing_cell_makes_no_jump) {
  auto system = random_system(slab, 0.0, false, 9);
  PlaneWaves waves(1.2);
  auto before = computed(waves, system);
  const double scale = largest_value(before);
  for (int i = 0; i < 200; ++i) {
    for (std::size_t x = 0; x < system.sources.size(); x += 3) system.sources[x] *= 1.0005;
    for (std::size_t x = 0; x < system.sites.size(); x += 3) system.sites[x] *= 1.0005;
    system.cell.vectors[0][0] *= 1.0005;
    const auto now = computed(waves, system);
    BOOST_CHECK(largest_difference(now, before) < 0.02 * scale);
    before = now;
  }
}

BOOST_AUTO_TEST_CASE(what_waves_are_not_for_is_refused) {
  auto system = random_system(slab, 3.0, false, 10);
  PlaneWaves waves(1.2);
  system.sources[2] = 2.0;
  BOOST_CHECK_EXCEPTION(computed(waves, system), AtomError, says("between the outermost"));
  for (auto change : {+[](Cell &cell) { cell.periodic[0] = false; },
                      +[](Cell &cell) { cell.vectors[1][2] = 1.0; },
                      +[](Cell &cell) {
                        cell.periodic[2] = true;
                        cell.vectors[2][0] = 5.0;
                      }}) {
    auto other = random_system(slab, 0.0, false, 11);
    change(other.cell);
    BOOST_CHECK_EXCEPTION(computed(waves, other), Error, says("plane waves along x and y"));
  }
  auto huge = random_system(slab, 0.0, false, 12);
  huge.cell.vectors[0][0] = huge.cell.vectors[1][1] = 1e4;
  BOOST_CHECK_EXCEPTION(computed(waves, huge), Error, says("more than 20000 waves"));
}
