// What a package says of itself, and which sheet is its own.
#include "package_contents.hpp"

#include "messages.hpp"

using namespace voxion;

namespace {

const std::string text =
    R"({"torch_version": "2.13.0", "processor": "x86-64", "methods": ["forward"],
  "shells": {"edges": [[[0.5, 2.0]]], "depths": [0.0]},
  "sheet": {"positions": [[1, 2, 3], [5, 2, 3]], "cell": [[8, 0, 0], [0, 8, 0], [0, 0, 40]],
            "total_charge": -4}})";

std::string with(std::string from, const std::string &to) {
  std::string changed = text;
  return changed.replace(changed.find(from), from.size(), to);
}

}  // namespace

BOOST_AUTO_TEST_CASE(contents_are_read_and_checked) {
  const auto contents = parse_package(text);
  BOOST_CHECK(contents.torch_version == "2.13.0" && contents.methods.size() == 1);
  BOOST_CHECK(contents.shells->count == 2 && contents.shells->edges[1] == 2.0);
  BOOST_CHECK(contents.sheet->cell.vectors[2][2] == 40.0 && contents.sheet->total_charge == -4.0);
  BOOST_CHECK_EXCEPTION(parse_package("{"), Error, says("cannot be read"));
  BOOST_CHECK_EXCEPTION(parse_package(with("\"methods\"", "\"m\"")), Error, says("methods"));
  BOOST_CHECK_EXCEPTION(parse_package(with("0.5, 2.0", "2.0, 0.5")), Error, says("contradict"));
  BOOST_CHECK_EXCEPTION(parse_package(with("[1, 2, 3]", "[1, 2]")), Error, says("coordinates"));
}

BOOST_AUTO_TEST_CASE(a_sheet_is_told_from_others) {
  const auto sheet = *parse_package(text).sheet;
  const std::vector<double> moved{3.0, 2.0, 9.0, 7.0 - 8.0, 2.0, 9.0};
  BOOST_CHECK(sheet.misfit(moved, sheet.cell, -4.0).empty());
  BOOST_CHECK(says("total charge")(Error(sheet.misfit(moved, sheet.cell, -3.0))));
  BOOST_CHECK(says("1 atoms")(Error(sheet.misfit(std::span(moved).first(3), sheet.cell, -4.0))));
  const std::vector<double> other{3.0, 2.0, 9.0, 7.0, 2.5, 9.0};
  BOOST_CHECK(says("elsewhere")(Error(sheet.misfit(other, sheet.cell, -4.0))));
  Cell wider = sheet.cell;
  wider.vectors[0][0] += 1.0;
  BOOST_CHECK(says("cell")(Error(sheet.misfit(moved, wider, -4.0))));
}

BOOST_AUTO_TEST_CASE(processors_are_known_by_name) {
#if defined(__x86_64__)
  BOOST_CHECK(runs_here("x86-64"));
#endif
  BOOST_CHECK(!runs_here("another"));
}
