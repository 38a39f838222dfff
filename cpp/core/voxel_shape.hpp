// The number of voxels along the three lattice vectors.
#pragma once

#include <cstddef>
#include <string>

namespace voxion {

struct VoxelShape {
  int nx = 1, ny = 1, nz = 1;

  std::size_t size() const {
    return static_cast<std::size_t>(nx) * static_cast<std::size_t>(ny) *
           static_cast<std::size_t>(nz);
  }
  std::string text() const {
    return std::to_string(nx) + " x " + std::to_string(ny) + " x " + std::to_string(nz);
  }
  bool operator==(const VoxelShape &) const = default;
};

}  // namespace voxion
