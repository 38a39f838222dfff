// A charge job: trained models set the charges of a surface, or of two electrodes at potentials, in
// the running mdrun. Glue only: gathers positions, calls the core, writes charges.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "charge_surface.h"
#include "charge_table.h"
#include "index_file.h"
#include "job_file.h"
#include "mdrun_frame.h"
#include "mdrun_log.h"
#include "range_watch.hpp"

namespace voxion_gromacs {

class ChargeJob {
 public:
  // Loads the models. Throws Error, also when the interval is no multiple of nstlist.
  ChargeJob(const ChargeSettings &settings, std::int64_t nstlist, const MdrunLog &log);

  // Before the first step's work: finds the atoms and checks that the run input fits the models.
  // `records` are what state() returned at the checkpoint that the run continues from, one of each
  // surface; none in a new run.
  void begin(const MdrunFrame &frame, const IndexFile &index,
             const std::vector<const nlohmann::json *> &records);
  // Throws Error when somebody else has changed the surfaces' charges.
  void check_charges(const MdrunFrame &frame) const;
  // The charges act from the step after `frame` on, which must be one of a pair search.
  bool due(std::int64_t step) const;
  void update(const MdrunFrame &frame);

  // One surface, or two electrodes.
  const std::vector<std::unique_ptr<ChargeSurface>> &surfaces() const { return surfaces_; }
  // The state of the charges that the forces of `step`, the last one performed, were computed with;
  // of each surface.
  std::vector<nlohmann::json> state(std::int64_t step) const;
  // True if an update acts from this step on.
  bool acts_from(std::int64_t step) const { return updated_at_ + 1 == step; }
  std::string summary() const;

 private:
  [[noreturn]] void fail(const std::string &what) const { surfaces_.front()->fail(what); }
  bool at_potentials() const { return surfaces_.size() == 2; }
  void check_potentials(const MdrunFrame &frame) const;
  void check_bystanders(const MdrunFrame &frame) const;
  void predict(const MdrunFrame &frame);
  void find_totals(const voxion::Cell &cell);
  void check_range(std::int64_t step);
  void write_row(const MdrunFrame &frame, double milliseconds);
  std::string groups() const;

  ChargeSettings settings_;
  std::int64_t nstlist_;
  const MdrunLog &log_;
  std::vector<std::unique_ptr<ChargeSurface>> surfaces_;
  voxion::RangeWatch range_watch_;
  std::optional<ChargeTable> table_;

  std::vector<int> sources_;  // atoms from 0
  std::vector<double> source_positions_, source_charges_;
  std::int64_t updated_at_ = -2;  // step of the last update of this run
  bool updated_ = false;
  std::int64_t updates_ = 0;
  double seconds_ = 0.0;
};

}  // namespace voxion_gromacs
