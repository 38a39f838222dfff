// The simulation cell: three lattice vectors (rows, angstrom) and which of them repeat.
#pragma once

#include <array>

namespace voxion {

using Vector = std::array<double, 3>;

struct Cell {
  std::array<Vector, 3> vectors{};
  std::array<bool, 3> periodic{true, true, true};

  bool operator==(const Cell &) const = default;
};

// Fractional coordinates of positions, the distances between opposite faces, and the volume of the
// cell.
class Reciprocal {
 public:
  // Throws Error when the lattice vectors do not span a volume.
  explicit Reciprocal(const Cell &cell);
  Vector fractional(const double *position) const;
  // The rows whose products with a position are its fractional coordinates.
  const std::array<Vector, 3> &rows() const { return inverse_; }
  double width(int direction) const { return widths_[direction]; }
  double volume() const { return volume_; }

 private:
  std::array<Vector, 3> inverse_{};  // columns of the inverse of the matrix of lattice vectors
  Vector widths_{};
  double volume_ = 0.0;
};

// A position moved into the cell along its periodic directions.
Vector wrapped(const Vector &position, const Cell &cell, const Reciprocal &reciprocal);

// A vector between two positions, or the shorter one between images of them.
Vector minimum_image(const Vector &difference, const Cell &cell, const Reciprocal &reciprocal);

}  // namespace voxion
