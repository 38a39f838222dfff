"""Simulation conditions of electrodes in NaCl solution, for both engines."""

from __future__ import annotations

from voxion.systems import forcefields as ff

ELECTROLYTE = [ff.OXYGEN, ff.HYDROGEN, ff.SODIUM, ff.CHLORIDE]
CUTOFF = 10.0  # angstrom
# Root-mean-square error of the forces of the long-range solver over the force between two unit
# charges 1 angstrom apart, as LAMMPS's kspace_style takes it.
KSPACE_ACCURACY = 1e-4
TEMPERATURE = 300.0  # K
TIMESTEP = 2.0  # fs
EQUILIBRATION_STEPS = 10_000

# Purely repulsive 9-3 wall: cut at its minimum, (2/5)^(1/6) sigma.
WALL_EPSILON = 0.5  # kcal/mol
WALL_SIGMA = 3.0  # angstrom
WALL_CUTOFF = 0.4 ** (1 / 6) * WALL_SIGMA
