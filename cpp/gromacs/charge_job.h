// A charge job: a trained model sets the charges of a surface in the running mdrun.
// Glue only: gathers positions, calls the core, writes charges.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "charge_table.h"
#include "error.hpp"
#include "index_file.h"
#include "job_file.h"
#include "mdrun_frame.h"
#include "mdrun_log.h"
#include "range_watch.hpp"
#include "whole_predictor.hpp"

namespace voxion_gromacs {

class ChargeJob {
 public:
  // Loads the model. Throws Error, also when the interval is no multiple of nstlist.
  ChargeJob(const ChargeSettings &settings, std::int64_t nstlist, const MdrunLog &log);

  // Before the first step's work: finds the atoms and checks that the run input fits the model.
  // `record` is what state() gave at the checkpoint that the run continues from, null in a new run.
  void begin(const MdrunFrame &frame, const IndexFile &index, const nlohmann::json *record);
  // Throws Error when somebody else has changed the surface's charges.
  void check_charges(const MdrunFrame &frame) const;
  // The charges act from the step after `frame` on, which must be one of a pair search.
  bool due(std::int64_t step) const;
  void update(const MdrunFrame &frame);

  const std::string &group() const { return settings_.group; }
  const std::vector<int> &atoms() const { return surface_; }
  // The state of the charges that the forces of `step`, the last one performed, were computed with.
  nlohmann::json state(std::int64_t step) const;
  // True if an update acts from this step on.
  bool acts_from(std::int64_t step) const { return updated_at_ + 1 == step; }
  std::string summary() const;

 private:
  [[noreturn]] void fail(const std::string &what) const;
  void check_topology_charges(const MdrunFrame &frame);
  void continue_from(const nlohmann::json &record, const MdrunFrame &frame);
  std::vector<double> predict(const MdrunFrame &frame);
  std::vector<double> run_model(const MdrunFrame &frame);
  std::string described(const voxion::AtomError &error) const;
  void check_range(std::int64_t step);
  void write_row(const MdrunFrame &frame, double milliseconds);

  ChargeSettings settings_;
  std::int64_t nstlist_;
  const MdrunLog &log_;
  std::string model_hash_;
  voxion::WholePredictor predictor_;
  voxion::RangeWatch range_watch_;
  std::optional<ChargeTable> table_;

  std::vector<int> surface_, sources_;  // atoms from 0
  std::vector<double> charges_;         // as mdrun has them
  std::vector<double> surface_positions_, source_positions_, source_charges_;
  double total_ = 0.0;  // e
  voxion::ChargeReport report_;
  std::vector<double> before_update_;
  std::int64_t updated_at_ = -2;  // step of the last update of this run
  bool updated_ = false;
  std::int64_t updates_ = 0;
  double seconds_ = 0.0;
};

}  // namespace voxion_gromacs
