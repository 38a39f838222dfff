"""The system of the benchmark for GROMACS: built and equilibrated once, and its run input."""

from __future__ import annotations

import shutil
from pathlib import Path

from shared import CACHE, SEED

from voxion.engines.gromacs import Gromacs, run_tool
from voxion.errors import VoxionError
from voxion.systems.description import load_system
from voxion.systems.graphene import GrapheneSystem

NAME = "paper-gromacs"
# Long enough that the packed start is forgotten: a step's cost is then what it stays.
STEPS = 2000


def paper_system(gromacs: Gromacs) -> Path:
    """Folder of the paper's system: 336 C at -4 e under 80 angstrom of electrolyte."""
    folder = CACHE / NAME
    if not (folder / "equilibrate.gro").exists():
        # under another name until it is complete
        partial = CACHE / f".{NAME}"
        shutil.rmtree(partial, ignore_errors=True)
        GrapheneSystem().build(partial, seed=SEED, engine="gromacs")
        _equilibrate(partial, gromacs)
        shutil.rmtree(folder, ignore_errors=True)
        partial.rename(folder)
    return checked(folder)


def checked(folder: Path) -> Path:
    """Refuse a folder that holds no equilibrated system of one sheet.

    Raises
    ------
    VoxionError
    """
    if load_system(folder, "gromacs").capacitor:
        raise VoxionError(f"{folder} has two sheets; the benchmark is for systems of one.")
    if not all((folder / f"equilibrate.{suffix}").exists() for suffix in ("gro", "cpt")):
        raise VoxionError(
            f"{folder} is not equilibrated (no equilibrate.gro and equilibrate.cpt): follow its "
            "README.md up to there."
        )
    return folder.resolve()


def run_input_words(system: Path, topology: Path, checkpoint: Path, output: Path) -> list[str]:
    """Words of the gmx grompp that makes a run input from a checkpoint."""
    files = {
        "f": system / "md.mdp",
        "c": system / "conf.gro",
        "n": system / "index.ndx",
        "p": topology,
        "t": checkpoint,
        "o": output,
        "po": output.with_suffix(".mdp"),
    }
    return ["grompp", *(word for name, path in files.items() for word in (f"-{name}", str(path)))]


def start_input(system: Path, output: Path, gromacs: Gromacs) -> Path:
    """Make the run input from which all modes start."""
    topology, checkpoint = system / "topol.top", system / "equilibrate.cpt"
    for old in (output, output.with_suffix(".mdp")):
        old.unlink(missing_ok=True)  # else grompp keeps it under another name
    run_tool(gromacs, *run_input_words(system, topology, checkpoint, output))
    return output


def _equilibrate(folder: Path, gromacs: Gromacs) -> None:
    """Do as the system's README.md says, with fewer steps."""
    common = ["-c", "conf.gro", "-p", "topol.top", "-n", "index.ndx"]
    minimised = ["-t", "em.trr"]
    for name, start, steps in (("em", [], []), ("equilibrate", minimised, ["-nsteps", str(STEPS)])):
        words = [
            "-f",
            f"{name}.mdp",
            *common,
            *start,
            "-o",
            f"{name}.tpr",
            "-po",
            f"{name}.out.mdp",
        ]
        run_tool(gromacs, "grompp", *(_within(folder, word) for word in words))
        run_tool(gromacs, "mdrun", "-ntmpi", "1", *steps, "-deffnm", str(folder / name))


def _within(folder: Path, word: str) -> str:
    return word if word.startswith("-") else str(folder / word)
