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
