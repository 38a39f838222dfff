// fix voxion/charge: parsing and checks, the update, and outputs.
#include "fix_voxion_charge.h"

#include <mpi.h>

#include <algorithm>
#include <cmath>

#include "atom.h"
#include "charge_predictor.hpp"
#include "comm.h"
#include "domain.h"
#include "error.h"
#include "error.hpp"
#include "force.h"
#include "group.h"
#include "kspace.h"
#include "lammps_cell.h"
#include "modify.h"
#include "near_sources.h"
#include "on_root.h"
#include "site_potentials.hpp"
#include "timer.h"
#include "update.h"
#include "utils.h"

using namespace LAMMPS_NS;
using namespace FixConst;

namespace {

// True if fixes of this style write the charges of their group.
bool sets_charges(const std::string &style) {
  constexpr const char *families[] = {"voxion/charge", "electrode/", "qeq/", "acks2/"};
  return std::any_of(std::begin(families), std::end(families),
                     [&](const char *family) { return style.rfind(family, 0) == 0; });
}

std::size_t index_of(const std::vector<tagint> &tags, tagint tag) {
  return std::lower_bound(tags.begin(), tags.end(), tag) - tags.begin();
}

}  // namespace

// Runs `action` on rank 0; if it throws, all ranks stop with its message.
template <typename Action>
void FixVoxionCharge::on_root(const std::string &when, Action action) {
  const auto problem = voxion_lammps::failure_on_root(comm->me, world, [&] {
    try {
      action();
    } catch (const voxion::AtomError &e) {
      throw voxion::Error(described(e));
    }
  });
  if (!problem.empty()) error->all(FLERR, "Fix voxion/charge {}{}: {}", id, when, problem);
}

std::string FixVoxionCharge::at_step() const {
  return fmt::format(" at step {}", update->ntimestep);
}

// The message with the IDs of its atoms.
std::string FixVoxionCharge::described(const voxion::AtomError &error) const {
  const auto id_in = [](const std::vector<tagint> &tags) {
    return [&tags](std::size_t index) { return fmt::format("ID {}", tags[index]); };
  };
  return error.described(id_in(surface_tags_), id_in(call_tags_));
}

/* ---------------------------------------------------------------------- */

FixVoxionCharge::FixVoxionCharge(LAMMPS *lmp, int narg, char **arg)
    : Fix(lmp, narg, arg), report_(std::make_unique<voxion::ChargeReport>()) {
  scalar_flag = 1;
  vector_flag = 1;
  size_vector = 7;
  extscalar = 0;
  extvector = 0;
  global_freq = 1;
  restart_global = 1;
  comm_forward = 1;
  parse(narg, arg);
  load_model();
}

FixVoxionCharge::~FixVoxionCharge() = default;

void FixVoxionCharge::parse(int narg, char **arg) {
  if (narg < 7) utils::missing_cmd_args(FLERR, "fix voxion/charge", error);
  nevery = utils::inumeric(FLERR, arg[3], false, lmp);
  if (nevery <= 0)
    error->all(FLERR, "Fix voxion/charge {}: Nevery must be at least 1, found {}", id, arg[3]);
  model_path_ = arg[4];
  for (int iarg = 5; iarg < narg; iarg += 2) {
    const std::string keyword = arg[iarg];
    if (iarg + 1 == narg)
      error->all(FLERR, "Fix voxion/charge {}: keyword {} lacks its value", id, keyword);
    const std::string value = arg[iarg + 1];
    if (keyword == "sources") {
      sources_id_ = value;
    } else if (keyword == "total") {
      total_ = utils::numeric(FLERR, value, false, lmp);
      total_given_ = total_known_ = true;
    } else if (keyword == "device") {
      device_ = value;
    } else if (keyword == "threads") {
      threads_ = utils::inumeric(FLERR, value, false, lmp);
    } else if (keyword == "range") {
      try {
        range_watch_ = voxion::RangeWatch(voxion::parse_range_check(value));
      } catch (const voxion::Error &e) {
        error->all(FLERR, "Fix voxion/charge {}: {}", id, e.what());
      }
    } else {
      error->all(FLERR,
                 "Fix voxion/charge {}: unknown keyword {}; known are sources, total, device, "
                 "threads and range",
                 id, keyword);
    }
  }
  if (sources_id_.empty())
    error->all(FLERR,
               "Fix voxion/charge {}: keyword sources with a group of electrolyte atoms is "
               "required",
               id);
}

