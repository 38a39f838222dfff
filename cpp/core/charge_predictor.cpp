// Checks around a surface-charges model, and the exact total charge.
#include "charge_predictor.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <sstream>

#include "error.hpp"

namespace voxion {

namespace {

constexpr double charge_tolerance = 1e-6;  // e
constexpr double total_tolerance = 1e-12;  // e
constexpr double largest_charge = 10.0;    // e; partial charges of atoms are a few e at most

bool same_charge(double a, double b) { return std::abs(a - b) <= charge_tolerance; }

// Sums with Neumaier's compensation, so that the order of many terms does not matter.
double accurate_sum(std::span<const double> values) {
  double sum = 0.0, lost = 0.0;
  for (double value : values) {
    const double next = sum + value;
    lost += std::abs(sum) >= std::abs(value) ? (sum - next) + value : (value - next) + sum;
    sum = next;
  }
  return sum + lost;
}

std::string describe(const std::vector<SourceSpecies> &sources) {
  std::ostringstream text;
  for (const auto &species : sources) {
    if (&species != sources.data()) text << ", ";
    if (species.count) text << *species.count << " ";
    text << species.name << " of charge " << species.charge << " e";
  }
  return text.str();
}

// The paper's kind of input: an ion's place in the list is part of what the network learnt.
void check_ordered_sources(const ChargeContract &contract, std::span<const double> charges) {
  std::size_t expected = 0;
  for (const auto &species : contract.sources) expected += static_cast<std::size_t>(*species.count);
  if (charges.size() != expected)
    throw Error("the model was trained with " + std::to_string(expected) + " sources (" +
                describe(contract.sources) + "), the sources group has " +
                std::to_string(charges.size()) + "; choose another group or model");
  std::size_t index = 0;
  for (const auto &species : contract.sources)
    for (long n = 0; n < *species.count; ++n, ++index)
      if (!same_charge(charges[index], species.charge)) {
        std::ostringstream text;
        text << "source number " << index + 1 << " in ascending atom ID has charge "
             << charges[index] << " e, the model expects " << species.name << " of charge "
             << species.charge << " e there (its order: " << describe(contract.sources) << ")";
        throw Error(text.str());
      }
}

void check_any_sources(const ChargeContract &contract, std::span<const double> charges) {
  for (double charge : charges) {
    const bool known =
        std::any_of(contract.sources.begin(), contract.sources.end(),
                    [&](const auto &species) { return same_charge(charge, species.charge); });
    if (!known) {
      std::ostringstream text;
      text << "a source has charge " << charge << " e, which is none of the model's species ("
           << describe(contract.sources)
           << "); use the force field that the model was trained with";
      throw Error(text.str());
    }
  }
}

// The atoms that the rows of an input belong to.
enum class Rows { sites, sources, vectors };

void require_finite(const ArrayView &input, Rows rows) {
  std::int64_t size = 1;
  for (auto extent : input.shape) size *= extent;
  for (std::int64_t i = 0; i < size; ++i) {
    if (std::isfinite(input.data[i])) continue;
    const std::string problem =
        "an input of the model is not finite: the simulation has become unstable";
    const auto row = static_cast<std::size_t>(i * input.shape[0] / size);
    if (rows == Rows::vectors) throw Error(problem);
    if (rows == Rows::sites) throw AtomError(problem, row, std::nullopt);
    throw AtomError(problem, std::nullopt, row);
  }
}

// Checks what a model returned; a damaged one may return anything.
void require_charges(std::span<const double> charges, const char *when) {
  for (std::size_t i = 0; i < charges.size(); ++i) {
    if (std::abs(charges[i]) <= largest_charge) continue;
    if (!std::isfinite(charges[i]))
      throw AtomError("the model returned a charge that is not finite", i, std::nullopt);
    std::ostringstream text;
    text << "the model returned a charge of " << charges[i] << " e" << when
         << ", no atom has more than " << largest_charge
         << " e; the model or its file is damaged, or was trained for another system";
    throw AtomError(text.str(), i, std::nullopt);
  }
}

}  // namespace

void check_sources(const ChargeContract &contract, std::span<const double> charges) {
  if (contract.inputs == ChargeInputs::positions)
    check_ordered_sources(contract, charges);
  else
    check_any_sources(contract, charges);
}

void check_surface(const ChargeContract &contract, std::size_t count) {
  const auto expected = static_cast<std::size_t>(contract.surface_atoms.value_or(0));
  if (contract.surface_atoms && count != expected)
    throw Error("the model was trained for " + std::to_string(expected) +
                " surface atoms, the surface group has " + std::to_string(count) +
                "; choose another group or model");
}

bool differs_from_trained_cell(const ChargeContract &contract, const Cell &cell) {
  if (!contract.cell) return false;
  for (int i = 0; i < 3; ++i) {
    if (!cell.periodic[i]) continue;
    const Vector &trained = (*contract.cell)[i];
    const double length = std::hypot(trained[0], trained[1], trained[2]);
    for (int d = 0; d < 3; ++d)
      if (std::abs(cell.vectors[i][d] - trained[d]) > 1e-3 * length) return true;
  }
  return false;
}

double spread_correction(std::span<double> charges, double total) {
  const double correction = total - accurate_sum(charges);
  const auto count = static_cast<double>(charges.size());
  double rest = correction;
  // the passes after the first spread what rounding left
  for (int pass = 0; pass < 3; ++pass) {
    for (double &charge : charges) charge += rest / count;
    rest = total - accurate_sum(charges);
  }
  if (!(std::abs(rest) <= total_tolerance)) {
    std::ostringstream text;
    text << "the charges of the model cannot be brought to the total of " << total
         << " e: after an even correction of " << correction << " e they still differ by " << rest
         << " e";
    throw Error(text.str());
  }
  return correction;
}

ChargePredictor::ChargePredictor(std::unique_ptr<ModelRunner> runner, const std::string &name)
    : runner_(std::move(runner)),
      contract_(parse_charge_contract(runner_->contract_json(), name)) {}

ChargeReport ChargePredictor::from_positions(std::span<const double> sources,
                                             std::span<const double> source_charges,
                                             std::span<const double> surface, const Cell &cell,
                                             double total, std::span<double> charges) {
  const auto n = static_cast<std::int64_t>(source_charges.size());
  const auto m = static_cast<std::int64_t>(charges.size());
  const std::vector<ArrayView> inputs{{sources.data(), {n, 3}},
                                      {source_charges.data(), {n}},
                                      {surface.data(), {m, 3}},
                                      {cell.vectors[0].data(), {3, 3}}};
  require_finite(inputs[0], Rows::sources);
  require_finite(inputs[1], Rows::sources);
  require_finite(inputs[2], Rows::sites);
  require_finite(inputs[3], Rows::vectors);
  auto report = finish("forward", inputs, total, charges);
  report.outside_fraction = outside_fraction(sources);
  return report;
}

ChargeReport ChargePredictor::from_site_potentials(std::span<const double> potentials,
                                                   std::span<const double> surface,
                                                   const Cell &cell, double total,
                                                   std::span<double> charges) {
  auto inputs = checked_inputs(potentials, surface, cell);
  if (contract_.total_charge_input) inputs.push_back({&total, {1}});
  auto report = finish("forward", inputs, total, charges);
  report.outside_fraction = outside_fraction(potentials);
  return report;
}

std::vector<double> ChargePredictor::response(std::span<const double> potentials,
                                              std::span<const double> surface, const Cell &cell) {
  auto found = runner_->run("response", checked_inputs(potentials, surface, cell));
  if (3 * found.size() != surface.size())
    throw Error("the model returned responses of " + std::to_string(found.size()) + " of " +
                std::to_string(surface.size() / 3) + " surface atoms");
  return found;
}

ChargeReport ChargePredictor::from_response(std::span<const double> response,
                                            std::span<const double> potentials,
                                            std::span<const double> surface, const Cell &cell,
                                            double total, std::span<double> charges) {
  auto inputs = checked_inputs(potentials, surface, cell);
  inputs.push_back({&total, {1}});
  inputs.push_back({response.data(), {static_cast<std::int64_t>(response.size())}});
  auto report = finish("complete", inputs, total, charges);
  report.outside_fraction = outside_fraction(potentials);
  return report;
}

std::vector<ArrayView> ChargePredictor::checked_inputs(std::span<const double> potentials,
                                                       std::span<const double> surface,
                                                       const Cell &cell) const {
  auto inputs = local_inputs(potentials, surface, cell);
  require_finite(inputs[0], Rows::sites);
  require_finite(inputs[1], Rows::sites);
  require_finite(inputs[2], Rows::vectors);
  return inputs;
}

std::optional<double> ChargePredictor::distance(std::span<const double> potentials,
                                                std::span<const double> surface, const Cell &cell) {
  if (!runner_->has("distance")) return std::nullopt;
  const auto found = runner_->run("distance", local_inputs(potentials, surface, cell));
  if (found.size() != 1)
    throw Error("the model's method distance must return one number, found " +
                std::to_string(found.size()));
  if (!std::isfinite(found[0]))
    throw Error("the model's distance from its training data is not finite");
  return found[0];
}

std::vector<ArrayView> ChargePredictor::local_inputs(std::span<const double> potentials,
                                                     std::span<const double> surface,
                                                     const Cell &cell) const {
  const auto m = static_cast<std::int64_t>(surface.size() / 3);
  const auto k = static_cast<std::int64_t>(contract_.input_ranges.min.size());
  return {{potentials.data(), {m, k}}, {surface.data(), {m, 3}}, {cell.vectors[0].data(), {3, 3}}};
}

ChargeReport ChargePredictor::finish(const std::string &method,
                                     const std::vector<ArrayView> &inputs, double total,
                                     std::span<double> charges) {
  const auto predicted = runner_->run(method, inputs);
  if (predicted.size() != charges.size())
    throw Error("the model returned " + std::to_string(predicted.size()) + " charges for " +
                std::to_string(charges.size()) + " surface atoms; use a model made for them");
  require_charges(predicted, "");
  std::copy(predicted.begin(), predicted.end(), charges.begin());
  ChargeReport report;
  report.correction = spread_correction(charges, total);
  require_charges(charges, " after the correction to the total");
  const auto [low, high] = std::minmax_element(charges.begin(), charges.end());
  report.min = *low;
  report.max = *high;
  report.mean = total / static_cast<double>(charges.size());
  return report;
}

// Inputs come in rows as long as the training ranges.
double ChargePredictor::outside_fraction(std::span<const double> inputs) const {
  const std::size_t width = contract_.input_ranges.min.size();
  std::size_t outside = 0;
  for (std::size_t i = 0; i < inputs.size(); ++i)
    if (inputs[i] < contract_.input_ranges.min[i % width] ||
        inputs[i] > contract_.input_ranges.max[i % width])
      ++outside;
  return inputs.empty() ? 0.0 : static_cast<double>(outside) / static_cast<double>(inputs.size());
}

}  // namespace voxion
