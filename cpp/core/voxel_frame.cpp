// From sums to the channels of a frame.
#include "voxel_frame.hpp"

#include <algorithm>
#include <cmath>

#include "error.hpp"

namespace voxion {

namespace {

double channel_value(const VoxelSums &sums, const VoxelChannel &channel, std::size_t voxel) {
  const double *values = sums.sums().data() + voxel;
  const std::size_t voxels = sums.shape().size();
  if (channel.columns.size() == 1) return values[channel.columns[0] * voxels];
  double square = 0.0;
  for (auto column : channel.columns) square += values[column * voxels] * values[column * voxels];
  return std::sqrt(square);
}

std::string place(std::size_t voxel, const VoxelShape &shape) {
  const auto nx = static_cast<std::size_t>(shape.nx), ny = static_cast<std::size_t>(shape.ny);
  std::string text = "(";
  text += std::to_string(voxel % nx) + ", " + std::to_string(voxel / nx % ny) + ", " +
          std::to_string(voxel / (nx * ny)) + ")";
  return text;
}

}  // namespace

void average(const VoxelSums &sums, std::int64_t samples, const std::vector<VoxelChannel> &channels,
             VoxelFrame &frame) {
  const std::size_t voxels = sums.shape().size();
  frame.grid.resize(channels.size() * voxels);
  frame.minimum.clear();
  frame.maximum.clear();
  for (std::size_t c = 0; c < channels.size(); ++c) {
    float *grid = &frame.grid[c * voxels];
    for (std::size_t v = 0; v < voxels; ++v) {
      const double sum = channel_value(sums, channels[c], v);
      grid[v] = static_cast<float>(sum / static_cast<double>(samples));
      if (!std::isfinite(grid[v]))
        throw Error("channel " + channels[c].name + " is not finite in voxel " +
                    place(v, sums.shape()) +
                    "; look at what it is made of, and whether the simulation is stable");
    }
    const auto [low, high] = std::minmax_element(grid, grid + voxels);
    frame.minimum.push_back(*low);
    frame.maximum.push_back(*high);
  }
}

}  // namespace voxion
