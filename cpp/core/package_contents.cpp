// Reading package.json, and comparing it with what is here.
#include "package_contents.hpp"

#include <sys/utsname.h>

#include <algorithm>
#include <cmath>

#include "json_text.hpp"

namespace voxion {

namespace {

using Json = nlohmann::json;

constexpr double tolerance = 0.1;         // angstrom, as sites may move in a TorchScript model
constexpr double total_tolerance = 1e-9;  // e

std::vector<double> flat(const Json &value) {
  if (!value.is_array()) return {value.get<double>()};
  std::vector<double> numbers;
  for (const auto &entry : value)
    for (double number : flat(entry)) numbers.push_back(number);
  return numbers;
}

Shells parse_shells(const Json &value) {
  const Json &edges = value.at("edges");
  Shells shells{edges.size(), edges.at(0).at(0).size(), flat(edges), flat(value.at("depths"))};
  const bool ascending = std::all_of(edges.begin(), edges.end(), [&](const Json &of_layer) {
    return of_layer.size() == shells.layers &&
           std::all_of(of_layer.begin(), of_layer.end(), [&](const Json &row) {
             const auto numbers = flat(row);
             return numbers.size() == shells.count && numbers[0] > 0.0 &&
                    std::is_sorted(numbers.begin(), numbers.end());
           });
  });
  if (!ascending || shells.depths.size() != shells.layers)
    throw Error("the shells of its package.json contradict each other");
  return shells;
}

PackagedSheet parse_sheet(const Json &value) {
  PackagedSheet sheet{flat(value.at("positions")), {}, value.at("total_charge").get<double>()};
  const auto cell = flat(value.at("cell"));
  if (cell.size() != 9 || sheet.positions.empty() || sheet.positions.size() % 3 != 0)
    throw Error("the sheet of its package.json has not three coordinates for each atom");
  std::copy(cell.begin(), cell.end(), sheet.cell.vectors[0].begin());
  return sheet;
}

}  // namespace

PackageContents parse_package(const std::string &text) {
  try {
    const Json json = parse_json(text);
    PackageContents contents{json.at("torch_version").get<std::string>(),
                             json.at("processor").get<std::string>(),
                             json.at("methods").get<std::vector<std::string>>(),
                             {},
                             {}};
    if (json.contains("shells")) contents.shells = parse_shells(json["shells"]);
    if (json.contains("sheet")) contents.sheet = parse_sheet(json["sheet"]);
    return contents;
  } catch (const Json::exception &e) {
    throw Error("its package.json cannot be read: " + std::string(e.what()));
  }
}

std::string PackagedSheet::misfit(std::span<const double> found, const Cell &found_cell,
                                  double total) const {
  if (found.size() != positions.size())
    return "it has " + std::to_string(found.size() / 3) + " atoms, not " +
           std::to_string(positions.size() / 3);
  if (!(std::abs(total - total_charge) <= total_tolerance))
    return "its total charge is " + std::to_string(total) + " e, not " +
           std::to_string(total_charge) + " e";
  for (int i = 0; i < 3; ++i)
    for (int d = 0; d < 3; ++d)
      if (!(std::abs(found_cell.vectors[i][d] - cell.vectors[i][d]) < tolerance))
        return "its cell is another one";
  Cell periodic = found_cell;
  periodic.periodic = {true, true, true};
  const Reciprocal reciprocal(periodic);
  for (std::size_t i = 3; i < found.size(); i += 3) {
    Vector moved{};
    for (int d = 0; d < 3; ++d)
      moved[d] = (found[i + d] - found[d]) - (positions[i + d] - positions[d]);
    moved = minimum_image(moved, periodic, reciprocal);
    if (!(std::hypot(moved[0], moved[1], moved[2]) < tolerance))
      return "its atoms lie elsewhere, or come in another order";
  }
  return "";
}

bool runs_here(const std::string &processor) {
#if defined(__x86_64__)
  return processor == "x86-64" || (processor == "x86-64-v3" && __builtin_cpu_supports("x86-64-v3"));
#else
  utsname machine{};
  return uname(&machine) == 0 && processor == machine.machine;
#endif
}

}  // namespace voxion
