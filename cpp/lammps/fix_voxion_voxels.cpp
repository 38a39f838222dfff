// fix voxion/voxels: parsing, the windows, and outputs.
#include "fix_voxion_voxels.h"

#include <mpi.h>

#include <algorithm>
#include <numeric>

#include "accelerators.h"
#include "atom.h"
#include "comm.h"
#include "domain.h"
#include "error.h"
#include "error.hpp"
#include "group.h"
#include "lammps_cell.h"
#include "lammps_units.h"
#include "model_runner.hpp"
#include "modify.h"
#include "on_root.h"
#include "timer.h"
#include "update.h"
#include "utils.h"
#include "voxel_channels.h"
#include "voxel_classifier.hpp"

using namespace LAMMPS_NS;
using namespace FixConst;

namespace {

constexpr const char *keywords[] = {"file", "channels", "classify", "spread"};

bool is_keyword(const std::string &word) {
  return std::find(std::begin(keywords), std::end(keywords), word) != std::end(keywords);
}

}  // namespace

// Runs `action` on rank 0; if it throws, all ranks stop with its message.
template <typename Action>
void FixVoxionVoxels::on_root(Action action) {
  const auto problem = voxion_lammps::failure_on_root(comm->me, world, action);
  if (!problem.empty())
    error->all(FLERR, "Fix voxion/voxels {} at step {}: {}", id, update->ntimestep, problem);
}

/* ---------------------------------------------------------------------- */

FixVoxionVoxels::FixVoxionVoxels(LAMMPS *lmp, int narg, char **arg) : Fix(lmp, narg, arg) {
  scalar_flag = 1;
  global_freq = 1;
  extscalar = extvector = 0;
  time_depend = 1;
  dynamic_group_allow = 1;
  restart_global = 1;
  parse(narg, arg);
  if (!model_path_.empty()) load_classifier();
  wait_for_window();
  expect_sample(average_->next());
}

FixVoxionVoxels::~FixVoxionVoxels() = default;

void FixVoxionVoxels::parse(int narg, char **arg) {
  if (narg < 13) utils::missing_cmd_args(FLERR, "fix voxion/voxels", error);
  parse_numbers(arg);
  std::vector<std::string> channels;
  for (int iarg = 9; iarg < narg;) iarg = parse_keyword(iarg, narg, arg, channels);
  if (file_.empty())
    error->all(FLERR, "Fix voxion/voxels {}: keyword file with the name of a store is required",
               id);
  if (channels.empty())
    error->all(FLERR,
               "Fix voxion/voxels {}: keyword channels with at least one channel is required", id);
  make_grid(channels);
}

void FixVoxionVoxels::parse_numbers(char **arg) {
  nevery = utils::inumeric(FLERR, arg[3], false, lmp);
  window_ = {nevery, utils::inumeric(FLERR, arg[4], false, lmp),
             utils::bnumeric(FLERR, arg[5], false, lmp)};
  try {
    window_.check();
  } catch (const voxion::Error &e) {
    error->all(FLERR, "Fix voxion/voxels {}: {}", id, e.what());
  }
  shape_ = {utils::inumeric(FLERR, arg[6], false, lmp), utils::inumeric(FLERR, arg[7], false, lmp),
            utils::inumeric(FLERR, arg[8], false, lmp)};
  if (shape_.nx < 1 || shape_.ny < 1 || shape_.nz < 1)
    error->all(FLERR, "Fix voxion/voxels {}: nx, ny and nz must be at least 1, found {} {} {}", id,
               arg[6], arg[7], arg[8]);
}

// Reads the keyword at `iarg` with its values; returns the place after them.
int FixVoxionVoxels::parse_keyword(int iarg, int narg, char **arg,
                                   std::vector<std::string> &channels) {
  const std::string keyword = arg[iarg++];
  if (!is_keyword(keyword))
    error->all(FLERR,
               "Fix voxion/voxels {}: unknown keyword {}; known are file, channels, classify and "
               "spread",
               id, keyword);
  if (iarg == narg)
    error->all(FLERR, "Fix voxion/voxels {}: keyword {} lacks its value", id, keyword);
  if (keyword == "channels") {
    while (iarg < narg && !is_keyword(arg[iarg])) channels.push_back(arg[iarg++]);
    return iarg;
  }
  const std::string value = arg[iarg++];
  if (keyword == "file") {
    file_ = value;
  } else if (keyword == "classify") {
    model_path_ = value;
  } else {
    spread_ = value;
  }
  return iarg;
}

