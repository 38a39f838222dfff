// Reads and validates contracts of kind surface-charges.
#include "charge_contract.hpp"

#include "contract_reader.hpp"

namespace voxion {

namespace {

ChargeInputs read_inputs(const ContractReader &reader) {
  const auto inputs = reader.get<std::string>("inputs", "a text");
  if (inputs == "positions") return ChargeInputs::positions;
  if (inputs == "site-potentials") return ChargeInputs::site_potentials;
  reader.fail("its contract's 'inputs' must be 'positions' or 'site-potentials', found '" + inputs +
              "'");
}

std::vector<SourceSpecies> read_sources(const ContractReader &reader, bool counted) {
  reader.require("source_order", "ascending atom ID");
  const auto list = reader.get<std::vector<ContractReader::Json>>("sources", "a list");
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

RadialFunctions read_radial_functions(const ContractReader &reader) {
  const auto object = reader.get<ContractReader::Json>("radial_functions", "an object");
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

}  // namespace

ChargeContract parse_charge_contract(const std::string &json, const std::string &model) {
  const ContractReader reader(json, model, "surface-charges", "voxion charges export");
  ChargeContract contract;
  contract.common = reader.common();
  contract.inputs = read_inputs(reader);
  const bool positions = contract.inputs == ChargeInputs::positions;
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
  if (reader.has("total_charge_input"))
    contract.total_charge_input = reader.get<bool>("total_charge_input", "true or false");
  if (positions && contract.total_charge_input)
    reader.fail("its contract has 'total_charge_input', which inputs 'positions' do not use");
  contract.input_ranges = reader.ranges(positions ? 3 : contract.radial_functions->widths.size());
  return contract;
}

}  // namespace voxion
