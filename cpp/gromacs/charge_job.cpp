// The charge job: checks at the start, the update, and what a checkpoint keeps.
#include "charge_job.h"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "error.hpp"
#include "hash.hpp"
#include "model_runner.hpp"

namespace voxion_gromacs {

using voxion::Error;
using Json = nlohmann::json;

namespace {

constexpr double angstrom = 10.0;  // in a nm

voxion::Cell in_angstrom(voxion::Cell cell) {
  for (auto &vector : cell.vectors)
    for (double &component : vector) component *= angstrom;
  return cell;
}

// Positions of some atoms inside the periodic box, angstrom.
void gather(const std::vector<int> &atoms, const MdrunFrame &frame, const voxion::Cell &cell,
            std::vector<double> &xyz) {
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

}  // namespace

ChargeJob::ChargeJob(const ChargeSettings &settings, std::int64_t nstlist, const MdrunLog &log)
    : settings_(settings),
      nstlist_(nstlist),
      log_(log),
      model_hash_(voxion::hexadecimal(voxion::hash_file(settings.model))),
      predictor_(voxion::load_torchscript(settings.model, settings.device, settings.threads),
                 settings.model),
      range_watch_(settings.range) {
  if (settings.every % nstlist != 0)
    fail("charges can change at pair searches only, every " + std::to_string(nstlist) +
         " steps (nstlist); found an update every " + std::to_string(settings.every) +
         " steps, expected a multiple of that");
}

void ChargeJob::fail(const std::string &what) const {
  throw Error("charge job of group " + settings_.group + ": " + what);
}

/* ---------------------------------------------------------------------- */

void ChargeJob::begin(const MdrunFrame &frame, const IndexFile &index, const Json *record) {
  surface_ = index.group(settings_.group, frame.atoms);
  sources_ = index.group(settings_.sources, frame.atoms);
  std::vector<int> both;
  std::set_intersection(surface_.begin(), surface_.end(), sources_.begin(), sources_.end(),
                        std::back_inserter(both));
  if (!both.empty())
    fail("it shares " + std::to_string(both.size()) + " atoms with its sources " +
         settings_.sources + ", the first is atom " + std::to_string(both.front() + 1) +
         "; they must not overlap");
  check_topology_charges(frame);
  if (record) continue_from(*record, frame);
  if (voxion::differs_from_trained_cell(predictor_.contract(), in_angstrom(frame.cell)))
    log_.warn("charge job of group " + settings_.group +
              ": the cell differs from the one that model " + settings_.model + " was trained in");
  // a model's first call takes far longer than those that follow, and may be the one that fails
  predict(frame);
  if (!settings_.output.empty())
    table_.emplace(settings_.output, settings_.group, record ? frame.time() : -INFINITY);
  log_.note("charges of " + std::to_string(surface_.size()) + " atoms of group " + settings_.group +
            ", in all " + digits(total_) + " e, from " + settings_.model + " every " +
            std::to_string(settings_.every) + " steps");
}

void ChargeJob::check_topology_charges(const MdrunFrame &frame) {
  charges_.clear();
  for (int atom : surface_) {
    charges_.push_back(frame.charges[atom]);
    if (charges_.back() == 0.0)
      fail("atom " + std::to_string(atom + 1) +
           " has no charge in the run input, and mdrun leaves chargeless atoms out of its Coulomb "
           "sums for the whole run; give every atom of the group a charge in the topology, "
           "1e-6 e is enough");
  }
  source_charges_.clear();
  for (int atom : sources_) source_charges_.push_back(frame.charges[atom]);
  try {
    voxion::check_surface(predictor_.contract(), surface_.size());
    voxion::check_sources(predictor_.contract(), source_charges_);
  } catch (const Error &e) {
    fail(e.what());
  }
  total_ = 0.0;
  for (double charge : charges_) total_ += charge;
  const auto trained = predictor_.contract().total_charge;
  if (trained && std::abs(*trained - total_) > 1e-4)
    fail("the charges of its atoms in the run input add up to " + digits(total_) +
         " e, the model was trained with " + digits(*trained) +
         " e; mdrun cannot change the total charge of a run, so change the topology");
}

void ChargeJob::continue_from(const Json &record, const MdrunFrame &frame) {
  std::vector<double> then;
  try {
    then = record.at("charges").get<std::vector<double>>();
    total_ = record.at("total").get<double>();
    updated_ = record.at("updated").get<bool>();
    if (record.at("model_hash") != model_hash_)
      log_.warn("charge job of group " + settings_.group + ": model " + settings_.model +
                " is not the one that the interrupted run had");
  } catch (const Json::exception &) {
    fail("what the interrupted run left about it is damaged; start a new run");
  }
  if (then != charges_)
    fail("the run continues from step " + std::to_string(frame.step) +
         ", but its charges in the run input are not those in effect then, and mdrun takes them "
         "from there; continue with 'voxion mdrun', which makes the run input anew");
}

void ChargeJob::check_charges(const MdrunFrame &frame) const {
  for (std::size_t n = 0; n < surface_.size(); ++n)
    if (frame.charges[surface_[n]] != charges_[n])
      fail("at step " + std::to_string(frame.step) + " the charge of atom " +
           std::to_string(surface_[n] + 1) + " is " + digits(frame.charges[surface_[n]]) +
           " e and not the " + digits(charges_[n]) +
           " e that this job gave it: something else writes charges, such as another plugin or "
           "free-energy perturbation; leave one of them out");
}

/* ---------------------------------------------------------------------- */

bool ChargeJob::due(std::int64_t step) const {
  const std::int64_t next = step + 1;
  return next % settings_.every == 0 || (!updated_ && next % nstlist_ == 0);
}

void ChargeJob::update(const MdrunFrame &frame) {
  check_charges(frame);
  const auto start = std::chrono::steady_clock::now();
  const std::vector<double> predicted = predict(frame);
  before_update_ = charges_;
  updated_at_ = frame.step;
  for (std::size_t n = 0; n < surface_.size(); ++n) {
    frame.charges.set(surface_[n], predicted[n]);
    charges_[n] = frame.charges[surface_[n]];  // in mdrun's precision
  }
  const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - start;
  seconds_ += spent.count();
  ++updates_;
  updated_ = true;
  check_range(frame.step);
  if (table_) write_row(frame, 1000.0 * spent.count());
}

std::vector<double> ChargeJob::predict(const MdrunFrame &frame) {
  try {
    return run_model(frame);
  } catch (const voxion::AtomError &e) {
    fail("at step " + std::to_string(frame.step) + ": " + described(e));
  } catch (const Error &e) {
    fail("at step " + std::to_string(frame.step) + ": " + e.what());
  }
}

// The message with the numbers of its atoms in the run, from 1.
std::string ChargeJob::described(const voxion::AtomError &error) const {
  const auto number_in = [](const std::vector<int> &atoms) {
    return [&atoms](std::size_t index) { return std::to_string(atoms[index] + 1); };
  };
  return error.described(number_in(surface_), number_in(sources_));
}

std::vector<double> ChargeJob::run_model(const MdrunFrame &frame) {
  const voxion::Cell cell = in_angstrom(frame.cell);
  gather(surface_, frame, cell, surface_positions_);
  gather(sources_, frame, cell, source_positions_);
  for (std::size_t n = 0; n < sources_.size(); ++n) source_charges_[n] = frame.charges[sources_[n]];
  std::vector<double> charges(surface_.size());
  report_ = predictor_.predict(source_positions_, source_charges_, surface_positions_, cell, total_,
                               charges);
  return charges;
}

void ChargeJob::write_row(const MdrunFrame &frame, double milliseconds) {
  const auto distance = predictor_.distance(surface_positions_, in_angstrom(frame.cell));
  table_->add(frame.time() + frame.timestep, report_, distance.value_or(0.0), milliseconds);
}

void ChargeJob::check_range(std::int64_t step) {
  std::string warning;
  try {
    warning = range_watch_.check(report_.outside_fraction, step);
  } catch (const Error &e) {
    fail(e.what());
  }
  if (!warning.empty()) log_.warn("charge job of group " + settings_.group + ": " + warning);
}

/* ---------------------------------------------------------------------- */

Json ChargeJob::state(std::int64_t step) const {
  std::vector<int> atoms;
  for (int atom : surface_) atoms.push_back(atom + 1);
  return {
      {"group", settings_.group},  {"atoms", atoms},
      {"model_hash", model_hash_}, {"total", total_},
      {"updated", updated_},       {"charges", step == updated_at_ ? before_update_ : charges_}};
}

std::string ChargeJob::summary() const {
  return "charges of group " + settings_.group + ": " + std::to_string(updates_) + " updates, " +
         digits(seconds_) + " s";
}

}  // namespace voxion_gromacs
