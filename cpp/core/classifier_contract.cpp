// Reads and validates contracts of kind voxel-classifier.
#include "classifier_contract.hpp"

#include "contract_reader.hpp"

namespace voxion {

namespace {

VoxelShape read_shape(const ContractReader &reader, std::size_t channels) {
  const auto grid = reader.wholes(reader.content(), "grid", 3, 1, limits::voxels);
  const auto extent = [&](std::size_t i) { return static_cast<int>(grid[i]); };
  const VoxelShape shape{extent(2), extent(1), extent(0)};
  try {
    shape.check(channels);
  } catch (const Error &e) {
    reader.fail("its contract's 'grid': " + std::string(e.what()));
  }
  return shape;
}

}  // namespace

ClassifierContract parse_classifier_contract(const std::string &json, const std::string &model) {
  const ContractReader reader(json, model, voxel_classifier);
  const auto &content = reader.content();
  ClassifierContract contract;
  contract.common = reader.common();
  contract.channels = reader.distinct_names(content, "channels", 1);
  contract.channel_units = reader.texts(content, "channel_units", 0);
  if (contract.channel_units.size() != contract.channels.size())
    reader.fail("its contract's 'channel_units' must have one unit for each channel");
  contract.shape = read_shape(reader, contract.channels.size());
  if (ContractReader::has(content, "spread")) contract.spread = reader.name(content, "spread");
  if (!contract.spread.empty() && contract.spread != "ngp" && contract.spread != "cic")
    reader.fail("its contract's 'spread' must be 'ngp' or 'cic', found '" + contract.spread + "'");
  reader.require("normalisation", "min-max");
  contract.labels = reader.distinct_names(content, "labels", 2);
  contract.input_ranges = reader.ranges(contract.channels.size());
  return contract;
}

}  // namespace voxion
