// Predictions where one process has all atoms: the site potentials and the model in one.
#pragma once

#include "charge_predictor.hpp"

namespace voxion {

class WholePredictor {
 public:
  // Throws Error when the model's contract is not one of kind surface-charges.
  WholePredictor(std::unique_ptr<ModelRunner> runner, const std::string &name);

  const ChargeContract &contract() const { return predictor_.contract(); }

  // The inputs and errors of ChargePredictor's methods, whichever inputs the model takes. The model
  // gets the positions `seen`: those of PlanarPair::behind_face for an electrode of a pair.
  ChargeReport predict(std::span<const double> sources, std::span<const double> source_charges,
                       std::span<const double> surface, std::span<const double> seen,
                       const Cell &cell, double total, std::span<double> charges);
  // Distance of the last prediction's inputs from those of the training; none when the model
  // does not tell. `surface` are the positions that the model got.
  std::optional<double> distance(std::span<const double> surface, const Cell &cell);

 private:
  ChargePredictor predictor_;
  std::optional<SitePotentials> site_potentials_;
  std::vector<double> potentials_;
};

}  // namespace voxion
