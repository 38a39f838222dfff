// Sums of per-atom values on a grid that divides the simulation cell evenly.
#pragma once

#include <array>
#include <span>
#include <string>
#include <vector>

#include "cell.hpp"
#include "voxel_shape.hpp"

namespace voxion {

// Assignment of an atom to voxels: the one it lies in, or, cloud in cell, the eight whose
// centres surround it.
enum class Spread { ngp, cic };

// Throws Error unless the word is ngp or cic.
Spread parse_spread(const std::string &word);

// Voxel (i, j, k) covers the fractional coordinates [i/nx, (i+1)/nx), ... of the cell of each
// sample, so that the grid follows the cell. Along directions that do not repeat, atoms outside
// the cell belong to the outermost voxels: every atom counts.
class VoxelSums {
 public:
  // Throws Error when a count is below 1.
  VoxelSums(VoxelShape shape, std::size_t columns, Spread spread);

  // Begins a sample: finds the voxels of some atoms, given by index, at positions [N, 3]. Throws
  // Error when a position is not finite or the cell spans no volume.
  void locate(const double *positions, std::span<const int> atoms, const Cell &cell,
              const Vector &origin);
  // Adds value(atom) over the volume of a voxel to a column, for each of those atoms.
  template <typename Value>
  void deposit(std::size_t column, Value value);
  void clear();

  const VoxelShape &shape() const { return shape_; }
  std::size_t columns() const { return columns_; }
  // [column, z, y, x]
  std::span<double> sums() { return sums_; }
  std::span<const double> sums() const { return sums_; }

 private:
  // From positions to fractional coordinates times the number of voxels.
  struct Scaling {
    std::array<Vector, 3> rows;
    Vector origin;
    std::array<int, 3> counts;
    std::array<bool, 3> periodic;
    bool orthogonal;

    Vector operator()(const double *position) const;
    // The voxel along one direction that an index, perhaps outside the box, stands for.
    int place(int axis, int index) const;
  };

  void find_nearest(const double *positions, const Scaling &scaling);
  void find_cloud(const double *positions, const Scaling &scaling);

  VoxelShape shape_;
  std::size_t columns_;
  Spread spread_;
  std::vector<double> sums_;

  // the sample: its atoms, their voxels and, cloud in cell, the shares of these
  std::span<const int> atoms_;
  std::vector<int> voxels_;
  std::vector<double> shares_;
  double density_ = 0.0;  // of an atom of value 1 in its voxel
};

template <typename Value>
void VoxelSums::deposit(std::size_t column, Value value) {
  double *sums = &sums_[column * shape_.size()];
  if (spread_ == Spread::ngp) {
    for (std::size_t n = 0; n < atoms_.size(); ++n) sums[voxels_[n]] += density_ * value(atoms_[n]);
    return;
  }
  for (std::size_t n = 0; n < atoms_.size(); ++n) {
    const double own = density_ * value(atoms_[n]);
    for (std::size_t corner = 8 * n; corner < 8 * n + 8; ++corner)
      sums[voxels_[corner]] += shares_[corner] * own;
  }
}

}  // namespace voxion
