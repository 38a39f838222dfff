// The window that is being averaged: its samples, their sums and the mean cell.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "voxel_frame.hpp"
#include "voxel_sums.hpp"
#include "voxel_window.hpp"

namespace voxion {

class VoxelAverage {
 public:
  // State of an open window for a checkpoint, beside the sums.
  struct State {
    std::int64_t next = 0, samples = 0;
    std::array<Vector, 3> box_sum{};
    Vector origin_sum{};
  };

  // Throws Error when the window or the shape breaks a rule.
  VoxelAverage(const VoxelWindow &window, VoxelShape shape, std::size_t columns, Spread spread);

  const VoxelWindow &window() const { return window_; }
  VoxelSums &sums() { return sums_; }
  const VoxelSums &sums() const { return sums_; }

  // Forgets what has been sampled. The next window is the first that begins at or after step `now`
  // and ends after step `last_frame`.
  void wait(std::int64_t now, std::int64_t last_frame);
  std::int64_t next() const { return state_.next; }  // step of the next sample
  bool open() const { return state_.samples > 0; }   // a window has begun

  // Begins a sample: VoxelSums::locate. Deposit the columns with sums(), then end the sample.
  void begin_sample(const double *positions, std::span<const int> atoms, const Cell &cell,
                    const Vector &origin);
  // Returns true if that was the window's last sample. Then take the frame, and wait().
  bool end_sample();
  // Throws Error that names the channel when a value is not finite.
  VoxelFrame frame(std::int64_t step, double time, const std::vector<VoxelChannel> &channels) const;

  const State &state() const { return state_; }
  // Continues a window; the sums are the caller's to restore.
  void restore(const State &state) { state_ = state; }

 private:
  VoxelWindow window_;
  VoxelSums sums_;
  State state_;
};

}  // namespace voxion
