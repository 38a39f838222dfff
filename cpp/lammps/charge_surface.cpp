// Loading and checking a surface's model, gathering its inputs, setting its charges.
#include "charge_surface.h"

#include <mpi.h>

#include <algorithm>
#include <limits>
#include <numeric>

#include "atom.h"
#include "comm.h"
#include "domain.h"
#include "error.h"
#include "error.hpp"
#include "fmt/format.h"
#include "group.h"
#include "lammps_cell.h"
#include "near_sources.h"
#include "on_root.h"
#include "planar_pair.hpp"
#include "update.h"

using namespace LAMMPS_NS;

namespace {

std::size_t index_of(const std::vector<tagint> &tags, tagint tag) {
  return std::lower_bound(tags.begin(), tags.end(), tag) - tags.begin();
}

// The IDs of all atoms of a group on all ranks, ascending.
std::vector<tagint> tags_of_group(LAMMPS *lmp, int bit) {
  std::vector<tagint> mine;
  for (int i = 0; i < lmp->atom->nlocal; ++i)
    if (lmp->atom->mask[i] & bit) mine.push_back(lmp->atom->tag[i]);
  const int ranks = lmp->comm->nprocs;
  int count = static_cast<int>(mine.size());
  std::vector<int> counts(ranks), offsets(ranks, 0);
  MPI_Allgather(&count, 1, MPI_INT, counts.data(), 1, MPI_INT, lmp->world);
  for (int p = 1; p < ranks; ++p) offsets[p] = offsets[p - 1] + counts[p - 1];
  std::vector<tagint> all(offsets.back() + counts.back());
  MPI_Allgatherv(mine.data(), count, MPI_LMP_TAGINT, all.data(), counts.data(), offsets.data(),
                 MPI_LMP_TAGINT, lmp->world);
  std::sort(all.begin(), all.end());
  return all;
}

}  // namespace

// Runs `action` on rank 0; if it throws, all ranks stop with its message.
template <typename Action>
void ChargeSurface::on_root(const std::string &when, Action action) {
  const auto problem = voxion_lammps::failure_on_root(comm->me, world, [&] {
    try {
      action();
    } catch (const voxion::AtomError &e) {
      throw voxion::Error(described(e));
    }
  });
  if (!problem.empty()) error->all(FLERR, "{}{}: {}", owner_, when, problem);
}

// Runs `action` on each rank; a rank on which it throws ends the run with its message.
template <typename Action>
void ChargeSurface::on_all(Action action) {
  try {
    action();
  } catch (const voxion::AtomError &e) {
    error->one(FLERR, "{}{}: {}", owner_, at_step(), described(e));
  } catch (const voxion::Error &e) {
    error->one(FLERR, "{}{}: {}", owner_, at_step(), e.what());
  }
}

std::string ChargeSurface::at_step() const { return fmt::format(" at step {}", update->ntimestep); }

// The message with the IDs of its atoms.
std::string ChargeSurface::described(const voxion::AtomError &error) const {
  const auto id_in = [](const std::vector<tagint> &tags) {
    return [&tags](std::size_t index) { return fmt::format("ID {}", tags[index]); };
  };
  return error.described(id_in(tags_), id_in(call_tags_));
}

/* ---------------------------------------------------------------------- */

ChargeSurface::ChargeSurface(LAMMPS *lmp, const std::string &owner, const std::string &group,
                             const std::string &model, const std::string &device, int threads)
    : Pointers(lmp),
      owner_(owner),
      group_(group),
      model_(model),
      device_(device),
      threads_(threads) {
  load();
}

ChargeSurface::~ChargeSurface() = default;

// Rank 0 runs the model; all ranks know its contract.
void ChargeSurface::load() {
  std::string json;
  on_root("", [&] {
    auto runner = voxion::load_model(model_, device_, threads_);
    json = runner->contract_json();
    predictor_ = std::make_unique<voxion::ChargePredictor>(std::move(runner), model_);
    model_hash_ = voxion::hash_file(model_);
  });
  voxion_lammps::broadcast(json, world);
  MPI_Bcast(&model_hash_, 1, MPI_UINT64_T, 0, world);
  contract_ = voxion::parse_charge_contract(json, model_);
  corrugation_ = voxion::Corrugation(contract_.corrugation);
  if (contract_.radial_functions)
    site_potentials_ = std::make_unique<voxion::SitePotentials>(*contract_.radial_functions,
                                                                contract_.largest_wave_vector);
}

int ChargeSurface::begin_run(const std::string &sources, double angstrom) {
  angstrom_ = angstrom;
  find_groups(sources);
  check_charges();
  charges_.resize(tags_.size());
  if (comm->me == 0 &&
      voxion::differs_from_trained_cell(contract_, voxion_lammps::cell_of(*domain, angstrom_)))
    error->warning(FLERR, "{}: the cell differs from the one that model {} was trained in", owner_,
                   model_);
  return bit_;
}

