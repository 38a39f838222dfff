// Total charges of two planar electrodes at potentials.
#include <cmath>
#include <limits>
#include <vector>

#include "error.hpp"
#include "messages.hpp"
#include "planar_pair.hpp"

using namespace voxion;

namespace {

constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();

Cell box(bool periodic = false) {
  return {{{{20.0, 0.0, 0.0}, {0.0, 10.0, 0.0}, {0.0, 0.0, 50.0}}}, {true, true, periodic}};
}

// Four nuclei at each of these heights.
std::vector<double> layers(std::initializer_list<double> heights) {
  std::vector<double> nuclei;
  for (double z : heights)
    for (int i = 0; i < 4; ++i) nuclei.insert(nuclei.end(), {2.0 * i, 1.0 * i, z});
  return nuclei;
}

}  // namespace

BOOST_AUTO_TEST_CASE(an_empty_pair_is_a_plate_capacitor) {
  const PlanarPair pair(layers({5.0}), layers({35.0}), {0.0, 0.0}, box());
  const auto charges = pair.charges({-0.5, 1.5}, 0.0);
  // eps0 A V / L = 0.00552635 e/(V angstrom) * 200 angstrom^2 * 2 V / 30 angstrom
  BOOST_CHECK_CLOSE(charges[1], 0.0736847, 1e-3);
  BOOST_CHECK(charges[0] == -charges[1]);
}

BOOST_AUTO_TEST_CASE(electrodes_come_in_either_order) {
  const auto low = layers({5.0}), high = layers({35.0});
  const auto one = PlanarPair(low, high, {0.1, 0.2}, box()).charges({0.0, 1.0}, 0.7);
  const auto other = PlanarPair(high, low, {0.2, 0.1}, box()).charges({1.0, 0.0}, 0.7);
  BOOST_CHECK(one[0] == other[1]);
  BOOST_CHECK(one[1] == other[0]);
}

// A charge at a plane induces all of its counter charge there, and none on the other.
BOOST_AUTO_TEST_CASE(a_charge_induces_by_its_height) {
  const PlanarPair pair(layers({5.0}), layers({35.0}), {1.0, 1.0}, box());
  const auto induced = [&](double z) {
    // with its counter charge in the middle plane, which has no moment
    return pair.charges({0.0, 0.0}, pair.height(z));
  };
  BOOST_CHECK_SMALL(induced(20.0)[1], 1e-15);
  BOOST_CHECK_CLOSE(induced(34.0)[1], -0.5, 1e-12);  // the other half is that of the middle plane
  BOOST_CHECK_CLOSE(induced(6.0)[0], -0.5, 1e-12);
}

// The layers behind the faces do not count.
BOOST_AUTO_TEST_CASE(the_innermost_layers_are_the_faces) {
  const PlanarPair pair(layers({1.0, 3.0, 5.0}), layers({35.0, 37.0}), {0.0, 0.0}, box());
  BOOST_CHECK_CLOSE(pair.separation(), 30.0, 1e-12);
  BOOST_CHECK(pair.between(pair.height(5.1)) && pair.between(pair.height(34.9)));
  BOOST_CHECK(!pair.between(pair.height(4.9)) && !pair.between(pair.height(35.1)));
}

BOOST_AUTO_TEST_CASE(periodic_images_count_from_the_lower_face) {
  const PlanarPair pair(layers({5.0}), layers({35.0}), {0.0, 0.0}, box(true));
  BOOST_CHECK_SMALL(pair.height(20.0 + 50.0), 1e-12);
  BOOST_CHECK_CLOSE(pair.height(6.0 - 100.0), pair.height(6.0), 1e-9);
  BOOST_CHECK(!pair.between(pair.height(40.0)));  // between the backs
  // an electrode that lies across the boundary
  const PlanarPair across(layers({1.0, 49.0}), layers({35.0}), {0.0, 0.0}, box(true));
  BOOST_CHECK_CLOSE(across.separation(), 34.0, 1e-12);
}

// In the limit of a wide gap behind them the sheets are those of a bounded box.
BOOST_AUTO_TEST_CASE(sheets_in_a_periodic_cell_have_no_back) {
  const auto effective = [](double height, bool periodic, std::vector<double> low) {
    Cell cell = box(periodic);
    cell.vectors[2][2] = height;
    const auto pair = PlanarPair(low, layers({35.0}), {0.3, 0.3}, cell);
    return 0.00552635 * 200.0 / pair.charges({0.0, 1.0}, 0.0)[1];
  };
  BOOST_CHECK_CLOSE(effective(50.0, false, layers({5.0})), 29.4, 1e-3);
  BOOST_CHECK_CLOSE(effective(50.0, true, layers({5.0})), 30.0 - 0.6 * 2.5, 1e-3);
  BOOST_CHECK_CLOSE(effective(3e5, true, layers({5.0})), 29.4, 1e-3);
  // one of them thick
  BOOST_CHECK_CLOSE(effective(50.0, true, layers({1.0, 5.0})), 30.0 - 0.3 * 3.5, 1e-3);
}

