// The rules that contracts of all kinds share.
#include "contract_reader.hpp"

#include <algorithm>

#include "error.hpp"

namespace voxion {

ContractReader::ContractReader(const std::string &text, std::string model, const std::string &kind,
                               std::string exporter)
    : model_(std::move(model)), exporter_(std::move(exporter)) {
  json_ = Json::parse(text, nullptr, false);
  if (!json_.is_object()) fail("its " + std::string(contract_file) + " is not a JSON object");
  const auto version = get<int>("contract_version", "a whole number");
  if (version != contract_version)
    fail("contract version " + std::to_string(version) + " is unknown, this voxion knows " +
         std::to_string(contract_version));
  require("kind", kind);
  require("length_unit", "angstrom");
  require("charge_unit", "e");
}

void ContractReader::fail(const std::string &problem) const {
  throw Error("model " + model_ + ": " + problem + "; export the model again with '" + exporter_ +
              "'");
}

void ContractReader::require(const char *key, const std::string &value) const {
  const auto found = get<std::string>(key, "a text");
  if (found != value)
    fail("its contract's '" + std::string(key) + "' must be '" + value + "', found '" + found +
         "'");
}

ContractCommon ContractReader::common() const {
  return {get<std::string>("torch_version", "a text"), get<std::string>("voxion_version", "a text"),
          data_hash()};
}

std::string ContractReader::data_hash() const {
  const auto hash = get<std::string>("data_hash", "a text");
  const std::string prefix = "sha256:";
  const auto hexadecimal = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); };
  if (hash.size() != prefix.size() + 64 || hash.rfind(prefix, 0) != 0 ||
      !std::all_of(hash.begin() + static_cast<long>(prefix.size()), hash.end(), hexadecimal))
    fail("its contract's 'data_hash' must be sha256: and 64 hexadecimal digits, found '" + hash +
         "'");
  return hash;
}

InputRanges ContractReader::ranges(std::size_t count) const {
  const auto object = get<Json>("input_ranges", "an object");
  InputRanges ranges{get<std::vector<double>>(object, "min", "a list of numbers"),
                     get<std::vector<double>>(object, "max", "a list of numbers")};
  if (ranges.min.size() != count || ranges.max.size() != count)
    fail("its contract's 'input_ranges' must hold " + std::to_string(count) +
         " numbers in 'min' and 'max'");
  for (std::size_t i = 0; i < count; ++i)
    if (!(ranges.min[i] <= ranges.max[i]))
      fail("its contract's 'input_ranges' must have min <= max");
  return ranges;
}

}  // namespace voxion
