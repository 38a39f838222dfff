// Neighbour tables against all pairs of a small crystal.
#include "site_tables.hpp"

#include <cmath>

#include "error.hpp"
#include "messages.hpp"

using namespace voxion;

namespace {

// Two square layers, one atop the other's gaps: 3 x 3 sites each, 4 angstrom apart, 3 deep.
const Cell cell{{{{12, 0, 0}, {0, 12, 0}, {0, 0, 40}}}, {true, true, false}};

std::vector<double> crystal() {
  std::vector<double> positions;
  for (int layer = 0; layer < 2; ++layer)
    for (int i = 0; i < 3; ++i)
      for (int j = 0; j < 3; ++j)
        for (double x : {4.0 * i + 2.0 * layer, 4.0 * j + 2.0 * layer, 3.0 * layer})
          positions.push_back(x);
  return positions;
}

// In a layer: the site, 4 neighbours at 4 angstrom; between layers: 4 at 4.12.
const Shells shells{2, 2, {2.0, 4.8, 4.5, 6.0, 4.5, 6.0, 2.0, 4.8}, {0.0, 3.0}};

}  // namespace

BOOST_AUTO_TEST_CASE(tables_have_the_neighbours_of_each_shell) {
  SiteTables tables(shells);
  tables.update(crystal(), cell);
  BOOST_CHECK(tables.sites() == 18);
  // shells of layer 0: the site (of layer 0) or 4 (of layer 1); 4 of layer 0; the same of layer 1
  const std::vector<std::int64_t> expected{0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3};
  BOOST_CHECK(tables.shell_of_row() == expected);
  BOOST_CHECK(tables.neighbours()[0] == 0 && tables.entries()[0] == 0);
  // a site of layer 0 has one neighbour in the first shell, where sites of layer 1 have four
  BOOST_CHECK(tables.neighbours()[18] == 18 && tables.entries()[18] == 18 * 4);
  BOOST_CHECK(tables.neighbours()[18 + 9] < 9);
  // what comes to a site of layer 1 stands behind what comes to one of layer 0
  BOOST_CHECK(tables.entries()[9] == tables.neighbours()[9] * 4 + 2);
  BOOST_CHECK(tables.first_layer() == (std::vector<std::int64_t>{0, 1, 2, 3, 4, 5, 6, 7, 8}));
  BOOST_CHECK(tables.members()[0] == 1.0 && tables.members()[1] == 0.0);
  BOOST_CHECK(tables.members()[2 * 17] == 0.0 && tables.members()[2 * 17 + 1] == 1.0);
  for (std::size_t row = 0; row < tables.rows(); ++row)
    for (std::size_t site = 0; site < 18; ++site) {
      const auto other = static_cast<std::size_t>(tables.neighbours()[18 * row + site]);
      if (other < 18)
        BOOST_CHECK(other / 9 == static_cast<std::size_t>(tables.shell_of_row()[row]) / 2);
    }
}

BOOST_AUTO_TEST_CASE(tables_follow_sites_that_have_moved_far) {
  SiteTables tables(shells);
  auto positions = crystal();
  tables.update(positions, cell);
  positions[0] += 0.05;
  tables.update(positions, cell);
  BOOST_CHECK(tables.rows() == 16);
  positions[0] += 2.5;  // into the first shell of another
  tables.update(positions, cell);
  BOOST_CHECK(tables.shell_of_row()[1] == 0);
  positions[0] = std::nan("");
  BOOST_CHECK_EXCEPTION(tables.update(positions, cell), Error, says("not finite"));
}
