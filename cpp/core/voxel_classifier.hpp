// Recognises the phase of a frame with a model of kind voxel-classifier.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "classifier_contract.hpp"
#include "model_runner.hpp"
#include "voxel_store.hpp"

namespace voxion {

class VoxelClassifier {
 public:
  // Throws Error when the model's contract breaks a rule, a channel of the model is not among
  // `channels`, its grid is not `shape`, or a first call does not give one logit for each label.
  VoxelClassifier(std::unique_ptr<ModelRunner> runner, const std::string &name,
                  const std::vector<std::string> &channels, const VoxelShape &shape);

  const ClassifierContract &contract() const { return contract_; }
  // Description of the classifier for a store, given the hash of its file.
  VoxelStoreHeader::Classifier described(std::uint64_t hash) const;
  // A warning if the model was trained on grids that were spread otherwise, else an empty text.
  std::string spread_warning(const std::string &spread) const;

  // Scales each channel to [0, 1] by its own extremes, a constant one to 0 (Dumortier and
  // Mossa 2020, section II.A), runs the model and turns its logits into probabilities.
  // Throws Error when a logit is not finite.
  Classification classify(const VoxelFrame &frame);

 private:
  Classification run();

  std::unique_ptr<ModelRunner> runner_;
  std::string name_;
  ClassifierContract contract_;
  std::vector<std::size_t> picked_;  // of the frame's channels, those of the model in its order
  std::vector<double> input_;
};

}  // namespace voxion
