// The average of a window: one frame of grids, as it is stored and classified.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "cell.hpp"
#include "voxel_sums.hpp"

namespace voxion {

// A channel is one column of the sums, or the norm of several averaged columns.
struct VoxelChannel {
  std::string name, unit;
  std::vector<std::size_t> columns;
};

struct Classification {
  std::vector<double> probability;  // of each class
  std::size_t label = 0;            // of the most probable class, from 0
  double confidence() const { return probability[label]; }
};

struct VoxelFrame {
  std::int64_t step = 0;
  double time = 0.0;
  std::array<Vector, 3> box{};          // mean lattice vectors of the window, rows
  Vector origin{};                      // mean lower corner
  std::vector<float> grid;              // [channel, z, y, x]
  std::vector<float> minimum, maximum;  // of each channel
  std::optional<Classification> classification;
};

// Divides the sums by the number of samples and fills grid, minimum and maximum.
// Throws Error that names the channel when a value is not finite.
void average(const VoxelSums &sums, std::int64_t samples, const std::vector<VoxelChannel> &channels,
             VoxelFrame &frame);

}  // namespace voxion
