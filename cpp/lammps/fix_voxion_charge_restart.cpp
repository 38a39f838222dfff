// fix voxion/charge: what it writes to restart files, and how a run continues from one.
#include <cstring>

#include "charge_predictor.hpp"
#include "comm.h"
#include "error.h"
#include "fix_voxion_charge.h"
#include "force.h"
#include "kspace.h"
#include "update.h"
#include "utils.h"

using namespace LAMMPS_NS;

namespace {

// The layout of the restart data.
enum RestartEntry {
  RESTART_VERSION,
  RESTART_STEP,
  RESTART_TOTAL,
  RESTART_HASH_HIGH,
  RESTART_HASH_LOW,
  RESTART_CORRECTION,
  RESTART_MIN,
  RESTART_MEAN,
  RESTART_MAX,
  RESTART_OUTSIDE,
  RESTART_ACCURACY,
  RESTART_G_EWALD,
  RESTART_MESH_X,
  RESTART_MESH_Y,
  RESTART_MESH_Z,
  RESTART_ENTRIES
};
constexpr double restart_version = 1.0;

double high_half(std::uint64_t hash) { return static_cast<double>(hash >> 32); }
double low_half(std::uint64_t hash) { return static_cast<double>(hash & 0xffffffffULL); }

}  // namespace

void FixVoxionCharge::write_restart(FILE *fp) {
  if (comm->me != 0) return;
  double list[RESTART_ENTRIES];
  list[RESTART_VERSION] = restart_version;
  list[RESTART_STEP] = static_cast<double>(update->ntimestep);
  list[RESTART_TOTAL] = total_;
  list[RESTART_HASH_HIGH] = high_half(model_hash_);
  list[RESTART_HASH_LOW] = low_half(model_hash_);
  list[RESTART_CORRECTION] = report_->correction;
  list[RESTART_MIN] = report_->min;
  list[RESTART_MEAN] = report_->mean;
  list[RESTART_MAX] = report_->max;
  list[RESTART_OUTSIDE] = report_->outside_fraction;
  const KSpace *kspace = force->kspace && force->kspace->pppmflag ? force->kspace : nullptr;
  list[RESTART_ACCURACY] = kspace ? kspace->accuracy_relative : 0.0;
  list[RESTART_G_EWALD] = kspace ? kspace->g_ewald : 0.0;
  list[RESTART_MESH_X] = kspace ? kspace->nx_pppm : 0.0;
  list[RESTART_MESH_Y] = kspace ? kspace->ny_pppm : 0.0;
  list[RESTART_MESH_Z] = kspace ? kspace->nz_pppm : 0.0;
  const int size = sizeof(list);
  fwrite(&size, sizeof(int), 1, fp);
  fwrite(list, sizeof(double), RESTART_ENTRIES, fp);
}

void FixVoxionCharge::restart(char *buffer) {
  double list[RESTART_ENTRIES];
  std::memcpy(list, buffer, sizeof(double));
  if (list[RESTART_VERSION] != restart_version)
    error->all(FLERR,
               "Fix voxion/charge {}: the restart data of this fix come from another version "
               "of voxion; give the fix another ID to start anew",
               id);
  std::memcpy(list, buffer, sizeof(list));
  if (!total_given_) total_ = list[RESTART_TOTAL];
  total_known_ = true;
  if (list[RESTART_HASH_HIGH] != high_half(model_hash_) ||
      list[RESTART_HASH_LOW] != low_half(model_hash_)) {
    if (comm->me == 0)
      error->warning(FLERR,
                     "Fix voxion/charge {}: model {} is not the one that the restart file was "
                     "written with; the charges are predicted anew",
                     id, model_path_);
    return;
  }
  if (total_given_ && total_ != list[RESTART_TOTAL]) return;
  continued_at_ = static_cast<bigint>(list[RESTART_STEP]);
  report_->correction = list[RESTART_CORRECTION];
  report_->min = list[RESTART_MIN];
  report_->mean = list[RESTART_MEAN];
  report_->max = list[RESTART_MAX];
  report_->outside_fraction = list[RESTART_OUTSIDE];
  continue_long_range(list);
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
    utils::logmesg(lmp,
                   "Fix voxion/charge {}: PPPM goes on as in the restart file, kspace_modify {}\n",
                   id, settings);
}
