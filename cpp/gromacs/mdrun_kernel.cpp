// mdrun's calls, in their order: settings, then positions to performCalc at every step.
#include "mdrun_kernel.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <map>

#include "error.hpp"

namespace voxion_gromacs {

using voxion::Error;
using Json = nlohmann::json;

namespace {

constexpr int api_version = 10;  // of PLUMED's commands; what GROMACS 2025 knows
// Wrapped positions may lie this far outside the box, in units of its edges.
constexpr double rounding = 1e-5;

template <typename T>
T value_of(const PlumedPointer &value) {
  return *static_cast<const T *>(value.data);
}

[[noreturn]] void refuse_domain_decomposition() {
  throw Error(
      "mdrun runs with domain decomposition, which takes charges from the run input again and "
      "again: set GMX_DD_SINGLE_RANK=0 in the environment and use one rank (-ntmpi 1, any number "
      "of OpenMP threads); 'voxion mdrun' does it");
}

}  // namespace

// The action of each call; those of every step first.
const MdrunKernel::Action MdrunKernel::actions_[] = {
    {"setStepLong", [](auto &k, auto &v) { k.frame_.step = value_of<long>(v); }},
    {"setPositions", [](auto &k, auto &v) { k.frame_.positions = k.reals(v); }},
    {"setMasses", [](auto &k, auto &v) { k.frame_.masses = k.reals(v); }},
    {"setCharges", [](auto &k, auto &v) { k.frame_.charges = k.reals(v); }},
    {"setForces", [](auto &k, auto &v) { k.frame_.forces = k.reals(v); }},
    {"setBox", [](auto &k, auto &v) { k.set_box(v); }},
    {"performCalc", [](auto &k, auto &) { k.perform(); }},
    {"doCheckPoint", [](auto &k, auto &) { k.write_checkpoint(); }},
    {"setAtomsNlocal", [](auto &, auto &) { refuse_domain_decomposition(); }},
    {"setAtomsGatindex", [](auto &, auto &) { refuse_domain_decomposition(); }},
    {"setRealPrecision", [](auto &k, auto &v) { k.single_ = value_of<int>(v) == sizeof(float); }},
    {"setPlumedDat", [](auto &k, auto &v) { k.set_jobs_file(static_cast<const char *>(v.data)); }},
    {"getApiVersion",
     [](auto &k, auto &v) {
       // PLUMED's own answer stays
       if (!k.chain_.loaded()) *static_cast<int *>(const_cast<void *>(v.data)) = api_version;
     }},
    {"setRestart", [](auto &k, auto &v) { k.continued_ = value_of<int>(v) != 0; }},
    {"setMPIComm",
     [](auto &, auto &) {
       throw Error("voxion works in one process: start mdrun with one rank and OpenMP threads");
     }},
    {"setNatoms", [](auto &k, auto &v) { k.frame_.atoms = value_of<int>(v); }},
    {"setTimestep", [](auto &k, auto &v) { k.frame_.timestep = k.reals(v)[0]; }},
    {"init", [](auto &k, auto &) { k.make_jobs(); }},
};

MdrunKernel::~MdrunKernel() {
  for (const auto &job : charges_) log_.note(job->summary());
  for (const auto &job : voxels_) log_.note(job->summary());
}

void MdrunKernel::command(std::string_view key, const PlumedPointer &value) {
  if (chain_.loaded())
    chain_.command(std::string(key), value);
  else if (jobs_.path.empty() && key != "setPlumedDat")
    chain_.remember(std::string(key), value);
  const auto known = [key](const Action &action) { return action.key == key; };
  const auto action = std::find_if(std::begin(actions_), std::end(actions_), known);
  if (action != std::end(actions_)) action->run(*this, value);
}

Reals MdrunKernel::reals(const PlumedPointer &value) const {
  return {const_cast<void *>(value.data), single_};
}

void MdrunKernel::set_box(const PlumedPointer &value) {
  const Reals box = reals(value);
  for (std::size_t i = 0; i < 3; ++i)
    for (std::size_t d = 0; d < 3; ++d) frame_.cell.vectors[i][d] = box[3 * i + d];
  frame_.cell.periodic = jobs_.periodic;
}

/* ---------------------------------------------------------------------- */

void MdrunKernel::set_jobs_file(const char *path) {
  jobs_ = read_job_file(path);
  index_ = std::make_unique<IndexFile>(jobs_.index);
  state_file_ = std::make_unique<StateFile>(jobs_.path + ".state");
  log_.open(jobs_.path + ".log");
  if (!jobs_.plumed) return;
  chain_.load(*jobs_.plumed);
  const std::string &file = jobs_.plumed->file;
  // a text: constant, characters of one byte
  constexpr std::size_t text_flags = 1 + 0x10000 * 3 + 0x2000000 * 3;
  chain_.command("setPlumedDat", {file.c_str(), 0, nullptr, text_flags, nullptr});
}

void MdrunKernel::make_jobs() {
  options_ = mdrun_options();
  if (!jobs_.charges.empty()) {
    check_options_for_charges(options_);
    nstlist_ = *options_.nstlist;
  }
  for (const auto &settings : jobs_.charges)
    charges_.push_back(std::make_unique<ChargeJob>(settings, options_, log_));
  for (const auto &settings : jobs_.voxels)
    voxels_.push_back(std::make_unique<VoxelJob>(settings, jobs_.periodic, log_));
}

/* ---------------------------------------------------------------------- */

void MdrunKernel::perform() {
  if (!begun_) begin();
  if (frame_.step % nstlist_ == 0) {
    const auto acts = [this](const auto &job) { return job->acts_from(frame_.step); };
    if (std::any_of(charges_.begin(), charges_.end(), acts)) check_pair_search();
    for (const auto &job : charges_) job->pair_search(frame_);
  }
  for (const auto &job : voxels_) job->step(frame_);
  for (const auto &job : charges_) job->step(frame_);
}

// The first step: all is checked before a store is opened or a charge changed.
void MdrunKernel::begin() {
  begun_ = true;
  const auto start = std::chrono::steady_clock::now();
  log_.note(std::string("voxion " VOXION_VERSION ", a run ") +
            (continued_ ? "continues" : "begins") + " at step " + std::to_string(frame_.step));
  const Json *checkpoint = continued_ ? state_file_->open(frame_.step) : nullptr;
  if (continued_ && !checkpoint) {
    const std::string what = state_file_->path() + " has nothing about step " +
                             std::to_string(frame_.step) + ", from which the run continues";
    if (!charges_.empty())
      throw Error(what + "; continue from a checkpoint of a run with the same jobs file");
    log_.warn(what + "; windows of voxels begin anew");
  }
  for (const auto &job : charges_) {
    std::vector<const Json *> records;
    for (const auto &surface : job->surfaces())
      if (checkpoint)
        records.push_back(record_of(checkpoint, "charges", "group", surface->group()));
    job->begin(frame_, *index_, records);
  }
  check_common_atoms();
  for (const auto &job : voxels_)
    job->begin(frame_, *index_, record_of(checkpoint, "voxels", "file", job->file()));
  const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - start;
  log_.note("set up in " + digits(spent.count()) + " s");
}

void MdrunKernel::check_common_atoms() const {
  std::map<int, const ChargeSurface *> owners;
  for (const auto &job : charges_)
    for (const auto &surface : job->surfaces())
      for (int atom : surface->atoms()) {
        const auto [owner, is_new] = owners.emplace(atom, surface.get());
        if (!is_new)
          throw Error("two charge jobs share atoms: groups " + owner->second->group() + " and " +
                      surface->group() + " both have atom " + std::to_string(atom + 1));
      }
}

// A job's part of a checkpoint; null in a new run.
const Json *MdrunKernel::record_of(const Json *checkpoint, const char *kind, const char *key,
                                   const std::string &name) const {
  if (!checkpoint) return nullptr;
  const auto jobs = checkpoint->find(kind);
  if (jobs != checkpoint->end() && jobs->is_array())
    for (const auto &job : *jobs)
      if (job.value(key, "") == name) return &job;
  if (kind == std::string("charges"))
    throw Error(state_file_->path() + " has nothing about charges of group " + name +
                "; continue with the jobs file of the interrupted run");
  return nullptr;
}

// Without domain decomposition mdrun puts all atoms into the box when it searches pairs, and only
// then; on a step that it believes to be no search, atoms have soon left the box.
void MdrunKernel::check_pair_search() const {
  const voxion::Reciprocal reciprocal(frame_.cell);
  for (std::size_t atom = 0; atom < static_cast<std::size_t>(frame_.atoms); ++atom) {
    const double position[3] = {frame_.positions[3 * atom], frame_.positions[3 * atom + 1],
                                frame_.positions[3 * atom + 2]};
    const auto fractional = reciprocal.fractional(position);
    for (int d = 0; d < 3; ++d)
      if (frame_.cell.periodic[d] && std::abs(fractional[d] - 0.5) > 0.5 + rounding)
        throw Error("mdrun did not search pairs at step " + std::to_string(frame_.step) +
                    ", though it was said to do so every " + std::to_string(nstlist_) +
                    " steps: mdrun ignores -nstlist without a thermostat, and where the box is too "
                    "small for a longer pair list; set nstlist in the mdp file, or start with "
                    "'voxion mdrun', which takes it from there");
  }
}

/* ---------------------------------------------------------------------- */

void MdrunKernel::write_checkpoint() {
  if (!begun_) return;
  Json record{{"step", frame_.step}, {"charges", Json::array()}, {"voxels", Json::array()}};
  for (const auto &job : charges_)
    for (auto &surface : job->state(frame_.step)) record["charges"].push_back(std::move(surface));
  for (const auto &job : voxels_) record["voxels"].push_back(job->state());
  state_file_->keep(std::move(record));
}

}  // namespace voxion_gromacs
