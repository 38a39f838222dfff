// Contracts of classifiers: what is read, and one bad example for each rule.

#include "classifier_contract.hpp"

#include "error.hpp"
#include "messages.hpp"

using namespace voxion;

namespace {

const std::string good = R"({
  "contract_version": 1, "kind": "voxel-classifier", "length_unit": "angstrom",
  "charge_unit": "e", "torch_version": "2.13.0", "voxion_version": "0.1.0",
  "data_hash": "sha256:0000000000000000000000000000000000000000000000000000000000000000",
  "channels": ["mass", "c_1"], "channel_units": ["g/cm^3", "unknown"], "grid": [8, 16, 32],
  "normalisation": "min-max", "labels": ["dry", "wet"],
  "input_ranges": {"min": [0, -2], "max": [1, 2]}})";

std::string replaced(std::string text, const std::string &from, const std::string &to) {
  const auto at = text.find(from);
  BOOST_REQUIRE_MESSAGE(at != std::string::npos, "the example has " + from);
  return text.replace(at, from.size(), to);
}

}  // namespace

BOOST_AUTO_TEST_CASE(classifier_contract_is_read) {
  const auto contract = parse_classifier_contract(good, "m.pt");
  BOOST_CHECK(contract.channels == (std::vector<std::string>{"mass", "c_1"}));
  BOOST_CHECK(contract.labels == (std::vector<std::string>{"dry", "wet"}));
  BOOST_CHECK(contract.shape == (VoxelShape{32, 16, 8}));
  BOOST_CHECK(contract.input_ranges.min[1] == -2.0);
  BOOST_CHECK(contract.spread.empty());
  const auto known = replaced(good, "\"grid\"", "\"spread\": \"cic\", \"grid\"");
  BOOST_CHECK(parse_classifier_contract(known, "m.pt").spread == "cic");
}

BOOST_AUTO_TEST_CASE(every_rule_of_classifier_contracts_is_enforced) {
  const auto bad = [](const char *from, const char *to, const char *part) {
    BOOST_CHECK_EXCEPTION(parse_classifier_contract(replaced(good, from, to), "m.pt"), Error,
                          says(part));
  };
  bad("voxel-classifier", "surface-charges", "found \"surface-charges\"");
  bad("[\"mass\", \"c_1\"]", "[]", "'channels' must be a list of 1 to");
  bad("[\"mass\", \"c_1\"]", "[\"mass\", \"mass\"]", "distinct");
  bad("[\"mass\", \"c_1\"]", "[1, 2]", "'channels' must be a text");
  bad("[\"g/cm^3\", \"unknown\"]", "[\"g/cm^3\"]", "one unit for each channel");
  bad("[8, 16, 32]", "[8, 16]", "'grid' must be a list of 3 values");
  bad("[8, 16, 32]", "[8, 0, 32]", "a whole number from 1 to 4096");
  bad("[8, 16, 32]", "[4294967304, 16, 32]", "a whole number from 1 to 4096");
  bad("[8, 16, 32]", "[4096, 4096, 4096]", "numbers fit a grid");
  bad("\"grid\"", "\"spread\": \"even\", \"grid\"", "'spread' must be 'ngp' or 'cic'");
  bad("min-max", "none", "'normalisation' must be 'min-max'");
  bad("[\"dry\", \"wet\"]", "[\"dry\"]", "'labels' must be a list of 2 to");
  bad("[\"dry\", \"wet\"]", "[\"dry\", \"\"]", "not empty");
  bad("[0, -2]", "[0, -2, 3]", "list of 2 values");
}
