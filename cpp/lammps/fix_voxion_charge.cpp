// fix voxion/charge: parsing and checks, the update, and outputs.
#include "fix_voxion_charge.h"

#include <mpi.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "accelerators.h"
#include "atom.h"
#include "charge_surface.h"
#include "comm.h"
#include "domain.h"
#include "electrode_potential.h"
#include "error.h"
#include "error.hpp"
#include "force.h"
#include "group.h"
#include "input.h"
#include "kspace.h"
#include "lammps_cell.h"
#include "modify.h"
#include "planar_pair.hpp"
#include "timer.h"
#include "update.h"
#include "utils.h"
#include "variable.h"

using namespace LAMMPS_NS;
using namespace FixConst;

namespace {

constexpr double bohr = 0.529177210903;  // angstrom, CODATA 2018

// The fix's vector: values of a surface, then those of an electrode at a potential.
constexpr int surface_values = 7, electrode_values = 9;

// True if fixes of this style write the charges of their group.
bool sets_charges(const std::string &style) {
  constexpr const char *families[] = {"voxion/charge", "electrode/", "qeq/", "acks2/"};
  return std::any_of(std::begin(families), std::end(families),
                     [&](const char *family) { return style.rfind(family, 0) == 0; });
}

}  // namespace

// What the command says.
struct FixVoxionCharge::Arguments {
  struct Electrode {
    std::string group, model, potential;
  };
  std::vector<Electrode> electrodes;
  std::string device = "cpu";
  int threads = 1;
  double total = 0.0;
};

std::string FixVoxionCharge::owner() const { return fmt::format("Fix voxion/charge {}", id); }

/* ---------------------------------------------------------------------- */

FixVoxionCharge::FixVoxionCharge(LAMMPS *lmp, int narg, char **arg) : Fix(lmp, narg, arg) {
  scalar_flag = 1;
  vector_flag = 1;
  extscalar = 0;
  extvector = 0;
  global_freq = 1;
  restart_global = 1;
  comm_forward = 1;
  const Arguments arguments = parse(narg, arg);
  for (const auto &electrode : arguments.electrodes)
    add_electrode(electrode.group, electrode.model, electrode.potential, arguments);
  size_vector = at_potentials() ? 2 * electrode_values : surface_values;
}

FixVoxionCharge::~FixVoxionCharge() {
  if (!finite_field_ || !modify->get_fix_by_id(field_name("efield"))) return;
  modify->delete_fix(field_name("efield"));
  input->variable->set(field_name("zfield") + " delete");
}

FixVoxionCharge::Arguments FixVoxionCharge::parse(int narg, char **arg) {
  if (narg < 7) utils::missing_cmd_args(FLERR, "fix voxion/charge", error);
  nevery = utils::inumeric(FLERR, arg[3], false, lmp);
  if (nevery <= 0) error->all(FLERR, "{}: Nevery must be at least 1, found {}", owner(), arg[3]);
  Arguments arguments;
  arguments.electrodes.push_back({group->names[igroup], arg[4], ""});
  for (int iarg = 5; iarg < narg; iarg += 2) {
    const std::string keyword = arg[iarg];
    if (iarg + 1 == narg) error->all(FLERR, "{}: keyword {} lacks its value", owner(), keyword);
    const std::string value = arg[iarg + 1];
    if (keyword == "sources") {
      sources_id_ = value;
    } else if (keyword == "total") {
      arguments.total = utils::numeric(FLERR, value, false, lmp);
      total_given_ = total_known_ = true;
    } else if (keyword == "potential") {
      arguments.electrodes.back().potential = value;
    } else if (keyword == "couple") {
      arguments.electrodes.push_back({value, arg[4], ""});
    } else if (keyword == "model") {
      if (arguments.electrodes.size() == 1)
        error->all(FLERR, "{}: keyword model is that of the coupled electrode, after couple",
                   owner());
      arguments.electrodes.back().model = value;
    } else if (keyword == "ffield") {
      finite_field_ = utils::logical(FLERR, value, false, lmp);
    } else if (keyword == "device") {
      arguments.device = value;
    } else if (keyword == "threads") {
      arguments.threads = utils::inumeric(FLERR, value, false, lmp);
    } else if (keyword == "range") {
      try {
        range_watch_ = voxion::RangeWatch(voxion::parse_range_check(value));
      } catch (const voxion::Error &e) {
        error->all(FLERR, "{}: {}", owner(), e.what());
      }
    } else {
      error->all(FLERR,
                 "{}: unknown keyword {}; known are sources, total, potential, couple, model, "
                 "ffield, device, threads and range",
                 owner(), keyword);
    }
  }
  if (sources_id_.empty())
    error->all(FLERR, "{}: keyword sources with a group of electrolyte atoms is required", owner());
  check_keywords(arguments);
  return arguments;
}

