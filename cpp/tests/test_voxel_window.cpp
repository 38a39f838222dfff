// Windows of samples.
#include <limits>

#include "check.hpp"
#include "error.hpp"
#include "voxel_window.hpp"

using namespace voxion;

TEST(windows_end_on_multiples_of_their_period) {
  const VoxelWindow window{2, 5, 20};  // samples 12, 14, 16, 18, 20
  CHECK(window.first_sample(0, -1) == 12);
  CHECK(window.first_sample(12, -1) == 12);
  CHECK(window.first_sample(13, -1) == 32);  // too late for the first one
  CHECK(window.first_sample(20, 20) == 32);
  const VoxelWindow momentary{1, 1, 10};
  CHECK(momentary.first_sample(0, -1) == 0);
  CHECK(momentary.first_sample(0, 0) == 10);  // that frame is there
  CHECK(momentary.first_sample(1, 0) == 10);
}

TEST(windows_that_overlap_are_refused) {
  VoxelWindow{1, 10, 10}.check();
  CHECK_THROWS((VoxelWindow{1, 11, 10}.check()), Error, "Nevery times Nrepeat at most Nfreq");
  CHECK_THROWS((VoxelWindow{3, 1, 10}.check()), Error, "multiple of Nevery, and");
  CHECK_THROWS((VoxelWindow{0, 1, 10}.check()), Error, "at least 1, found 0 1 10");
  constexpr std::int64_t huge = std::numeric_limits<std::int64_t>::max();
  CHECK_THROWS((VoxelWindow{2, huge, 10}.check()), Error, "Nevery times Nrepeat at most Nfreq");
  CHECK_THROWS((VoxelWindow{huge, huge, 10}.check()), Error, "multiple of Nevery");
  CHECK_THROWS((VoxelWindow{1, 1, huge}.check()), Error, "Nfreq must be at most");
}
