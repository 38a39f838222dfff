// When a grid is sampled: windows in the manner of LAMMPS's fix ave commands.
#pragma once

#include <cstdint>

namespace voxion {

// Every `period` steps the average of `repeat` samples, `every` steps apart; the last of them on
// the multiple of `period` itself.
struct VoxelWindow {
  std::int64_t every = 1, repeat = 1, period = 1;

  // Throws Error when a number is below 1 or windows would overlap.
  void check() const;
  // The first sample of the first window that begins at or after step `now` and ends after step
  // `last_frame`.
  std::int64_t first_sample(std::int64_t now, std::int64_t last_frame) const;
  bool operator==(const VoxelWindow &) const = default;
};

}  // namespace voxion
