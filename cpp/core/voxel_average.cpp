// Samples one after another, until a window is complete.
#include "voxel_average.hpp"

namespace voxion {

VoxelAverage::VoxelAverage(const VoxelWindow &window, VoxelShape shape, std::size_t columns,
                           Spread spread)
    : window_(window), sums_(shape, columns, spread) {
  window.check();
}

void VoxelAverage::wait(std::int64_t now, std::int64_t last_frame) {
  sums_.clear();
  state_ = {};
  state_.next = window_.first_sample(now, last_frame);
}

void VoxelAverage::begin_sample(const double *positions, std::span<const int> atoms,
                                const Cell &cell, const Vector &origin) {
  sums_.locate(positions, atoms, cell, origin);
  for (std::size_t i = 0; i < 3; ++i) {
    for (std::size_t d = 0; d < 3; ++d) state_.box_sum[i][d] += cell.vectors[i][d];
    state_.origin_sum[i] += origin[i];
  }
}

bool VoxelAverage::end_sample() {
  if (++state_.samples == window_.repeat) return true;
  state_.next += window_.every;
  return false;
}

VoxelFrame VoxelAverage::frame(std::int64_t step, double time,
                               const std::vector<VoxelChannel> &channels) const {
  VoxelFrame frame;
  frame.step = step;
  frame.time = time;
  const auto samples = static_cast<double>(state_.samples);
  for (std::size_t i = 0; i < 3; ++i) {
    for (std::size_t d = 0; d < 3; ++d) frame.box[i][d] = state_.box_sum[i][d] / samples;
    frame.origin[i] = state_.origin_sum[i] / samples;
  }
  average(sums_, state_.samples, channels, frame);
  return frame;
}

}  // namespace voxion
