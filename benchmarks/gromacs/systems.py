"""The system of the benchmark for GROMACS: built and equilibrated once, and its run input."""

from __future__ import annotations

from pathlib import Path

from benchmarks.common.systems import SEED, cached
from voxion.engines.gromacs import Gromacs, run_tool
from voxion.errors import VoxionError
from voxion.systems.description import load_system
from voxion.systems.graphene import GrapheneSystem

NAME = "paper-gromacs"
# Long enough that the packed start is forgotten: a step's cost is then what it stays.
STEPS = 2000


def paper_system(gromacs: Gromacs) -> Path:
    """Return the folder of the paper's system: 336 C at -4 e under 80 angstrom of electrolyte."""

    def make(folder: Path) -> None:
        GrapheneSystem().build(folder, seed=SEED, engine="gromacs")
        _equilibrate(folder, gromacs)

    return checked(cached(NAME, make, last="equilibrate.gro"))


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
    """Return the words of the gmx grompp that makes a run input from a checkpoint."""
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
