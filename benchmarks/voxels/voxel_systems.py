"""The charged system of about 30,000 particles: the graphene electrolyte, replicated."""

from __future__ import annotations

import shutil
from pathlib import Path

from shared import CACHE, paper_system

from voxion.engines.lammps import quoted, run_lammps
from voxion.errors import VoxionError

NAME = "electrolyte-2x2"
INPUTS = ("in.init", "in.settings", "in.dynamics")
SETTLING = 200  # steps, after which the copies no longer move as one


def replicated_paper_system() -> Path:
    """Folder of the paper's electrode system, 2 x 2 times: 26,828 atoms."""
    folder = CACHE / NAME
    if not (folder / "equilibrated.data").exists():
        partial = CACHE / f".{NAME}"
        shutil.rmtree(partial, ignore_errors=True)
        replicate(paper_system(), partial, 2, SETTLING)
        shutil.rmtree(folder, ignore_errors=True)
        partial.rename(folder)
    return folder


def replicate(system: Path, folder: Path, times: int, steps: int) -> Path:
    """Replicate an equilibrated graphene system along x and y.

    The sheet of every copy stays molecule 1, which the group of the surface is made of.
    """
    folder.mkdir(parents=True)
    for name in INPUTS:
        shutil.copy(system / name, folder)
    lines = [
        "include in.init",
        f"read_data {quoted((system / 'equilibrated.data').resolve())}",
        f"replicate {times} {times} 1",
        "set type C mol 1",
        "include in.settings",
        "include in.dynamics",
        "velocity electrolyte create 300.0 1 mom yes dist gaussian",
        f"run {steps}",
        "write_data equilibrated.data nocoeff nofix",
    ]
    (folder / "in.replicate").write_text("\n".join(lines) + "\n")
    run_lammps(folder / "in.replicate")
    return folder


def checked(folder: Path) -> Path:
    """Refuse a folder without an equilibrated system.

    Raises
    ------
    VoxionError
    """
    missing = [n for n in (*INPUTS, "equilibrated.data") if not (folder / n).exists()]
    if missing:
        raise VoxionError(
            f"{folder} holds no equilibrated system (no {missing[0]}): build one with 'voxion "
            "systems surfactant' or 'voxion systems graphene', and run its in.equilibrate."
        )
    return folder
