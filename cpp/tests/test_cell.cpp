// Fractional coordinates and face distances of cells.
#include "cell.hpp"
#include "check.hpp"
#include "error.hpp"

using namespace voxion;

TEST(fractional_coordinates_of_a_triclinic_cell) {
  const Cell cell{{{{10, 0, 0}, {3, 8, 0}, {1, 2, 6}}}, {true, true, true}};
  const Reciprocal reciprocal(cell);
  // 0.25 a + 0.5 b - 1.5 c
  const double position[3] = {2.5 + 1.5 - 1.5, 4.0 - 3.0, -9.0};
  const Vector f = reciprocal.fractional(position);
  CHECK_NEAR(f[0], 0.25, 1e-14);
  CHECK_NEAR(f[1], 0.5, 1e-14);
  CHECK_NEAR(f[2], -1.5, 1e-14);
}

TEST(widths_are_distances_between_faces) {
  const Cell cell{{{{10, 0, 0}, {5, 8, 0}, {0, 0, 6}}}, {true, true, true}};
  const Reciprocal reciprocal(cell);
  CHECK_NEAR(reciprocal.width(2), 6.0, 1e-14);
  CHECK_NEAR(reciprocal.width(1), 8.0, 1e-14);
  CHECK_NEAR(reciprocal.width(0), 80.0 / std::hypot(5.0, 8.0), 1e-13);
}

TEST(a_flat_cell_is_refused) {
  CHECK_THROWS(Reciprocal(Cell{{{{10, 0, 0}, {5, 0, 0}, {0, 0, 6}}}, {}}), Error, "no volume");
}
