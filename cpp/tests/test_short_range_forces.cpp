// Forces of differences of charges within the cutoff.
#include <cmath>
#include <vector>

#include "error.hpp"
#include "messages.hpp"
#include "short_range_forces.hpp"

using namespace voxion;

namespace {

const Cell box{{{{30.0, 0.0, 0.0}, {0.0, 30.0, 0.0}, {0.0, 0.0, 60.0}}}, {true, true, false}};

// Energy of two charges within the cutoff, e^2/angstrom.
double energy(double r, double splitting) { return std::erfc(splitting * r) / r; }

struct Forces {
  std::vector<double> on_sites, on_sources;
};

Forces forces(ShortRangeForces &sums, const std::vector<double> &sites,
              const std::vector<double> &differences, const std::vector<double> &sources,
              const std::vector<double> &charges) {
  Forces found{std::vector<double>(sites.size()), std::vector<double>(sources.size())};
  sums.add(sites, differences, sources, charges, box, found.on_sites, found.on_sources);
  return found;
}

}  // namespace

BOOST_AUTO_TEST_CASE(splitting_parameter_is_that_of_gromacs) {
  // GROMACS writes "Using a Gaussian width (1/beta) of 0.320163 nm" for 1.0 nm and 1e-5
  BOOST_CHECK_CLOSE(1.0 / ShortRangeForces(10.0, 1e-5).splitting(), 3.20163, 1e-3);
  BOOST_CHECK_EXCEPTION(ShortRangeForces(0.0, 1e-5), Error, says("expected a positive one"));
  BOOST_CHECK_EXCEPTION(ShortRangeForces(10.0, 1.0), Error, says("and one below 1"));
}

// By finite differences of the energy, also through a periodic face.
BOOST_AUTO_TEST_CASE(forces_are_the_slope_of_the_energy) {
  ShortRangeForces sums(10.0, 1e-5);
  const double step = 1e-5;
  for (double x : {3.0, 28.5}) {
    const std::vector<double> sites{1.0, 5.0, 5.0};
    const double away = x > 15.0 ? x - 31.0 : x - 1.0;
    const auto at = [&](double moved) {
      return 0.4 * -0.8 * energy(std::hypot(away + moved, 2.0, 1.5), sums.splitting());
    };
    const auto found = forces(sums, sites, {0.4}, {x, 7.0, 6.5}, {-0.8});
    const double expected = -(at(step) - at(-step)) / (2.0 * step);
    BOOST_CHECK_CLOSE(found.on_sources[0], expected, 1e-3);  // per cent
    for (int d = 0; d < 3; ++d) BOOST_CHECK(found.on_sources[d] == -found.on_sites[d]);
  }
}

BOOST_AUTO_TEST_CASE(forces_end_at_the_cutoff_and_without_a_difference) {
  ShortRangeForces sums(10.0, 1e-5);
  const auto beyond = forces(sums, {1.0, 5.0, 5.0}, {0.4}, {1.0, 5.0, 15.5}, {1.0});
  BOOST_CHECK(beyond.on_sources == std::vector<double>(3, 0.0));
  const auto same = forces(sums, {1.0, 5.0, 5.0}, {0.0}, {1.0, 5.0, 8.0}, {1.0});
  BOOST_CHECK(same.on_sources == std::vector<double>(3, 0.0));
}
