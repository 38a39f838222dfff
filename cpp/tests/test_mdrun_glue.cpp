// The files that mdrun's kernel reads and keeps: jobs file, index file, options, state file.

#include "electrode_potential.h"
#include "error.hpp"
#include "file_access.hpp"
#include "index_file.h"
#include "job_file.h"
#include "mdrun_options.h"
#include "messages.hpp"
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

BOOST_AUTO_TEST_CASE(a_jobs_file_is_read) {
  const JobFile jobs = parsed(
      "# a comment\n"
      "index  my.ndx   # groups\n"
      "pbc xy\n\n"
      "charge surface 10 model.pt threads 2 sources electrolyte range error output q.xvg\n"
      "voxels System 2 5 20 8 9 10 file grids.zarr channels mass kinetic_xx spread cic\n"
      "voxels ions 1 1 10 4 4 4 channels number classify phases.pt file ions.zarr\n"
      "plumed plumed.dat kernel /opt/libplumedKernel.so\n");
  BOOST_CHECK(jobs.index == "my.ndx");
  BOOST_CHECK((jobs.periodic == std::array<bool, 3>{true, true, false}));
  BOOST_CHECK(jobs.charges.size() == 1 && jobs.voxels.size() == 2);
  const auto &charge = jobs.charges[0];
  BOOST_CHECK(charge.electrodes.size() == 1 && charge.every == 10);
  BOOST_CHECK(charge.electrodes[0].group == "surface" && charge.electrodes[0].model == "model.pt");
  BOOST_CHECK(!charge.electrodes[0].potential);
  BOOST_CHECK(charge.sources == "electrolyte" && charge.threads == 2 && charge.output == "q.xvg");
  BOOST_CHECK(charge.range == RangeCheck::error && charge.device == "cpu");
  const auto &voxels = jobs.voxels[0];
  BOOST_CHECK((voxels.window == VoxelWindow{2, 5, 20}));
  BOOST_CHECK((voxels.shape == VoxelShape{8, 9, 10}));
  BOOST_CHECK((voxels.channels == std::vector<std::string>{"mass", "kinetic_xx"}));
  BOOST_CHECK(voxels.spread == "cic" && voxels.file == "grids.zarr" && voxels.classifier.empty());
  BOOST_CHECK(jobs.voxels[1].classifier == "phases.pt");
  BOOST_CHECK(jobs.plumed->file == "plumed.dat" &&
              jobs.plumed->kernel == "/opt/libplumedKernel.so");
}

BOOST_AUTO_TEST_CASE(two_electrodes_at_potentials) {
  const JobFile jobs = parsed(
      "index index.ndx\n"
      "charge lower 10 m.pt sources e potential -0.5 couple upper potential 1.5e-1 model u.pt\n");
  const auto &electrodes = jobs.charges.at(0).electrodes;
  BOOST_REQUIRE(electrodes.size() == 2);
  BOOST_CHECK(electrodes[0].group == "lower" && electrodes[0].model == "m.pt");
  BOOST_CHECK(electrodes[1].group == "upper" && electrodes[1].model == "u.pt");
  BOOST_CHECK(electrodes[0].potential->at(1e3) == -0.5 && electrodes[1].potential->at(0.0) == 0.15);
}

BOOST_AUTO_TEST_CASE(a_potential_may_be_a_table_over_time) {
  const TemporaryFolder folder;
  const auto table = [&](const std::string &text) {
    const std::string path = folder.path("ramp.xvg");
    write_whole(path, text.data(), text.size());
    return ElectrodePotential(path);
  };
  const auto ramp = table("# ramp\n@ title \"V\"\n0 0\n10 2.0\n\n20 -2.0\n");
  BOOST_CHECK(ramp.at(-1.0) == 0.0 && ramp.at(0.0) == 0.0 && ramp.at(5.0) == 1.0);
  BOOST_CHECK(ramp.at(10.0) == 2.0 && ramp.at(15.0) == 0.0 && ramp.at(1e9) == -2.0);
  BOOST_CHECK(ramp.description().ends_with("ramp.xvg"));
  BOOST_CHECK_EXCEPTION(table("0 0\n10\n"), Error, says("line 2: expected a time (ps) and a pot"));
  BOOST_CHECK_EXCEPTION(table("0 0 1\n"), Error, says("line 1: expected a time"));
  BOOST_CHECK_EXCEPTION(table("0 nan\n"), Error, says("found 0 nan"));
  BOOST_CHECK_EXCEPTION(table("1 0\n1 0\n"), Error, says("line 2: expected times that ascend"));
  BOOST_CHECK_EXCEPTION(table("# empty\n"), Error, says("has no rows"));
  BOOST_CHECK_EXCEPTION(ElectrodePotential("/nowhere/v.xvg"), Error, says("/nowhere/v.xvg"));
  BOOST_CHECK_EXCEPTION(ElectrodePotential("1.0V"), Error, says("potentials (.xvg), found 1.0V"));
}

