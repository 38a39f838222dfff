// Makes the fixes on request of the plugin's entry.
#include "fixes.h"

#include "fix_voxion_charge.h"
#include "fix_voxion_voxels.h"

LAMMPS_NS::Fix *voxion_create_fix_charge(LAMMPS_NS::LAMMPS *lmp, int narg, char **arg) {
  return new LAMMPS_NS::FixVoxionCharge(lmp, narg, arg);
}

LAMMPS_NS::Fix *voxion_create_fix_voxels(LAMMPS_NS::LAMMPS *lmp, int narg, char **arg) {
  return new LAMMPS_NS::FixVoxionVoxels(lmp, narg, arg);
}