void FixVoxionVoxels::make_grid(const std::vector<std::string> &channels) {
  channels_ = std::make_unique<VoxelChannels>(lmp, id, igroup, channels);
  try {
    shape_.check(channels_->columns());
    average_ = std::make_unique<voxion::VoxelAverage>(window_, shape_, channels_->columns(),
                                                      voxion::parse_spread(spread_));
  } catch (const voxion::Error &e) {
    error->all(FLERR, "Fix voxion/voxels {}: {}", id, e.what());
  }
  const double numbers = static_cast<double>(shape_.size()) * channels_->columns();
  if (numbers * sizeof(double) > MAXSMALLINT / 2)
    error->all(FLERR,
               "Fix voxion/voxels {}: {} voxels with {} values each are more than fits one "
               "message; use fewer voxels or channels",
               id, shape_.text(), channels_->columns());
}

// Rank 0 runs the model; all ranks know how many classes it has.
void FixVoxionVoxels::load_classifier() {
  on_root([&] {
    classifier_ = std::make_unique<voxion::VoxelClassifier>(
        voxion::load_model(model_path_, "cpu", 1), model_path_, channels_->names(), shape_);
    labels_ = classifier_->contract().labels;
    model_hash_ = voxion::hash_file(model_path_);
    const auto warning = classifier_->spread_warning(spread_);
    if (!warning.empty()) error->warning(FLERR, "Fix voxion/voxels {}: {}", id, warning);
  });
  int classes = static_cast<int>(labels_.size());
  MPI_Bcast(&classes, 1, MPI_INT, 0, world);
  labels_.resize(classes);
  vector_flag = 1;
  size_vector = 2 + classes;
}

int FixVoxionVoxels::setmask() { return END_OF_STEP | POST_RUN; }

/* ---------------------------------------------------------------------- */

void FixVoxionVoxels::init() {
  if (utils::strmatch(update->integrate_style, "^respa"))
    error->all(FLERR, "Fix voxion/voxels {} does not work with run_style respa: use verlet", id);
  if (voxion_lammps::kokkos_on_gpu(lmp))
    error->all(FLERR,
               "Fix voxion/voxels {} is not tested with KOKKOS on a GPU: run without '-k on'", id);
  if (!group->dynamic[igroup] && group->count(igroup) == 0)
    error->all(FLERR, "Fix voxion/voxels {}: group {} has no atoms", id, group->names[igroup]);
  channels_->init(nevery);
  // LAMMPS's time begins at 0 again after a restart file that was written during a run
  if (continued_time_) time_shift_ = *continued_time_ - time();
  continued_time_.reset();
  empty_warned_ = false;
  if (!opened_) open_store();
  if (!average_->open()) wait_for_window();
  expect_sample(average_->next());  // also of computes that were defined after this fix
}

void FixVoxionVoxels::open_store() {
  bigint dropped = 0;
  on_root([&] {
    store_ = std::make_unique<voxion::VoxelStore>(file_, header());
    dropped = static_cast<bigint>(store_->begin(update->ntimestep, continued_id_));
    frames_ = static_cast<bigint>(store_->frames());
    last_frame_ = store_->last_step().value_or(-1);
  });
  MPI_Bcast(&frames_, 1, MPI_LMP_BIGINT, 0, world);
  MPI_Bcast(&last_frame_, 1, MPI_LMP_BIGINT, 0, world);
  opened_ = true;
  if (comm->me != 0) return;
  if (dropped > 0)
    utils::logmesg(lmp,
                   "Fix voxion/voxels {}: {} frames of {} beyond step {} are dropped, this run "
                   "makes them again\n",
                   id, dropped, file_, update->ntimestep);
  if (frames_ > 0)
    utils::logmesg(lmp, "Fix voxion/voxels {}: {} has {} frames up to step {}\n", id, file_,
                   frames_, last_frame_);
}

