// Chooses the model's inputs.
#include "whole_predictor.hpp"

namespace voxion {

WholePredictor::WholePredictor(std::unique_ptr<ModelRunner> runner, const std::string &name)
    : predictor_(std::move(runner), name) {
  if (contract().radial_functions)
    site_potentials_.emplace(*contract().radial_functions, contract().largest_wave_vector);
}

ChargeReport WholePredictor::predict(std::span<const double> sources,
                                     std::span<const double> source_charges,
                                     std::span<const double> surface, std::span<const double> seen,
                                     const Cell &cell, double total, std::span<double> charges) {
  if (!site_potentials_)
    return predictor_.from_positions(sources, source_charges, seen, cell, total, charges);
  potentials_.resize(charges.size() * site_potentials_->columns());
  site_potentials_->compute(surface, sources, source_charges, cell, potentials_);
  return predictor_.from_site_potentials(potentials_, seen, cell, total, charges);
}

std::optional<double> WholePredictor::distance(std::span<const double> surface, const Cell &cell) {
  if (!site_potentials_) return std::nullopt;
  return predictor_.distance(potentials_, surface, cell);
}

}  // namespace voxion
