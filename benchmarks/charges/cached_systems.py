"""The systems of the benchmarks: built and equilibrated once, kept in ``runs/benchmarks``."""

from __future__ import annotations

import shutil
from pathlib import Path

from voxion.engines.lammps import run_lammps
from voxion.errors import VoxionError
from voxion.systems.description import load_system
from voxion.systems.graphene import GrapheneSystem

CACHE = Path(__file__).resolve().parents[2] / "runs" / "benchmarks"
SEED = 1
# Long enough that the packed start is forgotten: a step's cost is then what it stays.
STEPS = 500
# One electrode charge density throughout: that of the paper, -4 e on 336 atoms.
ATOMS_PER_CHARGE = 84
SHEET_CELLS = ((12, 7), (24, 14), (48, 28))
SHEET_THICKNESS = 20.0  # angstrom


def paper_system() -> Path:
    """Folder of the paper's system: 336 C at -4 e under 80 angstrom of electrolyte."""
    return _cached("paper", GrapheneSystem())


def sheet_systems() -> list[Path]:
    """Folders of 336, 1344 and 5376 electrode atoms under a thin electrolyte."""
    folders = []
    for cells in SHEET_CELLS:
        atoms = 4 * cells[0] * cells[1]
        system = GrapheneSystem(
            cells=cells,
            thickness=SHEET_THICKNESS,
            total_charge=-round(atoms / ATOMS_PER_CHARGE),
        )
        folders.append(_cached(f"sheet-{atoms}", system))
    return folders


def checked(folder: Path) -> Path:
    """Refuse a folder that holds no equilibrated system.

    Raises
    ------
    VoxionError
    """
    load_system(folder)
    if not (folder / "equilibrated.data").exists():
        raise VoxionError(
            f"{folder} is not equilibrated (no equilibrated.data): run 'lmp -in in.equilibrate' "
            "there."
        )
    return folder


def _cached(name: str, system: GrapheneSystem) -> Path:
    folder = CACHE / name
    if (folder / "equilibrated.data").exists():
        return checked(folder)
    # under another name until it is complete
    partial = CACHE / f".{name}"
    shutil.rmtree(partial, ignore_errors=True)
    system.build(partial, seed=SEED)
    run_lammps(partial / "in.equilibrate", variables={"steps": STEPS})
    shutil.rmtree(folder, ignore_errors=True)
    partial.rename(folder)
    return folder
