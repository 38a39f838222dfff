// fix voxion/charge: a trained model sets the charges of a surface during the run.
// Glue only: gathers atoms, calls the core, scatters charges.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "charge_contract.hpp"
#include "fix.h"
#include "range_watch.hpp"

namespace voxion {
class AtomError;
struct ChargeReport;
class ChargePredictor;
class SitePotentials;
}  // namespace voxion

namespace LAMMPS_NS {

class NearSources;

class FixVoxionCharge : public Fix {
 public:
  FixVoxionCharge(class LAMMPS *, int, char **);
  ~FixVoxionCharge() override;
  int setmask() override;
  void init() override;

  void setup_post_neighbor() override;
  void post_neighbor() override;
  void min_post_neighbor() override;
  void setup_pre_force(int) override;
  void pre_force(int) override;
  void min_pre_force(int) override;
  void setup(int) override;
  void min_setup(int) override;
  void post_run() override;

  void write_restart(FILE *) override;
  void restart(char *) override;
  double compute_scalar() override;
  double compute_vector(int) override;
  int pack_forward_comm(int, int *, double *, int, int *) override;
  void unpack_forward_comm(int, int, double *) override;
  double memory_usage() override;

 private:
  // set-up
  void parse(int narg, char **arg);
  void load_model();
  void check_style_settings();
  void check_groups();
  std::vector<tagint> gather_tags(int bit) const;
  void check_charges();
  void check_other_fixes() const;
  void check_neutrality();
  void start_counting();

  // one update
  void update_charges();
  void predict();
  void gather_positions(const std::vector<tagint> &tags, int bit, std::vector<double> &xyz);
  void check_range();
  double distance();
  void scatter();
  std::string at_step() const;
  std::string described(const voxion::AtomError &error) const;

  void continue_long_range(const double *restart_data);

  template <typename Action>
  void on_root(const std::string &when, Action action);

  std::string model_path_, device_ = "cpu", sources_id_;
  int threads_ = 1;
  voxion::RangeWatch range_watch_{voxion::RangeCheck::warn};
  bool total_given_ = false, total_known_ = false;
  double total_ = 0.0;     // e
  double angstrom_ = 1.0;  // one length unit of the run in angstrom
  int sources_bit_ = 0;

  voxion::ChargeContract contract_;
  std::uint64_t model_hash_ = 0;
  std::unique_ptr<voxion::ChargePredictor> predictor_;  // rank 0 only
  std::unique_ptr<voxion::SitePotentials> site_potentials_;
  std::unique_ptr<NearSources> near_sources_;
  std::unique_ptr<voxion::ChargeReport> report_;

  std::vector<tagint> surface_tags_, source_tags_;  // ascending
  std::vector<tagint> call_tags_;                   // of the sources of a call, in its order
  std::vector<double> surface_, sources_, source_charges_, potentials_, charges_;

  bigint last_update_ = -1;
  bigint continued_at_ = -1;  // step of the restart file whose charges are in effect
  double distance_ = 0.0;
  bigint distance_at_ = -1;                 // step of the update that distance_ is of
  bigint setup_updates_ = 0, updates_ = 0;  // of this run, before its first step and during it
  double seconds_ = 0.0, last_milliseconds_ = 0.0;
};

}  // namespace LAMMPS_NS
