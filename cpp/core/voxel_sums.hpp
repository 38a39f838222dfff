// Sums of per-atom values on a grid that divides the simulation cell evenly.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "cell.hpp"
#include "voxel_shape.hpp"

namespace voxion {

// How an atom is shared among voxels: the one it lies in, or, cloud in cell, the eight whose
// centres surround it.
enum class Spread { ngp, cic };

// Voxel (i, j, k) covers the fractional coordinates [i/nx, (i+1)/nx), ... of the cell of each
// sample, so that the grid follows the cell. Along directions that do not repeat, atoms outside
// the cell belong to the outermost voxels: every atom counts.
class VoxelSums {
 public:
  // Throws Error when a count is below 1.
  VoxelSums(VoxelShape shape, std::size_t columns, Spread spread);

  // Adds one sample: values [N, columns] of atoms at positions [N, 3], each divided by the volume
  // of a voxel. Throws Error when a position is not finite or the cell spans no volume.
  void add(std::span<const double> positions, std::span<const double> values, const Cell &cell,
           const Vector &origin);
  void clear();

  const VoxelShape &shape() const { return shape_; }
  std::size_t columns() const { return columns_; }
  // [z, y, x, column]
  std::span<double> sums() { return sums_; }
  std::span<const double> sums() const { return sums_; }

 private:
  struct Axis {
    int count;
    bool periodic;
    int place(int index) const;
  };

  template <Spread spread>
  void add_block(std::span<const double> positions, std::span<const double> values,
                 const Reciprocal &reciprocal, const std::array<Axis, 3> &axes,
                 const Vector &origin, double density);
  void deposit(std::size_t voxel, const double *values, double weight);

  VoxelShape shape_;
  std::size_t columns_;
  Spread spread_;
  std::vector<double> sums_;
};

}  // namespace voxion
