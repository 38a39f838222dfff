"""The configuration of the embedded system, and larger ones made of copies of it."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np

from voxion.charges.sampling.run import load_configuration
from voxion.demo import copy_system
from voxion.engines.lammps import cell_of, gather, in_group, lammps_session

# positions and charges of the electrolyte, positions of the sheet, cell
Configuration = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]
TOTAL_CHARGE = -4.0  # of its sheet of 336 atoms, e


def demonstration() -> Configuration:
    """Return the configuration of the embedded system."""
    with tempfile.TemporaryDirectory() as work, lammps_session() as engine:
        folder = copy_system(Path(work) / "system")
        load_configuration(engine, folder, folder / "equilibrated.data")
        positions, charges = gather(engine, "x"), gather(engine, "q")
        surface = in_group(engine, "surface")
        return positions[~surface], charges[~surface], positions[surface], cell_of(engine)[0]


def tiled(one: Configuration, copies: int) -> Configuration:
    """Return copies of a configuration beside each other, as many along x as along y."""
    sources, charges, surface, cell = one
    shifts = [i * cell[0] + j * cell[1] for i in range(copies) for j in range(copies)]
    return (
        np.vstack([sources + shift for shift in shifts]),
        np.tile(charges, copies**2),
        np.vstack([surface + shift for shift in shifts]),
        cell * np.array([[copies], [copies], [1]]),
    )