// Potentials come in pairs: only their difference has a meaning, and the box stays neutral.
void FixVoxionCharge::check_keywords(const Arguments &arguments) const {
  const auto &electrodes = arguments.electrodes;
  const bool potentials = std::any_of(electrodes.begin(), electrodes.end(),
                                      [](const auto &e) { return !e.potential.empty(); });
  if (!potentials && electrodes.size() == 1) {
    if (finite_field_)
      error->all(FLERR, "{}: keyword ffield needs electrodes at potentials", owner());
    return;
  }
  if (electrodes.size() != 2)
    error->all(FLERR,
               "{}: keyword potential needs two electrodes, found {}: potential V couple group-ID "
               "potential V",
               owner(), electrodes.size());
  for (const auto &electrode : electrodes)
    if (electrode.potential.empty())
      error->all(FLERR, "{}: the electrode of group {} lacks its keyword potential", owner(),
                 electrode.group);
  if (total_given_)
    error->all(FLERR,
               "{}: keywords total and potential exclude each other: the charge of an electrode at "
               "a potential follows from the electrolyte",
               owner());
}

void FixVoxionCharge::add_electrode(const std::string &group, const std::string &model,
                                    const std::string &potential, const Arguments &arguments) {
  Electrode electrode;
  electrode.surface = std::make_unique<ChargeSurface>(lmp, owner(), group, model, arguments.device,
                                                      arguments.threads);
  electrode.total = arguments.total;
  if (potential.empty() && electrode.surface->contract().layers.size() > 1)
    error->all(FLERR,
               "{}: model {} is for electrodes of several layers at potentials; expected keyword "
               "potential",
               owner(), model);
  if (!potential.empty()) {
    electrode.potential = std::make_unique<ElectrodePotential>(lmp, owner(), potential);
    if (!electrode.surface->contract().plane_offset)
      error->all(FLERR,
                 "{}: model {} is not for electrodes at potentials, its contract has no "
                 "plane_offset; train it on the frames of 'voxion charges sample --potential'",
                 owner(), model);
  }
  electrodes_.push_back(std::move(electrode));
}

// As fix electrode/conp defines it: a field that offsets the potential difference over the cell, so
// that the electrodes' backs, neighbours through the periodic boundary, are at one potential.
void FixVoxionCharge::post_constructor() {
  if (!finite_field_) return;
  // fields are in V over the unit of length, but in V/cm in units electron
  const bool electron = std::string(update->unit_style) == "electron";
  input->variable->set(fmt::format("{} equal {:.12g}*(f_{}[{}]-f_{}[{}])/lz", field_name("zfield"),
                                   electron ? 1e8 / bohr : 1.0, id, electrode_values, id,
                                   2 * electrode_values));
  if (comm->me == 0 && !modify->get_fix_by_style("^efield").empty())
    error->warning(FLERR, "{}: there is another fix efield; is its field intended?", owner());
  modify->add_fix(
      fmt::format("{} all efield 0.0 0.0 v_{}", field_name("efield"), field_name("zfield")));
}

std::string FixVoxionCharge::field_name(const std::string &what) const {
  return fmt::format("{}_{}", id, what);
}

int FixVoxionCharge::setmask() {
  return PRE_FORCE | MIN_PRE_FORCE | POST_NEIGHBOR | MIN_POST_NEIGHBOR | POST_RUN;
}

/* ---------------------------------------------------------------------- */

void FixVoxionCharge::init() {
  check_style_settings();
  groupbit = 0;
  for (auto &electrode : electrodes_)
    groupbit |= electrode.surface->begin_run(sources_id_, angstrom_);
  sources_bit_ = group->bitmask[group->find(sources_id_)];
  if (at_potentials())
    check_potentials();
  else if (!total_known_)
    choose_total();
  check_other_fixes();
  range_watch_.begin_run();
}

void FixVoxionCharge::check_style_settings() {
  if (!atom->q_flag)
    error->all(FLERR,
               "{} needs a charge per atom: use an atom_style with q, such as charge or full",
               owner());
  if (!atom->tag_enable || atom->map_style == Atom::MAP_NONE)
    error->all(FLERR, "{} needs an atom map: add 'atom_modify map yes' before the box is created",
               owner());
  if (utils::strmatch(update->integrate_style, "^respa"))
    error->all(FLERR, "{} does not work with run_style respa: use verlet", owner());
  if (voxion_lammps::kokkos_on_gpu(lmp))
    error->all(FLERR, "{} is not tested with KOKKOS on a GPU: run without '-k on'", owner());
  if (modify->get_fix_by_id("package_intel"))
    error->all(FLERR,
               "{} does not work with package INTEL, whose pair styles take charges in only when "
               "neighbor lists are built: run without suffix intel",
               owner());
  const std::string units = update->unit_style;
  if (units == "real" || units == "metal")
    angstrom_ = 1.0;
  else if (units == "electron")
    angstrom_ = bohr;
  else if (units == "nano")
    angstrom_ = 10.0;
  else
    error->all(FLERR,
               "{}: units {} have no known length or no charge in e; use units real, metal, "
               "electron or nano",
               owner(), units);
}

