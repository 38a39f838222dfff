"""Cost of voxel grids during a LAMMPS run."""
