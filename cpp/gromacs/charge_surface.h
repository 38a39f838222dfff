// A surface of a charge job: the atoms of a group, and the model that predicts their charges.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "error.hpp"
#include "index_file.h"
#include "job_file.h"
#include "mdrun_frame.h"
#include "mdrun_log.h"
#include "planar_pair.hpp"
#include "whole_predictor.hpp"

namespace voxion_gromacs {

inline constexpr double angstrom = 10.0;  // in a nm

voxion::Cell in_angstrom(voxion::Cell cell);

// Positions of some atoms inside the periodic box, angstrom.
void gather_positions(const std::vector<int> &atoms, const MdrunFrame &frame,
                      std::vector<double> &xyz);

class ChargeSurface {
 public:
  // Loads the model. Throws Error.
  ChargeSurface(const ElectrodeSettings &settings, const std::string &device, int threads);

  const std::string &group() const { return settings_.group; }
  const ElectrodeSettings &settings() const { return settings_; }
  const voxion::ChargeContract &contract() const { return predictor_.contract(); }
  const std::vector<int> &atoms() const { return atoms_; }             // from 0
  const std::vector<double> &positions() const { return positions_; }  // xyz, angstrom
  [[noreturn]] void fail(const std::string &what) const;

  // Finds the atoms and checks them and the sources against the model.
  void begin(const MdrunFrame &frame, const IndexFile &index, const std::string &sources_group,
             const std::vector<int> &sources, const std::vector<double> &source_charges);
  // Returns whether the interrupted run had updated them. Throws Error unless the run input has the
  // charges that the interrupted run had.
  bool continue_from(const nlohmann::json &record, const MdrunFrame &frame, const MdrunLog &log);
  // mdrun takes the charges in for its forces within the cutoff. Throws Error when somebody else
  // has changed them.
  void pair_search(const MdrunFrame &frame);
  // Throws Error when somebody else has changed the charges.
  void check_charges(const MdrunFrame &frame) const;
  // The charges that PME has, minus those of the last pair search; empty if they are the same.
  std::vector<double> differences() const;

  void gather(const MdrunFrame &frame) {
    gather_positions(atoms_, frame, positions_);
    seen_ = positions_;
  }
  // Of an electrode of a pair, which the model sees from the electrolyte; after gather(). Throws
  // what PlanarPair::behind_face throws, with the numbers of atoms.
  void look_from(const voxion::PlanarPair &pair, int electrode, const voxion::Cell &cell);
  // Throws AtomError and Error.
  const voxion::Corrugation &corrugation() const { return corrugation_; }
  void predict(const std::vector<double> &sources, const std::vector<double> &source_charges,
               const voxion::Cell &cell);
  // Those of the last prediction.
  void set_charges(const MdrunFrame &frame);
  // Those of the next step, extrapolated from the predictions of the last three; for updates at
  // every step.
  void set_charges_ahead(const MdrunFrame &frame);
  double distance(const voxion::Cell &cell) {
    return predictor_.distance(seen_, cell).value_or(0.0);
  }
  // What a checkpoint keeps: the charges that the forces of `step` were computed with.
  nlohmann::json state(std::int64_t step) const;

  double total = 0.0;           // e
  double potential = 0.0;       // V, of an electrode at a potential
  voxion::ChargeReport report;  // of the last prediction

 private:
  void check_trained_total() const;
  void set(const MdrunFrame &frame, const std::vector<double> &charges);

  ElectrodeSettings settings_;
  std::string model_hash_;
  voxion::WholePredictor predictor_;
  voxion::Corrugation corrugation_;
  std::vector<int> atoms_;
  std::vector<double> positions_, predicted_;
  std::vector<double> seen_;                     // positions that the model gets
  std::vector<double> charges_, before_update_;  // as mdrun has them
  std::vector<double> searched_;                 // at the last pair search
  // Predictions of the last steps, the last one first; and those before the update.
  std::vector<std::vector<double>> predictions_, predictions_before_;
  std::int64_t updated_at_ = -2;  // step of the last update of this run
};

}  // namespace voxion_gromacs