// The functional of the charges is that of two electrodes and a neutral electrolyte between them,
// whose fields end at the electrodes.
void FixVoxionCharge::check_potentials() {
  for (const auto &electrode : electrodes_) electrode.potential->check();
  if (finite_field_ != (domain->zperiodic != 0))
    error->all(FLERR,
               finite_field_ ? "{}: keyword ffield needs a box that is periodic along z"
                             : "{}: electrodes at potentials need boundary p p f with "
                               "kspace_modify slab, or a periodic z and the keyword ffield yes",
               owner());
  if (!force->kspace)
    error->all(FLERR, "{}: electrodes at potentials need a long-range solver (kspace_style)",
               owner());
  if (force->kspace->slabflag != (finite_field_ ? 0 : 1))
    error->all(FLERR,
               finite_field_ ? "{}: keyword ffield excludes kspace_modify slab"
                             : "{}: electrodes at potentials need kspace_modify slab, with a "
                               "number",
               owner());
  check_electrodes();
  try {
    voxion::check_neutral_electrolyte(electrodes_[0].surface->sources_charge());
  } catch (const voxion::Error &e) {
    error->all(FLERR, "{}: {}", owner(), e.what());
  }
  check_bystanders();
}

void FixVoxionCharge::check_electrodes() const {
  const auto &lower = electrodes_[0].surface, &upper = electrodes_[1].surface;
  bigint shared = 0;
  for (int i = 0; i < atom->nlocal; ++i)
    if ((atom->mask[i] & lower->bit()) && (atom->mask[i] & upper->bit())) ++shared;
  MPI_Allreduce(MPI_IN_PLACE, &shared, 1, MPI_LMP_BIGINT, MPI_SUM, world);
  if (shared > 0)
    error->all(FLERR, "{}: {} atoms belong to both electrodes, groups {} and {}", owner(), shared,
               lower->group_name(), upper->group_name());
}

// Charges beside the electrodes and the electrolyte would induce some that nobody counts.
void FixVoxionCharge::check_bystanders() const {
  bigint charged = 0;
  for (int i = 0; i < atom->nlocal; ++i)
    if (!(atom->mask[i] & (groupbit | sources_bit_)) && atom->q[i] != 0.0) ++charged;
  MPI_Allreduce(MPI_IN_PLACE, &charged, 1, MPI_LMP_BIGINT, MPI_SUM, world);
  if (charged > 0)
    error->all(FLERR,
               "{}: {} charged atoms belong neither to the electrodes nor to group {}; add them to "
               "the sources",
               owner(), charged, sources_id_);
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
                 "{}: {} atoms of its group {} get their charges from fix {} of style {} too; "
                 "unfix one of them or choose groups that share no atoms",
                 owner(), shared, group->names[igroup], other->id, other->style);
  }
}

// Of a single surface whose total the command does not say.
void FixVoxionCharge::choose_total() {
  auto &[surface, potential, total] = electrodes_[0];
  const auto &contract = surface->contract();
  total = contract.inputs == voxion::ChargeInputs::positions ? *contract.total_charge
                                                             : surface->present_charge();
  total_known_ = true;
}

/* ---------------------------------------------------------------------- */

void FixVoxionCharge::setup_post_neighbor() { post_neighbor(); }
void FixVoxionCharge::min_post_neighbor() { post_neighbor(); }

void FixVoxionCharge::post_neighbor() {
  for (auto &electrode : electrodes_) electrode.surface->renumbered();
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
  if (force->kspace && std::abs(net) > 1.0e-5 && !at_potentials() && comm->me == 0)
    error->warning(FLERR,
                   "{}: with a total of {} e on group {} the box has a net charge of {:.6g} e "
                   "under a long-range solver; see keyword total",
                   owner(), electrodes_[0].total, group->names[igroup], net);
}

void FixVoxionCharge::post_run() {
  const double loop = timer->get_wall(Timer::TOTAL);
  const double share = loop > 0.0 ? 100.0 * seconds_ / loop : 0.0;
  if (comm->me == 0)
    utils::logmesg(lmp,
                   "{}: updates: {} before the first step, {} during the run, {:.3g} s, {:.2f} % "
                   "of loop time\n",
                   owner(), setup_updates_, updates_, seconds_, share);
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
  for (auto &electrode : electrodes_) electrode.surface->gather();
  if (at_potentials()) find_totals();
  for (auto &electrode : electrodes_) {
    electrode.surface->predict(electrode.total);
    electrode.surface->set_charges();
  }
  comm->forward_comm(this);                       // to the ghosts
  if (force->kspace) force->kspace->qsum_qsq(0);  // the sums that a long-range solver keeps
  last_update_ = update->ntimestep;
  const double elapsed = MPI_Wtime() - start;
  ++updates_;
  seconds_ += elapsed;
  last_milliseconds_ = 1000.0 * elapsed;
  check_range();
}

