// What the backends of torch share.
#pragma once

#include <ATen/ATen.h>

#include <memory>
#include <string>

#include "model_runner.hpp"

namespace voxion {

// A device by its name. Throws Error unless it is "cpu", or "cuda" where torch finds one.
at::Device parse_device(const std::string &name);

// A copy in torch's own alignment, on which the last bits of its kernels depend.
at::Tensor copied(const ArrayView &input, const at::Device &device);

// The values of a result, as float64.
std::vector<double> flattened(const at::Tensor &result);

// The cause, taken from torch's message, whose further lines are a traceback.
std::string essence(const std::string &message);

// Texts inside a model file, empty where the file has none.
struct ModelTexts {
  std::string contract;  // voxion.json
  std::string package;   // package.json, which AOTInductor packages have
};

std::unique_ptr<ModelRunner> make_torchscript_runner(const std::string &path,
                                                     const std::string &contract,
                                                     const std::string &device, int threads);
std::unique_ptr<ModelRunner> make_package_runner(const std::string &path, const ModelTexts &texts,
                                                 const std::string &device, int threads);

}  // namespace voxion