// Rank 0 runs the model; all ranks know its contract.
void FixVoxionCharge::load_model() {
  std::string json;
  on_root("", [&] {
    auto runner = voxion::load_torchscript(model_path_, device_, threads_);
    json = runner->contract_json();
    predictor_ = std::make_unique<voxion::ChargePredictor>(std::move(runner), model_path_);
    model_hash_ = voxion::hash_file(model_path_);
  });
  voxion_lammps::broadcast(json, world);
  MPI_Bcast(&model_hash_, 1, MPI_UINT64_T, 0, world);
  contract_ = voxion::parse_charge_contract(json, model_path_);
  if (contract_.radial_functions)
    site_potentials_ = std::make_unique<voxion::SitePotentials>(*contract_.radial_functions);
}

int FixVoxionCharge::setmask() {
  return PRE_FORCE | MIN_PRE_FORCE | POST_NEIGHBOR | MIN_POST_NEIGHBOR | POST_RUN;
}

/* ---------------------------------------------------------------------- */

void FixVoxionCharge::init() {
  check_style_settings();
  check_groups();
  check_other_fixes();
  check_charges();
  range_watch_.begin_run();
}

void FixVoxionCharge::check_style_settings() {
  if (!atom->q_flag)
    error->all(FLERR,
               "Fix voxion/charge {} needs a charge per atom: use an atom_style with q, such "
               "as charge or full",
               id);
  if (!atom->tag_enable || atom->map_style == Atom::MAP_NONE)
    error->all(FLERR,
               "Fix voxion/charge {} needs an atom map: add 'atom_modify map yes' before the "
               "box is created",
               id);
  if (utils::strmatch(update->integrate_style, "^respa"))
    error->all(FLERR, "Fix voxion/charge {} does not work with run_style respa: use verlet", id);
  const std::string units = update->unit_style;
  if (units == "real" || units == "metal")
    angstrom_ = 1.0;
  else if (units == "electron")
    angstrom_ = 0.529177210903;  // Bohr, CODATA 2018
  else if (units == "nano")
    angstrom_ = 10.0;
  else
    error->all(FLERR,
               "Fix voxion/charge {}: units {} have no known length or no charge in e; use "
               "units real, metal, electron or nano",
               id, units);
}

void FixVoxionCharge::check_groups() {
  const int sources_group = group->find(sources_id_);
  if (sources_group < 0)
    error->all(FLERR, "Fix voxion/charge {}: there is no group {} for keyword sources", id,
               sources_id_);
  if (group->dynamic[igroup] || group->dynamic[sources_group])
    error->all(FLERR, "Fix voxion/charge {}: its groups must be static, not dynamic", id);
  sources_bit_ = group->bitmask[sources_group];
  if (contract_.radial_functions)
    near_sources_ =
        std::make_unique<NearSources>(lmp, sources_bit_, contract_.radial_functions->cutoff);
  surface_tags_ = gather_tags(groupbit);
  source_tags_ = gather_tags(sources_bit_);
  if (surface_tags_.empty())
    error->all(FLERR, "Fix voxion/charge {}: the surface group {} has no atoms", id,
               group->names[igroup]);
  if (source_tags_.empty())
    error->all(FLERR, "Fix voxion/charge {}: the sources group {} has no atoms", id, sources_id_);
  std::vector<tagint> both;
  std::set_intersection(surface_tags_.begin(), surface_tags_.end(), source_tags_.begin(),
                        source_tags_.end(), std::back_inserter(both));
  if (!both.empty())
    error->all(FLERR,
               "Fix voxion/charge {}: surface group {} and sources group {} share {} atoms, "
               "the first with ID {}; they must not overlap",
               id, group->names[igroup], sources_id_, both.size(), both.front());
}

