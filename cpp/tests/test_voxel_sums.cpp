// Grids of atoms: places, sums, triclinic cells, edges, and the averages made of them.
#include "voxel_sums.hpp"

#include <cmath>
#include <limits>
#include <numeric>
#include <random>

#include "error.hpp"
#include "messages.hpp"
#include "voxel_frame.hpp"

using namespace voxion;

namespace {

Cell cube(double edge, bool periodic = true) {
  Cell cell;
  cell.vectors = {{{edge, 0, 0}, {0, edge, 0}, {0, 0, edge}}};
  cell.periodic = {periodic, periodic, periodic};
  return cell;
}

double total(const VoxelSums &sums, std::size_t column) {
  const auto own = sums.sums().subspan(column * sums.shape().size(), sums.shape().size());
  return std::accumulate(own.begin(), own.end(), 0.0);
}

// One sample of all atoms: positions [N, 3], values [N, columns].
void add(VoxelSums &sums, std::span<const double> x, std::span<const double> values,
         const Cell &cell, const Vector &origin) {
  std::vector<int> atoms(x.size() / 3);
  std::iota(atoms.begin(), atoms.end(), 0);
  sums.locate(x.data(), atoms, cell, origin);
  for (std::size_t c = 0; c < sums.columns(); ++c)
    sums.deposit(c, [&](int i) { return values[i * sums.columns() + c]; });
}

std::vector<double> random_numbers(std::size_t count, double low, double high, unsigned seed) {
  std::mt19937 engine(seed);
  std::uniform_real_distribution<double> uniform(low, high);
  std::vector<double> numbers(count);
  for (auto &x : numbers) x = uniform(engine);
  return numbers;
}

}  // namespace

BOOST_AUTO_TEST_CASE(an_atom_lies_in_the_voxel_of_its_fractional_coordinates) {
  VoxelSums sums({4, 2, 8}, 2, Spread::ngp);
  const double x[] = {1.0 + 2.6, 1.0 + 3.9, 1.0 + 0.6}, values[] = {3.0, -1.0};
  add(sums, x, values, cube(4.0), {1, 1, 1});
  const std::size_t voxel = (1 * 2 + 1) * 4 + 2;  // z 1, y 1, x 2
  BOOST_CHECK_SMALL(sums.sums()[voxel] - (3.0 / (1.0 * 2.0 * 0.5)), 1e-14);
  BOOST_CHECK_SMALL(sums.sums()[4 * 2 * 8 + voxel] - (-1.0), 1e-14);
  BOOST_CHECK_SMALL(total(sums, 0) - 3.0, 1e-14);
}

BOOST_AUTO_TEST_CASE(sums_on_the_grid_are_sums_over_atoms) {
  for (const auto spread : {Spread::ngp, Spread::cic})
    for (const bool periodic : {true, false}) {
      Cell cell;
      cell.vectors = {{{7, 0, 0}, {2.5, 6, 0}, {-1.5, 2, 9}}};  // triclinic
      cell.periodic = {periodic, periodic, periodic};
      const double volume = 7 * 6 * 9;
      VoxelSums sums({5, 6, 7}, 3, spread);
      const auto x = random_numbers(3 * 1000, -12, 20, 1);  // many outside
      const auto values = random_numbers(3 * 1000, -1, 2, 2);
      add(sums, x, values, cell, {0.5, -1, 2});
      for (std::size_t c = 0; c < 3; ++c) {
        double expected = 0.0;
        for (std::size_t n = 0; n < 1000; ++n) expected += values[3 * n + c];
        BOOST_CHECK_SMALL(total(sums, c) * volume / (5 * 6 * 7) - expected, 1e-9);
      }
    }
}

BOOST_AUTO_TEST_CASE(a_triclinic_cell_is_divided_along_its_lattice_vectors) {
  Cell cell;
  cell.vectors = {{{4, 0, 0}, {2, 4, 0}, {1, 1, 4}}};
  VoxelSums sums({4, 4, 4}, 1, Spread::ngp);
  // fractional (0.125, 0.625, 0.875)
  const double x[] = {0.125 * 4 + 0.625 * 2 + 0.875, 0.625 * 4 + 0.875, 0.875 * 4};
  const double one[] = {1.0};
  add(sums, x, one, cell, {0, 0, 0});
  BOOST_CHECK_SMALL(sums.sums()[(3 * 4 + 2) * 4 + 0] - 1.0, 1e-14);
}

BOOST_AUTO_TEST_CASE(only_the_chosen_atoms_count) {
  VoxelSums sums({2, 1, 1}, 1, Spread::ngp);
  const double x[] = {0.1, 0, 0, 0.6, 0, 0, 0.7, 0, 0};
  const std::vector<int> chosen{0, 2};
  sums.locate(x, chosen, cube(1.0), {0, 0, 0});
  sums.deposit(0, [](int i) { return 1.0 + i; });
  BOOST_CHECK_SMALL(sums.sums()[0] - 2.0, 1e-14);
  BOOST_CHECK_SMALL(sums.sums()[1] - 6.0, 1e-14);
}

