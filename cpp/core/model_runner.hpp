// Interface of the backends that run a trained model.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace voxion {

// A dense row-major array that stays the caller's.
struct ArrayView {
  const double *data;
  std::vector<std::int64_t> shape;
};

class ModelRunner {
 public:
  virtual ~ModelRunner() = default;
  // The text of voxion.json inside the model.
  virtual const std::string &contract_json() const = 0;
  // Runs the model on float64 inputs; returns its flattened float64 output.
  // Throws Error when the model fails or does not return one tensor.
  virtual std::vector<double> forward(const std::vector<ArrayView> &inputs) = 0;
  // Runs the model's method `distance` on the same inputs; none if it has no such method.
  virtual std::optional<double> distance(const std::vector<ArrayView> &) { return std::nullopt; }
};

// Loads a TorchScript archive. `device` is "cpu" or "cuda"; `threads` is the number of threads that
// torch may use in a call. The host's own OpenMP thread count is the same after every call.
// Throws Error when the file is missing, no TorchScript, without a contract, or the device is not
// there.
std::unique_ptr<ModelRunner> load_torchscript(const std::string &path, const std::string &device,
                                              int threads);

// A 64-bit FNV-1a hash of the file's bytes, to tell one model from another in a restart.
std::uint64_t hash_file(const std::string &path);

}  // namespace voxion
