// Finds the voxels of atoms and adds their values.
#include "voxel_sums.hpp"

#include <algorithm>
#include <cmath>

#include "error.hpp"

namespace voxion {

namespace {

// Further away than this an atom has left any simulation that still makes sense, and whole numbers
// would overflow.
constexpr double farthest = 1e9;

// The whole number at or below; std::floor is a function call on the processors of the default
// build.
int below(double u) {
  const int whole = static_cast<int>(u);
  return whole - (u < whole ? 1 : 0);
}

}  // namespace

int VoxelSums::Axis::place(int index) const {
  if (index >= 0 && index < count) return index;
  if (!periodic) return std::clamp(index, 0, count - 1);
  const int rest = index % count;
  return rest < 0 ? rest + count : rest;
}

VoxelSums::VoxelSums(VoxelShape shape, std::size_t columns, Spread spread)
    : shape_(shape), columns_(columns), spread_(spread) {
  if (shape.nx < 1 || shape.ny < 1 || shape.nz < 1 || columns < 1)
    throw Error("a voxel grid needs at least one voxel along each direction and one value");
  sums_.assign(shape.size() * columns, 0.0);
}

void VoxelSums::clear() { std::fill(sums_.begin(), sums_.end(), 0.0); }

void VoxelSums::add(std::span<const double> positions, std::span<const double> values,
                    const Cell &cell, const Vector &origin) {
  const Reciprocal reciprocal(cell);
  const std::array<Axis, 3> axes{{{shape_.nx, cell.periodic[0]},
                                  {shape_.ny, cell.periodic[1]},
                                  {shape_.nz, cell.periodic[2]}}};
  const double density = static_cast<double>(shape_.size()) / reciprocal.volume();
  if (spread_ == Spread::ngp)
    add_block<Spread::ngp>(positions, values, reciprocal, axes, origin, density);
  else
    add_block<Spread::cic>(positions, values, reciprocal, axes, origin, density);
}

void VoxelSums::deposit(std::size_t voxel, const double *values, double weight) {
  double *sum = &sums_[voxel * columns_];
  for (std::size_t c = 0; c < columns_; ++c) sum[c] += weight * values[c];
}

template <Spread spread>
void VoxelSums::add_block(std::span<const double> positions, std::span<const double> values,
                          const Reciprocal &reciprocal, const std::array<Axis, 3> &axes,
                          const Vector &origin, double density) {
  // cloud in cell interpolates between the centres of voxels
  constexpr double shift = spread == Spread::cic ? 0.5 : 0.0;
  const std::size_t atoms = positions.size() / 3;
  for (std::size_t n = 0; n < atoms; ++n) {
    const double *x = &positions[3 * n];
    const double from_origin[3] = {x[0] - origin[0], x[1] - origin[1], x[2] - origin[2]};
    const Vector fractional = reciprocal.fractional(from_origin);
    int lower[3];
    double rest[3];
    for (int d = 0; d < 3; ++d) {
      const double u = fractional[d] * axes[d].count - shift;
      if (!(std::abs(u) < farthest))
        throw Error("the position of an atom is not finite or far outside the box");
      lower[d] = below(u);
      rest[d] = u - lower[d];
    }
    const double *own = &values[n * columns_];
    const auto voxel = [&](int i, int j, int k) {
      return (static_cast<std::size_t>(axes[2].place(k)) * shape_.ny + axes[1].place(j)) *
                 shape_.nx +
             axes[0].place(i);
    };
    if constexpr (spread == Spread::ngp) {
      deposit(voxel(lower[0], lower[1], lower[2]), own, density);
    } else {
      for (int corner = 0; corner < 8; ++corner) {
        const int i = corner & 1, j = (corner >> 1) & 1, k = corner >> 2;
        const double share = (i ? rest[0] : 1.0 - rest[0]) * (j ? rest[1] : 1.0 - rest[1]) *
                             (k ? rest[2] : 1.0 - rest[2]);
        deposit(voxel(lower[0] + i, lower[1] + j, lower[2] + k), own, share * density);
      }
    }
  }
}

}  // namespace voxion
