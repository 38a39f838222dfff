"""Electrodes that are measured: sheets of growing size, and any that the user has."""

from __future__ import annotations

from pathlib import Path

from benchmarks.common.systems import EQUILIBRATED, graphene
from voxion.errors import VoxionError
from voxion.systems.description import load_system
from voxion.systems.graphene import GrapheneSystem

# One electrode charge density throughout: that of the paper, -4 e on 336 atoms.
ATOMS_PER_CHARGE = 84
SHEET_CELLS = ((12, 7), (24, 14), (48, 28))
SHEET_THICKNESS = 20.0  # angstrom
# Cells of each of two electrodes, their distance (angstrom) and the molarity (mol/L).
PAIRS = (((10, 6), 32.0, 1.0), ((12, 7), 80.0, 1.0), ((28, 24), 20.0, 1.0))


def sheet_systems() -> list[Path]:
    """Return the folders of 336, 1344 and 5376 electrode atoms under a thin electrolyte."""
    folders = []
    for cells in SHEET_CELLS:
        atoms = 4 * cells[0] * cells[1]
        system = GrapheneSystem(
            cells=cells,
            thickness=SHEET_THICKNESS,
            total_charge=-round(atoms / ATOMS_PER_CHARGE),
        )
        folders.append(graphene(f"sheet-{atoms}", system))
    return folders


def pair_systems() -> list[Path]:
    """Return the folders of pairs of 480 and 5376 atoms, and of 672 with the paper's electrolyte.

    None has a charge of its own.
    """
    folders = []
    for cells, thickness, molarity in PAIRS:
        system = GrapheneSystem(
            cells=cells, total_charge=0, capacitor=True, thickness=thickness, molarity=molarity
        )
        folders.append(graphene(f"pair-{2 * system.lower.atoms}", system))
    return folders


def checked(folder: Path) -> Path:
    """Refuse a folder that holds no equilibrated system.

    Raises
    ------
    VoxionError
    """
    load_system(folder)
    if not (folder / EQUILIBRATED).exists():
        raise VoxionError(
            f"{folder} is not equilibrated (no {EQUILIBRATED}): run 'lmp -in in.equilibrate' there."
        )
    return folder
