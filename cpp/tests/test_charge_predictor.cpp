// Checks around a prediction: sources, surface, cell, range, finite values, exact total.
#include "charge_predictor.hpp"

#include <cmath>
#include <functional>
#include <limits>
#include <numeric>

#include "error.hpp"
#include "messages.hpp"

using namespace voxion;

namespace {

// A model given as a C++ function: a backend of its own behind the runner's interface.
class FunctionRunner : public ModelRunner {
 public:
  using Function = std::function<std::vector<double>(const std::vector<ArrayView> &)>;
  FunctionRunner(std::string contract, Function function)
      : contract_(std::move(contract)), function_(std::move(function)) {}
  const std::string &contract_json() const override { return contract_; }
  bool has(const std::string &method) const override {
    return method == "forward" || !distance.empty();
  }
  std::vector<double> run(const std::string &method,
                          const std::vector<ArrayView> &inputs) override {
    return method == "forward" ? function_(inputs) : distance;
  }

  std::vector<double> distance;  // what the method of that name returns; empty: there is none

 private:
  std::string contract_;
  Function function_;
};

const std::string local = R"({
  "contract_version": 1, "kind": "surface-charges", "inputs": "site-potentials",
  "length_unit": "angstrom", "charge_unit": "e", "torch_version": "2.13.0",
  "voxion_version": "0.1.0", "data_hash": "sha256:0000000000000000000000000000000000000000000000000000000000000000", "total_charge": null, "cell": null,
  "surface_atoms": null, "source_order": "ascending atom ID",
  "sources": [{"name": "Na", "charge": 1.0, "count": null}, {"name": "O", "charge": -0.8476, "count": null}],
  "radial_functions": {"form": "erfc", "widths": [0.1, 0.3], "cutoff": 12.0},
  "input_ranges": {"min": [-1, -2], "max": [1, 2]}})";

const std::string positions = R"({
  "contract_version": 1, "kind": "surface-charges", "inputs": "positions",
  "length_unit": "angstrom", "charge_unit": "e", "torch_version": "2.13.0",
  "voxion_version": "0.1.0", "data_hash": "sha256:0000000000000000000000000000000000000000000000000000000000000000", "total_charge": -1.0,
  "cell": [[29, 0, 0], [0, 30, 0], [0, 0, 86]], "surface_atoms": 3,
  "source_order": "ascending atom ID",
  "sources": [{"name": "Na", "charge": 1.0, "count": 2}, {"name": "Cl", "charge": -1.0, "count": 1}],
  "input_ranges": {"min": [0, 0, 2], "max": [29, 30, 80]}})";

ChargePredictor predictor(const std::string &contract, FunctionRunner::Function function) {
  return {std::make_unique<FunctionRunner>(contract, std::move(function)), "m.pt"};
}

// charge = first potential of the site
std::vector<double> first_potential(const std::vector<ArrayView> &inputs) {
  std::vector<double> charges;
  for (std::int64_t i = 0; i < inputs[0].shape[0]; ++i)
    charges.push_back(inputs[0].data[i * inputs[0].shape[1]]);
  return charges;
}

const Cell cell{{{{29, 0, 0}, {0, 30, 0}, {0, 0, 86}}}, {true, true, false}};

}  // namespace

BOOST_AUTO_TEST_CASE(total_is_exact_and_the_correction_even) {
  auto model = predictor(local, first_potential);
  const std::vector<double> potentials{0.5, 0, -0.25, 0, 0.125, 0}, surface(9, 0.0);
  std::vector<double> charges(3);
  const auto report = model.from_site_potentials(potentials, surface, cell, -1.0, charges);
  BOOST_CHECK_SMALL(report.correction - (-1.0 - 0.375), 1e-15);
  BOOST_CHECK_SMALL(report.residual() - 1.375, 1e-15);
  BOOST_CHECK_SMALL(charges[0] - charges[1] - 0.75, 1e-15);
  BOOST_CHECK_SMALL(std::accumulate(charges.begin(), charges.end(), 0.0) - (-1.0), 1e-15);
  BOOST_CHECK_SMALL(report.mean - (-1.0 / 3.0), 1e-15);
  BOOST_CHECK(report.min == charges[1] && report.max == charges[0]);
}

