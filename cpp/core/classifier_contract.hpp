// The contract of models of kind voxel-classifier. python/voxion/contract/schema.py checks the same
// rules.
#pragma once

#include <string>
#include <vector>

#include "contract.hpp"
#include "voxel_shape.hpp"

namespace voxion {

struct ClassifierContract {
  ContractCommon common;
  std::vector<std::string> channels;       // in the order of the model's input
  std::vector<std::string> channel_units;  // of the training data
  VoxelShape shape;
  std::string spread;               // of the training data, "ngp" or "cic"; empty: not known
  std::vector<std::string> labels;  // of the classes, in the order of the logits
  InputRanges input_ranges;         // of the raw values of each channel
};

// Throws Error when the text is no contract of kind "voxel-classifier" that this version knows;
// `model` is the model's name in the messages.
ClassifierContract parse_classifier_contract(const std::string &json, const std::string &model);

}  // namespace voxion