BOOST_AUTO_TEST_CASE(a_wrong_jobs_file_is_refused_in_words) {
  BOOST_CHECK_EXCEPTION(read_job_file("/nowhere/voxion.dat"), Error, says("/nowhere/voxion.dat"));
  BOOST_CHECK_EXCEPTION(parsed("index a.ndx\n"), Error, says("there is no job"));
  BOOST_CHECK_EXCEPTION(parsed("charge s 10 m.pt sources e\n"), Error, says("index FILE.ndx"));
  BOOST_CHECK_EXCEPTION(with_index("charges s 10 m.pt"), Error,
                        says("line 2: unknown job charges; known are"));
  BOOST_CHECK_EXCEPTION(with_index("charge s"), Error,
                        says("expected the number of steps between updates"));
  BOOST_CHECK_EXCEPTION(with_index("charge s ten m.pt"), Error, says("at least 1, found ten"));
  BOOST_CHECK_EXCEPTION(with_index("charge s 0 m.pt"), Error, says("at least 1, found 0"));
  BOOST_CHECK_EXCEPTION(with_index("charge s 1.5 m.pt"), Error, says("at least 1, found 1.5"));
  BOOST_CHECK_EXCEPTION(with_index("charge s 10"), Error, says("expected a model file at the end"));
  BOOST_CHECK_EXCEPTION(with_index("charge s 10 m.pt"), Error, says("keyword sources"));
  BOOST_CHECK_EXCEPTION(with_index("charge s 10 m.pt sources e total 4"), Error,
                        says("unknown keyword total"));
  BOOST_CHECK_EXCEPTION(with_index("charge s 10 m.pt sources e sources f"), Error,
                        says("is given twice"));
  BOOST_CHECK_EXCEPTION(with_index("charge s 10 m.pt sources e potential 1"), Error,
                        says("needs two electrodes"));
  BOOST_CHECK_EXCEPTION(with_index("charge s 10 m.pt sources e couple t potential 1"), Error,
                        says("group s lacks its keyword potential"));
  BOOST_CHECK_EXCEPTION(with_index("charge s 10 m.pt sources e potential 1 couple t 2"), Error,
                        says("expected the word 'potential', found 2"));
  BOOST_CHECK_EXCEPTION(with_index("charge s 10 m.pt sources e potential inf couple t potential 1"),
                        Error,
                        says("expected a potential in V, or the name of a table of potentials"));
  BOOST_CHECK_EXCEPTION(with_index("charge s 10 m.pt sources e potential 0 couple s potential 1"),
                        Error, says("group s is coupled to itself"));
  BOOST_CHECK_EXCEPTION(with_index("charge s 10 m.pt sources e range off"), Error,
                        says("warn, error or ignore"));
  BOOST_CHECK_EXCEPTION(with_index("pbc no"), Error, says("pbc must be xyz or xy"));
  BOOST_CHECK_EXCEPTION(with_index("pbc xy z"), Error, says("a word too many: z"));
  BOOST_CHECK_EXCEPTION(with_index("voxels all 1 11 10 4 4 4 file f channels mass"), Error,
                        says("Nevery times Nrepeat at most Nfreq"));
  BOOST_CHECK_EXCEPTION(with_index("voxels all 1 1 10 4 0 4 file f channels mass"), Error,
                        says("expected ny"));
  BOOST_CHECK_EXCEPTION(with_index("voxels all 1 1 10 4 4 4 channels mass"), Error,
                        says("keyword file"));
  BOOST_CHECK_EXCEPTION(with_index("voxels all 1 1 10 4 4 4 file f"), Error,
                        says("at least one channel"));
  BOOST_CHECK_EXCEPTION(with_index("voxels all 1 1 10 4 4 4 file f channels mass spread x"), Error,
                        says("ngp or cic, found x"));
  BOOST_CHECK_EXCEPTION(with_index("plumed p.dat lib k"), Error,
                        says("expected the word 'kernel', found lib"));
}