BOOST_AUTO_TEST_CASE(a_model_gets_the_total_charge_where_its_contract_says_so) {
  std::string contract = local;
  contract.insert(contract.rfind('}'), ", \"total_charge_input\": true");
  auto model = predictor(contract, [](const std::vector<ArrayView> &inputs) {
    BOOST_CHECK(inputs.size() == 4 && inputs[3].shape == std::vector<std::int64_t>{1});
    return std::vector<double>(3, inputs.at(3).data[0] / 3);
  });
  const std::vector<double> potentials(6, 0.0), surface(9, 0.0);
  std::vector<double> charges(3);
  BOOST_CHECK_SMALL(
      model.from_site_potentials(potentials, surface, cell, -1.5, charges).correction - 0.0, 1e-15);
  BOOST_CHECK(!model.distance(potentials, surface, cell));
}

BOOST_AUTO_TEST_CASE(a_distance_is_one_finite_number) {
  const std::vector<double> potentials(6, 0.0), surface(9, 0.0);
  const auto distance = [&](std::vector<double> returned) {
    auto runner = std::make_unique<FunctionRunner>(local, first_potential);
    runner->distance = std::move(returned);
    return ChargePredictor(std::move(runner), "m.pt").distance(potentials, surface, cell);
  };
  BOOST_CHECK(distance({2.5}) == 2.5);
  BOOST_CHECK_EXCEPTION(distance({1.0, 2.0}), Error, says("must return one number, found 2"));
  BOOST_CHECK_EXCEPTION(distance({std::numeric_limits<double>::quiet_NaN()}), Error,
                        says("is not finite"));
}

BOOST_AUTO_TEST_CASE(total_is_exact_to_1e12_for_large_surfaces) {
  std::vector<double> charges(50000);
  for (std::size_t i = 0; i < charges.size(); ++i) charges[i] = std::sin(0.7 * i) * 1e6;
  // rounding of such charges alone is larger
  BOOST_CHECK_EXCEPTION(spread_correction(charges, -4.0), Error,
                        says("cannot be brought to the total of -4 e"));
  for (double &charge : charges) charge *= 1e-8;
  spread_correction(charges, -4.0);
  long double sum = 0.0;
  for (double charge : charges) sum += charge;
  BOOST_CHECK(std::abs(static_cast<double>(sum) + 4.0) < 1e-12);
}

BOOST_AUTO_TEST_CASE(inputs_outside_the_training_range_are_counted) {
  auto model = predictor(local, first_potential);
  const std::vector<double> potentials{0.5, 1.9, -1.25, 2.5, 0.125, -2.0}, surface(9, 0.0);
  std::vector<double> charges(3);
  const auto report = model.from_site_potentials(potentials, surface, cell, 0.0, charges);
  BOOST_CHECK_SMALL(report.outside_fraction - (2.0 / 6.0), 1e-15);
}

BOOST_AUTO_TEST_CASE(charges_that_are_not_finite_name_the_site) {
  auto model = predictor(local, [](const std::vector<ArrayView> &) {
    return std::vector<double>{0.0, std::numeric_limits<double>::quiet_NaN(), 0.0};
  });
  const std::vector<double> potentials(6, 0.0), surface(9, 0.0);
  std::vector<double> charges(3);
  try {
    model.from_site_potentials(potentials, surface, cell, 0.0, charges);
    BOOST_CHECK(!"must throw");
  } catch (const AtomError &e) {
    BOOST_CHECK(e.site == 1 && !e.source);
  }
}

BOOST_AUTO_TEST_CASE(charges_that_no_atom_has_are_refused) {
  const std::vector<double> potentials(6, 0.0), surface(9, 0.0);
  std::vector<double> charges(3);
  for (double wrong : {11.0, -1e5, 4.6e18, 1e300}) {
    auto model = predictor(local, [=](const std::vector<ArrayView> &) {
      return std::vector<double>{0.0, 0.0, wrong};
    });
    BOOST_CHECK_EXCEPTION(model.from_site_potentials(potentials, surface, cell, 0.0, charges),
                          AtomError, says("no atom has more than 10 e"));
  }
  auto model =
      predictor(local, [](const std::vector<ArrayView> &) { return std::vector<double>(3, 0.0); });
  BOOST_CHECK_EXCEPTION(model.from_site_potentials(potentials, surface, cell, 60.0, charges),
                        AtomError, says("after the correction to the total"));
}

