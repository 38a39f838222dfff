// AOTInductor packages as the backend behind ModelRunner: compiled code, without TorchScript.
#include <torch/csrc/inductor/aoti_package/model_package_loader.h>
#include <torch/version.h>

#include <map>

#include "error.hpp"
#include "package_contents.hpp"
#include "site_tables.hpp"
#include "thread_guard.hpp"
#include "torch_support.hpp"

namespace voxion {

namespace {

using Loader = torch::inductor::AOTIModelPackageLoader;

constexpr const char *again = "; export the model again on this machine";

at::Tensor whole_numbers(const std::vector<std::int64_t> &values) {
  return at::from_blob(const_cast<std::int64_t *>(values.data()),
                       {static_cast<std::int64_t>(values.size())}, at::kLong);
}

void check_fit(const PackageContents &contents, const std::string &path,
               const std::string &device) {
  const std::string package = "model package " + path;
  if (contents.torch_version != TORCH_VERSION)
    throw Misfit(package + " was made by torch " + contents.torch_version +
                 ", this is torch " TORCH_VERSION + again);
  if (!runs_here(contents.processor))
    throw Misfit(package + " was made for processors of kind " + contents.processor +
                 ", this is none" + again);
  if (device != "cpu")
    throw Misfit(package + " runs on the CPU only, device " + device +
                 " was asked for; export the model as TorchScript, a name that ends on .pt");
}

class PackageRunner : public ModelRunner {
 public:
  PackageRunner(const std::string &path, const std::string &contract, PackageContents contents,
                int threads)
      : path_(path), contract_(contract), contents_(std::move(contents)), threads_(threads) {
    const ThreadGuard guard(threads_);
    for (const auto &method : contents_.methods)
      methods_.emplace(method, std::make_unique<Loader>(path, method));
    if (contents_.shells) tables_.emplace(*contents_.shells);
  }

  const std::string &contract_json() const override { return contract_; }

  bool has(const std::string &method) const override { return methods_.count(method) > 0; }

  std::vector<double> run(const std::string &method,
                          const std::vector<ArrayView> &inputs) override {
    const ThreadGuard guard(threads_);
    const c10::InferenceMode inference;
    try {
      auto arguments = tables_ ? with_tables(inputs) : copies(inputs);
      const auto results = methods_.at(method)->run(arguments);
      if (results.size() != 1) throw Error("model " + path_ + " did not return one tensor");
      return flattened(results[0]);
    } catch (const Error &) {
      throw;
    } catch (const std::exception &e) {
      throw Error("model " + path_ + " failed in its " + method + " call: " + essence(e.what()));
    }
  }

 private:
  static std::vector<at::Tensor> copies(const std::vector<ArrayView> &inputs) {
    std::vector<at::Tensor> tensors;
    for (const auto &input : inputs) tensors.push_back(copied(input, at::kCPU));
    return tensors;
  }

  // A package of site potentials takes tables of neighbours in place of positions and cell.
  std::vector<at::Tensor> with_tables(const std::vector<ArrayView> &inputs) {
    const ArrayView &positions = inputs.at(1), &vectors = inputs.at(2);
    const auto sites = static_cast<std::size_t>(positions.shape[0]);
    Cell cell;
    std::copy(vectors.data, vectors.data + 9, cell.vectors[0].begin());
    const std::span<const double> xyz(positions.data, 3 * sites);
    const double *total = inputs.size() > 3 ? inputs[3].data : nullptr;
    if (contents_.sheet) check_sheet(xyz, cell, total);
    tables_->update(xyz, cell);
    std::vector<at::Tensor> tensors{copied(inputs[0], at::kCPU)};
    for (std::size_t more = 3; more < inputs.size(); ++more)
      tensors.push_back(copied(inputs[more], at::kCPU));
    const std::int64_t layers =
        static_cast<std::int64_t>(tables_->members().size()) / positions.shape[0];
    // in the order of TABLES in python/voxion/charges/models/site_potentials.py
    tensors.push_back(whole_numbers(tables_->entries()));
    tensors.push_back(at::from_blob(const_cast<double *>(tables_->members().data()),
                                    {positions.shape[0], layers}, at::kDouble));
    tensors.push_back(whole_numbers(tables_->neighbours()));
    tensors.push_back(whole_numbers(tables_->shell_of_row()));
    tensors.push_back(whole_numbers(tables_->first_layer()));
    return tensors;
  }

  void check_sheet(std::span<const double> positions, const Cell &cell, const double *total) const {
    const auto &sheet = *contents_.sheet;
    const std::string misfit = sheet.misfit(positions, cell, total ? *total : sheet.total_charge);
    if (misfit.empty()) return;
    throw Error("model package " + path_ + " was made for another sheet than this one (" + misfit +
                "): its electrons' answer holds for that one only; export the model for a data set "
                "of this sheet, or as TorchScript, a name that ends on .pt");
  }

  std::string path_, contract_;
  PackageContents contents_;
  int threads_;
  std::map<std::string, std::unique_ptr<Loader>> methods_;
  std::optional<SiteTables> tables_;
};

}  // namespace

std::unique_ptr<ModelRunner> make_package_runner(const std::string &path, const ModelTexts &texts,
                                                 const std::string &device, int threads) {
  auto contents = parse_package(texts.package);
  check_fit(contents, path, device);
  return std::make_unique<PackageRunner>(path, texts.contract, std::move(contents), threads);
}

}  // namespace voxion
