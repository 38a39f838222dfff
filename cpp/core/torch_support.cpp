// Loading a model file by its content, and what the backends of torch share.
#include "torch_support.hpp"

#include <ATen/Parallel.h>
#include <caffe2/serialize/inline_container.h>
#include <torch/version.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "contract.hpp"
#include "error.hpp"
#include "hash.hpp"
#include "model_archive.hpp"
#include "package_contents.hpp"
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

at::Device parse_device(const std::string &name) {
  if (name != "cpu" && name != "cuda")
    throw Error("device must be cpu or cuda, found '" + name + "'");
  if (name == "cuda" && !at::hasCUDA())
    throw Error("device cuda was asked for, but torch " TORCH_VERSION
                " finds no CUDA device; use device cpu or install a CUDA build of torch");
  return at::Device(name);
}

at::Tensor copied(const ArrayView &input, const at::Device &device) {
  return at::from_blob(const_cast<double *>(input.data), input.shape, at::kDouble)
      .to(device, at::kDouble, /*non_blocking=*/false, /*copy=*/true);
}

std::vector<double> flattened(const at::Tensor &result) {
  const auto output = result.to(at::kCPU, at::kDouble).contiguous().flatten();
  const double *data = output.const_data_ptr<double>();
  return {data, data + output.numel()};
}

// A model that raises is told by a last line such as "RuntimeError: what it said", with the source
// before or after it.
std::string essence(const std::string &message) {
  std::string found;
  std::istringstream lines(message);
  for (std::string line; std::getline(lines, line);)
    if (found.empty() || line.find("Error: ") != std::string::npos) found = line;
  return shortened(found, 300);
}

namespace {

void require_file(const std::string &path) {
  std::error_code problem;
  if (std::filesystem::is_regular_file(path, problem)) return;
  throw Error("model file " + path + " cannot be read: " +
              (std::filesystem::exists(path, problem) ? "it is not a file" : "no such file"));
}

// Torch reads damaged archives as if they were whole, and some end the process; so each entry is
// compared with its checksum first.
ModelTexts checked_texts(const std::string &path) {
  const auto entries = list_archive(path);
  const std::string folder = entries[0].name.substr(0, entries[0].name.find('/') + 1);
  caffe2::serialize::PyTorchStreamReader reader(path);
  ModelTexts texts;
  for (const auto &entry : entries) {
    const std::string name = entry.name.substr(folder.size());
    std::string *text = nullptr;
    if (name == std::string("extra/") + contract_file) text = &texts.contract;
    if (name == std::string("extra/") + package_file) text = &texts.package;
    if (text == &texts.contract && entry.size > limits::contract_bytes)
      throw Error("its " + std::string(contract_file) + " has " + std::to_string(entry.size) +
                  " bytes, at most " + std::to_string(limits::contract_bytes) + " are read");
    const auto [data, size] = reader.getRecord(name);
    if (size != entry.size || checksum(data.get(), size) != entry.checksum)
      throw Error("it is damaged: the checksum of an entry is wrong");
    if (text) text->assign(static_cast<const char *>(data.get()), size);
  }
  return texts;
}

}  // namespace

std::unique_ptr<ModelRunner> load_model(const std::string &path, const std::string &device,
                                        int threads) {
  const std::string exporters = "'voxion charges export' or 'voxion voxels export'";
  if (threads < 1) throw Error("threads must be at least 1, found " + std::to_string(threads));
  require_file(path);
  parse_device(device);
  try {
    const ModelTexts texts = checked_texts(path);
    if (texts.contract.empty())
      throw Misfit("model file " + path + " is an archive, but carries no " + contract_file +
                   "; export it with " + exporters);
    if (texts.package.empty())
      return make_torchscript_runner(path, texts.contract, device, threads);
    return make_package_runner(path, texts, device, threads);
  } catch (const Misfit &) {
    throw;
  } catch (const std::exception &e) {
    throw Error("model file " + path + " is not a whole TorchScript archive or package: " +
                essence(e.what()) + "; copy it again, or make one with " + exporters);
  }
}

std::uint64_t hash_file(const std::string &path) {
  require_file(path);
  std::ifstream file(path, std::ios::binary);
  return hash_bytes(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
}

}  // namespace voxion
