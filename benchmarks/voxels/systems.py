"""The charged system of about 30,000 particles: the graphene electrolyte, replicated."""

from __future__ import annotations

import shutil
from pathlib import Path

from benchmarks.common.systems import EQUILIBRATED, cached, paper_system
from voxion.engines.lammps import quoted, run_lammps
from voxion.errors import VoxionError

NAME = "electrolyte-2x2"
INPUTS = ("in.init", "in.settings", "in.dynamics")
SETTLING = 200  # steps, after which the copies no longer move as one


def replicated_paper_system() -> Path:
    """Return the folder of the paper's electrode system, 2 x 2 times: 26,828 atoms."""
    return cached(NAME, lambda folder: replicate(paper_system(), folder, 2, SETTLING))


def replicate(system: Path, folder: Path, times: int, steps: int) -> None:
    """Replicate an equilibrated graphene system along x and y.

    The sheet of every copy stays molecule 1, which the group of the surface is made of.
    """
    folder.mkdir(parents=True)
    for name in INPUTS:
        shutil.copy(system / name, folder)
    lines = [
        "include in.init",
        f"read_data {quoted((system / EQUILIBRATED).resolve())}",
        f"replicate {times} {times} 1",
        "set type C mol 1",
        "include in.settings",
        "include in.dynamics",
        "velocity electrolyte create 300.0 1 mom yes dist gaussian",
        f"run {steps}",
        f"write_data {EQUILIBRATED} nocoeff nofix",
    ]
    (folder / "in.replicate").write_text("\n".join(lines) + "\n")
    run_lammps(folder / "in.replicate")


def checked(folder: Path) -> Path:
    """Refuse a folder without an equilibrated system.

    Raises
    ------
    VoxionError
    """
    missing = [n for n in (*INPUTS, EQUILIBRATED) if not (folder / n).exists()]
    if missing:
        raise VoxionError(
            f"{folder} holds no equilibrated system (no {missing[0]}): build one with 'voxion "
            "systems surfactant' or 'voxion systems graphene', and run its in.equilibrate."
        )
    return folder