// The IDs of all atoms of a group on all ranks, ascending.
std::vector<tagint> FixVoxionCharge::gather_tags(int bit) const {
  std::vector<tagint> mine;
  for (int i = 0; i < atom->nlocal; ++i)
    if (atom->mask[i] & bit) mine.push_back(atom->tag[i]);
  int count = static_cast<int>(mine.size());
  std::vector<int> counts(comm->nprocs), offsets(comm->nprocs, 0);
  MPI_Allgather(&count, 1, MPI_INT, counts.data(), 1, MPI_INT, world);
  for (int p = 1; p < comm->nprocs; ++p) offsets[p] = offsets[p - 1] + counts[p - 1];
  std::vector<tagint> all(offsets.back() + counts.back());
  MPI_Allgatherv(mine.data(), count, MPI_LMP_TAGINT, all.data(), counts.data(), offsets.data(),
                 MPI_LMP_TAGINT, world);
  std::sort(all.begin(), all.end());
  return all;
}

// The charges of a surface atom have one owner; of two the later one would win, in silence.
void FixVoxionCharge::check_other_fixes() const {
  for (const auto *other : modify->get_fix_list()) {
    if (other == this || !sets_charges(other->style)) continue;
    bigint shared = 0;
    for (int i = 0; i < atom->nlocal; ++i)
      if ((atom->mask[i] & groupbit) && (atom->mask[i] & other->groupbit)) ++shared;
    MPI_Allreduce(MPI_IN_PLACE, &shared, 1, MPI_LMP_BIGINT, MPI_SUM, world);
    if (shared > 0)
      error->all(FLERR,
                 "Fix voxion/charge {}: {} atoms of its group {} get their charges from fix {} of "
                 "style {} too; unfix one of them or choose groups that share no atoms",
                 id, shared, group->names[igroup], other->id, other->style);
  }
}

void FixVoxionCharge::check_charges() {
  std::vector<double> charges(source_tags_.size(), 0.0);
  double surface_charge = 0.0;
  for (int i = 0; i < atom->nlocal; ++i) {
    if (atom->mask[i] & sources_bit_) charges[index_of(source_tags_, atom->tag[i])] = atom->q[i];
    if (atom->mask[i] & groupbit) surface_charge += atom->q[i];
  }
  source_charges_.resize(charges.size());
  MPI_Allreduce(charges.data(), source_charges_.data(), static_cast<int>(charges.size()),
                MPI_DOUBLE, MPI_SUM, world);
  MPI_Allreduce(MPI_IN_PLACE, &surface_charge, 1, MPI_DOUBLE, MPI_SUM, world);
  on_root("", [&] {
    voxion::check_surface(contract_, surface_tags_.size());
    voxion::check_sources(contract_, source_charges_);
  });
  if (!total_known_) {
    total_ = contract_.inputs == voxion::ChargeInputs::positions ? *contract_.total_charge
                                                                 : surface_charge;
    total_known_ = true;
  }
  charges_.resize(surface_tags_.size());
  if (comm->me == 0 &&
      voxion::differs_from_trained_cell(contract_, voxion_lammps::cell_of(*domain, angstrom_)))
    error->warning(FLERR,
                   "Fix voxion/charge {}: the cell differs from the one that model {} was "
                   "trained in",
                   id, model_path_);
}

/* ---------------------------------------------------------------------- */

void FixVoxionCharge::setup_post_neighbor() { post_neighbor(); }
void FixVoxionCharge::min_post_neighbor() { post_neighbor(); }

void FixVoxionCharge::post_neighbor() {
  if (near_sources_) near_sources_->renumbered();
}

