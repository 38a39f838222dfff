// Finds the voxels of atoms.
#include "voxel_sums.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

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
  if (index >= 0 && index < count) [[likely]]
    return index;
  if (!periodic) return std::clamp(index, 0, count - 1);
  const int rest = index % count;
  return rest < 0 ? rest + count : rest;
}

VoxelSums::VoxelSums(VoxelShape shape, std::size_t columns, Spread spread)
    : shape_(shape), columns_(columns), spread_(spread) {
  if (shape.nx < 1 || shape.ny < 1 || shape.nz < 1 || columns < 1)
    throw Error("a voxel grid needs at least one voxel along each direction and one value");
  if (shape.size() > static_cast<std::size_t>(std::numeric_limits<int>::max()))
    throw Error("a voxel grid must have fewer than 2^31 voxels");
  sums_.assign(shape.size() * columns, 0.0);
}

void VoxelSums::clear() { std::fill(sums_.begin(), sums_.end(), 0.0); }

void VoxelSums::locate(const double *positions, std::span<const int> atoms, const Cell &cell,
                       const Vector &origin) {
  const Reciprocal reciprocal(cell);
  atoms_ = atoms;
  density_ = static_cast<double>(shape_.size()) / reciprocal.volume();
  Scaling scaling{reciprocal.rows(),
                  origin,
                  {{{shape_.nx, cell.periodic[0]},
                    {shape_.ny, cell.periodic[1]},
                    {shape_.nz, cell.periodic[2]}}},
                  true};
  for (int i = 0; i < 3; ++i)
    for (int d = 0; d < 3; ++d) {
      scaling.rows[i][d] *= scaling.axes[i].count;
      if (i != d && scaling.rows[i][d] != 0.0) scaling.orthogonal = false;
    }
  voxels_.resize(atoms.size() * (spread_ == Spread::ngp ? 1 : 8));
  if (spread_ == Spread::cic) shares_.resize(voxels_.size());
  if (spread_ == Spread::ngp)
    scaling.orthogonal ? find<Spread::ngp, true>(positions, scaling)
                       : find<Spread::ngp, false>(positions, scaling);
  else
    scaling.orthogonal ? find<Spread::cic, true>(positions, scaling)
                       : find<Spread::cic, false>(positions, scaling);
}

template <Spread spread, bool orthogonal>
void VoxelSums::find(const double *positions, const Scaling &scaling) {
  // cloud in cell interpolates between the centres of voxels
  constexpr double shift = spread == Spread::cic ? 0.5 : 0.0;
  const auto axes = scaling.axes;
  const auto rows = scaling.rows;
  const Vector origin = scaling.origin;
  const auto voxel = [&](int i, int j, int k) {
    return (axes[2].place(k) * axes[1].count + axes[1].place(j)) * axes[0].count + axes[0].place(i);
  };
  for (std::size_t n = 0; n < atoms_.size(); ++n) {
    const double *x = positions + 3 * static_cast<std::size_t>(atoms_[n]);
    const double r[3] = {x[0] - origin[0], x[1] - origin[1], x[2] - origin[2]};
    double u[3];
    for (int d = 0; d < 3; ++d)
      u[d] = (orthogonal ? rows[d][d] * r[d]
                         : rows[d][0] * r[0] + rows[d][1] * r[1] + rows[d][2] * r[2]) -
             shift;
    if (!(std::abs(u[0]) < farthest && std::abs(u[1]) < farthest && std::abs(u[2]) < farthest))
      throw Error("the position of an atom is not finite or far outside the box");
    const int lower[3] = {below(u[0]), below(u[1]), below(u[2])};
    if constexpr (spread == Spread::ngp) {
      voxels_[n] = voxel(lower[0], lower[1], lower[2]);
    } else {
      const double rest[3] = {u[0] - lower[0], u[1] - lower[1], u[2] - lower[2]};
      for (int corner = 0; corner < 8; ++corner) {
        const int i = corner & 1, j = (corner >> 1) & 1, k = corner >> 2;
        voxels_[8 * n + corner] = voxel(lower[0] + i, lower[1] + j, lower[2] + k);
        shares_[8 * n + corner] = (i ? rest[0] : 1.0 - rest[0]) * (j ? rest[1] : 1.0 - rest[1]) *
                                  (k ? rest[2] : 1.0 - rest[2]);
      }
    }
  }
}

}  // namespace voxion
