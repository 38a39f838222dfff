// The simulation box of LAMMPS as the core's cell.
#pragma once

#include "cell.hpp"
#include "domain.h"

namespace voxion_lammps {

// `length` is what one length unit of the run is in the unit of the cell.
inline voxion::Cell cell_of(const LAMMPS_NS::Domain &domain, double length) {
  voxion::Cell cell;
  cell.vectors = {{{domain.xprd * length, 0.0, 0.0},
                   {domain.xy * length, domain.yprd * length, 0.0},
                   {domain.xz * length, domain.yz * length, domain.zprd * length}}};
  for (int d = 0; d < 3; ++d) cell.periodic[d] = domain.periodicity[d] != 0;
  return cell;
}

}  // namespace voxion_lammps
