// Windows of samples.
#include <limits>

#include "error.hpp"
#include "messages.hpp"
#include "voxel_window.hpp"

using namespace voxion;

BOOST_AUTO_TEST_CASE(windows_end_on_multiples_of_their_period) {
  const VoxelWindow window{2, 5, 20};  // samples 12, 14, 16, 18, 20
  BOOST_CHECK(window.first_sample(0, -1) == 12);
  BOOST_CHECK(window.first_sample(12, -1) == 12);
  BOOST_CHECK(window.first_sample(13, -1) == 32);  // too late for the first one
  BOOST_CHECK(window.first_sample(20, 20) == 32);
  const VoxelWindow momentary{1, 1, 10};
  BOOST_CHECK(momentary.first_sample(0, -1) == 0);
  BOOST_CHECK(momentary.first_sample(0, 0) == 10);  // that frame is there
  BOOST_CHECK(momentary.first_sample(1, 0) == 10);
}

BOOST_AUTO_TEST_CASE(windows_that_overlap_are_refused) {
  VoxelWindow{1, 10, 10}.check();
  BOOST_CHECK_EXCEPTION((VoxelWindow{1, 11, 10}.check()), Error,
                        says("Nevery times Nrepeat at most Nfreq"));
  BOOST_CHECK_EXCEPTION((VoxelWindow{3, 1, 10}.check()), Error, says("multiple of Nevery, and"));
  BOOST_CHECK_EXCEPTION((VoxelWindow{0, 1, 10}.check()), Error, says("at least 1, found 0 1 10"));
  constexpr std::int64_t huge = std::numeric_limits<std::int64_t>::max();
  BOOST_CHECK_EXCEPTION((VoxelWindow{2, huge, 10}.check()), Error,
                        says("Nevery times Nrepeat at most Nfreq"));
  BOOST_CHECK_EXCEPTION((VoxelWindow{huge, huge, 10}.check()), Error, says("multiple of Nevery"));
  BOOST_CHECK_EXCEPTION((VoxelWindow{1, 1, huge}.check()), Error, says("Nfreq must be at most"));
}
