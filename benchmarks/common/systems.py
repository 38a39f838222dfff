"""Systems that are built and equilibrated once, and kept in ``runs/benchmarks``."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from voxion.engines.lammps import run_lammps
from voxion.systems.graphene import GrapheneSystem

ROOT = Path(__file__).resolve().parents[2]
CACHE = ROOT / "runs" / "benchmarks"
LOGS = CACHE / "logs"
SEED = 1
EQUILIBRATED = "equilibrated.data"
# Long enough that the packed start is forgotten: a step's cost is then what it stays.
STEPS = 500


def cached(name: str, make: Callable[[Path], None], last: str = EQUILIBRATED) -> Path:
    """Return the folder of a system, made on first use.

    Parameters
    ----------
    name : str
    make : callable
        Build and equilibrate the system in a folder.
    last : str
        File of a complete folder.
    """
    folder = CACHE / name
    if not (folder / last).exists():
        # under another name until it is complete
        partial = CACHE / f".{name}"
        shutil.rmtree(partial, ignore_errors=True)
        make(partial)
        shutil.rmtree(folder, ignore_errors=True)
        partial.rename(folder)
    return folder


def graphene(name: str, system: GrapheneSystem) -> Path:
    """Return the folder of an equilibrated graphene system for LAMMPS."""

    def make(folder: Path) -> None:
        system.build(folder, seed=SEED)
        run_lammps(folder / "in.equilibrate", variables={"steps": STEPS})

    return cached(name, make)


def paper_system() -> Path:
    """Return the folder of the paper's system: 336 C at -4 e under 80 angstrom of electrolyte."""
    return graphene("paper", GrapheneSystem())
