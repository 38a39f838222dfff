// fix voxion/voxels: averages voxel grids during the run, stores them, and asks a classifier.
// Glue only: gathers atoms, calls the core.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "fix.h"
#include "voxel_frame.hpp"
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
  std::string definition() const;
  void expect_sample(bigint step);

  // one sample, one window
  void sample();
  void gather_atoms();
  void finish_window();
  void wait_for_window();
  void give_window_up();
  voxion::VoxelFrame reduce_frame();
  void finish_frame(voxion::VoxelFrame &frame);
  double time() const;
  void share_classification(const voxion::VoxelFrame &frame);
  void check_atoms(bigint atoms);

  template <typename Action>
  void on_root(Action action);

  voxion::VoxelWindow window_;
  voxion::VoxelShape shape_;
  std::string file_, model_path_, spread_ = "ngp";
  std::unique_ptr<VoxelChannels> channels_;
  std::unique_ptr<voxion::VoxelSums> sums_;
  std::unique_ptr<voxion::VoxelClassifier> classifier_;  // rank 0 only
  std::unique_ptr<voxion::VoxelStore> store_;            // rank 0 only
  std::string model_hash_;
  std::vector<std::string> labels_;
  std::vector<int> atoms_;

  // the window that is being averaged
  bigint next_ = 0;  // step of the next sample
  int samples_ = 0;
  bigint atoms_seen_ = 0;  // of this rank
  std::array<voxion::Vector, 3> box_sum_{};
  voxion::Vector origin_sum_{};

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
