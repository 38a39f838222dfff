// What the contracts of all kinds of models have in common: `voxion.json` inside a TorchScript
// archive. python/voxion/contract.py checks the same rules.
#pragma once

#include <string>
#include <vector>

namespace voxion {

inline constexpr int contract_version = 1;
inline constexpr const char *contract_file = "voxion.json";

struct ContractCommon {
  std::string torch_version;
  std::string voxion_version;
  std::string data_hash;
};

// The smallest and largest value of each input in the training data.
struct InputRanges {
  std::vector<double> min, max;
};

}  // namespace voxion
