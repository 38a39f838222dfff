"""Cost per step against the number of electrode atoms: see README.md.

python -m benchmarks.charges.scaling
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from benchmarks.charges.figure import plot_scaling
from benchmarks.charges.measure import cases
from benchmarks.charges.modes import CG_ERROR, CG_TOLERANCE, Mode, scaling_modes
from benchmarks.charges.summary import scaling_table, summarise
from benchmarks.charges.systems import checked, sheet_systems
from benchmarks.common.figure import save
from benchmarks.common.lammps import settings
from benchmarks.common.models import EMBEDDED, check_local
from benchmarks.common.report import (
    Page,
    as_dicts,
    describe,
    environment,
    finished,
    report_errors,
)
from benchmarks.common.rounds import run_rounds
from benchmarks.common.systems import LOGS
from voxion.contract.schema import read_contract
from voxion.systems.description import SystemDescription, load_system

RATIO_NOTE = (
    "ratio, added: against fixed charges in the same round, medians over rounds, by the time that "
    "varies less between the rounds of a size."
)
MEMORY_NOTE = (
    "peak memory: of the largest of the run's processes; with mat_inv it is reached during set-up."
)
NOTES = [
    RATIO_NOTE,
    "set-up: from the first run command to its first step; with mat_inv it computes the "
    "electrode's matrix and inverts it. It is not part of the time per step.",
    MEMORY_NOTE,
    f"cg: conjugate gradients to a tolerance of {CG_TOLERANCE:g}, which on a sheet of 336 C leaves "
    f"charge errors of some {CG_ERROR} against the inverted matrix.",
]

Rounds = Annotated[int, typer.Option(min=1)]
Steps = Annotated[int, typer.Option(min=1, help="Measured.")]
Ranks = Annotated[int, typer.Option(min=1)]
SetupLimit = Annotated[
    float, typer.Option(min=0.0, help="Minutes of set-up after which a mode is given up.")
]
Out = Annotated[Path, typer.Option(help="Folder of the results.")]


def main(
    model: Annotated[Path, typer.Option(help="Local model (inputs site-potentials).")] = EMBEDDED,
    system: Annotated[
        list[Path] | None,
        typer.Option(
            help="Folder of a built and equilibrated system; repeat for several. By default three "
            "sheets of 336, 1344 and 5376 atoms, built on first use in runs/benchmarks."
        ),
    ] = None,
    rounds: Rounds = 3,
    steps: Steps = 40,
    ranks: Ranks = 1,
    setup_limit: SetupLimit = 15.0,
    out: Out = Path(__file__).parent,
) -> None:
    """Compare the local model with fix electrode/conq on sheets of growing size."""
    with report_errors():
        check_local(model)
        folders = [checked(folder) for folder in system] if system else sheet_systems()
        results = compare(scaling_modes, folders, model, rounds, steps, ranks, setup_limit)
        write_report(results, NOTES, out, "scaling")


def compare(
    modes: Callable[[SystemDescription, Path], list[Mode]],
    systems: list[Path],
    model: Path,
    rounds: int,
    steps: int,
    ranks: int,
    setup_limit: float,
) -> dict[str, Any]:
    """Measure all modes on all systems and return the raw results; `setup_limit` in minutes."""
    descriptions = {folder: load_system(folder) for folder in systems}
    results: dict[str, Any] = {
        "environment": environment("lammps", "mpich"),
        "systems": {folder.name: d.title for folder, d in descriptions.items()},
        "electrode_atoms": {
            folder.name: sum(s.atoms for s in d.surfaces) for folder, d in descriptions.items()
        },
        "local_model": read_contract(model).model_dump(mode="json"),
        "rounds": rounds,
        "steps": steps,
        "ranks": ranks,
        "setup_limit": 60.0 * setup_limit,
    }
    groups = [
        cases(
            modes(d, model),
            folder,
            LOGS,
            steps=steps,
            ranks=ranks,
            setup_limit=60.0 * setup_limit,
        )
        for folder, d in descriptions.items()
    ]
    results["measurements"] = run_rounds(groups, rounds)
    return finished(results)


def write_report(results: dict[str, Any], notes: Sequence[str], out: Path, name: str) -> None:
    """Write table, picture and raw results of `compare` as files of that name."""
    atoms, steps, measured = results["electrode_atoms"], results["steps"], results["measurements"]
    sizes = [
        (number, summarise([m for m in measured if m["system"] == system], steps))
        for system, number in atoms.items()
    ]
    given_up = {(atoms[m["system"]], m["label"]) for m in measured if m["wall"] is None}
    how = settings(results["rounds"], steps)
    title = f"Cost per step against electrode atoms, {results['ranks']} MPI rank(s)"
    page = Page(title, [*describe(results, how), *results["systems"].values()])
    page.table("All sizes", *scaling_table(sizes, sorted(given_up), results["setup_limit"], steps))
    page.notes(notes)
    save(plot_scaling(sizes), out / f"{name}.png")
    page.picture(f"{name}.png", "added time and set-up")
    summary = {number: as_dicts(rows) for number, rows in sizes}
    page.write(out, name, {**results, "summary": summary})


if __name__ == "__main__":
    typer.run(main)
