"""Cost of ways to set an electrode's charges in LAMMPS."""
