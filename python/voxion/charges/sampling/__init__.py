"""Labelled frames from runs: LAMMPS's ELECTRODE, DFTB+."""
