// Reciprocal vectors of the simulation cell.
#include "cell.hpp"

#include <cmath>

#include "error.hpp"

namespace voxion {

namespace {
Vector cross(const Vector &a, const Vector &b) {
  return {a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]};
}
double dot(const Vector &a, const Vector &b) { return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]; }
}  // namespace

Reciprocal::Reciprocal(const Cell &cell) {
  const auto &v = cell.vectors;
  const double volume = dot(v[0], cross(v[1], v[2]));
  if (!std::isfinite(volume) || std::abs(volume) < 1e-12)
    throw Error(
        "the simulation cell spans no volume: its three lattice vectors (angstrom) must be "
        "finite and linearly independent");
  for (int i = 0; i < 3; ++i) {
    const Vector normal = cross(v[(i + 1) % 3], v[(i + 2) % 3]);
    for (int d = 0; d < 3; ++d) inverse_[i][d] = normal[d] / volume;
    widths_[i] = std::abs(volume) / std::sqrt(dot(normal, normal));
  }
  volume_ = std::abs(volume);
}

Vector Reciprocal::fractional(const double *position) const {
  const Vector r{position[0], position[1], position[2]};
  return {dot(inverse_[0], r), dot(inverse_[1], r), dot(inverse_[2], r)};
}

namespace {

// `whole` gives the number of lattice vectors to take away for a fractional coordinate.
template <typename Whole>
Vector shifted(Vector r, const Cell &cell, const Reciprocal &reciprocal, Whole whole) {
  const Vector fractional = reciprocal.fractional(r.data());
  for (int i = 0; i < 3; ++i) {
    const double count = cell.periodic[i] ? whole(fractional[i]) : 0.0;
    if (count == 0.0) continue;
    for (int d = 0; d < 3; ++d) r[d] -= count * cell.vectors[i][d];
  }
  return r;
}

}  // namespace

Vector wrapped(const Vector &position, const Cell &cell, const Reciprocal &reciprocal) {
  return shifted(position, cell, reciprocal, [](double x) { return std::floor(x); });
}

Vector minimum_image(const Vector &difference, const Cell &cell, const Reciprocal &reciprocal) {
  return shifted(difference, cell, reciprocal, [](double x) { return std::round(x); });
}

}  // namespace voxion