void ChargeSurface::find_groups(const std::string &sources) {
  const int surface_group = group->find(group_), sources_group = group->find(sources);
  if (surface_group < 0)
    error->all(FLERR, "{}: there is no group {} for keyword couple", owner_, group_);
  if (sources_group < 0)
    error->all(FLERR, "{}: there is no group {} for keyword sources", owner_, sources);
  if (group->dynamic[surface_group] || group->dynamic[sources_group])
    error->all(FLERR, "{}: its groups must be static, not dynamic", owner_);
  bit_ = group->bitmask[surface_group];
  sources_bit_ = group->bitmask[sources_group];
  if (contract_.radial_functions) {
    const double reach = contract_.largest_wave_vector ? std::numeric_limits<double>::infinity()
                                                       : contract_.radial_functions->cutoff;
    near_sources_ = std::make_unique<NearSources>(lmp, sources_bit_, reach);
  }
  tags_ = tags_of_group(lmp, bit_);
  source_tags_ = tags_of_group(lmp, sources_bit_);
  if (tags_.empty()) error->all(FLERR, "{}: the surface group {} has no atoms", owner_, group_);
  if (source_tags_.empty())
    error->all(FLERR, "{}: the sources group {} has no atoms", owner_, sources);
  std::vector<tagint> both;
  std::set_intersection(tags_.begin(), tags_.end(), source_tags_.begin(), source_tags_.end(),
                        std::back_inserter(both));
  if (!both.empty())
    error->all(FLERR,
               "{}: surface group {} and sources group {} share {} atoms, the first with ID {}; "
               "they must not overlap",
               owner_, group_, sources, both.size(), both.front());
}

void ChargeSurface::check_charges() {
  std::vector<double> charges(source_tags_.size(), 0.0);
  for (int i = 0; i < atom->nlocal; ++i)
    if (atom->mask[i] & sources_bit_) charges[index_of(source_tags_, atom->tag[i])] = atom->q[i];
  source_charges_.resize(charges.size());
  MPI_Allreduce(charges.data(), source_charges_.data(), static_cast<int>(charges.size()),
                MPI_DOUBLE, MPI_SUM, world);
  sources_charge_ = std::accumulate(source_charges_.begin(), source_charges_.end(), 0.0);
  on_root("", [&] {
    voxion::check_surface(contract_, tags_.size());
    voxion::check_sources(contract_, source_charges_);
  });
}

double ChargeSurface::present_charge() const {
  double charge = 0.0;
  for (int i = 0; i < atom->nlocal; ++i)
    if (atom->mask[i] & bit_) charge += atom->q[i];
  MPI_Allreduce(MPI_IN_PLACE, &charge, 1, MPI_DOUBLE, MPI_SUM, world);
  return charge;
}

void ChargeSurface::renumbered() {
  if (near_sources_) near_sources_->renumbered();
}

/* ---------------------------------------------------------------------- */

void ChargeSurface::gather() {
  gather_positions(tags_, bit_, positions_);
  seen_ = positions_;
}

void ChargeSurface::look_from(const voxion::PlanarPair &pair, int electrode) {
  try {
    seen_ = pair.behind_face(positions_, electrode, contract_.layers);
    corrugation_.update(seen_, voxion_lammps::cell_of(*domain, angstrom_));
  } catch (const voxion::AtomError &e) {
    throw voxion::Error("electrode " + group_ + ": " + described(e));
  }
}

void ChargeSurface::predict(double total) {
  const voxion::Cell cell = voxion_lammps::cell_of(*domain, angstrom_);
  if (site_potentials_) {
    near_sources_->gather(positions_, angstrom_, sources_, source_charges_, call_tags_);
    potentials_.resize(charges_.size() * site_potentials_->columns());
    on_all([&] {
      site_potentials_->compute(positions_, sources_, source_charges_, cell, potentials_);
    });
    MPI_Allreduce(MPI_IN_PLACE, potentials_.data(), static_cast<int>(potentials_.size()),
                  MPI_DOUBLE, MPI_SUM, world);
    if (share_prediction(cell))
      predict_in_parts(cell, total);
    else
      on_root(at_step(), [&] {
        report = predictor_->from_site_potentials(potentials_, seen_, cell, total, charges_);
      });
  } else {
    gather_positions(source_tags_, sources_bit_, sources_);
    call_tags_ = source_tags_;
    on_root(at_step(), [&] {
      report = predictor_->from_positions(sources_, source_charges_, seen_, cell, total, charges_);
    });
  }
  MPI_Bcast(charges_.data(), static_cast<int>(charges_.size()), MPI_DOUBLE, 0, world);
  MPI_Bcast(&report, sizeof(voxion::ChargeReport), MPI_BYTE, 0, world);
  distance_known_ = !site_potentials_;
}

