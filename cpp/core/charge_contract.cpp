// Reads and validates contracts of kind surface-charges.
#include "charge_contract.hpp"

#include <algorithm>

#include "contract_reader.hpp"

namespace voxion {

namespace {

using Json = ContractReader::Json;

ChargeInputs read_inputs(const ContractReader &reader) {
  const auto inputs = reader.text(reader.content(), "inputs");
  if (inputs == "positions") return ChargeInputs::positions;
  if (inputs == "site-potentials") return ChargeInputs::site_potentials;
  reader.fail("its contract's 'inputs' must be 'positions' or 'site-potentials', found '" + inputs +
              "'");
}

std::vector<SourceSpecies> read_sources(const ContractReader &reader, bool counted) {
  reader.require("source_order", "ascending atom ID");
  const Json &list = reader.list(reader.content(), "sources", 1, limits::list_length);
  std::vector<SourceSpecies> sources;
  for (const Json &entry : list) {
    if (!entry.is_object()) reader.fail("each of its contract's 'sources' must be an object");
    SourceSpecies species;
    species.name = reader.name(entry, "name");
    species.charge = reader.number(entry, "charge", -limits::source_charge, limits::source_charge);
    if (counted || ContractReader::has(entry, "count"))
      species.count = reader.whole(entry, "count", 1, limits::atoms);
    sources.push_back(std::move(species));
  }
  return sources;
}

RadialFunctions read_radial_functions(const ContractReader &reader) {
  const Json &object = reader.part(reader.content(), "radial_functions");
  const auto form = reader.text(object, "form");
  if (form != "erfc")
    reader.fail("its contract's radial functions must have the form 'erfc', found '" + form + "'");
  RadialFunctions radial;
  radial.widths = reader.numbers(object, "widths", 1, limits::widths, 0.0, limits::width);
  radial.cutoff = reader.number(object, "cutoff", limits::least_cutoff, limits::cutoff);
  return radial;
}

std::size_t site_inputs(const ChargeContract &contract) {
  return contract.radial_functions->widths.size() + (contract.largest_wave_vector ? 1 : 0);
}

std::vector<double> read_layers(const ContractReader &reader) {
  auto layers =
      reader.numbers(reader.content(), "layers", 2, limits::layers, 0.0, limits::depth_of_layer);
  for (std::size_t i = 1; i < layers.size(); ++i)
    if (layers[0] != 0.0 || layers[i] - layers[i - 1] < limits::between_layers)
      reader.fail("its contract's 'layers' must ascend from 0 by 0.5 angstrom or more");
  return layers;
}

std::array<Vector, 3> read_cell(const ContractReader &reader) {
  std::array<Vector, 3> cell{};
  const Json &rows = reader.list(reader.content(), "cell", 3, 3);
  for (std::size_t i = 0; i < 3; ++i) {
    const auto vector = reader.numbers_in(rows[i], "cell", 3, 3, -limits::length, limits::length);
    std::copy(vector.begin(), vector.end(), cell[i].begin());
  }
  return cell;
}

}  // namespace

ChargeContract parse_charge_contract(const std::string &json, const std::string &model) {
  const ContractReader reader(json, model, surface_charges);
  const Json &content = reader.content();
  const auto has = [&](const char *key) { return ContractReader::has(content, key); };
  ChargeContract contract;
  contract.common = reader.common();
  contract.inputs = read_inputs(reader);
  const bool positions = contract.inputs == ChargeInputs::positions;
  if (positions || has("total_charge"))
    contract.total_charge =
        reader.number(content, "total_charge", -limits::total_charge, limits::total_charge);
  if (positions || has("cell")) contract.cell = read_cell(reader);
  if (positions || has("surface_atoms"))
    contract.surface_atoms = reader.whole(content, "surface_atoms", 1, limits::atoms);
  contract.sources = read_sources(reader, positions);
  if (positions && has("radial_functions"))
    reader.fail("its contract has 'radial_functions', which inputs 'positions' do not use");
  if (positions && has("largest_wave_vector"))
    reader.fail("its contract has 'largest_wave_vector', which inputs 'positions' do not use");
  if (!positions) contract.radial_functions = read_radial_functions(reader);
  if (has("largest_wave_vector"))
    contract.largest_wave_vector =
        reader.number(content, "largest_wave_vector", limits::least_wave, limits::wave);
  if (content.contains("total_charge_input"))
    contract.total_charge_input = reader.flag(content, "total_charge_input");
  if (positions && contract.total_charge_input)
    reader.fail("its contract has 'total_charge_input', which inputs 'positions' do not use");
  if (has("plane_offset"))
    contract.plane_offset =
        reader.number(content, "plane_offset", -limits::plane_offset, limits::plane_offset);
  if (positions && contract.plane_offset)
    reader.fail("its contract has 'plane_offset', which inputs 'positions' do not use");
  if (has("corrugation")) {
    if (!contract.plane_offset) reader.fail("its contract's 'corrugation' needs 'plane_offset'");
    contract.corrugation =
        reader.number(content, "corrugation", -limits::corrugation, limits::corrugation);
  }
  if (has("layers")) {
    if (!contract.plane_offset) reader.fail("its contract's 'layers' need 'plane_offset'");
    contract.layers = read_layers(reader);
  }
  if (has("reach"))
    contract.reach = reader.number(content, "reach", limits::least_cutoff, limits::cutoff);
  if (positions && contract.reach)
    reader.fail("its contract has 'reach', which inputs 'positions' do not use");
  contract.input_ranges = reader.ranges(positions ? 3 : site_inputs(contract));
  return contract;
}

}  // namespace voxion
