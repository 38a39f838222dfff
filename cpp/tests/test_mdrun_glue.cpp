// What mdrun's kernel reads and keeps: jobs file, index file, options, state file.
#include "check.hpp"
#include "error.hpp"
#include "file_access.hpp"
#include "index_file.h"
#include "job_file.h"
#include "mdrun_options.h"
#include "state_file.h"
#include "temporary_folder.hpp"

using namespace voxion;
using namespace voxion_gromacs;

namespace {

// A file in a folder of its own.
class File {
 public:
  explicit File(const std::string &text) { write_whole(path(), text.data(), text.size()); }
  std::string path() const { return folder_.path("file"); }

 private:
  TemporaryFolder folder_;
};

JobFile parsed(const std::string &text) { return read_job_file(File(text).path()); }
JobFile with_index(const std::string &line) { return parsed("index index.ndx\n" + line + "\n"); }

}  // namespace

TEST(a_jobs_file_is_read) {
  const JobFile jobs = parsed(
      "# a comment\n"
      "index  my.ndx   # groups\n"
      "pbc xy\n\n"
      "charge surface 10 model.pt threads 2 sources electrolyte range error output q.xvg\n"
      "voxels System 2 5 20 8 9 10 file grids.zarr channels mass kinetic_xx spread cic\n"
      "voxels ions 1 1 10 4 4 4 channels number classify phases.pt file ions.zarr\n"
      "plumed plumed.dat kernel /opt/libplumedKernel.so\n");
  CHECK(jobs.index == "my.ndx");
  CHECK((jobs.periodic == std::array<bool, 3>{true, true, false}));
  CHECK(jobs.charges.size() == 1 && jobs.voxels.size() == 2);
  const auto &charge = jobs.charges[0];
  CHECK(charge.group == "surface" && charge.every == 10 && charge.model == "model.pt");
  CHECK(charge.sources == "electrolyte" && charge.threads == 2 && charge.output == "q.xvg");
  CHECK(charge.range == RangeCheck::error && charge.device == "cpu");
  const auto &voxels = jobs.voxels[0];
  CHECK((voxels.window == VoxelWindow{2, 5, 20}));
  CHECK((voxels.shape == VoxelShape{8, 9, 10}));
  CHECK((voxels.channels == std::vector<std::string>{"mass", "kinetic_xx"}));
  CHECK(voxels.spread == "cic" && voxels.file == "grids.zarr" && voxels.classifier.empty());
  CHECK(jobs.voxels[1].classifier == "phases.pt");
  CHECK(jobs.plumed->file == "plumed.dat" && jobs.plumed->kernel == "/opt/libplumedKernel.so");
}

TEST(a_wrong_jobs_file_is_refused_in_words) {
  CHECK_THROWS(read_job_file("/nowhere/voxion.dat"), Error, "/nowhere/voxion.dat");
  CHECK_THROWS(parsed("index a.ndx\n"), Error, "there is no job");
  CHECK_THROWS(parsed("charge s 10 m.pt sources e\n"), Error, "index FILE.ndx");
  CHECK_THROWS(with_index("charges s 10 m.pt"), Error, "line 2: unknown job charges; known are");
  CHECK_THROWS(with_index("charge s"), Error, "expected the number of steps between updates");
  CHECK_THROWS(with_index("charge s ten m.pt"), Error, "at least 1, found ten");
  CHECK_THROWS(with_index("charge s 0 m.pt"), Error, "at least 1, found 0");
  CHECK_THROWS(with_index("charge s 1.5 m.pt"), Error, "at least 1, found 1.5");
  CHECK_THROWS(with_index("charge s 10"), Error, "expected a model file at the end");
  CHECK_THROWS(with_index("charge s 10 m.pt"), Error, "keyword sources");
  CHECK_THROWS(with_index("charge s 10 m.pt sources e total 4"), Error, "unknown keyword total");
  CHECK_THROWS(with_index("charge s 10 m.pt sources e sources f"), Error, "is given twice");
  CHECK_THROWS(with_index("charge s 10 m.pt sources e range off"), Error, "warn, error or ignore");
  CHECK_THROWS(with_index("pbc no"), Error, "pbc must be xyz or xy");
  CHECK_THROWS(with_index("pbc xy z"), Error, "a word too many: z");
  CHECK_THROWS(with_index("voxels all 1 11 10 4 4 4 file f channels mass"), Error,
               "Nevery times Nrepeat at most Nfreq");
  CHECK_THROWS(with_index("voxels all 1 1 10 4 0 4 file f channels mass"), Error, "expected ny");
  CHECK_THROWS(with_index("voxels all 1 1 10 4 4 4 channels mass"), Error, "keyword file");
  CHECK_THROWS(with_index("voxels all 1 1 10 4 4 4 file f"), Error, "at least one channel");
  CHECK_THROWS(with_index("voxels all 1 1 10 4 4 4 file f channels mass spread x"), Error,
               "ngp or cic, found x");
  CHECK_THROWS(with_index("plumed p.dat lib k"), Error, "expected the word 'kernel', found lib");
}