// True where each rank gains by computing its part of the model's response: a part that is not
// much smaller than the electrode, with the sites around it, takes as long as the whole. A GPU is
// quicker with the whole.
bool ChargeSurface::share_prediction(const voxion::Cell &cell) {
  if (!contract_.reach || comm->nprocs == 1 || device_ != "cpu") return false;
  if (!domain_)
    domain_ = std::make_unique<voxion::SiteDomain>(comm->me, comm->nprocs, *contract_.reach);
  domain_->update(seen_, cell);
  auto largest = static_cast<int>(domain_->sites().size());
  MPI_Allreduce(MPI_IN_PLACE, &largest, 1, MPI_INT, MPI_MAX, world);
  if (2 * static_cast<std::size_t>(largest) > tags_.size()) return false;
  if (!part_predictor_)
    on_all([&] {
      part_predictor_ = std::make_unique<voxion::ChargePredictor>(
          voxion::load_model(model_, device_, threads_), model_);
    });
  return true;
}

void ChargeSurface::predict_in_parts(const voxion::Cell &cell, double total) {
  const auto &sites = domain_->sites();
  std::vector<double> response(charges_.size(), 0.0);
  on_all([&] {
    if (domain_->own() == 0) return;
    try {
      const auto found = part_predictor_->response(
          voxion::rows_of(potentials_, site_potentials_->columns(), sites),
          voxion::rows_of(seen_, 3, sites), cell);
      for (std::size_t i = 0; i < domain_->own(); ++i) response[sites[i]] = found[i];
    } catch (const voxion::AtomError &e) {  // by its number among all sites
      throw voxion::AtomError(e.what(), e.site ? std::optional(sites[*e.site]) : e.site, e.source);
    }
  });
  const auto count = static_cast<int>(response.size());
  MPI_Reduce(comm->me == 0 ? MPI_IN_PLACE : response.data(), response.data(), count, MPI_DOUBLE,
             MPI_SUM, 0, world);
  on_root(at_step(), [&] {
    report = predictor_->from_response(response, potentials_, seen_, cell, total, charges_);
  });
}

// The positions (angstrom, inside the periodic box) of a group on all ranks, by ascending ID.
void ChargeSurface::gather_positions(const std::vector<tagint> &tags, int bit,
                                     std::vector<double> &xyz) {
  xyz.assign(3 * tags.size() + 1, 0.0);  // the last entry counts the atoms found
  for (int i = 0; i < atom->nlocal; ++i) {
    if (!(atom->mask[i] & bit)) continue;
    const std::size_t index = index_of(tags, atom->tag[i]);
    double x[3] = {atom->x[i][0], atom->x[i][1], atom->x[i][2]};
    domain->remap(x);
    for (int d = 0; d < 3; ++d) xyz[3 * index + d] = x[d] * angstrom_;
    xyz.back() += 1.0;
  }
  MPI_Allreduce(MPI_IN_PLACE, xyz.data(), static_cast<int>(xyz.size()), MPI_DOUBLE, MPI_SUM, world);
  if (xyz.back() != static_cast<double>(tags.size()))
    error->all(FLERR, "{}{}: {} of {} atoms of its groups are lost", owner_, at_step(),
               tags.size() - static_cast<std::size_t>(xyz.back()), tags.size());
  xyz.pop_back();
}

void ChargeSurface::set_charges() {
  for (std::size_t site = 0; site < tags_.size(); ++site) {
    const int i = atom->map(tags_[site]);
    if (i >= 0 && i < atom->nlocal) atom->q[i] = charges_[site];
  }
}

double ChargeSurface::distance() {
  if (distance_known_) return distance_;
  on_root(at_step(), [&] {
    const voxion::Cell cell = voxion_lammps::cell_of(*domain, angstrom_);
    distance_ = predictor_->distance(potentials_, seen_, cell).value_or(0.0);
  });
  MPI_Bcast(&distance_, 1, MPI_DOUBLE, 0, world);
  distance_known_ = true;
  return distance_;
}

double ChargeSurface::memory_usage() const {
  const std::size_t numbers = positions_.capacity() + seen_.capacity() + sources_.capacity() +
                              source_charges_.capacity() + potentials_.capacity() +
                              charges_.capacity();
  const std::size_t tags = tags_.capacity() + source_tags_.capacity();
  return static_cast<double>(numbers * sizeof(double) + tags * sizeof(tagint));
}
