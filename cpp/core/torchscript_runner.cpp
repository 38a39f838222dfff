// TorchScript as the backend behind ModelRunner.
#include <torch/csrc/jit/runtime/graph_executor.h>
#include <torch/script.h>

#include "error.hpp"
#include "thread_guard.hpp"
#include "torch_support.hpp"

namespace voxion {

namespace {

class TorchScriptRunner : public ModelRunner {
 public:
  TorchScriptRunner(const std::string &path, const std::string &contract, const std::string &device,
                    int threads)
      : path_(path), contract_(contract), device_(parse_device(device)), threads_(threads) {
    const ThreadGuard guard(threads_);
    module_ = torch::jit::load(path, device_);
    module_.eval();
  }

  const std::string &contract_json() const override { return contract_; }

  bool has(const std::string &method) const override {
    return module_.find_method(method).has_value();
  }

  std::vector<double> run(const std::string &method,
                          const std::vector<ArrayView> &inputs) override {
    const ThreadGuard guard(threads_);
    const c10::InferenceMode inference;
    // No profiling executor: its first calls take tens of milliseconds and its later ones may
    // round differently, so that a continued run would not repeat an uninterrupted one.
    const torch::jit::GraphOptimizerEnabledGuard unoptimised(false);
    try {
      std::vector<c10::IValue> arguments;
      for (const auto &input : inputs) arguments.emplace_back(copied(input, device_));
      const auto result = module_.get_method(method)(std::move(arguments));
      if (!result.isTensor()) throw Error("model " + path_ + " did not return one tensor");
      return flattened(result.toTensor());
    } catch (const Error &) {
      throw;
    } catch (const std::exception &e) {
      throw Error("model " + path_ + " failed in its " + method + " call: " + essence(e.what()));
    }
  }

 private:
  std::string path_, contract_;
  torch::Device device_;
  int threads_;
  torch::jit::Module module_;
};

}  // namespace

std::unique_ptr<ModelRunner> make_torchscript_runner(const std::string &path,
                                                     const std::string &contract,
                                                     const std::string &device, int threads) {
  return std::make_unique<TorchScriptRunner>(path, contract, device, threads);
}

}  // namespace voxion
