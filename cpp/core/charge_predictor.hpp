// From the electrolyte's positions to the charges of the surface atoms.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "cell.hpp"
#include "charge_contract.hpp"
#include "model_runner.hpp"
#include "site_potentials.hpp"

namespace voxion {

// Statistics of a prediction.
struct ChargeReport {
  double correction = 0.0;                  // charge that was spread evenly to reach the total (e)
  double min = 0.0, mean = 0.0, max = 0.0;  // of the charges, after the correction (e)
  double outside_fraction = 0.0;            // share of inputs outside the training range
  // Sum before the correction minus the total (e).
  double residual() const { return -correction; }
};

// Sources must be as the model was trained. Throws Error otherwise.
// `charges` are the sources' charges in ascending atom ID.
void check_sources(const ChargeContract &contract, std::span<const double> charges);

// Throws Error unless the model takes `count` surface atoms.
void check_surface(const ChargeContract &contract, std::size_t count);

// True where the model was trained in one cell and `cell` differs from it by more than 1e-3 of the
// trained edge in a periodic direction.
bool differs_from_trained_cell(const ChargeContract &contract, const Cell &cell);

// Spreads `total` - sum(charges) evenly; the new sum is `total` to 1e-12 e. Returns the correction.
// Throws Error when rounding makes that impossible, as with charges of 10^5 e.
double spread_correction(std::span<double> charges, double total);

// Runs a surface-charges model, checks what it says and makes the total charge exact.
class ChargePredictor {
 public:
  // Throws Error when the model's contract is not one of kind surface-charges.
  ChargePredictor(std::unique_ptr<ModelRunner> runner, const std::string &name);

  const ChargeContract &contract() const { return contract_; }

  // All arrays are xyz triples (angstrom) or charges (e). `charges` receives one value per surface
  // atom. Throws AtomError for a charge that is not finite or larger than any atom's, and Error
  // when the model fails or returns another number of charges.
  ChargeReport from_positions(std::span<const double> sources,
                              std::span<const double> source_charges,
                              std::span<const double> surface, const Cell &cell, double total,
                              std::span<double> charges);
  // `potentials` has surface atoms x radial functions values, from SitePotentials.
  ChargeReport from_site_potentials(std::span<const double> potentials,
                                    std::span<const double> surface, const Cell &cell, double total,
                                    std::span<double> charges);
  // The two halves of from_site_potentials for models whose contract has a reach: the response of
  // sites, right for those that have all sites within the reach around them; and the charges from
  // the responses of all.
  std::vector<double> response(std::span<const double> potentials, std::span<const double> surface,
                               const Cell &cell);
  ChargeReport from_response(std::span<const double> response, std::span<const double> potentials,
                             std::span<const double> surface, const Cell &cell, double total,
                             std::span<double> charges);
  // Distance of these inputs from those of the training, in units of the furthest one there; none
  // when the model does not tell. Throws Error when that is not finite.
  std::optional<double> distance(std::span<const double> potentials,
                                 std::span<const double> surface, const Cell &cell);

 private:
  std::vector<ArrayView> checked_inputs(std::span<const double> potentials,
                                        std::span<const double> surface, const Cell &cell) const;
  ChargeReport finish(const std::string &method, const std::vector<ArrayView> &inputs, double total,
                      std::span<double> charges);
  std::vector<ArrayView> local_inputs(std::span<const double> potentials,
                                      std::span<const double> surface, const Cell &cell) const;
  double outside_fraction(std::span<const double> inputs) const;

  std::unique_ptr<ModelRunner> runner_;
  ChargeContract contract_;
};

}  // namespace voxion
