// The average of a window: samples, mean cell, and what a checkpoint continues.
#include <algorithm>

#include "error.hpp"
#include "messages.hpp"
#include "voxel_average.hpp"

using namespace voxion;

namespace {

const std::vector<VoxelChannel> channels{{"number", "1/A^3", {0}}};

VoxelAverage make() { return {VoxelWindow{2, 2, 10}, {2, 1, 1}, 1, Spread::ngp}; }

// One atom in the left or right half of a cube.
bool sample(VoxelAverage &average, double edge, bool right) {
  const double position[3] = {right ? 0.75 * edge : 0.25 * edge, 0.0, 0.0};
  const int atoms[] = {0};
  Cell cell;
  for (std::size_t d = 0; d < 3; ++d) cell.vectors[d][d] = edge;
  average.begin_sample(position, atoms, cell, {edge, 0.0, 0.0});
  average.sums().deposit(0, [](int) { return 1.0; });
  return average.end_sample();
}

}  // namespace

BOOST_AUTO_TEST_CASE(a_window_averages_its_samples_and_their_cells) {
  VoxelAverage average = make();
  average.wait(0, -1);
  BOOST_CHECK_EQUAL(average.next(), 8);
  BOOST_CHECK(!average.open());
  BOOST_CHECK(!sample(average, 1.0, false));
  BOOST_CHECK_EQUAL(average.next(), 10);
  BOOST_CHECK(average.open());
  BOOST_CHECK(sample(average, 2.0, true));
  const VoxelFrame frame = average.frame(10, 0.5, channels);
  BOOST_CHECK_EQUAL(frame.step, 10);
  BOOST_CHECK_EQUAL(frame.box[2][2], 1.5);
  BOOST_CHECK_EQUAL(frame.origin[0], 1.5);
  // of the left voxel's half of 1, and of the right voxel's half of 8, half the time each
  BOOST_CHECK_SMALL(frame.grid[0] - 1.0, 1e-6);
  BOOST_CHECK_SMALL(frame.grid[1] - 0.125, 1e-6);
  average.wait(11, 10);
  BOOST_CHECK_EQUAL(average.next(), 18);
  BOOST_CHECK(!average.open());
}

BOOST_AUTO_TEST_CASE(a_window_continues_from_its_state_and_sums) {
  VoxelAverage whole = make(), broken = make();
  whole.wait(0, -1);
  sample(whole, 1.0, false);
  broken.restore(whole.state());
  const auto sums = whole.sums().sums();
  std::copy(sums.begin(), sums.end(), broken.sums().sums().begin());
  for (VoxelAverage *average : {&whole, &broken}) BOOST_CHECK(sample(*average, 2.0, true));
  const auto expected = whole.frame(10, 0.5, channels), found = broken.frame(10, 0.5, channels);
  BOOST_CHECK(expected.grid == found.grid);
  BOOST_CHECK(expected.box == found.box);
}

BOOST_AUTO_TEST_CASE(windows_and_spreads_are_checked) {
  BOOST_CHECK_EXCEPTION(VoxelAverage(VoxelWindow{1, 11, 10}, {2, 1, 1}, 1, Spread::ngp), Error,
                        says("at most Nfreq"));
  BOOST_CHECK_EXCEPTION(parse_spread("tsc"), Error, says("ngp or cic, found tsc"));
}
