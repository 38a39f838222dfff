// Reads and validates contracts of kind voxel-classifier.
#include "classifier_contract.hpp"

#include <algorithm>
#include <set>

#include "contract_reader.hpp"

namespace voxion {

namespace {

VoxelShape read_shape(const ContractReader &reader) {
  const auto grid = reader.get<std::vector<int>>("grid", "three whole numbers");
  if (grid.size() != 3 || *std::min_element(grid.begin(), grid.end()) < 1)
    reader.fail("its contract's 'grid' must be three whole numbers nz, ny, nx of at least 1");
  return {grid[2], grid[1], grid[0]};
}

// Distinct texts that are not empty.
std::vector<std::string> read_names(const ContractReader &reader, const char *key,
                                    std::size_t least) {
  const auto names = reader.get<std::vector<std::string>>(key, "a list of texts");
  const std::set<std::string> distinct(names.begin(), names.end());
  if (names.size() < least || distinct.size() != names.size() || distinct.count(""))
    reader.fail("its contract's '" + std::string(key) + "' must be at least " +
                std::to_string(least) + " distinct texts that are not empty");
  return names;
}

}  // namespace

ClassifierContract parse_classifier_contract(const std::string &json, const std::string &model) {
  const ContractReader reader(json, model, "voxel-classifier", "voxion voxels export-model");
  ClassifierContract contract;
  contract.common = reader.common();
  contract.channels = read_names(reader, "channels", 1);
  contract.channel_units = reader.get<std::vector<std::string>>("channel_units", "a list of texts");
  if (contract.channel_units.size() != contract.channels.size())
    reader.fail("its contract's 'channel_units' must have one unit for each channel");
  contract.shape = read_shape(reader);
  if (reader.has("spread")) contract.spread = reader.get<std::string>("spread", "a text");
  if (!contract.spread.empty() && contract.spread != "ngp" && contract.spread != "cic")
    reader.fail("its contract's 'spread' must be 'ngp' or 'cic', found '" + contract.spread + "'");
  reader.require("normalisation", "min-max");
  contract.labels = read_names(reader, "labels", 2);
  contract.input_ranges = reader.ranges(contract.channels.size());
  return contract;
}

}  // namespace voxion
