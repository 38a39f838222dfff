// Domains hold each site once, and all sites around it.
#include "site_domain.hpp"

#include <cmath>
#include <random>

#include "messages.hpp"

using namespace voxion;

namespace {

std::vector<double> random_sites(std::size_t count, const Cell &cell, double low, double high) {
  std::mt19937 generator(3);
  std::uniform_real_distribution<double> anywhere(low, high);
  std::vector<double> positions;
  for (std::size_t i = 0; i < count; ++i) {
    const double a = anywhere(generator), b = anywhere(generator);
    for (int d = 0; d < 3; ++d)
      positions.push_back(a * cell.vectors[0][d] + b * cell.vectors[1][d] + (d == 2 ? 5.0 : 0.0));
  }
  return positions;
}

}  // namespace

BOOST_AUTO_TEST_CASE(every_site_is_in_one_domain_with_all_sites_within_reach) {
  const double reach = 6.0;
  // rectangular and sheared cells; sites within the cell and in other images
  for (double shear : {0.0, 12.0})
    for (double low : {0.0, -1.5}) {
      const Cell cell{{{{40, 0, 0}, {shear, 30, 0}, {0, 0, 60}}}, {true, true, false}};
      const auto positions = random_sites(500, cell, low, low + 1.0);
      const Reciprocal reciprocal(cell);
      for (std::size_t domains : {1, 2, 3, 4, 6, 7}) {
        std::vector<int> owners(500, 0);
        for (std::size_t number = 0; number < domains; ++number) {
          SiteDomain domain(number, domains, reach);
          domain.update(positions, cell);
          std::vector<bool> inside(500, false);
          for (std::size_t site : domain.sites()) inside[site] = true;
          for (std::size_t i = 0; i < domain.own(); ++i) {
            const std::size_t own = domain.sites()[i];
            ++owners[own];
            for (std::size_t other = 0; other < 500; ++other) {
              Vector difference{};
              for (int d = 0; d < 3; ++d)
                difference[d] = positions[3 * other + d] - positions[3 * own + d];
              difference = minimum_image(difference, cell, reciprocal);
              if (std::hypot(difference[0], difference[1], difference[2]) < reach)
                BOOST_REQUIRE(inside[other]);
            }
          }
          BOOST_CHECK(domain.own() >= 500 / domains - 2 && domain.own() <= 500 / domains + 2);
        }
        for (int count : owners) BOOST_REQUIRE(count == 1);
      }
    }
}

BOOST_AUTO_TEST_CASE(domains_are_smaller_than_the_electrode) {
  const Cell cell{{{{100, 0, 0}, {0, 100, 0}, {0, 0, 60}}}, {true, true, false}};
  const auto positions = random_sites(2000, cell, 0.0, 1.0);
  SiteDomain domain(5, 16, 6.0);
  domain.update(positions, cell);
  BOOST_CHECK(domain.sites().size() < 500);
  const std::vector<double> matrix{0, 1, 2, 3, 4, 5};
  BOOST_CHECK(rows_of(matrix, 2, {2, 0}) == (std::vector<double>{4, 5, 0, 1}));
}
