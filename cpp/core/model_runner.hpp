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
  virtual bool has(const std::string &method) const = 0;
  // Runs a method of the model on float64 inputs; returns its flattened float64 output.
  // Throws Error when the model fails or does not return one tensor.
  virtual std::vector<double> run(const std::string &method,
                                  const std::vector<ArrayView> &inputs) = 0;
};

// Loads a model file: a TorchScript archive or an AOTInductor package. `device` is "cpu" or "cuda";
// `threads` is the number of threads that torch may use in a call. The host's own OpenMP thread
// count is the same after every call.
// Throws Error when the file is missing, damaged, none of the two, without a contract, or made for
// another torch, processor or device than are there.
std::unique_ptr<ModelRunner> load_model(const std::string &path, const std::string &device,
                                        int threads);

// A 64-bit FNV-1a hash of the file's bytes, to tell one model from another in a restart.
std::uint64_t hash_file(const std::string &path);

}  // namespace voxion
