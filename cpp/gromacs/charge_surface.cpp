// A surface's atoms in mdrun: checks at the start, prediction, and what a checkpoint keeps.
#include "charge_surface.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <numeric>

#include "hash.hpp"
#include "model_runner.hpp"

namespace voxion_gromacs {

using voxion::Error;
using Json = nlohmann::json;

namespace {

// Weights of the last one, two or three predictions. With three, the error of the next step's
// charges has no odd derivative below the fifth: charges that lag behind the electrolyte or lead it
// do work on it. Kolafa, J. Comput. Chem. 25, 335 (2004), the predictor of k = 1.
constexpr double predictor_coefficients[3][3] = {
    {1.0, 0.0, 0.0}, {2.0, -1.0, 0.0}, {2.5, -2.0, 0.5}};

}  // namespace

voxion::Cell in_angstrom(voxion::Cell cell) {
  for (auto &vector : cell.vectors)
    for (double &component : vector) component *= angstrom;
  return cell;
}

void gather_positions(const std::vector<int> &atoms, const MdrunFrame &frame,
                      std::vector<double> &xyz) {
  const voxion::Cell cell = in_angstrom(frame.cell);
  const voxion::Reciprocal reciprocal(cell);
  xyz.resize(3 * atoms.size());
  for (std::size_t n = 0; n < atoms.size(); ++n) {
    voxion::Vector r;
    for (int d = 0; d < 3; ++d)
      r[d] = angstrom * frame.positions[3 * static_cast<std::size_t>(atoms[n]) + d];
    r = voxion::wrapped(r, cell, reciprocal);
    std::copy(r.begin(), r.end(), &xyz[3 * n]);
  }
}

ChargeSurface::ChargeSurface(const ElectrodeSettings &settings, const std::string &device,
                             int threads)
    : settings_(settings),
      model_hash_(voxion::hexadecimal(voxion::hash_file(settings.model))),
      predictor_(voxion::load_model(settings.model, device, threads), settings.model),
      corrugation_(contract().corrugation) {}

void ChargeSurface::fail(const std::string &what) const {
  throw Error("charge job of group " + settings_.group + ": " + what);
}

/* ---------------------------------------------------------------------- */

void ChargeSurface::begin(const MdrunFrame &frame, const IndexFile &index,
                          const std::string &sources_group, const std::vector<int> &sources,
                          const std::vector<double> &source_charges) {
  atoms_ = index.group(settings_.group, frame.atoms);
  std::vector<int> both;
  std::set_intersection(atoms_.begin(), atoms_.end(), sources.begin(), sources.end(),
                        std::back_inserter(both));
  if (!both.empty())
    fail("it shares " + std::to_string(both.size()) + " atoms with its sources " + sources_group +
         ", the first is atom " + std::to_string(both.front() + 1) + "; they must not overlap");
  charges_.clear();
  for (int atom : atoms_) {
    charges_.push_back(frame.charges[atom]);
    if (charges_.back() == 0.0)
      fail("atom " + std::to_string(atom + 1) +
           " has no charge in the run input, and mdrun leaves chargeless atoms out of its Coulomb "
           "sums for the whole run; give every atom of the group a charge in the topology, "
           "1e-6 e is enough");
  }
  try {
    voxion::check_surface(contract(), atoms_.size());
    voxion::check_sources(contract(), source_charges);
  } catch (const Error &e) {
    fail(e.what());
  }
  total = std::accumulate(charges_.begin(), charges_.end(), 0.0);
  check_trained_total();
  predicted_.resize(atoms_.size());
  searched_ = charges_;
}

void ChargeSurface::check_trained_total() const {
  const auto trained = contract().total_charge;
  if (trained && std::abs(*trained - total) > 1e-4)
    fail("the charges of its atoms in the run input add up to " + digits(total) +
         " e, the model was trained with " + digits(*trained) +
         " e; mdrun cannot change the total charge of a run, so change the topology");
}

bool ChargeSurface::continue_from(const Json &record, const MdrunFrame &frame,
                                  const MdrunLog &log) {
  std::vector<double> then;
  bool updated = false;
  try {
    then = record.at("charges").get<std::vector<double>>();
    total = record.at("total").get<double>();
    updated = record.at("updated").get<bool>();
    predictions_ = record.at("predictions").get<std::vector<std::vector<double>>>();
    if (record.at("model_hash") != model_hash_)
      log.warn("charge job of group " + settings_.group + ": model " + settings_.model +
               " is not the one that the interrupted run had");
    const auto misfit = [this](const auto &one) { return one.size() != atoms_.size(); };
    if (predictions_.size() > 3 || std::any_of(predictions_.begin(), predictions_.end(), misfit))
      throw Error("predictions of other atoms");
  } catch (const std::exception &) {
    fail("what the interrupted run left about it is damaged; start a new run");
  }
  if (then != charges_)
    fail("the run continues from step " + std::to_string(frame.step) +
         ", but its charges in the run input are not those in effect then, and mdrun takes them "
         "from there; continue with 'voxion mdrun', which makes the run input anew");
  return updated;
}

void ChargeSurface::pair_search(const MdrunFrame &frame) {
  check_charges(frame);
  searched_ = charges_;
}

std::vector<double> ChargeSurface::differences() const {
  if (charges_ == searched_) return {};
  std::vector<double> differences(charges_);
  for (std::size_t n = 0; n < differences.size(); ++n) differences[n] -= searched_[n];
  return differences;
}

void ChargeSurface::check_charges(const MdrunFrame &frame) const {
  for (std::size_t n = 0; n < atoms_.size(); ++n)
    if (frame.charges[atoms_[n]] != charges_[n])
      fail("at step " + std::to_string(frame.step) + " the charge of atom " +
           std::to_string(atoms_[n] + 1) + " is " + digits(frame.charges[atoms_[n]]) +
           " e and not the " + digits(charges_[n]) +
           " e that this job gave it: something else writes charges, such as another plugin or "
           "free-energy perturbation; leave one of them out");
}

/* ---------------------------------------------------------------------- */

void ChargeSurface::look_from(const voxion::PlanarPair &pair, int electrode,
                              const voxion::Cell &cell) {
  try {
    seen_ = pair.behind_face(positions_, electrode, contract().layers);
    corrugation_.update(seen_, cell);
  } catch (const voxion::AtomError &e) {
    const auto number = [this](std::size_t site) { return std::to_string(atoms_[site] + 1); };
    throw Error("electrode " + group() + ": " + e.described(number, number));
  }
}

void ChargeSurface::predict(const std::vector<double> &sources,
                            const std::vector<double> &source_charges, const voxion::Cell &cell) {
  report = predictor_.predict(sources, source_charges, positions_, seen_, cell, total, predicted_);
}

void ChargeSurface::set(const MdrunFrame &frame, const std::vector<double> &charges) {
  before_update_ = charges_;
  updated_at_ = frame.step;
  for (std::size_t n = 0; n < atoms_.size(); ++n) {
    frame.charges.set(atoms_[n], charges[n]);
    charges_[n] = frame.charges[atoms_[n]];  // in mdrun's precision
  }
}

void ChargeSurface::set_charges(const MdrunFrame &frame) { set(frame, predicted_); }

void ChargeSurface::set_charges_ahead(const MdrunFrame &frame) {
  predictions_before_ = predictions_;
  predictions_.insert(predictions_.begin(), predicted_);
  if (predictions_.size() > 3) predictions_.resize(3);
  const auto &coefficients = predictor_coefficients[predictions_.size() - 1];
  std::vector<double> ahead(atoms_.size(), 0.0);
  for (std::size_t k = 0; k < predictions_.size(); ++k)
    for (std::size_t n = 0; n < ahead.size(); ++n) ahead[n] += coefficients[k] * predictions_[k][n];
  set(frame, ahead);
}

Json ChargeSurface::state(std::int64_t step) const {
  std::vector<int> atoms;
  for (int atom : atoms_) atoms.push_back(atom + 1);
  return {{"group", settings_.group},
          {"atoms", atoms},
          {"model_hash", model_hash_},
          {"total", total},
          {"charges", step == updated_at_ ? before_update_ : charges_},
          {"predictions", step == updated_at_ ? predictions_before_ : predictions_}};
}

}  // namespace voxion_gromacs
