// Channels by name; stress from LAMMPS's own computes.
#include "voxel_channels.h"

#include <algorithm>
#include <array>

#include "atom.h"
#include "compute.h"
#include "error.h"
#include "fix.h"
#include "force.h"
#include "group.h"
#include "input.h"
#include "lammps_units.h"
#include "modify.h"
#include "update.h"
#include "utils.h"
#include "variable.h"

using namespace LAMMPS_NS;

namespace {

// The order in which the computes give them.
constexpr std::array<const char *, 6> stress_names{"stress_xx", "stress_yy", "stress_zz",
                                                   "stress_xy", "stress_xz", "stress_yz"};

constexpr const char *centroid_style = "centroid/stress/atom";

const char *known =
    "mass, charge, number, stress_xx, stress_yy, stress_zz, stress_xy, stress_xz, stress_yz, "
    "shear, c_ID, c_ID[i], f_ID, f_ID[i] and v_name";

}  // namespace

VoxelChannels::VoxelChannels(LAMMPS *lmp, const std::string &fix_id, int igroup,
                             const std::vector<std::string> &names)
    : Pointers(lmp), fix_id_(fix_id), igroup_(igroup) {
  for (const auto &name : names) add_channel(name);
}

VoxelChannels::~VoxelChannels() {
  if (!stress_id_.empty() && modify && modify->get_compute_by_id(stress_id_))
    modify->delete_compute(stress_id_);
}

std::vector<std::string> VoxelChannels::names() const {
  std::vector<std::string> names;
  for (const auto &channel : channels_) names.push_back(channel.name);
  return names;
}

bool VoxelChannels::uses_computes() const {
  return std::any_of(columns_.begin(), columns_.end(), [](const Column &column) {
    return column.kind == Kind::stress || column.kind == Kind::compute ||
           column.kind == Kind::variable;
  });
}

void VoxelChannels::add_channel(const std::string &name) {
  for (const auto &other : channels_)
    if (other.name == name)
      error->all(FLERR, "Fix voxion/voxels {}: channel {} is named twice", fix_id_, name);
  const auto units = voxion_lammps::unit_names(update->unit_style);
  const std::string per_volume = fmt::format("/{}^3", units.length);
  const auto add = [&](Kind kind, const std::string &unit) {
    channels_.push_back({name, unit, {columns_.size()}});
    columns_.push_back({kind, ""});
  };
  const auto component = std::find(stress_names.begin(), stress_names.end(), name);
  if (name == "mass")
    add(Kind::mass, units.density);
  else if (name == "charge")
    add(Kind::charge, units.charge + per_volume);
  else if (name == "number")
    add(Kind::number, "1" + per_volume);
  else if (name == "shear")
    add_stress(name, {3, 4, 5});
  else if (component != stress_names.end())
    add_stress(name, {static_cast<int>(component - stress_names.begin())});
  else
    add_reference(name);
}

void VoxelChannels::add_stress(const std::string &name, const std::vector<int> &components) {
  voxion::VoxelChannel channel{name, voxion_lammps::unit_names(update->unit_style).pressure, {}};
  for (int component : components) channel.columns.push_back(stress_column(component));
  channels_.push_back(channel);
}

// A component that several channels need has one column.
std::size_t VoxelChannels::stress_column(int component) {
  for (std::size_t n = 0; n < columns_.size(); ++n)
    if (columns_[n].kind == Kind::stress && columns_[n].index == component) return n;
  if (stress_id_.empty()) add_stress_compute();
  columns_.push_back({Kind::stress, stress_id_, component});
  return columns_.size() - 1;
}

std::vector<Fix *> VoxelChannels::rigid_fixes() const { return modify->get_fix_by_style("^rigid"); }

// Of a rigid body's atoms stress/atom makes the virial from their absolute positions, which is
// right only over whole bodies.
void VoxelChannels::add_stress_compute() {
  for (const auto *fix : rigid_fixes())
    if (fix->centroidstressflag != CENTROID_AVAIL)
      error->all(FLERR,
                 "Fix voxion/voxels {}: with fix {} of style {} the stress of an atom depends on "
                 "where its body is, and has no meaning in a voxel; hold the bodies by a fix "
                 "rigid/small, or by fix shake",
                 fix_id_, fix->id, fix->style);
  stress_id_ = fix_id_ + "_voxion_stress";
  modify->add_compute(fmt::format("{} {} {} NULL", stress_id_, group->names[igroup_],
                                  rigid_fixes().empty() ? "stress/atom" : centroid_style));
}

// Computes must be there before LAMMPS sets a run up, so a fix that comes later is too late.
void VoxelChannels::check_rigid_bodies() const {
  if (stress_id_.empty() || rigid_fixes().empty()) return;
  const auto *fix = rigid_fixes().front();
  if (modify->get_compute_by_id(stress_id_)->style != std::string(centroid_style))
    error->all(FLERR,
               "Fix voxion/voxels {}: the stress of rigid bodies must be known when the fix is "
               "defined: put fix {} of style {} before it",
               fix_id_, fix->id, fix->style);
}

bool VoxelChannels::guessed_at_setup() const {
  return !stress_id_.empty() && !rigid_fixes().empty();
}

