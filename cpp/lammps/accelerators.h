// Which accelerator of LAMMPS is in use, where it matters to a fix.
#pragma once

#include "lammps.h"
#include "library.h"

namespace voxion_lammps {

// Whether KOKKOS keeps the atoms in the memory of a GPU. With its other back ends they are where a
// fix finds them, and LAMMPS tells KOKKOS what a fix may have changed.
inline bool kokkos_on_gpu(const LAMMPS_NS::LAMMPS *lmp) {
  if (!lmp->kokkos) return false;
  for (const char *api : {"cuda", "hip", "sycl"})
    if (lammps_config_accelerator("KOKKOS", "api", api)) return true;
  return false;
}

}  // namespace voxion_lammps
