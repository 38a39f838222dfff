// fix voxion/charge: what it writes to restart files, and how a run continues from one.
#include <cstring>

#include "charge_surface.h"
#include "comm.h"
#include "electrode_potential.h"
#include "error.h"
#include "fix_voxion_charge.h"
#include "force.h"
#include "kspace.h"
#include "update.h"
#include "utils.h"

using namespace LAMMPS_NS;

namespace {

// The layout of the restart data: a header, then one block for each electrode.
enum HeaderEntry {
  RESTART_VERSION,
  RESTART_STEP,
  RESTART_ACCURACY,
  RESTART_G_EWALD,
  RESTART_MESH_X,
  RESTART_MESH_Y,
  RESTART_MESH_Z,
  RESTART_ELECTRODES,
  HEADER_ENTRIES
};
enum ElectrodeEntry {
  RESTART_HASH_HIGH,
  RESTART_HASH_LOW,
  RESTART_TOTAL,
  RESTART_POTENTIAL,
  RESTART_CORRECTION,
  RESTART_MIN,
  RESTART_MEAN,
  RESTART_MAX,
  RESTART_OUTSIDE,
  ELECTRODE_ENTRIES
};
constexpr double restart_version = 2.0;

double high_half(std::uint64_t hash) { return static_cast<double>(hash >> 32); }
double low_half(std::uint64_t hash) { return static_cast<double>(hash & 0xffffffffULL); }

}  // namespace

void FixVoxionCharge::write_restart(FILE *fp) {
  if (comm->me != 0) return;
  std::vector<double> list(HEADER_ENTRIES);
  list[RESTART_VERSION] = restart_version;
  list[RESTART_STEP] = static_cast<double>(update->ntimestep);
  const KSpace *kspace = force->kspace && force->kspace->pppmflag ? force->kspace : nullptr;
  list[RESTART_ACCURACY] = kspace ? kspace->accuracy_relative : 0.0;
  list[RESTART_G_EWALD] = kspace ? kspace->g_ewald : 0.0;
  list[RESTART_MESH_X] = kspace ? kspace->nx_pppm : 0.0;
  list[RESTART_MESH_Y] = kspace ? kspace->ny_pppm : 0.0;
  list[RESTART_MESH_Z] = kspace ? kspace->nz_pppm : 0.0;
  list[RESTART_ELECTRODES] = static_cast<double>(electrodes_.size());
  for (const auto &[surface, potential, total] : electrodes_) {
    double data[ELECTRODE_ENTRIES];
    data[RESTART_HASH_HIGH] = high_half(surface->model_hash());
    data[RESTART_HASH_LOW] = low_half(surface->model_hash());
    data[RESTART_TOTAL] = total;
    data[RESTART_POTENTIAL] = potential ? potential->value() : 0.0;
    data[RESTART_CORRECTION] = surface->report.correction;
    data[RESTART_MIN] = surface->report.min;
    data[RESTART_MEAN] = surface->report.mean;
    data[RESTART_MAX] = surface->report.max;
    data[RESTART_OUTSIDE] = surface->report.outside_fraction;
    list.insert(list.end(), std::begin(data), std::end(data));
  }
  const int size = static_cast<int>(list.size() * sizeof(double));
  fwrite(&size, sizeof(int), 1, fp);
  fwrite(list.data(), sizeof(double), list.size(), fp);
}

void FixVoxionCharge::restart(char *buffer) {
  std::vector<double> list(1);
  std::memcpy(list.data(), buffer, sizeof(double));
  if (list[RESTART_VERSION] != restart_version)
    error->all(FLERR,
               "{}: the restart data of this fix come from another version of voxion; give the fix "
               "another ID to start anew",
               owner());
  list.resize(HEADER_ENTRIES);
  std::memcpy(list.data(), buffer, list.size() * sizeof(double));
  if (list[RESTART_ELECTRODES] != static_cast<double>(electrodes_.size())) {
    if (comm->me == 0)
      error->warning(FLERR,
                     "{}: the restart file was written with {:.0f} electrodes; the charges are "
                     "predicted anew",
                     owner(), list[RESTART_ELECTRODES]);
    return;
  }
  const std::size_t header = HEADER_ENTRIES;
  list.resize(header + electrodes_.size() * ELECTRODE_ENTRIES);
  std::memcpy(list.data(), buffer, list.size() * sizeof(double));
  bool in_effect = true;
  for (std::size_t e = 0; e < electrodes_.size(); ++e)
    in_effect =
        continue_electrode(&list[header + e * ELECTRODE_ENTRIES], electrodes_[e]) && in_effect;
  if (!in_effect) return;
  continued_at_ = static_cast<bigint>(list[RESTART_STEP]);
  continue_long_range(list.data());
}

// Takes over what the command does not say anew. Returns whether the charges of the restart file
// are still those of this electrode.
bool FixVoxionCharge::continue_electrode(const double *data, Electrode &electrode) {
  auto &[surface, potential, total] = electrode;
  const bool same_total = !total_given_ || total == data[RESTART_TOTAL];
  if (!total_given_) total = data[RESTART_TOTAL];
  total_known_ = true;
  if (data[RESTART_HASH_HIGH] != high_half(surface->model_hash()) ||
      data[RESTART_HASH_LOW] != low_half(surface->model_hash())) {
    if (comm->me == 0)
      error->warning(FLERR,
                     "{}: model {} is not the one that the restart file was written with; the "
                     "charges are predicted anew",
                     owner(), surface->model());
    return false;
  }
  if (!same_total) return false;
  if (potential && !potential->restart(data[RESTART_POTENTIAL])) return false;
  surface->report.correction = data[RESTART_CORRECTION];
  surface->report.min = data[RESTART_MIN];
  surface->report.mean = data[RESTART_MEAN];
  surface->report.max = data[RESTART_MAX];
  surface->report.outside_fraction = data[RESTART_OUTSIDE];
  return true;
}

// PPPM chooses its splitting parameter and mesh from the charges that it finds when a run is set
// up. The continued run finds other charges than the interrupted one did; with its own choice the
// last bits of all forces would differ.
void FixVoxionCharge::continue_long_range(const double *list) {
  KSpace *kspace = force->kspace;
  if (!kspace || !kspace->pppmflag || list[RESTART_G_EWALD] <= 0.0 ||
      kspace->accuracy_relative != list[RESTART_ACCURACY])
    return;
  const std::string settings =
      fmt::format("gewald {} mesh {:.0f} {:.0f} {:.0f}", list[RESTART_G_EWALD],
                  list[RESTART_MESH_X], list[RESTART_MESH_Y], list[RESTART_MESH_Z]);
  auto words = utils::split_words(settings);
  std::vector<char *> arguments;
  for (auto &word : words) arguments.push_back(word.data());
  kspace->modify_params(static_cast<int>(arguments.size()), arguments.data());
  if (comm->me == 0)
    utils::logmesg(lmp, "{}: PPPM goes on as in the restart file, kspace_modify {}\n", owner(),
                   settings);
}
