// fix voxion/charge: trained models set the charges of a surface, or of two electrodes at a
// potential difference, during the run. Keywords, checks of the run, and outputs; ChargeSurface has
// the atoms and the model of each surface.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "fix.h"
#include "range_watch.hpp"

namespace voxion {
class PlanarPair;
}

namespace LAMMPS_NS {

class ChargeSurface;
class ElectrodePotential;

class FixVoxionCharge : public Fix {
 public:
  FixVoxionCharge(class LAMMPS *, int, char **);
  ~FixVoxionCharge() override;
  void post_constructor() override;
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
  struct Electrode {
    std::unique_ptr<ChargeSurface> surface;
    std::unique_ptr<ElectrodePotential> potential;  // of two electrodes only
    double total = 0.0;                             // e
  };
  struct Arguments;

  // set-up
  std::string owner() const;
  Arguments parse(int narg, char **arg);
  void check_keywords(const Arguments &arguments) const;
  void add_electrode(const std::string &group, const std::string &model,
                     const std::string &potential, const Arguments &arguments);
  void check_style_settings();
  void check_potentials();
  void check_electrodes() const;
  void check_other_fixes() const;
  void check_bystanders() const;
  void choose_total();
  void check_neutrality();
  void start_counting();
  std::string field_name(const std::string &what) const;

  // one update
  bool at_potentials() const { return electrodes_.size() == 2; }
  void update_charges();
  void find_totals();
  double moment_of_sources(const voxion::PlanarPair &pair) const;
  void check_range();

  // restart
  bool continue_electrode(const double *data, Electrode &electrode);
  void continue_long_range(const double *restart_data);

  std::vector<Electrode> electrodes_;  // the fix's group, and the coupled one if any
  std::string sources_id_;
  int sources_bit_ = 0;
  voxion::RangeWatch range_watch_{voxion::RangeCheck::warn};
  bool total_given_ = false, total_known_ = false, finite_field_ = false;
  double angstrom_ = 1.0;  // one length unit of the run in angstrom

  bigint last_update_ = -1;
  bigint continued_at_ = -1;                // step of the restart file whose charges are in effect
  bigint setup_updates_ = 0, updates_ = 0;  // of this run, before its first step and during it
  double seconds_ = 0.0, last_milliseconds_ = 0.0;
};

}  // namespace LAMMPS_NS
