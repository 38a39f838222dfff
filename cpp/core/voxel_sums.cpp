// Finds the voxels of atoms.
#include "voxel_sums.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "error.hpp"
#include "vector_clones.hpp"

namespace voxion {

namespace {

// Further away than this an atom has left any simulation that still makes sense, and whole numbers
// would overflow.
constexpr double farthest = 1e9;

// Atoms are located in blocks of this many, in loops made of vector instructions.
constexpr std::size_t block = 256;

// The whole number at or below; std::floor is a function call on the processors of the default
// build.
inline int below(double u) {
  const int whole = static_cast<int>(u);
  return whole - (u < whole ? 1 : 0);
}

// The voxels along one direction of atoms that are at most a box length outside the box. Returns
// whether all are that near; numbers that are not finite are not.
VOXION_VECTOR_CLONES bool near_voxels(const double *u, std::size_t atoms, int count, bool periodic,
                                      int *voxels) {
  int far = 0;
  if (periodic) {
    for (std::size_t n = 0; n < atoms; ++n) {
      int index = below(u[n]);
      index += index < 0 ? count : 0;
      index -= index >= count ? count : 0;
      far |= (index < 0) | (index >= count);
      voxels[n] = index;
    }
  } else {
    for (std::size_t n = 0; n < atoms; ++n) {
      const int index = below(u[n]);
      far |= (index < -count) | (index >= 2 * count);
      const int above = index < 0 ? 0 : index;
      voxels[n] = above < count ? above : count - 1;
    }
  }
  return far == 0;
}

VOXION_VECTOR_CLONES void combine(const int *x, const int *y, const int *z, std::size_t atoms,
                                  int nx, int ny, int *voxels) {
  for (std::size_t n = 0; n < atoms; ++n) voxels[n] = (z[n] * ny + y[n]) * nx + x[n];
}

void require_near(const Vector &u) {
  if (!(std::abs(u[0]) < farthest && std::abs(u[1]) < farthest && std::abs(u[2]) < farthest))
    throw Error("the position of an atom is not finite or far outside the box");
}

}  // namespace

inline Vector VoxelSums::Scaling::operator()(const double *position) const {
  const double r[3] = {position[0] - origin[0], position[1] - origin[1], position[2] - origin[2]};
  if (orthogonal) return {rows[0][0] * r[0], rows[1][1] * r[1], rows[2][2] * r[2]};
  Vector u;
  for (int d = 0; d < 3; ++d) u[d] = rows[d][0] * r[0] + rows[d][1] * r[1] + rows[d][2] * r[2];
  return u;
}

int VoxelSums::Scaling::place(int axis, int index) const {
  const int count = counts[axis];
  if (index >= 0 && index < count) return index;
  if (!periodic[axis]) return std::clamp(index, 0, count - 1);
  const int rest = index % count;
  return rest < 0 ? rest + count : rest;
}

Spread parse_spread(const std::string &word) {
  if (word == "ngp") return Spread::ngp;
  if (word == "cic") return Spread::cic;
  throw Error("spread must be ngp or cic, found " + word);
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
  Scaling scaling{
      reciprocal.rows(), origin, {shape_.nx, shape_.ny, shape_.nz}, cell.periodic, true};
  for (int i = 0; i < 3; ++i)
    for (int d = 0; d < 3; ++d) {
      scaling.rows[i][d] *= scaling.counts[i];
      if (i != d && scaling.rows[i][d] != 0.0) scaling.orthogonal = false;
    }
  if (spread_ == Spread::ngp)
    find_nearest(positions, scaling);
  else
    find_cloud(positions, scaling);
}

void VoxelSums::find_nearest(const double *positions, const Scaling &scaling) {
  voxels_.resize(atoms_.size());
  double u[3][block];
  int index[3][block];
  for (std::size_t first = 0; first < atoms_.size(); first += block) {
    const std::size_t atoms = std::min(block, atoms_.size() - first);
    for (std::size_t n = 0; n < atoms; ++n) {
      const Vector place = scaling(positions + 3 * static_cast<std::size_t>(atoms_[first + n]));
      for (int d = 0; d < 3; ++d) u[d][n] = place[d];
    }
    bool near = true;
    for (int d = 0; d < 3; ++d)
      near &= near_voxels(u[d], atoms, scaling.counts[d], scaling.periodic[d], index[d]);
    if (!near)
      for (std::size_t n = 0; n < atoms; ++n) {
        require_near({u[0][n], u[1][n], u[2][n]});
        for (int d = 0; d < 3; ++d) index[d][n] = scaling.place(d, below(u[d][n]));
      }
    combine(index[0], index[1], index[2], atoms, shape_.nx, shape_.ny, &voxels_[first]);
  }
}

void VoxelSums::find_cloud(const double *positions, const Scaling &scaling) {
  voxels_.resize(8 * atoms_.size());
  shares_.resize(8 * atoms_.size());
  for (std::size_t n = 0; n < atoms_.size(); ++n) {
    Vector u = scaling(positions + 3 * static_cast<std::size_t>(atoms_[n]));
    require_near(u);
    int lower[3];
    for (int d = 0; d < 3; ++d) {
      u[d] -= 0.5;  // between the centres of voxels
      lower[d] = below(u[d]);
      u[d] -= lower[d];
    }
    for (int corner = 0; corner < 8; ++corner) {
      const int i = corner & 1, j = (corner >> 1) & 1, k = corner >> 2;
      voxels_[8 * n + corner] =
          (scaling.place(2, lower[2] + k) * shape_.ny + scaling.place(1, lower[1] + j)) *
              shape_.nx +
          scaling.place(0, lower[0] + i);
      shares_[8 * n + corner] =
          (i ? u[0] : 1.0 - u[0]) * (j ? u[1] : 1.0 - u[1]) * (k ? u[2] : 1.0 - u[2]);
    }
  }
}

}  // namespace voxion