voxion::VoxelStoreHeader FixVoxionVoxels::header() const {
  const auto units = voxion_lammps::unit_names(update->unit_style);
  voxion::VoxelStoreHeader header;
  header.engine = std::string("LAMMPS ") + lmp->version;
  header.voxion_version = VOXION_VERSION;
  header.unit_style = update->unit_style;
  header.length_unit = units.length;
  header.time_unit = units.time;
  header.group = group->names[igroup];
  header.window = window_;
  header.spread = spread_;
  for (int d = 0; d < 3; ++d) header.periodic[d] = domain->periodicity[d] != 0;
  header.shape = shape_;
  header.channels = channels_->channels();
  if (classifier_) header.classifier = classifier_->described(model_hash_);
  return header;
}

// Computes that gather during a step's forces must know the step before it.
void FixVoxionVoxels::expect_sample(bigint step) {
  if (channels_->uses_computes()) modify->addstep_compute_all(step);
}

/* ---------------------------------------------------------------------- */

void FixVoxionVoxels::setup(int) {
  if (channels_->guessed_at_setup() && average_->next() == update->ntimestep) {
    average_->wait(update->ntimestep + 1, last_frame_);
    expect_sample(average_->next());
  }
  end_of_step();
}

void FixVoxionVoxels::end_of_step() {
  const bigint now = update->ntimestep;
  if (now > average_->next()) give_window_up();
  if (now != average_->next()) return;
  sample();
  if (average_->end_sample()) {
    finish_window();
    wait_for_window();
  }
  if (channels_->uses_computes()) modify->addstep_compute(average_->next());
}

// Only rerun leaves steps out.
void FixVoxionVoxels::give_window_up() {
  if (comm->me == 0)
    error->warning(FLERR,
                   "Fix voxion/voxels {}: step {} of a window was not there at step {}, the window "
                   "is given up",
                   id, average_->next(), update->ntimestep);
  wait_for_window();
  expect_sample(average_->next());
}

void FixVoxionVoxels::sample() {
  const double start = MPI_Wtime();
  if (channels_->uses_computes()) {
    modify->clearstep_compute();
    channels_->compute();
  }
  const double computed = MPI_Wtime();
  gather_atoms();
  const voxion::Cell cell = voxion_lammps::cell_of(*domain, 1.0);
  const voxion::Vector origin{domain->boxlo[0], domain->boxlo[1], domain->boxlo[2]};
  try {
    average_->begin_sample(atom->x ? atom->x[0] : nullptr, atoms_, cell, origin);
  } catch (const voxion::Error &e) {
    error->one(FLERR, "Fix voxion/voxels {} at step {}: {}", id, update->ntimestep, e.what());
  }
  channels_->deposit(average_->sums());
  atoms_seen_ += static_cast<bigint>(atoms_.size());
  ++tally_.samples;
  tally_.compute += computed - start;
  tally_.grid += MPI_Wtime() - computed;
}

void FixVoxionVoxels::gather_atoms() {
  const auto owned = static_cast<std::size_t>(atom->nlocal);
  if (igroup == 0) {  // group all
    if (atoms_.size() == owned) return;
    atoms_.resize(owned);
    std::iota(atoms_.begin(), atoms_.end(), 0);
    return;
  }
  const int *mask = atom->mask;
  atoms_.resize(owned);
  std::size_t count = 0;
  for (int i = 0; i < atom->nlocal; ++i) {
    atoms_[count] = i;
    count += (mask[i] & groupbit) != 0;
  }
  atoms_.resize(count);
}

void FixVoxionVoxels::finish_window() {
  const double start = MPI_Wtime();
  reduce_sums();
  check_atoms();
  on_root([&] { last_ = finish_frame(); });
  share_classification();
  last_frame_ = update->ntimestep;
  ++frames_;
  ++tally_.frames;
  tally_.store += MPI_Wtime() - start;
}

// Forgets what has been sampled.
void FixVoxionVoxels::wait_for_window() {
  atoms_seen_ = 0;
  average_->wait(update->ntimestep, last_frame_);
}

