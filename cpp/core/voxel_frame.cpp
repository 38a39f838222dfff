// From sums to the channels of a frame.
#include "voxel_frame.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "error.hpp"
#include "vector_clones.hpp"

namespace voxion {

namespace {

// Averages of one channel, [z, y, x].
VOXION_VECTOR_CLONES void average_column(const double *sums, std::size_t voxels, double share,
                                         float *grid) {
  for (std::size_t v = 0; v < voxels; ++v) grid[v] = static_cast<float>(share * sums[v]);
}

void average_norm(const VoxelSums &sums, const std::vector<std::size_t> &columns, double share,
                  float *grid) {
  const std::size_t voxels = sums.shape().size();
  for (std::size_t v = 0; v < voxels; ++v) {
    double square = 0.0;
    for (auto column : columns) {
      const double sum = sums.sums()[column * voxels + v];
      square += sum * sum;
    }
    grid[v] = static_cast<float>(share * std::sqrt(square));
  }
}

struct Extremes {
  float low, high;
  bool finite;
};

// Side by side in several lanes, which std::minmax_element does not do.
VOXION_VECTOR_CLONES Extremes extremes(const float *grid, std::size_t voxels) {
  constexpr std::size_t lanes = 16;
  float low[lanes], high[lanes];
  int bad[lanes] = {};
  for (std::size_t l = 0; l < lanes; ++l) low[l] = high[l] = grid[0];
  const auto look = [&](float value, std::size_t l) {
    low[l] = value < low[l] ? value : low[l];
    high[l] = value > high[l] ? value : high[l];
    bad[l] |= !(std::abs(value) <= std::numeric_limits<float>::max());
  };
  std::size_t v = 0;
  for (; v + lanes <= voxels; v += lanes)
    for (std::size_t l = 0; l < lanes; ++l) look(grid[v + l], l);
  for (; v < voxels; ++v) look(grid[v], 0);
  return {*std::min_element(low, low + lanes), *std::max_element(high, high + lanes),
          std::all_of(bad, bad + lanes, [](int b) { return b == 0; })};
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
  const double share = 1.0 / static_cast<double>(samples);
  frame.grid.resize(channels.size() * voxels);
  frame.minimum.clear();
  frame.maximum.clear();
  for (std::size_t c = 0; c < channels.size(); ++c) {
    float *grid = &frame.grid[c * voxels];
    const auto &columns = channels[c].columns;
    if (columns.size() == 1)
      average_column(sums.sums().data() + columns[0] * voxels, voxels, share, grid);
    else
      average_norm(sums, columns, share, grid);
    const Extremes found = extremes(grid, voxels);
    if (!found.finite) {
      const auto bad = std::find_if(grid, grid + voxels, [](float v) { return !std::isfinite(v); });
      throw Error("channel " + channels[c].name + " is not finite in voxel " +
                  place(static_cast<std::size_t>(bad - grid), sums.shape()) +
                  "; look at what it is made of, and whether the simulation is stable");
    }
    frame.minimum.push_back(found.low);
    frame.maximum.push_back(found.high);
  }
}

}  // namespace voxion
