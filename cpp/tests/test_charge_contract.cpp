// The model contract: what is read, and one bad example for each rule.

#include "charge_contract.hpp"

#include "error.hpp"
#include "messages.hpp"

using namespace voxion;

namespace {

const std::string local = R"({
  "contract_version": 1, "kind": "surface-charges", "inputs": "site-potentials",
  "length_unit": "angstrom", "charge_unit": "e", "torch_version": "2.13.0",
  "voxion_version": "0.1.0", "data_hash": "sha256:0000000000000000000000000000000000000000000000000000000000000000", "total_charge": null, "cell": null,
  "surface_atoms": null, "source_order": "ascending atom ID",
  "sources": [{"name": "Na", "charge": 1.0, "count": null}],
  "radial_functions": {"form": "erfc", "widths": [0.1, 0.3], "cutoff": 12.0},
  "input_ranges": {"min": [-1, -2], "max": [1, 2]}})";

const std::string positions = R"({
  "contract_version": 1, "kind": "surface-charges", "inputs": "positions",
  "length_unit": "angstrom", "charge_unit": "e", "torch_version": "2.13.0",
  "voxion_version": "0.1.0", "data_hash": "sha256:0000000000000000000000000000000000000000000000000000000000000000", "total_charge": -4.0,
  "cell": [[29, 0, 0], [0, 30, 0], [0, 0, 86]], "surface_atoms": 336,
  "source_order": "ascending atom ID",
  "sources": [{"name": "Na", "charge": 1.0, "count": 90}, {"name": "Cl", "charge": -1.0, "count": 86}],
  "input_ranges": {"min": [0, 0, 2], "max": [29, 30, 80]}})";

std::string replaced(std::string text, const std::string &from, const std::string &to) {
  const auto at = text.find(from);
  BOOST_REQUIRE_MESSAGE(at != std::string::npos, "the example has " + from);
  return text.replace(at, from.size(), to);
}

ChargeContract parse(const std::string &text) { return parse_charge_contract(text, "m.pt"); }

}  // namespace

BOOST_AUTO_TEST_CASE(site_potentials_contract_is_read) {
  const auto contract = parse(local);
  BOOST_CHECK(contract.inputs == ChargeInputs::site_potentials);
  BOOST_CHECK(!contract.total_charge && !contract.cell && !contract.surface_atoms);
  BOOST_CHECK(contract.radial_functions->widths == (std::vector<double>{0.1, 0.3}));
  BOOST_CHECK(contract.radial_functions->cutoff == 12.0);
  BOOST_CHECK(contract.sources.size() == 1 && !contract.sources[0].count);
  BOOST_CHECK(contract.input_ranges.max[1] == 2.0);
  BOOST_CHECK(!contract.plane_offset);
  BOOST_CHECK(!contract.reach);
  BOOST_CHECK(
      *parse(replaced(local, "\"input_ranges\"", "\"reach\": 6.5, \"input_ranges\"")).reach == 6.5);
  const auto of_pairs =
      replaced(local, "\"input_ranges\"", "\"plane_offset\": 0.15, \"input_ranges\"");
  BOOST_CHECK(*parse(of_pairs).plane_offset == 0.15);
  BOOST_CHECK(parse(of_pairs).layers == std::vector<double>{0.0});
  const auto of_crystals =
      replaced(of_pairs, "\"plane_offset\"", "\"layers\": [0, 2.0, 4.1], \"plane_offset\"");
  BOOST_CHECK(parse(of_crystals).layers == (std::vector<double>{0.0, 2.0, 4.1}));
  BOOST_CHECK(parse(of_crystals).corrugation == 0.0);
  const auto rippled =
      replaced(of_pairs, "\"plane_offset\"", "\"corrugation\": 0.2, \"plane_offset\"");
  BOOST_CHECK(parse(rippled).corrugation == 0.2);
}

BOOST_AUTO_TEST_CASE(positions_contract_is_read) {
  const auto contract = parse(positions);
  BOOST_CHECK(contract.inputs == ChargeInputs::positions);
  BOOST_CHECK(*contract.total_charge == -4.0 && *contract.surface_atoms == 336);
  BOOST_CHECK((*contract.cell)[1][1] == 30.0);
  BOOST_CHECK(*contract.sources[1].count == 86 && contract.sources[1].charge == -1.0);
}

