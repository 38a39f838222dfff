// Reads and validates the model contract.
#include "contract.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "error.hpp"

namespace voxion {

namespace {

using Json = nlohmann::json;

// Reads one contract; every complaint names the model and the key.
class Reader {
 public:
  Reader(const std::string &text, std::string model) : model_(std::move(model)) {
    json_ = Json::parse(text, nullptr, false);
    if (!json_.is_object()) fail("its " + std::string(contract_file) + " is not a JSON object");
  }

  [[noreturn]] void fail(const std::string &problem) const {
    throw Error("model " + model_ + ": " + problem +
                "; export the model again with 'voxion charges export'");
  }

  bool has(const char *key) const { return json_.contains(key) && !json_[key].is_null(); }

  template <typename T>
  T get(const char *key, const char *expected) const {
    return get<T>(json_, key, expected);
  }

  template <typename T>
  T get(const Json &object, const char *key, const char *expected) const {
    if (!object.contains(key)) fail("its contract lacks '" + std::string(key) + "'");
    try {
      return object[key].get<T>();
    } catch (const Json::exception &) {
      fail("its contract's '" + std::string(key) + "' must be " + expected + ", found " +
           object[key].dump());
    }
  }

  void require(const char *key, const std::string &value) const {
    const auto found = get<std::string>(key, "a text");
    if (found != value)
      fail("its contract's '" + std::string(key) + "' must be '" + value + "', found '" + found +
           "'");
  }

  const Json &operator[](const char *key) const { return json_[key]; }

 private:
  std::string model_;
  Json json_;
};

void check_version_and_kind(const Reader &reader) {
  const auto version = reader.get<int>("contract_version", "a whole number");
  if (version != contract_version)
    reader.fail("contract version " + std::to_string(version) + " is unknown, this voxion knows " +
                std::to_string(contract_version));
  reader.require("kind", "surface-charges");
  reader.require("length_unit", "angstrom");
  reader.require("charge_unit", "e");
}

ChargeInputs read_inputs(const Reader &reader) {
  const auto inputs = reader.get<std::string>("inputs", "a text");
  if (inputs == "positions") return ChargeInputs::positions;
  if (inputs == "site-potentials") return ChargeInputs::site_potentials;
  reader.fail("its contract's 'inputs' must be 'positions' or 'site-potentials', found '" + inputs +
              "'");
}

std::string read_hash(const Reader &reader) {
  const auto hash = reader.get<std::string>("data_hash", "a text");
  const std::string prefix = "sha256:";
  const auto hexadecimal = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
  if (hash.size() != prefix.size() + 64 || hash.rfind(prefix, 0) != 0 ||
      !std::all_of(hash.begin() + static_cast<long>(prefix.size()), hash.end(), hexadecimal))
    reader.fail("its contract's 'data_hash' must be sha256: and 64 hexadecimal digits, found '" +
                hash + "'");
  return hash;
}

std::vector<SourceSpecies> read_sources(const Reader &reader, bool counted) {
  reader.require("source_order", "ascending atom ID");
  const auto list = reader.get<std::vector<Json>>("sources", "a list");
  if (list.empty()) reader.fail("its contract's 'sources' is empty");
  std::vector<SourceSpecies> sources;
  for (const auto &entry : list) {
    SourceSpecies species;
    species.name = reader.get<std::string>(entry, "name", "a text");
    species.charge = reader.get<double>(entry, "charge", "a number");
    if (entry.contains("count") && !entry["count"].is_null())
      species.count = reader.get<long>(entry, "count", "a whole number");
    if (counted && species.count.value_or(0) < 1)
      reader.fail("its contract's source '" + species.name + "' must have a 'count' of at least 1");
    sources.push_back(std::move(species));
  }
  return sources;
}

RadialFunctions read_radial_functions(const Reader &reader) {
  const auto object = reader.get<Json>("radial_functions", "an object");
  const auto form = reader.get<std::string>(object, "form", "a text");
  if (form != "erfc")
    reader.fail("its contract's radial functions must have the form 'erfc', found '" + form + "'");
  RadialFunctions radial;
  radial.widths = reader.get<std::vector<double>>(object, "widths", "a list of numbers");
  radial.cutoff = reader.get<double>(object, "cutoff", "a number");
  if (radial.widths.empty()) reader.fail("its contract's radial functions have no 'widths'");
  for (double width : radial.widths)
    if (!(width >= 0.0)) reader.fail("its contract's 'widths' must not be negative");
  if (!(radial.cutoff > 0.0)) reader.fail("its contract's 'cutoff' must be positive");
  return radial;
}

void read_ranges(const Reader &reader, std::size_t expected, ChargeContract &contract) {
  const auto ranges = reader.get<Json>("input_ranges", "an object");
  contract.input_min = reader.get<std::vector<double>>(ranges, "min", "a list of numbers");
  contract.input_max = reader.get<std::vector<double>>(ranges, "max", "a list of numbers");
  if (contract.input_min.size() != expected || contract.input_max.size() != expected)
    reader.fail("its contract's 'input_ranges' must hold " + std::to_string(expected) +
                " numbers in 'min' and 'max'");
  for (std::size_t i = 0; i < expected; ++i)
    if (!(contract.input_min[i] <= contract.input_max[i]))
      reader.fail("its contract's 'input_ranges' must have min <= max");
}

}  // namespace

ChargeContract parse_charge_contract(const std::string &json, const std::string &model) {
  const Reader reader(json, model);
  check_version_and_kind(reader);
  ChargeContract contract;
  contract.inputs = read_inputs(reader);
  const bool positions = contract.inputs == ChargeInputs::positions;
  contract.torch_version = reader.get<std::string>("torch_version", "a text");
  contract.voxion_version = reader.get<std::string>("voxion_version", "a text");
  contract.data_hash = read_hash(reader);
  if (positions || reader.has("total_charge"))
    contract.total_charge = reader.get<double>("total_charge", "a number");
  if (positions || reader.has("cell"))
    contract.cell = reader.get<std::array<Vector, 3>>("cell", "a 3 x 3 matrix of numbers");
  if (positions || reader.has("surface_atoms")) {
    contract.surface_atoms = reader.get<long>("surface_atoms", "a whole number");
    if (*contract.surface_atoms < 1)
      reader.fail("its contract's 'surface_atoms' must be at least 1");
  }
  contract.sources = read_sources(reader, positions);
  if (positions && reader.has("radial_functions"))
    reader.fail("its contract has 'radial_functions', which inputs 'positions' do not use");
  if (!positions) contract.radial_functions = read_radial_functions(reader);
  read_ranges(reader, positions ? 3 : contract.radial_functions->widths.size(), contract);
  return contract;
}

}  // namespace voxion
