// fix voxion/voxels: what it writes to restart files, and how a run continues from one.
#include <mpi.h>

#include <algorithm>
#include <cstring>

#include "comm.h"
#include "error.h"
#include "fix_voxion_voxels.h"
#include "hash.hpp"
#include "update.h"
#include "utils.h"
#include "voxel_channels.h"

using namespace LAMMPS_NS;

namespace {

// The beginning of the restart data; the sums of the open window and the class probabilities
// follow as doubles.
struct RestartHead {
  std::int64_t version = 1;
  char store_id[32] = {};
  std::uint64_t definition = 0;
  std::int64_t next = 0, samples = 0, atoms_seen = 0, label = 0, classes = 0;
  double time = 0.0, box_sum[9] = {}, origin_sum[3] = {};
};

}  // namespace

void FixVoxionVoxels::write_restart(FILE *fp) {
  const auto sums = average_->sums().sums();
  std::vector<double> all(comm->me == 0 ? sums.size() : 0);
  MPI_Reduce(sums.data(), all.data(), static_cast<int>(sums.size()), MPI_DOUBLE, MPI_SUM, 0, world);
  RestartHead head;
  MPI_Reduce(&atoms_seen_, &head.atoms_seen, 1, MPI_LMP_BIGINT, MPI_SUM, 0, world);
  if (comm->me != 0) return;
  // no store yet: the file is written before the first run
  const std::string store_id = store_ ? store_->id() : continued_id_;
  std::copy_n(store_id.data(), std::min(store_id.size(), sizeof(head.store_id)), head.store_id);
  head.definition = voxion::hash_text(header().definition());
  const auto &state = average_->state();
  head.next = state.next;
  head.samples = state.samples;
  head.time = time();
  head.label = static_cast<std::int64_t>(last_.label);
  head.classes = static_cast<std::int64_t>(last_.probability.size());
  std::copy_n(state.box_sum[0].data(), 9, head.box_sum);
  std::copy_n(state.origin_sum.data(), 3, head.origin_sum);
  const std::size_t numbers = all.size() + last_.probability.size();
  const int size = static_cast<int>(sizeof(head) + numbers * sizeof(double));
  fwrite(&size, sizeof(int), 1, fp);
  fwrite(&head, sizeof(head), 1, fp);
  fwrite(all.data(), sizeof(double), all.size(), fp);
  fwrite(last_.probability.data(), sizeof(double), last_.probability.size(), fp);
}

void FixVoxionVoxels::restart(char *buffer) {
  RestartHead head;
  std::memcpy(&head.version, buffer, sizeof(head.version));
  if (head.version != RestartHead().version)
    error->all(FLERR,
               "Fix voxion/voxels {}: the restart data of this fix come from another version of "
               "voxion; give the fix another ID to start anew",
               id);
  std::memcpy(&head, buffer, sizeof(head));
  continued_id_.assign(head.store_id, sizeof(head.store_id));
  continued_time_ = head.time;
  if (head.definition != voxion::hash_text(header().definition())) {
    if (comm->me == 0)
      error->warning(
          FLERR,
          "Fix voxion/voxels {}: the restart file was written with another grid, window, "
          "group or channels; the window that was open is given up",
          id);
    return;
  }
  voxion::VoxelAverage::State state{head.next, head.samples, {}, {}};
  std::copy_n(head.box_sum, 9, state.box_sum[0].data());
  std::copy_n(head.origin_sum, 3, state.origin_sum.data());
  average_->restore(state);
  expect_sample(head.next);
  const char *numbers = buffer + sizeof(head);
  const auto sums = average_->sums().sums();
  if (comm->me == 0) {  // the ranks' sums are added at the end of the window
    std::memcpy(sums.data(), numbers, sums.size() * sizeof(double));
    atoms_seen_ = head.atoms_seen;
  }
  if (head.classes != static_cast<std::int64_t>(labels_.size())) return;
  last_.label = static_cast<std::size_t>(head.label);
  last_.probability.resize(labels_.size());
  std::memcpy(last_.probability.data(), numbers + sums.size() * sizeof(double),
              labels_.size() * sizeof(double));
}
