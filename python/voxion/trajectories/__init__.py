"""Trajectories of LAMMPS and GROMACS: opened with MDAnalysis, checked against their topology."""
