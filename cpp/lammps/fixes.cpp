// Makes the fixes on request of the plugin's entry.
#include "fixes.h"

#include "fix_voxion_charge.h"
#include "fix_voxion_voxels.h"
#include "lammps.h"
#include "modify.h"

LAMMPS_NS::Fix *voxion_create_fix_charge(LAMMPS_NS::LAMMPS *lmp, int narg, char **arg) {
  return new LAMMPS_NS::FixVoxionCharge(lmp, narg, arg);
}

LAMMPS_NS::Fix *voxion_create_fix_voxels(LAMMPS_NS::LAMMPS *lmp, int narg, char **arg) {
  return new LAMMPS_NS::FixVoxionVoxels(lmp, narg, arg);
}

void voxion_add_fix(void *lammps, const char *style, VoxionFixFactory factory) {
  (*static_cast<LAMMPS_NS::LAMMPS *>(lammps)->modify->fix_map)[style] = factory;
}
