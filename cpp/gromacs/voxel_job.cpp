// The voxels job: channels, windows, and what a checkpoint keeps.
#include "voxel_job.h"

#include <chrono>
#include <numeric>

#include "error.hpp"
#include "model_runner.hpp"

namespace voxion_gromacs {

using voxion::Error;
using voxion::Vector;
using Json = nlohmann::json;

namespace {

// CODATA 2018: an atomic mass unit in kg, in the units of GROMACS's density and pressure.
constexpr double kilogram_per_cubic_metre = 1.66053906660;  // in u/nm^3
constexpr double bar = 16.6053906660;                       // in kJ/mol/nm^3 = u/(nm ps^2)
constexpr const char *known =
    "mass, charge, number, kinetic_xx, kinetic_yy, kinetic_zz, kinetic_xy, kinetic_xz and "
    "kinetic_yz";

}  // namespace

VoxelJob::VoxelJob(const VoxelSettings &settings, const std::array<bool, 3> &periodic,
                   const MdrunLog &log)
    : settings_(settings), periodic_(periodic), log_(log) {
  for (const auto &name : settings.channels) add_channel(name);
  average_ = std::make_unique<voxion::VoxelAverage>(
      settings.window, settings.shape, columns_.size(), voxion::parse_spread(settings.spread));
  if (!settings.classifier.empty()) load_classifier();
}

void VoxelJob::fail(const std::string &what) const {
  throw Error("voxels job of file " + settings_.file + ": " + what);
}

void VoxelJob::add_channel(const std::string &name) {
  for (const auto &other : channels_)
    if (other.name == name) fail("channel " + name + " is named twice");
  std::string unit;
  Column column{Kind::kinetic};
  const std::string axes = "xyz", kinetic = "kinetic_";
  if (name == "mass") {
    column.kind = Kind::mass;
    unit = "kg/m^3";
  } else if (name == "charge") {
    column.kind = Kind::charge;
    unit = "e/nm^3";
  } else if (name == "number") {
    column.kind = Kind::number;
    unit = "1/nm^3";
  } else if (name.rfind(kinetic, 0) == 0 && name.size() == kinetic.size() + 2) {
    const auto a = axes.find(name[kinetic.size()]), b = axes.find(name[kinetic.size() + 1]);
    if (a == std::string::npos || b == std::string::npos || a > b)
      fail("channel " + name + " is unknown; known are " + known);
    column.a = static_cast<int>(a);
    column.b = static_cast<int>(b);
    unit = "bar";
    kinetic_ = true;
  } else {
    fail("channel " + name + " is unknown; known are " + known);
  }
  channels_.push_back({name, unit, {columns_.size()}});
  columns_.push_back(column);
}

void VoxelJob::load_classifier() {
  const std::string &model = settings_.classifier;
  model_hash_ = voxion::hash_file(model);
  classifier_ = std::make_unique<voxion::VoxelClassifier>(
      voxion::load_model(model, "cpu", 1), model, settings_.channels, settings_.shape);
  const auto warning = classifier_->spread_warning(settings_.spread);
  if (!warning.empty()) log_.warn("voxels job of file " + settings_.file + ": " + warning);
}

/* ---------------------------------------------------------------------- */

void VoxelJob::begin(const MdrunFrame &frame, const IndexFile &index, const Json *record) {
  atoms_ = index.group(settings_.group, frame.atoms);
  places_.resize(atoms_.size());
  std::iota(places_.begin(), places_.end(), 0);
  open_store(frame, record ? record->value("store", "") : "");
  wait_for_window(frame.step);
  log_.note("voxels of " + std::to_string(atoms_.size()) + " atoms of group " + settings_.group +
            " into " + settings_.file + ", which has " + std::to_string(store_->frames()) +
            " frames");
  if (record) continue_from(*record, frame.step);
}

voxion::VoxelStoreHeader VoxelJob::header() const {
  voxion::VoxelStoreHeader header;
  header.engine = "GROMACS";
  header.voxion_version = VOXION_VERSION;
  header.unit_style = "gromacs";
  header.length_unit = "nm";
  header.time_unit = "ps";
  header.group = settings_.group;
  header.window = settings_.window;
  header.spread = settings_.spread;
  header.periodic = periodic_;
  header.shape = settings_.shape;
  header.channels = channels_;
  if (classifier_) header.classifier = classifier_->described(model_hash_);
  return header;
}

void VoxelJob::open_store(const MdrunFrame &frame, const std::string &continued_id) {
  store_ = std::make_unique<voxion::VoxelStore>(settings_.file, header());
  const std::size_t dropped = store_->begin(frame.step, continued_id);
  if (dropped > 0)
    log_.note(std::to_string(dropped) + " frames of " + settings_.file + " beyond step " +
              std::to_string(frame.step) + " are dropped, this run makes them again");
}

void VoxelJob::continue_from(const Json &record, std::int64_t step) {
  try {
    if (record.at("definition") != header().definition()) {
      log_.warn("voxels job of file " + settings_.file +
                ": the interrupted run had another grid, window, group or channels; the window "
                "that was open is given up");
      return;
    }
    const auto sums = record.at("sums").get<std::vector<double>>();
    if (!sums.empty()) {
      const auto open = average_->sums().sums();
      if (sums.size() != open.size()) fail("the sums of the open window are damaged");
      std::copy(sums.begin(), sums.end(), open.begin());
    }
    average_->restore({record.at("next").get<std::int64_t>(),
                       record.at("samples").get<std::int64_t>(),
                       record.at("box_sum").get<std::array<Vector, 3>>(),
                       {}});
  } catch (const Json::exception &) {
    fail("what the interrupted run left about it at step " + std::to_string(step) +
         " is damaged; give another file name");
  }
}

Json VoxelJob::state() const {
  const auto &state = average_->state();
  const auto sums = average_->sums().sums();
  return {{"file", settings_.file},
          {"store", store_->id()},
          {"definition", header().definition()},
          {"next", state.next},
          {"samples", state.samples},
          {"box_sum", state.box_sum},
          // all zero before a window's first sample
          {"sums", average_->open() ? std::vector<double>(sums.begin(), sums.end())
                                    : std::vector<double>()}};
}

/* ---------------------------------------------------------------------- */

void VoxelJob::wait_for_window(std::int64_t step) {
  // velocities need the positions of the step before
  const std::int64_t earliest = kinetic_ && previous_step_ < 0 ? step + 1 : step;
  average_->wait(earliest, store_->last_step().value_or(-1));
}

void VoxelJob::step(const MdrunFrame &frame) {
  const auto start = std::chrono::steady_clock::now();
  if (frame.step > average_->next()) {  // only mdrun -rerun leaves steps out
    log_.warn("voxels job of file " + settings_.file + ": step " +
              std::to_string(average_->next()) +
              " of a window was not there, the window is given up");
    wait_for_window(frame.step);
  }
  if (frame.step == average_->next()) {
    sample(frame);
    if (average_->end_sample()) {
      finish_window(frame);
      wait_for_window(frame.step + 1);
    }
  }
  if (kinetic_ && frame.step + 1 == average_->next()) {
    gather(frame, previous_);
    previous_step_ = frame.step;
  }
  const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - start;
  seconds_ += spent.count();
}

void VoxelJob::gather(const MdrunFrame &frame, std::vector<double> &positions) const {
  positions.resize(3 * atoms_.size());
  for (std::size_t n = 0; n < atoms_.size(); ++n)
    for (std::size_t d = 0; d < 3; ++d)
      positions[3 * n + d] = frame.positions[3 * static_cast<std::size_t>(atoms_[n]) + d];
}

void VoxelJob::sample(const MdrunFrame &frame) {
  gather(frame, positions_);
  if (kinetic_) find_velocities(frame);
  try {
    average_->begin_sample(positions_.data(), places_, frame.cell, {});
  } catch (const Error &e) {
    fail("at step " + std::to_string(frame.step) + ": " + e.what());
  }
  deposit(frame);
  ++all_samples_;
}

// mdrun gives no velocities: those of the leap-frog half a step before this one.
void VoxelJob::find_velocities(const MdrunFrame &frame) {
  if (previous_step_ + 1 != frame.step)
    fail("kinetic channels need every step of a run, step " + std::to_string(frame.step - 1) +
         " was not there; leave them out of a rerun");
  const voxion::Reciprocal reciprocal(frame.cell);
  velocities_.resize(positions_.size());
  for (std::size_t n = 0; n < positions_.size(); n += 3) {
    Vector moved;
    for (std::size_t d = 0; d < 3; ++d) moved[d] = positions_[n + d] - previous_[n + d];
    moved = voxion::minimum_image(moved, frame.cell, reciprocal);
    for (std::size_t d = 0; d < 3; ++d) velocities_[n + d] = moved[d] / frame.timestep;
  }
}

void VoxelJob::deposit(const MdrunFrame &frame) {
  const auto atom = [this](int place) { return static_cast<std::size_t>(atoms_[place]); };
  voxion::VoxelSums &sums = average_->sums();
  for (std::size_t c = 0; c < columns_.size(); ++c) {
    const Column &column = columns_[c];
    if (column.kind == Kind::number) {
      sums.deposit(c, [](int) { return 1.0; });
    } else if (column.kind == Kind::charge) {
      sums.deposit(c, [&](int place) { return frame.charges[atom(place)]; });
    } else if (column.kind == Kind::mass) {
      sums.deposit(c,
                   [&](int place) { return kilogram_per_cubic_metre * frame.masses[atom(place)]; });
    } else {
      // the sign of a stress, the negative of a pressure
      sums.deposit(c, [&](int place) {
        const double *v = &velocities_[3 * static_cast<std::size_t>(place)];
        return -bar * frame.masses[atom(place)] * v[column.a] * v[column.b];
      });
    }
  }
}

void VoxelJob::finish_window(const MdrunFrame &frame) {
  auto grids = average_->frame(frame.step, frame.time(), channels_);
  if (classifier_) grids.classification = classifier_->classify(grids);
  store_->append(grids);
  ++frames_;
}

std::string VoxelJob::summary() const {
  return "voxels of group " + settings_.group + ": " + std::to_string(all_samples_) + " samples, " +
         std::to_string(frames_) + " frames in " + settings_.file + ", " + digits(seconds_) + " s";
}

}  // namespace voxion_gromacs
