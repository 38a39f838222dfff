// Selection, exchange and sharing of the electrolyte atoms near a surface.
#include "near_sources.h"

#include <mpi.h>

#include <algorithm>
#include <cmath>

#include "atom.h"
#include "comm.h"
#include "domain.h"

using namespace LAMMPS_NS;

namespace {

// Distance that an atom that was not selected may move before the next selection, angstrom. Below
// LAMMPS's usual trigger, half a skin of 2, nothing is selected twice between its reneighbourings.
constexpr double selection_margin = 1.0;
constexpr int numbers = 5;  // of one source: x, y, z, q, ID

// The surface's extent along one direction.
struct Extent {
  double middle, half;

  // Distance of x outside the range; `period` is 0 where nothing repeats.
  double distance(double x, double period) const {
    double away = x - middle;
    if (period > 0.0) away -= period * std::round(away / period);
    return std::abs(away) - half;
  }
};

Extent extent_of(const std::vector<double> &positions, int direction) {
  double low = positions[direction], high = low;
  for (std::size_t i = direction; i < positions.size(); i += 3) {
    low = std::min(low, positions[i]);
    high = std::max(high, positions[i]);
  }
  return {0.5 * (low + high), 0.5 * (high - low)};
}

}  // namespace

void NearSources::gather(const std::vector<double> &surface, double angstrom,
                         std::vector<double> &positions, std::vector<double> &charges,
                         std::vector<tagint> &tags) {
  if (!selected_ || others_moved()) select(surface, angstrom);
  std::vector<double> mine;
  mine.reserve(numbers * near_.size());
  for (int i : near_) {
    for (int d = 0; d < 3; ++d) mine.push_back(atom->x[i][d] * angstrom);
    mine.push_back(atom->q[i]);
    mine.push_back(static_cast<double>(atom->tag[i]));
  }
  int size = static_cast<int>(mine.size());
  std::vector<int> sizes(comm->nprocs), offsets(comm->nprocs, 0);
  MPI_Allgather(&size, 1, MPI_INT, sizes.data(), 1, MPI_INT, world);
  for (int p = 1; p < comm->nprocs; ++p) offsets[p] = offsets[p - 1] + sizes[p - 1];
  std::vector<double> all(offsets.back() + sizes.back());
  MPI_Allgatherv(mine.data(), size, MPI_DOUBLE, all.data(), sizes.data(), offsets.data(),
                 MPI_DOUBLE, world);
  positions.clear();
  charges.clear();
  tags.clear();
  const std::size_t step = static_cast<std::size_t>(numbers) * comm->nprocs;
  for (std::size_t at = static_cast<std::size_t>(numbers) * comm->me; at < all.size(); at += step) {
    positions.insert(positions.end(), &all[at], &all[at] + 3);
    charges.push_back(all[at + 3]);
    tags.push_back(static_cast<tagint>(all[at + 4]));
  }
}

void NearSources::select(const std::vector<double> &surface, double angstrom) {
  margin_ = selection_margin / angstrom;
  const double limit = reach_ / angstrom + margin_;
  const double lengths[3] = {domain->xprd, domain->yprd, domain->zprd};
  Extent extent[3];
  for (int d = 0; d < 3; ++d) {
    extent[d] = extent_of(surface, d);
    extent[d].middle /= angstrom;
    extent[d].half /= angstrom;
  }
  near_.clear();
  others_.clear();
  others_selected_.clear();
  for (int i = 0; i < atom->nlocal; ++i) {
    if (!(atom->mask[i] & bit_)) continue;
    const double *x = atom->x[i];
    bool near = true;
    for (int d = 0; d < 3 && !domain->triclinic; ++d)
      near = near && extent[d].distance(x[d], domain->periodicity[d] ? lengths[d] : 0.0) < limit;
    (near ? near_ : others_).push_back(i);
    if (!near) others_selected_.insert(others_selected_.end(), x, x + 3);
  }
  selected_ = true;
}

bool NearSources::others_moved() const {
  for (std::size_t n = 0; n < others_.size(); ++n) {
    const double *x = atom->x[others_[n]], *then = &others_selected_[3 * n];
    const double moved = (x[0] - then[0]) * (x[0] - then[0]) + (x[1] - then[1]) * (x[1] - then[1]) +
                         (x[2] - then[2]) * (x[2] - then[2]);
    if (!(moved < margin_ * margin_)) return true;  // so that a NaN counts as moved
  }
  return false;
}
