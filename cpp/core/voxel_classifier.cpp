// Channels by name, min-max normalisation, softmax.
#include "voxel_classifier.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "error.hpp"
#include "hash.hpp"

namespace voxion {

namespace {

std::string joined(const std::vector<std::string> &names) {
  std::string text;
  for (const auto &name : names) text += (text.empty() ? "" : " ") + name;
  return text;
}

// Subtracting the largest logit keeps the exponentials finite.
std::vector<double> softmax(std::vector<double> logits) {
  const double largest = *std::max_element(logits.begin(), logits.end());
  for (double &value : logits) value = std::exp(value - largest);
  const double sum = std::accumulate(logits.begin(), logits.end(), 0.0);
  for (double &value : logits) value /= sum;
  return logits;
}

}  // namespace

VoxelClassifier::VoxelClassifier(std::unique_ptr<ModelRunner> runner, const std::string &name,
                                 const std::vector<std::string> &channels, const VoxelShape &shape)
    : runner_(std::move(runner)),
      name_(name),
      contract_(parse_classifier_contract(runner_->contract_json(), name)) {
  for (const auto &wanted : contract_.channels) {
    const auto found = std::find(channels.begin(), channels.end(), wanted);
    if (found == channels.end())
      throw Error("model " + name + " needs channel " + wanted +
                  " (its channels: " + joined(contract_.channels) + "), the grid has " +
                  joined(channels) + "; add the channel or give another model");
    picked_.push_back(static_cast<std::size_t>(found - channels.begin()));
  }
  if (contract_.shape != shape)
    throw Error("model " + name + " was trained on grids of " + contract_.shape.text() +
                " voxels, this one has " + shape.text() + "; change the grid or the model");
  input_.assign(picked_.size() * shape.size(), 0.0);
  run();  // the first call is slow, and shows whether the model keeps its contract
}

VoxelStoreHeader::Classifier VoxelClassifier::described(std::uint64_t hash) const {
  return {name_.substr(name_.rfind('/') + 1), hexadecimal(hash), contract_.labels};
}

std::string VoxelClassifier::spread_warning(const std::string &spread) const {
  if (contract_.spread.empty() || contract_.spread == spread) return "";
  return "model " + name_ + " was trained on grids with spread " + contract_.spread +
         ", this one has " + spread;
}

Classification VoxelClassifier::classify(const VoxelFrame &frame) {
  const std::size_t voxels = contract_.shape.size();
  for (std::size_t c = 0; c < picked_.size(); ++c) {
    const float *grid = &frame.grid[picked_[c] * voxels];
    const double low = frame.minimum[picked_[c]];
    const double range = frame.maximum[picked_[c]] - low;
    for (std::size_t v = 0; v < voxels; ++v)
      input_[c * voxels + v] = range > 0.0 ? (grid[v] - low) / range : 0.0;
  }
  return run();
}

Classification VoxelClassifier::run() {
  const auto &shape = contract_.shape;
  auto logits = runner_->run(
      "forward", {{input_.data(),
                   {1, static_cast<std::int64_t>(picked_.size()), shape.nz, shape.ny, shape.nx}}});
  if (logits.size() != contract_.labels.size())
    throw Error("the model gave " + std::to_string(logits.size()) + " logits for the " +
                std::to_string(contract_.labels.size()) + " labels of its contract");
  for (double value : logits)
    if (!std::isfinite(value)) throw Error("the classifier gave a logit that is not finite");
  Classification result{softmax(std::move(logits)), 0};
  result.label = static_cast<std::size_t>(
      std::max_element(result.probability.begin(), result.probability.end()) -
      result.probability.begin());
  return result;
}

}  // namespace voxion
