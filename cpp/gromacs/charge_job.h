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
#include "mdrun_options.h"
#include "range_watch.hpp"
#include "short_range_forces.hpp"

namespace voxion_gromacs {

class ChargeJob {
 public:
  // Loads the models. Throws Error, also when the interval does not go with nstlist.
  ChargeJob(const ChargeSettings &settings, const MdrunOptions &options, const MdrunLog &log);

  // Before the first step's work: finds the atoms and checks that the run input fits the models.
  // `records` are what state() returned at the checkpoint that the run continues from, one of each
  // surface; none in a new run.
  void begin(const MdrunFrame &frame, const IndexFile &index,
             const std::vector<const nlohmann::json *> &records);
  // On a step of a pair search, before step(). Throws Error when somebody else has changed the
  // surfaces' charges.
  void pair_search(const MdrunFrame &frame);
  // The work of one step, after mdrun's own forces: the forces that these lack, and the charges of
  // the next step if an update is due.
  void step(const MdrunFrame &frame);

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
  bool due(std::int64_t step) const;
  void update(const MdrunFrame &frame);
  void gather(const MdrunFrame &frame);
  void add_forces(const MdrunFrame &frame);
  void predict(const MdrunFrame &frame);
  static double effective_time(const MdrunFrame &frame);
  void find_totals(const voxion::Cell &cell, double time);
  void check_range(std::int64_t step);
  void write_row(const MdrunFrame &frame, double milliseconds);
  std::string groups() const;

  ChargeSettings settings_;
  std::int64_t nstlist_;
  // Of each surface, where charges change between pair searches; else empty.
  std::vector<voxion::ShortRangeForces> short_range_;
  const MdrunLog &log_;
  std::vector<std::unique_ptr<ChargeSurface>> surfaces_;
  voxion::RangeWatch range_watch_;
  std::optional<ChargeTable> table_;

  std::vector<int> sources_;  // atoms from 0
  std::vector<double> source_positions_, source_charges_;
  std::int64_t gathered_at_ = -1;  // step of the positions
  std::int64_t updated_at_ = -2;   // step of the last update of this run
  bool updated_ = false;
  std::int64_t updates_ = 0;
  double seconds_ = 0.0;
};

}  // namespace voxion_gromacs
