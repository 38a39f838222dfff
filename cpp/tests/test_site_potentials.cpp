// Site potentials against a direct sum over many images, and the pair list's upkeep.
#include "site_potentials.hpp"

#include <cmath>
#include <limits>
#include <random>

#include "differences.hpp"
#include "error.hpp"
#include "messages.hpp"

using namespace voxion;

namespace {

struct System {
  std::vector<double> sites, sources, charges;
  Cell cell;
};

// Random sites in a layer and random sources around, some outside the cell; none closer than 1 A.
System random_system(std::size_t n_sites, std::size_t n_sources, const Cell &cell, unsigned seed) {
  std::mt19937 generator(seed);
  std::uniform_real_distribution<double> uniform(-0.7, 1.6);
  std::normal_distribution<double> normal;
  System system;
  system.cell = cell;
  const auto point = [&](double z) {
    const double a = uniform(generator), b = uniform(generator);
    const auto &v = cell.vectors;
    return Vector{a * v[0][0] + b * v[1][0], a * v[0][1] + b * v[1][1], z};
  };
  for (std::size_t i = 0; i < n_sites; ++i)
    for (double x : point(0.3 * uniform(generator))) system.sites.push_back(x);
  for (std::size_t i = 0; i < n_sources; ++i) {
    for (double x : point(2.0 + 10.0 * (uniform(generator) + 0.7))) system.sources.push_back(x);
    system.charges.push_back(normal(generator));
  }
  return system;
}

std::vector<double> direct_sum(const System &s, const RadialFunctions &f) {
  const std::size_t count = f.widths.size();
  std::vector<double> out(s.sites.size() / 3 * count, 0.0);
  const int reach = 6;
  for (std::size_t i = 0; i < s.sites.size() / 3; ++i)
    for (std::size_t j = 0; j < s.charges.size(); ++j)
      for (int a = -reach; a <= reach; ++a)
        for (int b = -reach; b <= reach; ++b) {
          double r2 = 0.0;
          for (int d = 0; d < 3; ++d) {
            const double x = s.sources[3 * j + d] - s.sites[3 * i + d] + a * s.cell.vectors[0][d] +
                             b * s.cell.vectors[1][d];
            r2 += x * x;
          }
          const double r = std::sqrt(r2);
          if (r >= f.cutoff) continue;
          for (std::size_t k = 0; k < count; ++k)
            out[i * count + k] += s.charges[j] * (std::erfc(f.widths[k] * r) / r -
                                                  std::erfc(f.widths[k] * f.cutoff) / f.cutoff);
        }
  return out;
}

std::vector<double> computed(SitePotentials &sums, const System &s) {
  std::vector<double> out(s.sites.size() / 3 * sums.columns());
  sums.compute(s.sites, s.sources, s.charges, s.cell, out);
  return out;
}

const Cell slab{{{{15, 0, 0}, {0, 14, 0}, {0, 0, 40}}}, {true, true, false}};
const Cell sheared{{{{15, 0, 0}, {4, 14, 0}, {0, 0, 40}}}, {true, true, false}};

}  // namespace

BOOST_AUTO_TEST_CASE(sums_agree_with_a_direct_sum) {
  // a cutoff beyond half the cell, so that several images of one source count
  for (const auto &cell : {slab, sheared})
    for (std::size_t k : {1, 4, 6, 9, 14}) {
      RadialFunctions functions{{}, 16.0};
      for (std::size_t i = 0; i < k; ++i) functions.widths.push_back(0.05 + 0.03 * i);
      const auto system = random_system(20, 60, cell, static_cast<unsigned>(k));
      SitePotentials sums(functions);
      BOOST_CHECK(largest_difference(computed(sums, system), direct_sum(system, functions)) < 1e-7);
    }
}

BOOST_AUTO_TEST_CASE(a_lone_charge_has_its_analytic_potential) {
  // width 0 leaves the bare Coulomb potential, shifted to zero at the cutoff
  const System system{{0, 0, 0}, {0, 0, 5}, {2.0}, {{{{50, 0, 0}, {0, 50, 0}, {0, 0, 50}}}, {}}};
  SitePotentials sums({{0.0}, 10.0});
  BOOST_CHECK_SMALL(computed(sums, system)[0] - (2.0 * (1.0 / 5.0 - 1.0 / 10.0)), 1e-9);
  const System far{{0, 0, 0}, {0, 0, 10.5}, {2.0}, system.cell};
  BOOST_CHECK(computed(sums, far)[0] == 0.0);
}

BOOST_AUTO_TEST_CASE(close_approach_is_exact) {
  const System system{{0, 0, 0}, {0, 0, 0.1}, {1.0}, {{{{50, 0, 0}, {0, 50, 0}, {0, 0, 50}}}, {}}};
  SitePotentials sums({{0.3}, 10.0});
  BOOST_CHECK_SMALL(computed(sums, system)[0] - (std::erfc(0.03) / 0.1 - std::erfc(3.0) / 10.0),
                    1e-12);
}