BOOST_AUTO_TEST_CASE(every_rule_of_the_contract_is_enforced) {
  const auto bad = [](const std::string &text, const char *from, const std::string &to,
                      const char *part) {
    BOOST_CHECK_EXCEPTION(parse(replaced(text, from, to)), Error, says(part));
  };
  BOOST_CHECK_EXCEPTION(parse("[1, 2"), Error, says("not a JSON object"));
  BOOST_CHECK_EXCEPTION(parse("[1, 2]"), Error, says("m.pt"));
  bad(local, "\"contract_version\": 1", "\"contract_version\": 7", "version 7 is unknown");
  bad(local, "\"contract_version\": 1,", "", "lacks 'contract_version'");
  bad(local, "surface-charges", "voxel-classifier", "found \"voxel-classifier\"");
  bad(local, "sha256:0", "sha256:x", "64 hexadecimal digits");
  bad(local, "\"angstrom\"", "\"nm\"", "length_unit");
  bad(local, "\"charge_unit\": \"e\"", "\"charge_unit\": \"C\"", "charge_unit");
  bad(local, "\"site-potentials\"", "\"density\"", "'inputs'");
  bad(local, "ascending atom ID", "any", "source_order");
  bad(local, "[{\"name\": \"Na\", \"charge\": 1.0, \"count\": null}]", "[]",
      "'sources' must be a list of 1 to");
  bad(local, "\"charge\": 1.0", "\"charge\": \"one\"", "must be a number");
  bad(local, "\"erfc\"", "\"gauss\"", "form 'erfc'");
  bad(local, "[0.1, 0.3]", "[]", "'widths' must be a list of 1 to 64");
  bad(local, "[0.1, 0.3]", "[-0.1, 0.3]",
      "'widths' must be a number from 0.0 to 100.0, found -0.1");
  bad(local, "\"cutoff\": 12.0", "\"cutoff\": 0",
      "'cutoff' must be a number from 0.1 to 100.0, found 0");
  bad(local, "[-1, -2]", "[-1]", "'min' must be a list of 2 values");
  bad(local, "[-1, -2]", "[-1, 3]", "min <= max");
  bad(positions, "\"total_charge\": -4.0", "\"total_charge\": null", "'total_charge' must be");
  bad(positions, "\"surface_atoms\": 336", "\"surface_atoms\": 0", "a whole number from 1");
  bad(positions, "\"count\": 90", "\"count\": null", "'count' must be a whole number from 1");
  bad(positions, "[[29, 0, 0], [0, 30, 0], [0, 0, 86]]", "[29, 30, 86]",
      "'cell' must be a list of 3 values, found 29");
  bad(positions, "\"input_ranges\"", "\"radial_functions\": {\"form\": \"erfc\"}, \"input_ranges\"",
      "do not use");
  bad(positions, "\"input_ranges\"", "\"total_charge_input\": true, \"input_ranges\"",
      "do not use");
  bad(local, "\"input_ranges\"", "\"total_charge_input\": 1, \"input_ranges\"", "true or false");
  bad(positions, "\"input_ranges\"", "\"plane_offset\": 0.2, \"input_ranges\"", "do not use");
  bad(positions, "\"input_ranges\"", "\"reach\": 6.0, \"input_ranges\"", "do not use");
  bad(local, "\"input_ranges\"", "\"reach\": 0, \"input_ranges\"", "'reach' must be a number");
  bad(local, "\"input_ranges\"", "\"plane_offset\": 101, \"input_ranges\"",
      "'plane_offset' must be a number from -100.0 to 100.0, found 101");
  const std::string in_pair = "\"plane_offset\": 0.1, \"input_ranges\"";
  bad(local, "\"input_ranges\"", "\"layers\": [0, 2], \"input_ranges\"", "need 'plane_offset'");
  bad(local, "\"input_ranges\"", "\"corrugation\": 0.1, \"input_ranges\"", "needs 'plane_offset'");
  bad(local, "\"input_ranges\"", "\"corrugation\": 11, " + in_pair, "from -10.0 to 10.0");
  bad(local, "\"input_ranges\"", "\"layers\": [0], " + in_pair, "'layers' must be a list of 2");
  bad(local, "\"input_ranges\"", "\"layers\": [0, 2, 2.4], " + in_pair, "must ascend from 0");
  bad(local, "\"input_ranges\"", "\"layers\": [1, 2], " + in_pair, "must ascend from 0");
  bad(positions, "\"input_ranges\"", "\"largest_wave_vector\": 1.2, \"input_ranges\"",
      "do not use");
  bad(local, "\"input_ranges\"", "\"largest_wave_vector\": 0, \"input_ranges\"",
      "'largest_wave_vector' must be a number from 0.01 to 10.0, found 0");
  // one more input than radial functions
  bad(local, "\"input_ranges\"", "\"largest_wave_vector\": 1.2, \"input_ranges\"",
      "'min' must be a list of 3 values");
  // nothing is converted, and no number is beyond what can be computed
  bad(local, "\"contract_version\": 1", "\"contract_version\": 4294967297", "is unknown");
  bad(local, "\"contract_version\": 1", "\"contract_version\": 1.9", "version 1.9 is unknown");
  bad(local, "\"contract_version\": 1", "\"contract_version\": true", "version true is unknown");
  bad(positions, "\"surface_atoms\": 336", "\"surface_atoms\": 96.9", "found 96.9");
  bad(positions, "\"surface_atoms\": 336", "\"surface_atoms\": 18446744073709551615", "whole");
  bad(positions, "\"total_charge\": -4.0", "\"total_charge\": true", "found true");
  bad(positions, "\"total_charge\": -4.0", "\"total_charge\": 1e300", "found 1e+300");
  for (const char *cutoff : {"1e300", "2e3", "1e-300", "-1", "true"})
    bad(local, "\"cutoff\": 12.0", ("\"cutoff\": " + std::string(cutoff)).c_str(), "'cutoff'");
  bad(local, "[0.1, 0.3]", "[0.1, 1e300]", "'widths'");
  std::string many = "[0";
  for (int n = 0; n < 100000; ++n) many += ", 0.1";
  bad(local, "[0.1, 0.3]", (many + "]").c_str(), "list of 1 to 64 values");
  bad(local, "\"name\": \"Na\"", "\"name\": \"a\\nb\"", "without control characters");
  bad(local, "12.0}", ("12.0}, \"x\": \"" + std::string(1 << 20, 'x') + "\"").c_str(), "bytes");
}

BOOST_AUTO_TEST_CASE(contracts_that_are_nested_deeply_are_refused) {
  const auto nested = [](std::size_t depth) {
    return replaced(local, "12.0}",
                    "12.0}, \"x\": " + std::string(depth, '[') + std::string(depth, ']'));
  };
  parse(nested(32));
  for (std::size_t depth : {33, 1000, 100000})
    BOOST_CHECK_EXCEPTION(parse(nested(depth)), Error, says("not a JSON object"));
}
