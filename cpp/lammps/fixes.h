// The fixes that the plugin offers, as seen by its entry: what libvoxion_lammps.so exports.
#pragma once

namespace LAMMPS_NS {
class LAMMPS;
class Fix;
}  // namespace LAMMPS_NS

extern "C" {
using VoxionFixFactory = LAMMPS_NS::Fix *(*)(LAMMPS_NS::LAMMPS *, int, char **);
[[gnu::visibility("default")]] LAMMPS_NS::Fix *voxion_create_fix_charge(LAMMPS_NS::LAMMPS *, int,
                                                                        char **);
[[gnu::visibility("default")]] LAMMPS_NS::Fix *voxion_create_fix_voxels(LAMMPS_NS::LAMMPS *, int,
                                                                        char **);

// Adds a fix style to those that a LAMMPS knows, without its plugin command.
using VoxionAddFix = void (*)(void *, const char *, VoxionFixFactory);
[[gnu::visibility("default")]] void voxion_add_fix(void *lammps, const char *style,
                                                   VoxionFixFactory factory);
}