TEST(groups_of_an_index_file_are_read) {
  const File file(
      "[ System ]\n1 2 3 4 ; all\n[ two words ]\n   4\n2\n[ none ]\n[a]\n1\n[ a ]\n2\n[ twice ]\n3 "
      "3\n");
  const IndexFile index(file.path());
  CHECK((index.group("System", 4) == std::vector<int>{0, 1, 2, 3}));
  CHECK((index.group("two words", 4) == std::vector<int>{1, 3}));
  CHECK_THROWS(index.group("System", 3), Error, "has atom 4, the run has 3");
  CHECK_THROWS(index.group("ions", 4), Error, "it has System, two words, none, a, a, twice");
  CHECK_THROWS(index.group("none", 4), Error, "has no atoms");
  CHECK_THROWS(index.group("a", 4), Error, "more than one group a");
  CHECK_THROWS(index.group("twice", 4), Error, "names atom 3 twice");
}

TEST(a_wrong_index_file_is_refused_in_words) {
  CHECK_THROWS(IndexFile("/nowhere/index.ndx"), Error, "/nowhere/index.ndx");
  CHECK_THROWS(IndexFile(File("1 2\n").path()), Error, "line 1: atoms before the first");
  CHECK_THROWS(IndexFile(File("[ a ]\n1 x\n").path()), Error, "line 2: expected a number");
  CHECK_THROWS(IndexFile(File("[ a \n").path()), Error, "expected [ group ]");
}

TEST(options_of_mdrun_decide_whether_charges_can_change) {
  const auto options = parse_mdrun_options({"gmx", "mdrun", "-nstlist", "20", "-pme", "cpu"});
  CHECK(*options.nstlist == 20 && options.pme == "cpu" && !options.rerun);
  check_options_for_charges(options);
  CHECK_THROWS(check_options_for_charges(parse_mdrun_options({"-nstlist", "20"})), Error,
               "-pme cpu (not given)");
  CHECK_THROWS(check_options_for_charges(parse_mdrun_options({"-nstlist", "20", "-pme", "gpu"})),
               Error, "found -pme gpu");
  CHECK_THROWS(check_options_for_charges(parse_mdrun_options({"-pme", "cpu", "-nstlist"})), Error,
               "start mdrun with -nstlist");
  CHECK_THROWS(check_options_for_charges(parse_mdrun_options({"-pme", "cpu", "-nstlist", "0"})),
               Error, "start mdrun with -nstlist");
  CHECK_THROWS(
      check_options_for_charges(parse_mdrun_options({"-pme", "cpu", "-nstlist", "9", "-rerun"})),
      Error, "no meaning with mdrun -rerun");
}

TEST(the_state_file_keeps_two_checkpoints) {
  const auto record = [](int step) {
    const nlohmann::json job{{"group", "s"}, {"charges", {0.1 * step}}};
    return nlohmann::json{{"step", step}, {"charges", nlohmann::json::array({job})}};
  };
  const TemporaryFolder folder;
  const std::string path = folder.path("run.state");
  StateFile run(path);
  CHECK(run.open(0) == nullptr);
  for (int step : {10, 20, 20, 30}) run.keep(record(step));
  StateFile latest(path);
  CHECK(*latest.open(30) == record(30));
  CHECK(latest.open(10) == nullptr);
  const auto *previous = latest.open(20);  // and what comes after is forgotten
  CHECK(previous && *previous == record(20));
  latest.keep({{"step", 25}});
  CHECK(StateFile(path).open(30) == nullptr);
  CHECK(StateFile(path).open(25) != nullptr);
  write_whole(path, "{}", 2);
  CHECK_THROWS(StateFile(path).open(25), Error, "is damaged, or not");
  write_whole(path, "{\"format\"", 9);
  CHECK_THROWS(StateFile(path).open(25), Error, "is damaged, or not");
}