BOOST_AUTO_TEST_CASE(the_pair_list_follows_moving_atoms_and_cells) {
  const RadialFunctions functions{{0.05, 0.1, 0.2, 0.4}, 12.0};
  auto system = random_system(30, 80, slab, 5);
  SitePotentials sums(functions);
  std::mt19937 generator(1);
  std::normal_distribution<double> step(0.0, 0.15);
  for (int frame = 0; frame < 30; ++frame) {
    for (double &x : system.sources) x += step(generator);
    if (frame % 10 == 9) system.cell.vectors[0][0] *= 1.02;              // NPT
    if (frame % 7 == 6) system.sources[0] -= system.cell.vectors[0][0];  // wrapped by the engine
    if (frame == 20) {
      system.sources.resize(3 * 60);
      system.charges.resize(60);
    }
    BOOST_CHECK(largest_difference(computed(sums, system), direct_sum(system, functions)) < 1e-7);
  }
}

BOOST_AUTO_TEST_CASE(sources_may_be_renumbered) {
  const RadialFunctions functions{{0.1}, 12.0};
  auto system = random_system(10, 40, slab, 6);
  SitePotentials sums(functions);
  const auto before = computed(sums, system);
  for (int d = 0; d < 3; ++d) std::swap(system.sources[d], system.sources[3 * 20 + d]);
  std::swap(system.charges[0], system.charges[20]);
  BOOST_CHECK(largest_difference(computed(sums, system), before) < 1e-12);
}

BOOST_AUTO_TEST_CASE(parts_of_the_sources_add_up) {
  const RadialFunctions functions{{0.05, 0.3}, 12.0};
  const auto whole = random_system(15, 50, slab, 7);
  System first = whole, second = whole;
  first.sources.resize(3 * 23);
  first.charges.resize(23);
  second.sources.erase(second.sources.begin(), second.sources.begin() + 3 * 23);
  second.charges.erase(second.charges.begin(), second.charges.begin() + 23);
  SitePotentials a(functions), b(functions), c(functions);
  auto sum = computed(a, first);
  const auto rest = computed(b, second);
  for (std::size_t i = 0; i < sum.size(); ++i) sum[i] += rest[i];
  BOOST_CHECK(largest_difference(sum, computed(c, whole)) < 1e-13);
}

BOOST_AUTO_TEST_CASE(positions_that_are_not_finite_are_refused) {
  auto system = random_system(5, 10, slab, 8);
  system.sources[7] = std::numeric_limits<double>::quiet_NaN();
  SitePotentials sums({{0.1}, 12.0});
  BOOST_CHECK_EXCEPTION(computed(sums, system), AtomError, says("position of a source atom"));
}

BOOST_AUTO_TEST_CASE(functions_that_cannot_be_tabulated_are_refused) {
  for (double cutoff : {1e300, 2e3, 0.0, -1.0, std::nan("")})
    BOOST_CHECK_EXCEPTION(SitePotentials({{0.1}, cutoff}), Error,
                          says("cutoff of radial functions"));
  BOOST_CHECK_EXCEPTION(SitePotentials(RadialFunctions{{}, 12.0}), Error, says("1 to 64 widths"));
  BOOST_CHECK_EXCEPTION(SitePotentials({{0.1, 1e300}, 12.0}), Error, says("1 to 64 widths"));
  BOOST_CHECK_EXCEPTION(SitePotentials({std::vector<double>(100000, 0.1), 12.0}), Error,
                        says("1 to 64 widths"));
}

BOOST_AUTO_TEST_CASE(a_source_on_a_site_is_named_with_it) {
  auto system = random_system(5, 10, slab, 8);
  for (int d = 0; d < 3; ++d) system.sources[9 + d] = system.sites[6 + d];
  SitePotentials sums({{0.1}, 12.0});
  try {
    computed(sums, system);
    BOOST_CHECK(!"must throw");
  } catch (const AtomError &e) {
    BOOST_CHECK(e.site == 2 && e.source == 3);
  }
}

BOOST_AUTO_TEST_CASE(a_cell_that_is_tiny_beside_the_cutoff_is_refused) {
  auto system = random_system(5, 10, slab, 8);
  for (auto &vector : system.cell.vectors)
    for (double &component : vector) component *= 1e-4;
  SitePotentials sums({{0.1}, 12.0});
  BOOST_CHECK_EXCEPTION(computed(sums, system), Error, says("too many periodic images"));
}

BOOST_AUTO_TEST_CASE(atoms_that_are_far_apart_are_found_all_the_same) {
  const Cell open{{{{1e6, 0, 0}, {0, 1e6, 0}, {0, 0, 1e6}}}, {false, false, false}};
  const System system{{0, 0, 0, 9e5, -9e5, 9e5}, {9e5, -9e5, 9e5 - 2}, {1}, open};
  const RadialFunctions functions{{0.3}, 12.0};
  SitePotentials sums(functions);
  BOOST_CHECK(largest_difference(computed(sums, system), direct_sum(system, functions)) < 1e-8);
}

BOOST_AUTO_TEST_CASE(no_sources_make_no_potential) {
  const System system{{1, 2, 3}, {}, {}, slab};
  SitePotentials sums({{0.1, 0.2}, 12.0});
  BOOST_CHECK(computed(sums, system) == (std::vector<double>{0.0, 0.0}));
}
