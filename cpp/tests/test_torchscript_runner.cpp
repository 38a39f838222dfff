// The TorchScript backend: loading, refusing, running, and the host's thread count.
#include <torch/script.h>

#include <fstream>

#include "contract.hpp"
#include "error.hpp"
#include "file_access.hpp"
#include "messages.hpp"
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

BOOST_AUTO_TEST_CASE(a_model_is_loaded_with_its_contract_and_run) {
  const auto path = save("good.pt", scale, "{\"a\": 1}");
  auto runner = load_model(path, "cpu", 1);
  BOOST_CHECK(runner->contract_json() == "{\"a\": 1}");
  const double x[] = {1.0, -2.5};
  for (int call = 0; call < 3; ++call)
    BOOST_CHECK(runner->run("forward", {{x, {2}}}) == (std::vector<double>{3.0, -7.5}));
}

BOOST_AUTO_TEST_CASE(a_model_may_have_further_methods) {
  const double x[] = {1.0, -2.5};
  BOOST_CHECK(!load_model(save("without.pt", scale, "{}"), "cpu", 1)->has("distance"));
  const std::string both = std::string(scale) + "def distance(self, x):\n  return x.abs().max()\n";
  auto runner = load_model(save("with.pt", both, "{}"), "cpu", 1);
  BOOST_CHECK(runner->has("distance"));
  BOOST_CHECK(runner->run("distance", {{x, {2}}}) == std::vector<double>{2.5});
}

BOOST_AUTO_TEST_CASE(files_that_are_no_model_are_refused) {
  BOOST_CHECK_EXCEPTION(load_model("/nowhere/m.pt", "cpu", 1), Error, says("/nowhere/m.pt"));
  const auto path = temporary("text.pt");
  std::ofstream(path) << "not a model";
  BOOST_CHECK_EXCEPTION(load_model(path, "cpu", 1), Error, says("not a whole TorchScript archive"));
  BOOST_CHECK_EXCEPTION(load_model(save("bare.pt", scale, ""), "cpu", 1), Error,
                        says("no voxion.json"));
}

BOOST_AUTO_TEST_CASE(damaged_archives_are_refused_before_torch_reads_them) {
  const auto path = save("good.pt", scale, "{\"a\": 1}");
  std::string archive = read_whole(path);
  const auto weights = archive.find(std::string("\0\0\0\0\0\0\x08\x40", 8));  // 3.0
  BOOST_CHECK(weights != std::string::npos);
  archive[weights + 7] ^= 0x20;  // a number that is finite and wrong
  write_whole(path, archive.data(), archive.size());
  BOOST_CHECK_EXCEPTION(load_model(path, "cpu", 1), Error, says("checksum"));
  BOOST_CHECK_EXCEPTION(load_model("/dev/zero", "cpu", 1), Error, says("it is not a file"));
  BOOST_CHECK_EXCEPTION(load_model("/tmp", "cpu", 1), Error, says("it is not a file"));
  BOOST_CHECK_EXCEPTION(hash_file("/dev/zero"), Error, says("it is not a file"));
}

BOOST_AUTO_TEST_CASE(a_model_that_raises_is_quoted_in_one_line) {
  const auto path = save(
      "raises.pt", "def forward(self, x):\n  assert x.numel() > 5, \"boom\"\n  return x\n", "{}");
  auto runner = load_model(path, "cpu", 1);
  const double x[] = {1.0};
  try {
    runner->run("forward", {{x, {1}}});
    BOOST_CHECK(!"must throw");
  } catch (const Error &e) {
    const std::string message = e.what();
    BOOST_CHECK(message.find('\n') == std::string::npos &&
                message.find("boom") != std::string::npos);
  }
}

BOOST_AUTO_TEST_CASE(devices_and_threads_are_checked) {
  const auto path = save("good.pt", scale, "{}");
  BOOST_CHECK_EXCEPTION(load_model(path, "tpu", 1), Error, says("cpu or cuda"));
  BOOST_CHECK_EXCEPTION(load_model(path, "cpu", 0), Error, says("at least 1"));
}

BOOST_AUTO_TEST_CASE(failures_inside_the_model_are_errors) {
  const auto path =
      save("fails.pt", "def forward(self, x):\n  return self.weight + x[0:3]\n", "{}");
  auto runner = load_model(path, "cpu", 1);
  const double x[] = {1.0, 2.0, 3.0};
  BOOST_CHECK_EXCEPTION(runner->run("forward", {{x, {3}}}), Error,
                        says("failed in its forward call"));
  auto pair =
      load_model(save("pair.pt", "def forward(self, x):\n  return (x, x)\n", "{}"), "cpu", 1);
  BOOST_CHECK_EXCEPTION(pair->run("forward", {{x, {3}}}), Error, says("did not return one tensor"));
}

BOOST_AUTO_TEST_CASE(the_hosts_thread_count_survives_every_call) {
  const auto path = save("good.pt", scale, "{}");
  omp_set_num_threads(3);
  auto runner = load_model(path, "cpu", 2);
  BOOST_CHECK(omp_get_max_threads() == 3);
  const double x[] = {1.0, 2.0};
  runner->run("forward", {{x, {2}}});
  BOOST_CHECK(omp_get_max_threads() == 3);
  const double y[] = {1.0, 2.0, 3.0};
  try {
    runner->run("forward", {{y, {3}}});
  } catch (const Error &) {
  }
  BOOST_CHECK(omp_get_max_threads() == 3);
}

BOOST_AUTO_TEST_CASE(files_hash_by_content) {
  const auto a = temporary("a"), b = temporary("b");
  std::ofstream(a) << "one";
  std::ofstream(b) << "one";
  BOOST_CHECK(hash_file(a) == hash_file(b));
  std::ofstream(b) << "two";
  BOOST_CHECK(hash_file(a) != hash_file(b));
}
