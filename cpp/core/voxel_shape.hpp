// The number of voxels along the three lattice vectors.
#pragma once

#include <cstddef>
#include <string>

#include "contract.hpp"
#include "error.hpp"

namespace voxion {

struct VoxelShape {
  int nx = 1, ny = 1, nz = 1;

  std::size_t size() const {
    return static_cast<std::size_t>(nx) * static_cast<std::size_t>(ny) *
           static_cast<std::size_t>(nz);
  }
  // Throws Error when so many values a voxel would not fit into memory.
  void check(std::size_t values) const {
    const double numbers = static_cast<double>(nx) * ny * nz * static_cast<double>(values);
    if (numbers > static_cast<double>(limits::grid_values))
      throw Error(text() + " voxels with " + std::to_string(values) +
                  " values each are too many: at most " + std::to_string(limits::grid_values) +
                  " numbers fit a grid; use fewer voxels or channels");
  }
  std::string text() const {
    return std::to_string(nx) + " x " + std::to_string(ny) + " x " + std::to_string(nz);
  }
  bool operator==(const VoxelShape &) const = default;
};

}  // namespace voxion
