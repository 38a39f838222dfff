// The TorchScript backend: loading, refusing, running, and the host's thread count.
#include <torch/script.h>

#include <fstream>

#include "check.hpp"
#include "contract.hpp"
#include "error.hpp"
#include "file_access.hpp"
#include "model_runner.hpp"
#include "temporary_folder.hpp"

extern "C" int omp_get_max_threads(void);
extern "C" void omp_set_num_threads(int);

using namespace voxion;

namespace {

std::string temporary(const std::string &name) {
  static const TemporaryFolder folder;
  return folder.path(name);
}

std::string save(const std::string &name, const std::string &forward, const std::string &contract) {
  torch::jit::Module module("m");
  module.register_parameter("weight", torch::full({2}, 3.0, torch::kFloat64), false);
  module.define(forward);
  const auto path = temporary(name);
  torch::jit::ExtraFilesMap extra;
  if (!contract.empty()) extra[contract_file] = contract;
  module.save(path, extra);
  return path;
}

const char *scale = "def forward(self, x):\n  return self.weight * x\n";

}  // namespace

TEST(a_model_is_loaded_with_its_contract_and_run) {
  const auto path = save("good.pt", scale, "{\"a\": 1}");
  auto runner = load_torchscript(path, "cpu", 1);
  CHECK(runner->contract_json() == "{\"a\": 1}");
  const double x[] = {1.0, -2.5};
  for (int call = 0; call < 3; ++call)
    CHECK(runner->forward({{x, {2}}}) == (std::vector<double>{3.0, -7.5}));
}

TEST(a_model_may_tell_a_distance) {
  const double x[] = {1.0, -2.5};
  const std::vector<ArrayView> inputs{{x, {2}}};
  CHECK(!load_torchscript(save("without.pt", scale, "{}"), "cpu", 1)->distance(inputs));
  const std::string both = std::string(scale) + "def distance(self, x):\n  return x.abs().max()\n";
  CHECK(load_torchscript(save("with.pt", both, "{}"), "cpu", 1)->distance(inputs) == 2.5);
  const std::string many = std::string(scale) + "def distance(self, x):\n  return x\n";
  CHECK_THROWS(load_torchscript(save("many.pt", many, "{}"), "cpu", 1)->distance(inputs), Error,
               "must return one number, found 2");
}

TEST(files_that_are_no_model_are_refused) {
  CHECK_THROWS(load_torchscript("/nowhere/m.pt", "cpu", 1), Error, "/nowhere/m.pt");
  const auto path = temporary("text.pt");
  std::ofstream(path) << "not a model";
  CHECK_THROWS(load_torchscript(path, "cpu", 1), Error, "not a whole TorchScript archive");
  CHECK_THROWS(load_torchscript(save("bare.pt", scale, ""), "cpu", 1), Error, "no voxion.json");
}

TEST(damaged_archives_are_refused_before_torch_reads_them) {
  const auto path = save("good.pt", scale, "{\"a\": 1}");
  std::string archive = read_whole(path);
  const auto weights = archive.find(std::string("\0\0\0\0\0\0\x08\x40", 8));  // 3.0
  CHECK(weights != std::string::npos);
  archive[weights + 7] ^= 0x20;  // a number that is finite and wrong
  write_whole(path, archive.data(), archive.size());
  CHECK_THROWS(load_torchscript(path, "cpu", 1), Error, "checksum");
  CHECK_THROWS(load_torchscript("/dev/zero", "cpu", 1), Error, "it is not a file");
  CHECK_THROWS(load_torchscript("/tmp", "cpu", 1), Error, "it is not a file");
  CHECK_THROWS(hash_file("/dev/zero"), Error, "it is not a file");
}

TEST(a_model_that_raises_is_quoted_in_one_line) {
  const auto path = save(
      "raises.pt", "def forward(self, x):\n  assert x.numel() > 5, \"boom\"\n  return x\n", "{}");
  auto runner = load_torchscript(path, "cpu", 1);
  const double x[] = {1.0};
  try {
    runner->forward({{x, {1}}});
    CHECK(!"must throw");
  } catch (const Error &e) {
    const std::string message = e.what();
    CHECK(message.find('\n') == std::string::npos && message.find("boom") != std::string::npos);
  }
}

TEST(devices_and_threads_are_checked) {
  const auto path = save("good.pt", scale, "{}");
  CHECK_THROWS(load_torchscript(path, "tpu", 1), Error, "cpu or cuda");
  CHECK_THROWS(load_torchscript(path, "cpu", 0), Error, "at least 1");
}

TEST(failures_inside_the_model_are_errors) {
  const auto path =
      save("fails.pt", "def forward(self, x):\n  return self.weight + x[0:3]\n", "{}");
  auto runner = load_torchscript(path, "cpu", 1);
  const double x[] = {1.0, 2.0, 3.0};
  CHECK_THROWS(runner->forward({{x, {3}}}), Error, "failed in its forward call");
  auto pair =
      load_torchscript(save("pair.pt", "def forward(self, x):\n  return (x, x)\n", "{}"), "cpu", 1);
  CHECK_THROWS(pair->forward({{x, {3}}}), Error, "did not return one tensor");
}

TEST(the_hosts_thread_count_survives_every_call) {
  const auto path = save("good.pt", scale, "{}");
  omp_set_num_threads(3);
  auto runner = load_torchscript(path, "cpu", 2);
  CHECK(omp_get_max_threads() == 3);
  const double x[] = {1.0, 2.0};
  runner->forward({{x, {2}}});
  CHECK(omp_get_max_threads() == 3);
  const double y[] = {1.0, 2.0, 3.0};
  try {
    runner->forward({{y, {3}}});
  } catch (const Error &) {
  }
  CHECK(omp_get_max_threads() == 3);
}

TEST(files_hash_by_content) {
  const auto a = temporary("a"), b = temporary("b");
  std::ofstream(a) << "one";
  std::ofstream(b) << "one";
  CHECK(hash_file(a) == hash_file(b));
  std::ofstream(b) << "two";
  CHECK(hash_file(a) != hash_file(b));
}