BOOST_AUTO_TEST_CASE(other_geometries_are_refused) {
  const auto low = layers({5.0}), high = layers({35.0});
  const std::array<double, 2> none{0.0, 0.0};
  const std::vector<double> tilted{0.0, 0.0, 5.0, 5.0, 0.0, 5.2, 10.0, 0.0, 5.4};
  BOOST_CHECK_EXCEPTION(PlanarPair(tilted, high, none, box()), Error, says("expected a flat one"));
  BOOST_CHECK_EXCEPTION(PlanarPair(low, low, none, box()), Error, says("one electrode above"));
  BOOST_CHECK_EXCEPTION(PlanarPair(layers({5.0, 36.0}), high, none, box()), Error,
                        says("one electrode above the other"));
  BOOST_CHECK_EXCEPTION(PlanarPair(low, high, {20.0, 20.0}, box()), Error, says("apart along z"));
  BOOST_CHECK_EXCEPTION(PlanarPair({}, high, none, box()), Error, says("has no atoms"));
  BOOST_CHECK_EXCEPTION(PlanarPair(layers({not_a_number}), high, none, box()), Error,
                        says("not finite"));
  Cell oblique = box();
  oblique.vectors[2][0] = 3.0;
  BOOST_CHECK_EXCEPTION(PlanarPair(low, high, none, oblique), Error, says("one edge along z"));
}

BOOST_AUTO_TEST_CASE(a_charged_electrolyte_is_refused) {
  check_neutral_electrolyte(5e-5);
  BOOST_CHECK_EXCEPTION(check_neutral_electrolyte(-1.0), Error, says("a charge of -1 e"));
  BOOST_CHECK_EXCEPTION(check_neutral_electrolyte(not_a_number), Error, says("a charge of nan e"));
}

// Both electrodes look alike from the electrolyte, also across the boundary of a periodic cell.
BOOST_AUTO_TEST_CASE(depths_count_from_the_faces) {
  const std::vector<double> known{0.0, 2.0};
  for (bool periodic : {false, true}) {
    const auto low = layers({5.0, 3.0}), high = layers({35.0, 37.0});
    const PlanarPair pair(low, high, {0.1, 0.1}, box(periodic));
    const auto seen = pair.behind_face(low, 0, known);
    BOOST_REQUIRE(seen.size() == low.size());
    BOOST_CHECK(seen == pair.behind_face(high, 1, known));
    BOOST_CHECK(seen[3] == low[3] && seen[4] == low[4]);
    BOOST_CHECK_SMALL(seen[2], 1e-12);
    BOOST_CHECK_CLOSE(seen[4 * 3 + 2], 2.0, 1e-9);
  }
  // the lower electrode's second layer at -1.5 is at 48.5
  const auto low = layers({0.5, 48.5}), high = layers({35.0, 37.0});
  const PlanarPair pair(low, high, {0.1, 0.1}, box(true));
  const auto seen = pair.behind_face(low, 0, known);
  BOOST_CHECK_SMALL(seen[2], 1e-12);
  BOOST_CHECK_CLOSE(seen[4 * 3 + 2], 2.0, 1e-9);
}

BOOST_AUTO_TEST_CASE(layers_that_the_model_does_not_know_are_refused) {
  const auto low = layers({5.0, 3.0}), high = layers({35.0});
  const PlanarPair pair(low, high, {0.1, 0.1}, box());
  const auto refuse = [&](const std::vector<double> &nuclei, int electrode,
                          const std::vector<double> &known, const std::string &part) {
    BOOST_CHECK_EXCEPTION(pair.behind_face(nuclei, electrode, known), Error, says(part));
  };
  refuse(low, 0, {0.0}, "2 angstrom behind the face");
  refuse(low, 0, {0.0, 2.5}, "layers at 0, 2.5 angstrom");
  refuse(high, 1, {0.0, 2.0}, "no nuclei 2 angstrom behind");
  try {
    pair.behind_face(low, 0, std::vector<double>{0.0});
    BOOST_ERROR("accepted");
  } catch (const AtomError &e) {
    BOOST_CHECK(e.site == 4u);
  }
}