// c_ID, c_ID[i], f_ID, f_ID[i] or v_name
void VoxelChannels::add_reference(const std::string &name) {
  const auto unknown = [&] {
    error->all(FLERR, "Fix voxion/voxels {}: channel {} is unknown; known are {}", fix_id_, name,
               known);
  };
  if (name.size() < 3 || name[1] != '_') unknown();
  Column column{Kind::compute, name.substr(2), -1};
  if (name[0] == 'f')
    column.kind = Kind::fix;
  else if (name[0] == 'v')
    column.kind = Kind::variable;
  else if (name[0] != 'c')
    unknown();
  const auto bracket = column.id.find('[');
  if (bracket != std::string::npos) {
    const std::string index = column.id.substr(bracket + 1, column.id.size() - bracket - 2);
    if (column.id.back() != ']' || !utils::is_integer(index) || column.kind == Kind::variable)
      unknown();
    column.index = utils::inumeric(FLERR, index, false, lmp) - 1;
    if (column.index < 0) unknown();
    column.id.resize(bracket);
  }
  const auto units = voxion_lammps::unit_names(update->unit_style);
  channels_.push_back(
      {name, fmt::format("unit of {}/{}^3", name, units.length), {columns_.size()}});
  columns_.push_back(column);
}

/* ---------------------------------------------------------------------- */

void VoxelChannels::init(int nevery) {
  check_rigid_bodies();
  for (auto &column : columns_) {
    if (column.kind == Kind::charge && !atom->q_flag)
      error->all(FLERR,
                 "Fix voxion/voxels {}: channel charge needs a charge per atom: use an atom_style "
                 "with q, such as charge or full",
                 fix_id_);
    if (column.kind == Kind::stress || column.kind == Kind::compute) find_compute(column);
    if (column.kind == Kind::fix) find_fix(column, nevery);
    if (column.kind == Kind::variable) {
      column.variable = input->variable->find(column.id.c_str());
      if (column.variable < 0 || !input->variable->atomstyle(column.variable))
        error->all(FLERR, "Fix voxion/voxels {}: {} must be a variable of style atom", fix_id_,
                   described(column));
    }
  }
}

void VoxelChannels::find_compute(Column &column) {
  column.compute = modify->get_compute_by_id(column.id);
  if (!column.compute)
    error->all(FLERR, "Fix voxion/voxels {}: there is no compute {}", fix_id_, column.id);
  check_columns(column, column.compute->peratom_flag, column.compute->size_peratom_cols);
}

void VoxelChannels::find_fix(Column &column, int nevery) {
  column.fix = modify->get_fix_by_id(column.id);
  if (!column.fix)
    error->all(FLERR, "Fix voxion/voxels {}: there is no fix {}", fix_id_, column.id);
  check_columns(column, column.fix->peratom_flag, column.fix->size_peratom_cols);
  if (nevery % column.fix->peratom_freq != 0)
    error->all(FLERR,
               "Fix voxion/voxels {}: {} has values every {} steps, Nevery {} is no multiple of "
               "that",
               fix_id_, described(column), column.fix->peratom_freq, nevery);
}

void VoxelChannels::check_columns(const Column &column, int peratom_flag, int columns) const {
  if (!peratom_flag)
    error->all(FLERR, "Fix voxion/voxels {}: {} has no value per atom", fix_id_, described(column));
  if (column.index < 0 && columns != 0)
    error->all(FLERR, "Fix voxion/voxels {}: {} has {} columns, choose one with [i]", fix_id_,
               described(column), columns);
  if (column.index >= columns && column.index >= 0)
    error->all(FLERR, "Fix voxion/voxels {}: {} has {} columns, there is no [{}]", fix_id_,
               described(column), columns, column.index + 1);
}

std::string VoxelChannels::described(const Column &column) const {
  const char *style = column.kind == Kind::fix        ? "fix"
                      : column.kind == Kind::variable ? "variable"
                                                      : "compute";
  return fmt::format("{} {}", style, column.id);
}

/* ---------------------------------------------------------------------- */

void VoxelChannels::compute() {
  for (auto &column : columns_) {
    if (column.compute && !(column.compute->invoked_flag & Compute::INVOKED_PERATOM)) {
      column.compute->compute_peratom();
      column.compute->invoked_flag |= Compute::INVOKED_PERATOM;
    }
    if (column.kind == Kind::variable) {
      column.values.resize(atom->nmax);
      input->variable->compute_atom(column.variable, igroup_, column.values.data(), 1, 0);
    }
  }
}

void VoxelChannels::deposit(voxion::VoxelSums &sums) const {
  for (std::size_t c = 0; c < columns_.size(); ++c) {
    const Column &column = columns_[c];
    if (column.kind == Kind::number)
      sums.deposit(c, [](int) { return 1.0; });
    else if (column.kind == Kind::charge)
      sums.deposit(c, [q = atom->q](int i) { return q[i]; });
    else if (column.kind == Kind::mass)
      deposit_mass(sums, c);
    else
      deposit_reference(sums, c);
  }
}

void VoxelChannels::deposit_mass(voxion::VoxelSums &sums, std::size_t c) const {
  const double unit = force->mv2d;
  if (atom->rmass)
    sums.deposit(c, [unit, mass = atom->rmass](int i) { return unit * mass[i]; });
  else
    sums.deposit(
        c, [unit, mass = atom->mass, type = atom->type](int i) { return unit * mass[type[i]]; });
}

// Values of a compute, fix or variable.
void VoxelChannels::deposit_reference(voxion::VoxelSums &sums, std::size_t c) const {
  const Column &column = columns_[c];
  if (column.index >= 0) {
    double **array = column.fix ? column.fix->array_atom : column.compute->array_atom;
    return sums.deposit(c, [array, index = column.index](int i) { return array[i][index]; });
  }
  const double *vector = column.values.data();
  if (column.fix) vector = column.fix->vector_atom;
  if (column.compute) vector = column.compute->vector_atom;
  sums.deposit(c, [vector](int i) { return vector[i]; });
}
