// Ripples of the potential close to the nuclei of a face.
#include <cmath>
#include <numbers>
#include <vector>

#include "corrugation.hpp"
#include "messages.hpp"
#include "planar_pair.hpp"

using namespace voxion;

namespace {

constexpr double spacing = 2.5;  // of a square lattice
constexpr int cells_x = 6, cells_y = 4;

Cell box() {
  return {{{{cells_x * spacing, 0.0, 0.0}, {0.0, cells_y * spacing, 0.0}, {0.0, 0.0, 50.0}}},
          {true, true, false}};
}

// A layer of the lattice, moved along x, at this depth or height.
std::vector<double> lattice(double z, double moved = 0.0) {
  std::vector<double> nuclei;
  for (int i = 0; i < cells_x; ++i)
    for (int j = 0; j < cells_y; ++j)
      nuclei.insert(nuclei.end(), {i * spacing + moved, j * spacing, z});
  return nuclei;
}

Corrugation of_lattice(double amplitude, double moved = 0.0) {
  Corrugation corrugation(amplitude);
  corrugation.update(lattice(0.0, moved), box());
  return corrugation;
}

}  // namespace

// 2 pi / 2.5 = 2.513 is below 3.5, the diagonal's 3.554 above.
BOOST_AUTO_TEST_CASE(a_square_lattice_ripples_with_its_shortest_waves) {
  const auto corrugation = of_lattice(0.3);
  const double k = 2.0 * std::numbers::pi / spacing;
  for (double d : {0.5, 2.0, 4.0})
    for (double x : {0.0, 0.7, 1.25, 31.0})
      for (double y : {0.0, -0.4, 1.25}) {
        const double position[3] = {x, y, 0.0};
        const double expected = 0.3 * 2.0 * std::exp(-k * d) * (std::cos(k * x) + std::cos(k * y));
        BOOST_CHECK_SMALL(corrugation.at(position, d) - expected, 1e-12);
      }
  const double far[3] = {0.0, 0.0, 0.0};
  BOOST_CHECK(corrugation.at(far, 12.5 / k) == 0.0);
}

BOOST_AUTO_TEST_CASE(the_ripples_move_with_the_nuclei) {
  auto corrugation = of_lattice(1.0);
  const double position[3] = {0.3, 0.1, 0.0}, moved[3] = {0.8, 0.1, 0.0};
  const double before = corrugation.at(position, 2.0);
  corrugation.update(lattice(0.0, 0.5), box());
  BOOST_CHECK_SMALL(corrugation.at(moved, 2.0) - before, 1e-12);
  BOOST_CHECK(std::abs(corrugation.at(position, 2.0) - before) > 1e-4);
}

BOOST_AUTO_TEST_CASE(layers_behind_the_face_do_not_ripple) {
  auto both = lattice(0.0);
  const auto deeper = lattice(2.0, 1.1);
  both.insert(both.end(), deeper.begin(), deeper.end());
  Corrugation corrugation(1.0);
  corrugation.update(both, box());
  const double position[3] = {0.3, 0.1, 0.0};
  BOOST_CHECK(corrugation.at(position, 2.0) == of_lattice(1.0).at(position, 2.0));
}

BOOST_AUTO_TEST_CASE(models_without_a_corrugation_have_none) {
  const double position[3] = {0.0, 0.0, 0.0};
  BOOST_CHECK(of_lattice(0.0).at(position, 1.0) == 0.0);
}

// An atom near a nucleus induces more there, on either electrode.
BOOST_AUTO_TEST_CASE(levers_are_heights_and_ripples) {
  const auto low = lattice(5.0), high = lattice(35.0);
  const PlanarPair pair(low, high, {0.0, 0.0}, box());
  const auto corrugation = of_lattice(0.3);
  const std::array<const Corrugation *, 2> both{&corrugation, &corrugation};
  const double below[3] = {0.0, 0.0, 7.0}, above[3] = {0.0, 0.0, 33.0},
               middle[3] = {0.0, 0.0, 20.0};
  const auto lever = [&](const double *position) {
    return pair.lever(position, pair.height(position[2]), both);
  };
  BOOST_CHECK_CLOSE(lever(below), -13.0 - corrugation.at(below, 2.0), 1e-9);
  BOOST_CHECK_CLOSE(lever(above), 13.0 + corrugation.at(above, 2.0), 1e-9);
  BOOST_CHECK_SMALL(lever(middle), 1e-12);
  // whichever comes first
  const PlanarPair other(high, low, {0.0, 0.0}, box());
  BOOST_CHECK(other.lever(above, other.height(33.0), both) == lever(above));
}
