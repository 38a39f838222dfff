// fix voxion/voxels: averages voxel grids during the run, stores them, and asks a classifier.
// Glue only: gathers atoms, calls the core.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "fix.h"
#include "voxel_average.hpp"
#include "voxel_store.hpp"

namespace voxion {
class VoxelClassifier;
}  // namespace voxion

namespace LAMMPS_NS {

class VoxelChannels;

class FixVoxionVoxels : public Fix {
 public:
  FixVoxionVoxels(class LAMMPS *, int, char **);
  ~FixVoxionVoxels() override;
  int setmask() override;
  void init() override;
  void setup(int) override;
  void end_of_step() override;
  void post_run() override;

  void write_restart(FILE *) override;
  void restart(char *) override;
  double compute_scalar() override;
  double compute_vector(int) override;
  double memory_usage() override;

 private:
  // set-up
  void parse(int narg, char **arg);
  void parse_numbers(char **arg);
  int parse_keyword(int iarg, int narg, char **arg, std::vector<std::string> &channels);
  void make_grid(const std::vector<std::string> &channels);
  void load_classifier();
  void open_store();
  voxion::VoxelStoreHeader header() const;
  void expect_sample(bigint step);

  // one sample, one window
  void sample();
  void gather_atoms();
  void finish_window();
  void wait_for_window();
  void give_window_up();
  void reduce_sums();
  voxion::Classification finish_frame();
  double time() const;
  void share_classification();
  void check_atoms();

  template <typename Action>
  void on_root(Action action);

  voxion::VoxelWindow window_;
  voxion::VoxelShape shape_;
  std::string file_, model_path_, spread_ = "ngp";
  std::unique_ptr<VoxelChannels> channels_;
  std::unique_ptr<voxion::VoxelAverage> average_;
  std::unique_ptr<voxion::VoxelClassifier> classifier_;  // rank 0 only
  std::unique_ptr<voxion::VoxelStore> store_;            // rank 0 only
  std::uint64_t model_hash_ = 0;
  std::vector<std::string> labels_;
  std::vector<int> atoms_;

  bigint atoms_seen_ = 0;  // in this window, by this rank

  // outputs
  bigint frames_ = 0;
  bigint last_frame_ = -1;       // its step
  voxion::Classification last_;  // empty before the first window

  std::string continued_id_;  // of the store that the interrupted run wrote
  std::optional<double> continued_time_;
  double time_shift_ = 0.0;
  bool opened_ = false, empty_warned_ = false;
  struct Tally {
    bigint samples = 0, frames = 0;
    double compute = 0.0, grid = 0.0, store = 0.0, classify = 0.0;  // seconds
  } tally_;                                                         // of this run
};

}  // namespace LAMMPS_NS
