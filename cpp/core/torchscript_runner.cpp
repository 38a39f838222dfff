// TorchScript as the backend behind ModelRunner; the only file of the core that includes torch.
#include <ATen/Parallel.h>
#include <caffe2/serialize/inline_container.h>
#include <torch/csrc/jit/runtime/graph_executor.h>
#include <torch/script.h>
#include <torch/version.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "contract.hpp"
#include "error.hpp"
#include "hash.hpp"
#include "model_archive.hpp"
#include "model_runner.hpp"
#include "text.hpp"
#include "thread_guard.hpp"

// The OpenMP runtime that torch is bound to in this process; libtorch always brings one.
extern "C" int omp_get_max_threads(void);
extern "C" void omp_set_num_threads(int);

namespace voxion {

ThreadGuard::ThreadGuard(int threads) : host_threads_(omp_get_max_threads()) {
  if (at::get_num_threads() != threads) at::set_num_threads(threads);
}

ThreadGuard::~ThreadGuard() { omp_set_num_threads(host_threads_); }

namespace {

constexpr const char *exporters = "'voxion charges export' or 'voxion voxels export'";

// The cause, taken from torch's message, whose further lines are a traceback. A model that raises
// is told by a last line such as "RuntimeError: what it said", with the source before or after it.
std::string essence(const std::string &message) {
  std::string found;
  std::istringstream lines(message);
  for (std::string line; std::getline(lines, line);)
    if (found.empty() || line.find("Error: ") != std::string::npos) found = line;
  return shortened(found, 300);
}

void require_file(const std::string &path) {
  std::error_code problem;
  if (std::filesystem::is_regular_file(path, problem)) return;
  throw Error("model file " + path + " cannot be read: " +
              (std::filesystem::exists(path, problem) ? "it is not a file" : "no such file"));
}

// Torch reads damaged archives as if they were whole, and some end the process; so each entry is
// compared with its checksum first. Returns the contract's text, empty when there is none.
std::string checked_contract(const std::string &path) {
  const auto entries = list_archive(path);
  const std::string folder = entries[0].name.substr(0, entries[0].name.find('/') + 1);
  caffe2::serialize::PyTorchStreamReader reader(path);
  std::string contract;
  for (const auto &entry : entries) {
    const std::string name = entry.name.substr(folder.size());
    const bool is_contract = name == std::string("extra/") + contract_file;
    if (is_contract && entry.size > limits::contract_bytes)
      throw Error("its " + std::string(contract_file) + " has " + std::to_string(entry.size) +
                  " bytes, at most " + std::to_string(limits::contract_bytes) + " are read");
    const auto [data, size] = reader.getRecord(name);
    if (size != entry.size || checksum(data.get(), size) != entry.checksum)
      throw Error("it is damaged: the checksum of an entry is wrong");
    if (is_contract) contract.assign(static_cast<const char *>(data.get()), size);
  }
  return contract;
}

torch::Device parse_device(const std::string &name) {
  if (name != "cpu" && name != "cuda")
    throw Error("device must be cpu or cuda, found '" + name + "'");
  if (name == "cuda" && !at::hasCUDA())
    throw Error("device cuda was asked for, but torch " TORCH_VERSION
                " finds no CUDA device; use device cpu or install a CUDA build of torch");
  return torch::Device(name);
}

class TorchScriptRunner : public ModelRunner {
 public:
  TorchScriptRunner(const std::string &path, const std::string &device, int threads)
      : path_(path), device_(parse_device(device)), threads_(threads) {
    require_file(path);
    try {
      contract_ = checked_contract(path);
      const ThreadGuard guard(threads_);
      if (!contract_.empty()) module_ = torch::jit::load(path, device_);
    } catch (const std::exception &e) {
      throw Error("model file " + path + " is not a whole TorchScript archive: " +
                  essence(e.what()) + "; copy it again, or make one with " + exporters);
    }
    if (contract_.empty())
      throw Error("model file " + path + " is an archive, but carries no " + contract_file +
                  "; export it with " + exporters);
    module_.eval();
  }

  const std::string &contract_json() const override { return contract_; }

  std::vector<double> forward(const std::vector<ArrayView> &inputs) override {
    return call("forward", inputs);
  }

  std::optional<double> distance(const std::vector<ArrayView> &inputs) override {
    if (!module_.find_method("distance")) return std::nullopt;
    const auto result = call("distance", inputs);
    if (result.size() != 1)
      throw Error("method distance of model " + path_ + " must return one number, found " +
                  std::to_string(result.size()));
    return result[0];
  }

 private:
  std::vector<double> call(const std::string &method, const std::vector<ArrayView> &inputs) {
    const ThreadGuard guard(threads_);
    const c10::InferenceMode inference;
    // No profiling executor: its first calls take tens of milliseconds and its later ones may
    // round differently, so that a continued run would not repeat an uninterrupted one.
    const torch::jit::GraphOptimizerEnabledGuard unoptimised(false);
    try {
      std::vector<c10::IValue> arguments;
      for (const auto &input : inputs) {
        // a copy in torch's own alignment, on which the last bits of its kernels depend
        arguments.emplace_back(
            torch::from_blob(const_cast<double *>(input.data), input.shape, torch::kFloat64)
                .to(device_, torch::kFloat64, /*non_blocking=*/false, /*copy=*/true));
      }
      const auto result = module_.get_method(method)(std::move(arguments));
      if (!result.isTensor()) throw Error("model " + path_ + " did not return one tensor");
      const auto output = result.toTensor().to(torch::kCPU, torch::kFloat64).contiguous().flatten();
      const double *data = output.const_data_ptr<double>();
      return {data, data + output.numel()};
    } catch (const Error &) {
      throw;
    } catch (const std::exception &e) {
      throw Error("model " + path_ + " failed in its " + method + " call: " + essence(e.what()));
    }
  }

  std::string path_;
  torch::Device device_;
  int threads_;
  torch::jit::Module module_;
  std::string contract_;
};

}  // namespace

std::unique_ptr<ModelRunner> load_torchscript(const std::string &path, const std::string &device,
                                              int threads) {
  if (threads < 1) throw Error("threads must be at least 1, found " + std::to_string(threads));
  return std::make_unique<TorchScriptRunner>(path, device, threads);
}

std::uint64_t hash_file(const std::string &path) {
  require_file(path);
  std::ifstream file(path, std::ios::binary);
  return hash_bytes(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
}

}  // namespace voxion