BOOST_AUTO_TEST_CASE(groups_of_an_index_file_are_read) {
  const File file(
      "[ System ]\n1 2 3 4 ; all\n[ two words ]\n   4\n2\n[ none ]\n[a]\n1\n[ a ]\n2\n[ twice ]\n3 "
      "3\n");
  const IndexFile index(file.path());
  BOOST_CHECK((index.group("System", 4) == std::vector<int>{0, 1, 2, 3}));
  BOOST_CHECK((index.group("two words", 4) == std::vector<int>{1, 3}));
  BOOST_CHECK_EXCEPTION(index.group("System", 3), Error, says("has atom 4, the run has 3"));
  BOOST_CHECK_EXCEPTION(index.group("ions", 4), Error,
                        says("it has System, two words, none, a, a, twice"));
  BOOST_CHECK_EXCEPTION(index.group("none", 4), Error, says("has no atoms"));
  BOOST_CHECK_EXCEPTION(index.group("a", 4), Error, says("more than one group a"));
  BOOST_CHECK_EXCEPTION(index.group("twice", 4), Error, says("names atom 3 twice"));
}

BOOST_AUTO_TEST_CASE(a_wrong_index_file_is_refused_in_words) {
  BOOST_CHECK_EXCEPTION(IndexFile("/nowhere/index.ndx"), Error, says("/nowhere/index.ndx"));
  BOOST_CHECK_EXCEPTION(IndexFile(File("1 2\n").path()), Error,
                        says("line 1: atoms before the first"));
  BOOST_CHECK_EXCEPTION(IndexFile(File("[ a ]\n1 x\n").path()), Error,
                        says("line 2: expected a number"));
  BOOST_CHECK_EXCEPTION(IndexFile(File("[ a \n").path()), Error, says("expected [ group ]"));
}

BOOST_AUTO_TEST_CASE(options_of_mdrun_decide_whether_charges_can_change) {
  const auto options = parse_mdrun_options({"gmx", "mdrun", "-nstlist", "20", "-pme", "cpu"});
  BOOST_CHECK(*options.nstlist == 20 && options.pme == "cpu" && !options.rerun);
  check_options_for_charges(options);
  BOOST_CHECK_EXCEPTION(check_options_for_charges(parse_mdrun_options({"-nstlist", "20"})), Error,
                        says("-pme cpu (not given)"));
  BOOST_CHECK_EXCEPTION(
      check_options_for_charges(parse_mdrun_options({"-nstlist", "20", "-pme", "gpu"})), Error,
      says("found -pme gpu"));
  BOOST_CHECK_EXCEPTION(check_options_for_charges(parse_mdrun_options({"-pme", "cpu", "-nstlist"})),
                        Error, says("start mdrun with -nstlist"));
  BOOST_CHECK_EXCEPTION(
      check_options_for_charges(parse_mdrun_options({"-pme", "cpu", "-nstlist", "0"})), Error,
      says("start mdrun with -nstlist"));
  BOOST_CHECK_EXCEPTION(
      check_options_for_charges(parse_mdrun_options({"-pme", "cpu", "-nstlist", "9", "-rerun"})),
      Error, says("no meaning with mdrun -rerun"));
}

BOOST_AUTO_TEST_CASE(the_state_file_keeps_two_checkpoints) {
  const auto record = [](int step) {
    const nlohmann::json job{{"group", "s"}, {"charges", {0.1 * step}}};
    return nlohmann::json{{"step", step}, {"charges", nlohmann::json::array({job})}};
  };
  const TemporaryFolder folder;
  const std::string path = folder.path("run.state");
  StateFile run(path);
  BOOST_CHECK(run.open(0) == nullptr);
  for (int step : {10, 20, 20, 30}) run.keep(record(step));
  StateFile latest(path);
  BOOST_CHECK(*latest.open(30) == record(30));
  BOOST_CHECK(latest.open(10) == nullptr);
  const auto *previous = latest.open(20);  // and what comes after is forgotten
  BOOST_CHECK(previous && *previous == record(20));
  latest.keep({{"step", 25}});
  BOOST_CHECK(StateFile(path).open(30) == nullptr);
  BOOST_CHECK(StateFile(path).open(25) != nullptr);
  write_whole(path, "{}", 2);
  BOOST_CHECK_EXCEPTION(StateFile(path).open(25), Error, says("is damaged, or not"));
  write_whole(path, "{\"format\"", 9);
  BOOST_CHECK_EXCEPTION(StateFile(path).open(25), Error, says("is damaged, or not"));
}