// Before the first forces, unless this continues a run whose charges came with the restart file.
void FixVoxionCharge::setup_pre_force(int) {
  const bool in_effect = update->ntimestep == continued_at_;
  continued_at_ = -1;
  if (!in_effect) update_charges();
}

void FixVoxionCharge::pre_force(int) {
  if (update->ntimestep % nevery == 0) update_charges();
}

// A minimiser computes forces several times an iteration; the charges change once.
void FixVoxionCharge::min_pre_force(int) {
  if (update->ntimestep % nevery == 0 && update->ntimestep != last_update_) update_charges();
}

void FixVoxionCharge::setup(int) {
  check_neutrality();
  setup_updates_ = updates_;
  start_counting();
}

void FixVoxionCharge::min_setup(int vflag) { setup(vflag); }

void FixVoxionCharge::check_neutrality() {
  double net = 0.0;
  for (int i = 0; i < atom->nlocal; ++i) net += atom->q[i];
  MPI_Allreduce(MPI_IN_PLACE, &net, 1, MPI_DOUBLE, MPI_SUM, world);
  if (force->kspace && std::abs(net) > 1.0e-5 && comm->me == 0)
    error->warning(FLERR,
                   "Fix voxion/charge {}: with a total of {} e on group {} the box has a net "
                   "charge of {:.6g} e under a long-range solver; see keyword total",
                   id, total_, group->names[igroup], net);
}

void FixVoxionCharge::post_run() {
  const double loop = timer->get_wall(Timer::TOTAL);
  const double share = loop > 0.0 ? 100.0 * seconds_ / loop : 0.0;
  if (comm->me == 0)
    utils::logmesg(lmp,
                   "Fix voxion/charge {}: updates: {} before the first step, {} during the run, "
                   "{:.3g} s, {:.2f} % of loop time\n",
                   id, setup_updates_, updates_, seconds_, share);
  setup_updates_ = 0;
  start_counting();
}

void FixVoxionCharge::start_counting() {
  updates_ = 0;
  seconds_ = 0.0;
}

/* ---------------------------------------------------------------------- */

void FixVoxionCharge::update_charges() {
  const double start = MPI_Wtime();
  gather_positions(surface_tags_, groupbit, surface_);
  predict();
  scatter();
  last_update_ = update->ntimestep;
  const double elapsed = MPI_Wtime() - start;
  ++updates_;
  seconds_ += elapsed;
  last_milliseconds_ = 1000.0 * elapsed;
  check_range();
}

void FixVoxionCharge::predict() {
  const voxion::Cell cell = voxion_lammps::cell_of(*domain, angstrom_);
  if (site_potentials_) {
    near_sources_->gather(surface_, angstrom_, sources_, source_charges_, call_tags_);
    potentials_.resize(charges_.size() * site_potentials_->functions());
    try {
      site_potentials_->compute(surface_, sources_, source_charges_, cell, potentials_);
    } catch (const voxion::AtomError &e) {
      error->one(FLERR, "Fix voxion/charge {}{}: {}", id, at_step(), described(e));
    } catch (const voxion::Error &e) {
      error->one(FLERR, "Fix voxion/charge {}{}: {}", id, at_step(), e.what());
    }
    MPI_Allreduce(MPI_IN_PLACE, potentials_.data(), static_cast<int>(potentials_.size()),
                  MPI_DOUBLE, MPI_SUM, world);
    on_root(at_step(), [&] {
      *report_ = predictor_->from_site_potentials(potentials_, surface_, cell, total_, charges_);
    });
  } else {
    gather_positions(source_tags_, sources_bit_, sources_);
    call_tags_ = source_tags_;
    on_root(at_step(), [&] {
      *report_ =
          predictor_->from_positions(sources_, source_charges_, surface_, cell, total_, charges_);
    });
  }
  MPI_Bcast(charges_.data(), static_cast<int>(charges_.size()), MPI_DOUBLE, 0, world);
  MPI_Bcast(report_.get(), sizeof(voxion::ChargeReport), MPI_BYTE, 0, world);
}