// The charges of the electrodes at their potentials, from where the electrolyte is.
void FixVoxionCharge::find_totals() {
  auto &first = electrodes_[0], &second = electrodes_[1];
  const std::array<double, 2> potentials{first.potential->evaluate(), second.potential->evaluate()};
  try {
    const voxion::PlanarPair pair(
        first.surface->positions(), second.surface->positions(),
        {*first.surface->contract().plane_offset, *second.surface->contract().plane_offset},
        voxion_lammps::cell_of(*domain, angstrom_));
    if (finite_field_ && !pair.second_is_upper())
      throw voxion::Error("with ffield the group of the fix must be the lower electrode");
    first.surface->look_from(pair, 0);
    second.surface->look_from(pair, 1);
    const auto charges = pair.charges(potentials, moment_of_sources(pair));
    first.total = charges[0];
    second.total = charges[1];
  } catch (const voxion::Error &e) {
    error->all(FLERR, "{} at step {}: {}", owner(), update->ntimestep, e.what());
  }
}

// The sum of the electrolyte's charges times their levers, e angstrom.
double FixVoxionCharge::moment_of_sources(const voxion::PlanarPair &pair) const {
  double sums[2] = {0.0, 0.0};  // moment, number of atoms that are not between the electrodes
  tagint outside = 0;
  const std::array<const voxion::Corrugation *, 2> corrugations{
      &electrodes_[0].surface->corrugation(), &electrodes_[1].surface->corrugation()};
  for (int i = 0; i < atom->nlocal; ++i) {
    if (!(atom->mask[i] & sources_bit_)) continue;
    const double position[3] = {atom->x[i][0] * angstrom_, atom->x[i][1] * angstrom_,
                                atom->x[i][2] * angstrom_};
    const double height = pair.height(position[2]);
    sums[0] += atom->q[i] * pair.lever(position, height, corrugations);
    if (pair.between(height)) continue;
    sums[1] += 1.0;
    outside = std::max(outside, atom->tag[i]);
  }
  MPI_Allreduce(MPI_IN_PLACE, sums, 2, MPI_DOUBLE, MPI_SUM, world);
  if (sums[1] > 0.0) {
    MPI_Allreduce(MPI_IN_PLACE, &outside, 1, MPI_LMP_TAGINT, MPI_MAX, world);
    error->all(
        FLERR,
        "{} at step {}: {:.0f} atoms of group {} are not between the electrodes, one of them "
        "with ID {}; the charges at a potential are those of an electrolyte between them",
        owner(), update->ntimestep, sums[1], sources_id_, outside);
  }
  return sums[0];
}

void FixVoxionCharge::check_range() {
  for (const auto &electrode : electrodes_) {
    try {
      const auto warning =
          range_watch_.check(electrode.surface->report.outside_fraction, update->ntimestep);
      if (!warning.empty() && comm->me == 0) error->warning(FLERR, "{}: {}", owner(), warning);
    } catch (const voxion::Error &e) {
      error->all(FLERR, "{}: {}", owner(), e.what());
    }
  }
}

int FixVoxionCharge::pack_forward_comm(int n, int *list, double *buf, int, int *) {
  for (int i = 0; i < n; ++i) buf[i] = atom->q[list[i]];
  return n;
}

void FixVoxionCharge::unpack_forward_comm(int n, int first, double *buf) {
  std::copy_n(buf, n, atom->q + first);
}

/* ---------------------------------------------------------------------- */

double FixVoxionCharge::compute_scalar() { return electrodes_[0].surface->report.correction; }

double FixVoxionCharge::compute_vector(int i) {
  const auto &[surface, potential, total] = electrodes_[i / electrode_values];
  const auto &report = surface->report;
  switch (i % electrode_values) {
    case 0:
      return report.min;
    case 1:
      return report.mean;
    case 2:
      return report.max;
    case 3:
      return report.residual();
    case 4:
      return report.outside_fraction;
    case 5:
      return last_milliseconds_;
    case 6:
      return last_update_ < 0 ? 0.0 : surface->distance();
    case 7:
      return total;
    default:
      return potential->value();
  }
}

double FixVoxionCharge::memory_usage() {
  double bytes = 0.0;
  for (const auto &electrode : electrodes_) bytes += electrode.surface->memory_usage();
  return bytes;
}
