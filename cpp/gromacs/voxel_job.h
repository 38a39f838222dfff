// A voxels job: averages voxel grids during the run, stores them, and asks a classifier.
// Glue only: gathers atoms, calls the core.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "index_file.h"
#include "job_file.h"
#include "mdrun_frame.h"
#include "mdrun_log.h"
#include "voxel_average.hpp"
#include "voxel_classifier.hpp"
#include "voxel_store.hpp"

namespace voxion_gromacs {

class VoxelJob {
 public:
  // Loads the classifier. Throws Error.
  VoxelJob(const VoxelSettings &settings, const std::array<bool, 3> &periodic, const MdrunLog &log);

  // Before the first step's work: finds the atoms and opens the store. `record` is what state()
  // gave at the checkpoint that the run continues from, null otherwise.
  void begin(const MdrunFrame &frame, const IndexFile &index, const nlohmann::json *record);
  void step(const MdrunFrame &frame);

  const std::string &file() const { return settings_.file; }
  nlohmann::json state() const;
  std::string summary() const;

 private:
  enum class Kind { mass, charge, number, kinetic };
  struct Column {
    Kind kind;
    int a = 0, b = 0;  // components of the kinetic stress
  };

  [[noreturn]] void fail(const std::string &what) const;
  void add_channel(const std::string &name);
  void load_classifier();
  voxion::VoxelStoreHeader header() const;
  void open_store(const MdrunFrame &frame, const std::string &continued_id);
  void continue_from(const nlohmann::json &record, std::int64_t step);
  void wait_for_window(std::int64_t step);
  void sample(const MdrunFrame &frame);
  void gather(const MdrunFrame &frame, std::vector<double> &positions) const;
  void find_velocities(const MdrunFrame &frame);
  void deposit(const MdrunFrame &frame);
  void finish_window(const MdrunFrame &frame);

  VoxelSettings settings_;
  std::array<bool, 3> periodic_;
  const MdrunLog &log_;
  std::vector<voxion::VoxelChannel> channels_;
  std::vector<Column> columns_;
  bool kinetic_ = false;
  std::unique_ptr<voxion::VoxelAverage> average_;
  std::unique_ptr<voxion::VoxelClassifier> classifier_;
  std::uint64_t model_hash_ = 0;
  std::unique_ptr<voxion::VoxelStore> store_;

  std::vector<int> atoms_, places_;           // atoms from 0; their places in positions_
  std::vector<double> positions_, previous_;  // nm
  std::vector<double> velocities_;            // nm/ps
  std::int64_t previous_step_ = -1;           // of previous_

  std::int64_t all_samples_ = 0, frames_ = 0;  // of this run
  double seconds_ = 0.0;
};

}  // namespace voxion_gromacs