// The positions (angstrom, inside the periodic box) of a group on all ranks, by ascending ID.
void FixVoxionCharge::gather_positions(const std::vector<tagint> &tags, int bit,
                                       std::vector<double> &xyz) {
  xyz.assign(3 * tags.size() + 1, 0.0);  // the last entry counts the atoms found
  for (int i = 0; i < atom->nlocal; ++i) {
    if (!(atom->mask[i] & bit)) continue;
    const std::size_t index = index_of(tags, atom->tag[i]);
    double x[3] = {atom->x[i][0], atom->x[i][1], atom->x[i][2]};
    domain->remap(x);
    for (int d = 0; d < 3; ++d) xyz[3 * index + d] = x[d] * angstrom_;
    xyz.back() += 1.0;
  }
  MPI_Allreduce(MPI_IN_PLACE, xyz.data(), static_cast<int>(xyz.size()), MPI_DOUBLE, MPI_SUM, world);
  if (xyz.back() != static_cast<double>(tags.size()))
    error->all(FLERR, "Fix voxion/charge {} at step {}: {} of {} atoms of its groups are lost", id,
               update->ntimestep, tags.size() - static_cast<std::size_t>(xyz.back()), tags.size());
  xyz.pop_back();
}

void FixVoxionCharge::check_range() {
  try {
    const auto warning = range_watch_.check(report_->outside_fraction, update->ntimestep);
    if (!warning.empty() && comm->me == 0)
      error->warning(FLERR, "Fix voxion/charge {}: {}", id, warning);
  } catch (const voxion::Error &e) {
    error->all(FLERR, "Fix voxion/charge {}: {}", id, e.what());
  }
}

// Owned and ghost charges, and the sums that a long-range solver keeps of them.
void FixVoxionCharge::scatter() {
  for (std::size_t site = 0; site < surface_tags_.size(); ++site) {
    const int i = atom->map(surface_tags_[site]);
    if (i >= 0 && i < atom->nlocal) atom->q[i] = charges_[site];
  }
  comm->forward_comm(this);
  if (force->kspace) force->kspace->qsum_qsq(0);
}

int FixVoxionCharge::pack_forward_comm(int n, int *list, double *buf, int, int *) {
  for (int i = 0; i < n; ++i) buf[i] = atom->q[list[i]];
  return n;
}

void FixVoxionCharge::unpack_forward_comm(int n, int first, double *buf) {
  std::copy_n(buf, n, atom->q + first);
}

/* ---------------------------------------------------------------------- */

double FixVoxionCharge::compute_scalar() { return report_->correction; }

double FixVoxionCharge::compute_vector(int i) {
  if (i == 6) return distance();
  const double values[] = {report_->min,
                           report_->mean,
                           report_->max,
                           report_->residual(),
                           report_->outside_fraction,
                           last_milliseconds_};
  return values[i];
}

// Asked for by all ranks, and only worked out then: it takes about as long as the prediction.
double FixVoxionCharge::distance() {
  if (!site_potentials_ || last_update_ < 0 || distance_at_ == last_update_) return distance_;
  on_root(at_step(), [&] {
    const voxion::Cell cell = voxion_lammps::cell_of(*domain, angstrom_);
    distance_ = predictor_->distance(potentials_, surface_, cell).value_or(0.0);
  });
  MPI_Bcast(&distance_, 1, MPI_DOUBLE, 0, world);
  distance_at_ = last_update_;
  return distance_;
}

double FixVoxionCharge::memory_usage() {
  const std::size_t numbers = surface_.capacity() + sources_.capacity() +
                              source_charges_.capacity() + potentials_.capacity() +
                              charges_.capacity();
  const std::size_t tags = surface_tags_.capacity() + source_tags_.capacity();
  return static_cast<double>(numbers * sizeof(double) + tags * sizeof(tagint));
}