BOOST_AUTO_TEST_CASE(inputs_that_are_not_finite_never_reach_the_model) {
  auto model = predictor(local, [](const std::vector<ArrayView> &) {
    BOOST_CHECK(!"the model was run");
    return std::vector<double>(3, 0.0);
  });
  std::vector<double> potentials(6, 0.0), surface(9, 0.0), charges(3);
  potentials[4] = std::numeric_limits<double>::infinity();
  try {
    model.from_site_potentials(potentials, surface, cell, 0.0, charges);
    BOOST_CHECK(!"must throw");
  } catch (const AtomError &e) {
    BOOST_CHECK(e.site == 2 && std::string(e.what()).find("not finite") != std::string::npos);
  }
  auto paper = predictor(positions, [](const std::vector<ArrayView> &) {
    BOOST_CHECK(!"the model was run");
    return std::vector<double>(3, 0.0);
  });
  const std::vector<double> sources{1, 2, 3, 4, std::nan(""), 6, 7, 8, 9}, q{1, 1, -1};
  try {
    paper.from_positions(sources, q, surface, cell, -1.0, charges);
    BOOST_CHECK(!"must throw");
  } catch (const AtomError &e) {
    BOOST_CHECK(e.source == 1 && !e.site);
  }
}

BOOST_AUTO_TEST_CASE(a_wrong_number_of_charges_is_refused) {
  auto model =
      predictor(local, [](const std::vector<ArrayView> &) { return std::vector<double>(2, 0.0); });
  const std::vector<double> potentials(6, 0.0), surface(9, 0.0);
  std::vector<double> charges(3);
  BOOST_CHECK_EXCEPTION(model.from_site_potentials(potentials, surface, cell, 0.0, charges), Error,
                        says("2 charges for 3"));
}

BOOST_AUTO_TEST_CASE(positions_model_gets_all_inputs) {
  auto model = predictor(positions, [](const std::vector<ArrayView> &inputs) {
    BOOST_CHECK(inputs.size() == 4);
    BOOST_CHECK(inputs[0].shape == (std::vector<std::int64_t>{3, 3}) && inputs[0].data[3] == 4.0);
    BOOST_CHECK(inputs[1].shape == (std::vector<std::int64_t>{3}) && inputs[1].data[2] == -1.0);
    BOOST_CHECK(inputs[2].shape == (std::vector<std::int64_t>{3, 3}));
    BOOST_CHECK(inputs[3].data[4] == 30.0);
    return std::vector<double>{0.1, 0.2, 0.3};
  });
  const std::vector<double> sources{1, 2, 3, 4, 5, 6, 7, 8, 90}, q{1, 1, -1}, surface(9, 0.0);
  std::vector<double> charges(3);
  const auto report = model.from_positions(sources, q, surface, cell, -1.0, charges);
  BOOST_CHECK_SMALL(charges[2] - (0.3 - 1.6 / 3.0), 1e-15);
  BOOST_CHECK_SMALL(report.outside_fraction - (1.0 / 9.0), 1e-15);
}

BOOST_AUTO_TEST_CASE(sources_must_be_as_trained) {
  const auto ordered = parse_charge_contract(positions, "m.pt");
  check_sources(ordered, std::vector<double>{1, 1, -1});
  BOOST_CHECK_EXCEPTION(check_sources(ordered, std::vector<double>{1, 1}), Error,
                        says("group has 2"));
  BOOST_CHECK_EXCEPTION(check_sources(ordered, std::vector<double>{1, -1, 1}), Error,
                        says("source number 2"));
  const auto any = parse_charge_contract(local, "m.pt");
  check_sources(any, std::vector<double>{1, -0.8476, -0.8476});
  BOOST_CHECK_EXCEPTION(check_sources(any, std::vector<double>{1, -0.82}), Error, says("-0.82"));
}

BOOST_AUTO_TEST_CASE(surface_must_be_as_trained) {
  const auto fixed = parse_charge_contract(positions, "m.pt");
  check_surface(fixed, 3);
  BOOST_CHECK_EXCEPTION(check_surface(fixed, 4), Error, says("has 4"));
  check_surface(parse_charge_contract(local, "m.pt"), 4);
}

BOOST_AUTO_TEST_CASE(another_cell_is_noticed_in_periodic_directions) {
  const auto contract = parse_charge_contract(positions, "m.pt");
  BOOST_CHECK(!differs_from_trained_cell(contract, cell));
  Cell other = cell;
  other.vectors[2][2] = 100.0;  // not periodic
  BOOST_CHECK(!differs_from_trained_cell(contract, other));
  other.vectors[1][1] = 30.5;
  BOOST_CHECK(differs_from_trained_cell(contract, other));
  BOOST_CHECK(!differs_from_trained_cell(parse_charge_contract(local, "m.pt"), other));
}
