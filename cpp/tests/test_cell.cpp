// Fractional coordinates and face distances of cells.
#include <cmath>

#include "cell.hpp"
#include "error.hpp"
#include "messages.hpp"

using namespace voxion;

BOOST_AUTO_TEST_CASE(fractional_coordinates_of_a_triclinic_cell) {
  const Cell cell{{{{10, 0, 0}, {3, 8, 0}, {1, 2, 6}}}, {true, true, true}};
  const Reciprocal reciprocal(cell);
  // 0.25 a + 0.5 b - 1.5 c
  const double position[3] = {2.5 + 1.5 - 1.5, 4.0 - 3.0, -9.0};
  const Vector f = reciprocal.fractional(position);
  BOOST_CHECK_SMALL(f[0] - 0.25, 1e-14);
  BOOST_CHECK_SMALL(f[1] - 0.5, 1e-14);
  BOOST_CHECK_SMALL(f[2] - (-1.5), 1e-14);
}

BOOST_AUTO_TEST_CASE(widths_are_distances_between_faces) {
  const Cell cell{{{{10, 0, 0}, {5, 8, 0}, {0, 0, 6}}}, {true, true, true}};
  const Reciprocal reciprocal(cell);
  BOOST_CHECK_SMALL(reciprocal.width(2) - 6.0, 1e-14);
  BOOST_CHECK_SMALL(reciprocal.width(1) - 8.0, 1e-14);
  BOOST_CHECK_SMALL(reciprocal.width(0) - (80.0 / std::hypot(5.0, 8.0)), 1e-13);
}

BOOST_AUTO_TEST_CASE(a_flat_cell_is_refused) {
  BOOST_CHECK_EXCEPTION(Reciprocal(Cell{{{{10, 0, 0}, {5, 0, 0}, {0, 0, 6}}}, {}}), Error,
                        says("no volume"));
}

BOOST_AUTO_TEST_CASE(positions_are_wrapped_along_periodic_directions_only) {
  const Cell cell{{{{10, 0, 0}, {2, 8, 0}, {0, 1, 5}}}, {true, true, false}};
  const Reciprocal reciprocal(cell);
  const Vector inside{3, 4, 2};
  const Vector outside{3 - 20 + 2, 4 + 8,
                       2};  // two vectors of the first kind back, one of the second on
  const Vector back = wrapped(outside, cell, reciprocal);
  for (int d = 0; d < 3; ++d) BOOST_CHECK_SMALL(back[d] - inside[d], 1e-12);
  const Vector above{3, 5, 7};  // the third direction does not repeat
  BOOST_CHECK(wrapped(above, cell, reciprocal)[2] == 7);
  const Vector far = minimum_image({9.5, 0.5, 0}, cell, reciprocal);
  BOOST_CHECK_SMALL(far[0] - (-0.5), 1e-12);
  BOOST_CHECK_SMALL(far[1] - 0.5, 1e-12);
}
