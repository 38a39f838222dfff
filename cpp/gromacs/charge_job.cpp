// The charge job: checks at the start, the update, and what a checkpoint keeps.
#include "charge_job.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>

#include "error.hpp"
#include "planar_pair.hpp"

namespace voxion_gromacs {

using voxion::Error;
using Json = nlohmann::json;

namespace {

constexpr double coulomb = 138.935458;  // of two e at a distance of 1 nm, kJ/mol

// Adds forces in e^2/angstrom^2, xyz triples of some atoms.
void add(const std::vector<double> &forces, const std::vector<int> &atoms, const Reals &all) {
  constexpr double unit = coulomb * angstrom * angstrom;  // kJ/mol/nm
  for (std::size_t i = 0; i < forces.size(); ++i) {
    const std::size_t at = 3 * static_cast<std::size_t>(atoms[i / 3]) + i % 3;
    all.set(at, all[at] + unit * forces[i]);
  }
}

}  // namespace

ChargeJob::ChargeJob(const ChargeSettings &settings, const MdrunOptions &options,
                     const MdrunLog &log)
    : settings_(settings), nstlist_(*options.nstlist), log_(log), range_watch_(settings.range) {
  for (const auto &electrode : settings.electrodes)
    surfaces_.push_back(
        std::make_unique<ChargeSurface>(electrode, settings.device, settings.threads));
  if (settings.every % nstlist_ == 0) return;
  if (settings.every != 1)
    fail("mdrun searches pairs every " + std::to_string(nstlist_) +
         " steps (nstlist); found an update every " + std::to_string(settings.every) +
         " steps, expected a multiple of that, or 1");
  if (!options.coulomb_cutoff || !options.ewald_tolerance)
    fail(
        "updates between pair searches need the mdp options rcoulomb and ewald-rtol: start with "
        "'voxion mdrun'");
  for (std::size_t n = 0; n < surfaces_.size(); ++n)
    short_range_.emplace_back(angstrom * *options.coulomb_cutoff, *options.ewald_tolerance);
}

/* ---------------------------------------------------------------------- */

void ChargeJob::begin(const MdrunFrame &frame, const IndexFile &index,
                      const std::vector<const Json *> &records) {
  sources_ = index.group(settings_.sources, frame.atoms);
  source_charges_.clear();
  for (int atom : sources_) source_charges_.push_back(frame.charges[atom]);
  for (const auto &surface : surfaces_)
    surface->begin(frame, index, settings_.sources, sources_, source_charges_);
  for (const auto &surface : surfaces_)
    if (!at_potentials() && surface->contract().layers.size() > 1)
      surface->fail("model " + surface->settings().model +
                    " is for electrodes of several layers at potentials; expected 'potential' in "
                    "the jobs file");
  if (at_potentials()) check_potentials(frame);
  for (std::size_t n = 0; n < records.size(); ++n)
    updated_ = surfaces_[n]->continue_from(*records[n], frame, log_);
  for (const auto &surface : surfaces_)
    if (voxion::differs_from_trained_cell(surface->contract(), in_angstrom(frame.cell)))
      log_.warn("charge job of group " + surface->group() +
                ": the cell differs from the one that model " + surface->settings().model +
                " was trained in");
  // a model's first call takes far longer than those that follow, and may be the one that fails
  predict(frame);
  if (!settings_.output.empty())
    table_.emplace(settings_.output, settings_.electrodes,
                   records.empty() ? -INFINITY : frame.time());
  for (const auto &surface : surfaces_) {
    const auto &potential = surface->settings().potential;
    log_.note("charges of " + std::to_string(surface->atoms().size()) + " atoms of group " +
              surface->group() +
              (potential ? ", at " + potential->description() + ","
                         : ", in all " + digits(surface->total) + " e,") +
              " from " + surface->settings().model + " every " + std::to_string(settings_.every) +
              " steps");
  }
}

// The functional of the charges is that of two electrodes and a neutral electrolyte between them.
void ChargeJob::check_potentials(const MdrunFrame &frame) const {
  for (const auto &surface : surfaces_)
    if (!surface->contract().plane_offset)
      surface->fail("model " + surface->settings().model +
                    " is not for electrodes at potentials, its contract has no plane_offset; train "
                    "it on the frames of 'voxion charges sample --potential'");
  if (frame.cell.periodic[2])
    fail(
        "electrodes at potentials need a box that is bounded along z: pbc xy in mdp and jobs file, "
        "and ewald-geometry = 3dc");
  const double net = surfaces_[0]->total + surfaces_[1]->total;
  if (std::abs(net) > 1e-4)
    fail("the charges of groups " + groups() + " in the run input add up to " + digits(net) +
         " e; electrodes at potentials are neutral together, and mdrun cannot change the total "
         "charge of a run, so change the topology");
  try {
    voxion::check_neutral_electrolyte(
        std::accumulate(source_charges_.begin(), source_charges_.end(), 0.0));
  } catch (const Error &e) {
    fail(e.what());
  }
  check_bystanders(frame);
}

// Charges beside the electrodes and the electrolyte would induce some that nobody counts.
void ChargeJob::check_bystanders(const MdrunFrame &frame) const {
  std::vector<bool> known(static_cast<std::size_t>(frame.atoms), false);
  for (int atom : sources_) known[atom] = true;
  for (const auto &surface : surfaces_)
    for (int atom : surface->atoms()) known[atom] = true;
  for (std::size_t atom = 0; atom < known.size(); ++atom)
    if (!known[atom] && frame.charges[atom] != 0.0)
      fail("atom " + std::to_string(atom + 1) + " has a charge and belongs neither to groups " +
           groups() + " nor to " + settings_.sources + "; add all charged atoms to the sources");
}

void ChargeJob::pair_search(const MdrunFrame &frame) {
  for (const auto &surface : surfaces_) surface->pair_search(frame);
}

void ChargeJob::step(const MdrunFrame &frame) {
  if (!short_range_.empty()) add_forces(frame);
  if (due(frame.step)) update(frame);
}

// mdrun's forces within the cutoff have the charges of the last pair search, PME's those in effect.
void ChargeJob::add_forces(const MdrunFrame &frame) {
  const auto start = std::chrono::steady_clock::now();
  for (std::size_t n = 0; n < surfaces_.size(); ++n) {
    const auto &surface = *surfaces_[n];
    const auto differences = surface.differences();
    if (differences.empty()) continue;
    gather(frame);
    std::vector<double> on_surface(surface.positions().size(), 0.0);
    std::vector<double> on_sources(source_positions_.size(), 0.0);
    short_range_[n].add(surface.positions(), differences, source_positions_, source_charges_,
                        in_angstrom(frame.cell), on_surface, on_sources);
    add(on_surface, surface.atoms(), frame.forces);
    add(on_sources, sources_, frame.forces);
  }
  const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - start;
  seconds_ += spent.count();
}

/* ---------------------------------------------------------------------- */

bool ChargeJob::due(std::int64_t step) const {
  const std::int64_t next = step + 1;
  return next % settings_.every == 0 || (!updated_ && next % nstlist_ == 0);
}

void ChargeJob::update(const MdrunFrame &frame) {
  for (const auto &surface : surfaces_) surface->check_charges(frame);
  const auto start = std::chrono::steady_clock::now();
  predict(frame);
  for (const auto &surface : surfaces_)
    settings_.every == 1 ? surface->set_charges_ahead(frame) : surface->set_charges(frame);
  const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - start;
  seconds_ += spent.count();
  ++updates_;
  updated_ = true;
  updated_at_ = frame.step;
  check_range(frame.step);
  if (table_) write_row(frame, 1000.0 * spent.count());
}

void ChargeJob::gather(const MdrunFrame &frame) {
  if (gathered_at_ == frame.step) return;
  gather_positions(sources_, frame, source_positions_);
  for (std::size_t n = 0; n < sources_.size(); ++n) source_charges_[n] = frame.charges[sources_[n]];
  for (const auto &surface : surfaces_) surface->gather(frame);
  gathered_at_ = frame.step;
}

void ChargeJob::predict(const MdrunFrame &frame) {
  const voxion::Cell cell = in_angstrom(frame.cell);
  gather(frame);
  // the messages have the numbers of atoms in the run, from 1
  const auto number_in = [](const std::vector<int> &atoms) {
    return [&atoms](std::size_t index) { return std::to_string(atoms[index] + 1); };
  };
  const ChargeSurface *at = surfaces_.front().get();
  try {
    if (at_potentials()) find_totals(cell, effective_time(frame));
    for (const auto &surface : surfaces_) {
      at = surface.get();
      surface->predict(source_positions_, source_charges_, cell);
    }
  } catch (const voxion::AtomError &e) {
    at->fail("at step " + std::to_string(frame.step) + ": " +
             e.described(number_in(at->atoms()), number_in(sources_)));
  } catch (const Error &e) {
    at->fail("at step " + std::to_string(frame.step) + ": " + e.what());
  }
}

// The time (ps) from which on charges that are predicted now act.
double ChargeJob::effective_time(const MdrunFrame &frame) { return frame.time() + frame.timestep; }

// The charges of the electrodes at their potentials, from where the electrolyte is.
void ChargeJob::find_totals(const voxion::Cell &cell, double time) {
  auto &first = *surfaces_[0], &second = *surfaces_[1];
  const voxion::PlanarPair pair(first.positions(), second.positions(),
                                {*first.contract().plane_offset, *second.contract().plane_offset},
                                cell);
  first.look_from(pair, 0, cell);
  second.look_from(pair, 1, cell);
  const std::array<const voxion::Corrugation *, 2> corrugations{&first.corrugation(),
                                                                &second.corrugation()};
  double moment = 0.0;
  for (std::size_t n = 0; n < sources_.size(); ++n) {
    const double *position = &source_positions_[3 * n];
    const double height = pair.height(position[2]);
    if (!pair.between(height))
      throw Error("atom " + std::to_string(sources_[n] + 1) + " of group " + settings_.sources +
                  " is not between the electrodes; the charges at a potential are those of an "
                  "electrolyte between them");
    moment += source_charges_[n] * pair.lever(position, height, corrugations);
  }
  for (const auto &surface : surfaces_)
    surface->potential = surface->settings().potential->at(time);
  const auto totals = pair.charges({first.potential, second.potential}, moment);
  first.total = totals[0];
  second.total = totals[1];
}

void ChargeJob::write_row(const MdrunFrame &frame, double milliseconds) {
  std::vector<ChargeRow> rows;
  for (const auto &surface : surfaces_)
    rows.push_back({surface->report, surface->distance(in_angstrom(frame.cell)), milliseconds,
                    surface->total, surface->potential});
  table_->add(effective_time(frame), rows);
}

void ChargeJob::check_range(std::int64_t step) {
  for (const auto &surface : surfaces_) {
    std::string warning;
    try {
      warning = range_watch_.check(surface->report.outside_fraction, step);
    } catch (const Error &e) {
      surface->fail(e.what());
    }
    if (!warning.empty()) log_.warn("charge job of group " + surface->group() + ": " + warning);
  }
}

/* ---------------------------------------------------------------------- */

std::vector<Json> ChargeJob::state(std::int64_t step) const {
  std::vector<Json> records;
  for (const auto &surface : surfaces_) {
    records.push_back(surface->state(step));
    records.back()["updated"] = updated_;
  }
  return records;
}

std::string ChargeJob::groups() const {
  std::string names = surfaces_.front()->group();
  if (at_potentials()) names += " and " + surfaces_.back()->group();
  return names;
}

std::string ChargeJob::summary() const {
  return "charges of group " + groups() + ": " + std::to_string(updates_) + " updates, " +
         digits(seconds_) + " s";
}

}  // namespace voxion_gromacs
