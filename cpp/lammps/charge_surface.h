// A surface of fix voxion/charge: the atoms of a group, and the model that predicts their charges.
// Glue only: gathers atoms, calls the core, scatters charges.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "charge_predictor.hpp"
#include "corrugation.hpp"
#include "pointers.h"
#include "site_domain.hpp"
#include "site_potentials.hpp"

namespace voxion {
class AtomError;
class PlanarPair;
}  // namespace voxion

namespace LAMMPS_NS {

class NearSources;

class ChargeSurface : protected Pointers {
 public:
  // `owner` opens all messages, as in "Fix voxion/charge ID". Loads the model on rank 0.
  ChargeSurface(LAMMPS *lmp, const std::string &owner, const std::string &group,
                const std::string &model, const std::string &device, int threads);
  ~ChargeSurface() override;

  const std::string &group_name() const { return group_; }
  const std::string &model() const { return model_; }
  int bit() const { return bit_; }  // of the group, known from begin_run() on
  const voxion::ChargeContract &contract() const { return contract_; }
  std::uint64_t model_hash() const { return model_hash_; }

  // Finds the atoms and checks them against the model, before each run; returns the group's bit.
  // `angstrom` is a length unit of the run.
  int begin_run(const std::string &sources, double angstrom);
  double present_charge() const;  // sum of the charges that the atoms have (e)
  double sources_charge() const { return sources_charge_; }  // of all sources (e)
  // Tells that local atoms were renumbered.
  void renumbered();

  void gather();                                                       // the positions
  const std::vector<double> &positions() const { return positions_; }  // xyz, angstrom
  // Of an electrode of a pair, which the model sees from the electrolyte; after gather(). Throws
  // what PlanarPair::behind_face throws, with the IDs of atoms.
  void look_from(const voxion::PlanarPair &pair, int electrode);
  const voxion::Corrugation &corrugation() const { return corrugation_; }
  void predict(double total);
  void set_charges();  // of the owned atoms
  // Distance of the last prediction's inputs from the training data. Asked for by all ranks; it
  // takes about as long as the prediction.
  double distance();

  // Of the last prediction; set by a restart.
  voxion::ChargeReport report;
  double memory_usage() const;

 private:
  void load();
  void find_groups(const std::string &sources);
  void check_charges();
  void gather_positions(const std::vector<tagint> &tags, int bit, std::vector<double> &xyz);
  std::string described(const voxion::AtomError &error) const;
  std::string at_step() const;
  template <typename Action>
  void on_root(const std::string &when, Action action);
  template <typename Action>
  void on_all(Action action);
  bool share_prediction(const voxion::Cell &cell);
  void predict_in_parts(const voxion::Cell &cell, double total);

  std::string owner_, group_, model_, device_;
  int threads_ = 1;
  int bit_ = 0, sources_bit_ = 0;
  double angstrom_ = 1.0;

  voxion::ChargeContract contract_;
  voxion::Corrugation corrugation_{0.0};
  std::uint64_t model_hash_ = 0;
  std::unique_ptr<voxion::ChargePredictor> predictor_;  // rank 0 only
  // Of ranks that share the work: their part of the electrode, and the model for it.
  std::unique_ptr<voxion::SiteDomain> domain_;
  std::unique_ptr<voxion::ChargePredictor> part_predictor_;
  std::unique_ptr<voxion::SitePotentials> site_potentials_;
  std::unique_ptr<NearSources> near_sources_;

  std::vector<tagint> tags_, source_tags_;  // ascending
  std::vector<tagint> call_tags_;           // of the sources of a call, in its order
  std::vector<double> seen_;                // positions that the model gets
  std::vector<double> positions_, sources_, source_charges_, potentials_, charges_;
  double sources_charge_ = 0.0;
  double distance_ = 0.0;
  bool distance_known_ = true;  // that of the last prediction
};

}  // namespace LAMMPS_NS