// Adds the sums of all ranks up on rank 0.
void FixVoxionVoxels::reduce_sums() {
  const auto sums = average_->sums().sums();
  const bool root = comm->me == 0;
  MPI_Reduce(root ? MPI_IN_PLACE : sums.data(), sums.data(), static_cast<int>(sums.size()),
             MPI_DOUBLE, MPI_SUM, 0, world);
  MPI_Allreduce(MPI_IN_PLACE, &atoms_seen_, 1, MPI_LMP_BIGINT, MPI_SUM, world);
}

double FixVoxionVoxels::time() const {
  return time_shift_ + update->atime +
         static_cast<double>(update->ntimestep - update->atimestep) * update->dt;
}

void FixVoxionVoxels::check_atoms() {
  if (atoms_seen_ > 0 || empty_warned_) return;
  empty_warned_ = true;
  if (comm->me == 0)
    error->warning(FLERR,
                   "Fix voxion/voxels {}: group {} had no atoms in the window that ends at step "
                   "{}, its grid is zero",
                   id, group->names[igroup], update->ntimestep);
}

// Rank 0: averages, classifies and stores. The classification is empty without a classifier.
voxion::Classification FixVoxionVoxels::finish_frame() {
  auto frame = average_->frame(update->ntimestep, time(), channels_->channels());
  const double start = MPI_Wtime();
  if (classifier_) frame.classification = classifier_->classify(frame);
  const double classified = MPI_Wtime();
  tally_.classify += classified - start;
  tally_.store -= classified - start;
  store_->append(frame);
  return frame.classification.value_or(voxion::Classification{});
}

void FixVoxionVoxels::share_classification() {
  if (labels_.empty()) return;
  last_.probability.resize(labels_.size());
  MPI_Bcast(last_.probability.data(), static_cast<int>(labels_.size()), MPI_DOUBLE, 0, world);
  unsigned long label = last_.label;
  MPI_Bcast(&label, 1, MPI_UNSIGNED_LONG, 0, world);
  last_.label = label;
}

/* ---------------------------------------------------------------------- */

void FixVoxionVoxels::post_run() {
  if (tally_.samples == 0 && update->ntimestep - update->firststep >= window_.period &&
      comm->me == 0)
    error->warning(FLERR,
                   "Fix voxion/voxels {}: none of the run's steps was one of its samples; see "
                   "Nevery, Nrepeat and Nfreq",
                   id);
  const auto each = [](double seconds, bigint count) {
    return count > 0 ? 1000.0 * seconds / static_cast<double>(count) : 0.0;
  };
  const double loop = timer->get_wall(Timer::TOTAL);
  const double spent = tally_.compute + tally_.grid + tally_.store + tally_.classify;
  if (comm->me == 0) {
    std::string classified;
    if (classifier_)
      classified =
          fmt::format(", {:.3g} ms each to classify", each(tally_.classify, tally_.frames));
    utils::logmesg(lmp,
                   "Fix voxion/voxels {}: {} samples, {:.3g} ms each to grid, {:.3g} ms each for "
                   "computes; {} frames, {:.3g} ms each to store{}; {:.2f} % of loop time\n",
                   id, tally_.samples, each(tally_.grid, tally_.samples),
                   each(tally_.compute, tally_.samples), tally_.frames,
                   each(tally_.store, tally_.frames), classified,
                   loop > 0.0 ? 100.0 * spent / loop : 0.0);
  }
  tally_ = {};
}

double FixVoxionVoxels::compute_scalar() { return static_cast<double>(frames_); }

// Label from 1 (0 before the first window), confidence, probability of each class.
double FixVoxionVoxels::compute_vector(int i) {
  if (last_.probability.empty()) return 0.0;
  if (i == 0) return static_cast<double>(last_.label + 1);
  if (i == 1) return last_.confidence();
  return last_.probability[i - 2];
}

double FixVoxionVoxels::memory_usage() {
  return static_cast<double>(average_->sums().sums().size() * sizeof(double) +
                             2 * atoms_.capacity() * sizeof(int));
}