BOOST_AUTO_TEST_CASE(images_of_an_atom_share_its_voxel) {
  const double one[] = {1.0};
  for (const auto spread : {Spread::ngp, Spread::cic}) {
    VoxelSums home({8, 8, 8}, 1, spread), away({8, 8, 8}, 1, spread);
    const double x[] = {0.3, 7.9, 4.44}, image[] = {0.3 - 16, 7.9 + 8, 4.44 - 8};
    add(home, x, one, cube(8.0), {0, 0, 0});
    add(away, image, one, cube(8.0), {0, 0, 0});
    for (std::size_t v = 0; v < 512; ++v) BOOST_CHECK_SMALL(home.sums()[v] - away.sums()[v], 1e-12);
  }
}

BOOST_AUTO_TEST_CASE(an_atom_a_rounding_below_the_edge_is_in_the_box) {
  VoxelSums sums({3, 3, 3}, 1, Spread::ngp);
  const double x[] = {-1e-18, std::nextafter(3.0, 0.0), 3.0}, one[] = {1.0};
  add(sums, x, one, cube(3.0), {0, 0, 0});
  BOOST_CHECK_SMALL(total(sums, 0) - 1.0, 1e-14);
}

BOOST_AUTO_TEST_CASE(atoms_outside_a_box_that_does_not_repeat_count_in_its_outermost_voxels) {
  VoxelSums sums({4, 4, 4}, 1, Spread::ngp);
  const double x[] = {-0.5, 9.0, 2.5}, one[] = {1.0};
  add(sums, x, one, cube(4.0, false), {0, 0, 0});
  BOOST_CHECK_SMALL(sums.sums()[(2 * 4 + 3) * 4 + 0] - 1.0, 1e-14);
}

BOOST_AUTO_TEST_CASE(cloud_in_cell_keeps_the_centre_of_an_atom) {
  VoxelSums sums({10, 10, 10}, 1, Spread::cic);
  const double x[] = {4.3, 5.75, 2.5}, one[] = {1.0};
  add(sums, x, one, cube(10.0), {0, 0, 0});
  double mean[3] = {0, 0, 0};
  for (int k = 0; k < 10; ++k)
    for (int j = 0; j < 10; ++j)
      for (int i = 0; i < 10; ++i) {
        const double share = sums.sums()[(k * 10 + j) * 10 + i];
        mean[0] += share * (i + 0.5);
        mean[1] += share * (j + 0.5);
        mean[2] += share * (k + 0.5);
      }
  for (int d = 0; d < 3; ++d) BOOST_CHECK_SMALL(mean[d] - x[d], 1e-12);
}

BOOST_AUTO_TEST_CASE(positions_that_make_no_sense_are_refused) {
  const double one[] = {1.0};
  VoxelSums sums({2, 2, 2}, 1, Spread::ngp);
  for (const double bad :
       {std::numeric_limits<double>::quiet_NaN(), std::numeric_limits<double>::infinity(), 1e300}) {
    const double x[] = {0.0, bad, 0.0};
    BOOST_CHECK_EXCEPTION(add(sums, x, one, cube(1.0), {0, 0, 0}), Error, says("not finite"));
  }
  BOOST_CHECK_EXCEPTION(VoxelSums({2, 0, 2}, 1, Spread::ngp), Error, says("at least one voxel"));
}

BOOST_AUTO_TEST_CASE(a_frame_holds_averages_norms_and_extremes) {
  VoxelSums sums({2, 1, 1}, 3, Spread::ngp);
  const double x[] = {0.5, 0.5, 0.5}, values[] = {1.0, 3.0, -4.0};
  add(sums, x, values, cube(1.0), {0, 0, 0});
  add(sums, x, values, cube(2.0), {0, 0, 0});  // densities: the box may change
  VoxelFrame frame;
  average(sums, 2, {{"mass", "", {0}}, {"shear", "", {1, 2}}}, frame);
  const double density = 0.5 * (2.0 + 2.0 / 8.0);
  // in the smaller box the atom lies in the second voxel, in the larger one in the first
  BOOST_CHECK_SMALL(frame.grid[0] + frame.grid[1] - density, 1e-6);
  BOOST_CHECK_SMALL(frame.grid[1] - 1.0, 1e-6);
  BOOST_CHECK_SMALL(frame.grid[3] - 5.0, 1e-6);
  BOOST_CHECK(frame.maximum == (std::vector<float>{frame.grid[1], frame.grid[3]}));
  BOOST_CHECK(frame.minimum == (std::vector<float>{frame.grid[0], frame.grid[2]}));
}

BOOST_AUTO_TEST_CASE(channels_that_are_not_finite_are_named) {
  VoxelSums sums({2, 2, 2}, 2, Spread::ngp);
  const double x[] = {0.1, 0.9, 0.1}, values[] = {1.0, std::nan("")};
  add(sums, x, values, cube(1.0), {0, 0, 0});
  VoxelFrame frame;
  BOOST_CHECK_EXCEPTION(average(sums, 1, {{"mass", "", {0}}, {"c_pe", "", {1}}}, frame), Error,
                        says("channel c_pe is not finite in voxel (0, 1, 0)"));
  VoxelSums large({1, 1, 1}, 1, Spread::ngp);
  const double huge[] = {1e300};  // beyond float32
  add(large, x, huge, cube(1.0), {0, 0, 0});
  BOOST_CHECK_EXCEPTION(average(large, 1, {{"charge", "", {0}}}, frame), Error,
                        says("charge is not finite"));
}
