"""Cost per step of ways to set an electrode's charges, side by side: see README.md.

python -m benchmarks.charges.run
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from benchmarks.charges.figure import plot_comparison
from benchmarks.charges.measure import cases
from benchmarks.charges.modes import (
    CG_ERROR,
    CG_TOLERANCE,
    INTERVALS,
    LONG_INTERVAL,
    all_modes,
)
from benchmarks.charges.summary import Row, comparison_table, summarise
from benchmarks.charges.systems import checked
from benchmarks.common.comparison import NOTE
from benchmarks.common.figure import save
from benchmarks.common.lammps import ranks_title, settings
from benchmarks.common.models import EMBEDDED, UNTRAINED, check_local, write_untrained
from benchmarks.common.report import (
    Page,
    as_dicts,
    describe,
    environment,
    finished,
    report_errors,
)
from benchmarks.common.rounds import run_rounds
from benchmarks.common.systems import LOGS, paper_system
from voxion.contract.schema import read_contract
from voxion.errors import VoxionError
from voxion.systems.description import load_system

NOTES = [
    NOTE,
    "added / mat_inv's: (ratio - 1) over that of mat_inv.",
    "fix: what fix voxion/charge measures of itself and prints at the end of a run.",
    f"Nevery {LONG_INTERVAL}: the measured steps hold exactly one update, so their ratio "
    f"overstates its cost; the last column spreads that update over its {LONG_INTERVAL} steps.",
    UNTRAINED,
    f"cg: conjugate gradients to a tolerance of {CG_TOLERANCE:g}, which on a sheet of 336 C leaves "
    f"charge errors of some {CG_ERROR} against the inverted matrix.",
]


def main(
    model: Annotated[Path, typer.Option(help="Local model (inputs site-potentials).")] = EMBEDDED,
    system: Annotated[
        Path | None,
        typer.Option(
            help="Folder of a built and equilibrated system; by default the paper's, built on "
            "first use in runs/benchmarks."
        ),
    ] = None,
    rounds: Annotated[int, typer.Option(min=1)] = 9,
    steps: Annotated[
        int, typer.Option(min=10, max=LONG_INTERVAL - 10, help="Measured; a multiple of 10.")
    ] = 200,
    ranks: Annotated[list[int], typer.Option(min=1, help="Repeat for several.")] = [1, 2],  # noqa: B006
    out: Annotated[Path, typer.Option(help="Folder of the results.")] = Path(__file__).parent,
) -> None:
    """Compare fixed charges, fix voxion/charge and fix electrode/conq on one configuration."""
    with report_errors():
        check_local(model)
        _check(steps)
        folder = checked(system) if system else paper_system()
        _report(compare(folder, model, rounds, steps, ranks), out)


def compare(system: Path, model: Path, rounds: int, steps: int, ranks: list[int]) -> dict[str, Any]:
    """Measure all modes and return the raw results."""
    description = load_system(system)
    LOGS.mkdir(parents=True, exist_ok=True)
    paper = write_untrained(description, LOGS / f"{system.name}-untrained.pt")
    results: dict[str, Any] = {
        "environment": environment("lammps", "mpich"),
        "system": description.title,
        "local_model": read_contract(model).model_dump(mode="json"),
        "rounds": rounds,
        "steps": steps,
        "ranks": ranks,
    }
    modes = all_modes(description, paper, model)
    groups = [cases(modes, system, LOGS, steps=steps, ranks=number) for number in ranks]
    results["measurements"] = run_rounds(groups, rounds)
    return finished(results)


def _report(results: dict[str, Any], out: Path) -> None:
    steps = results["steps"]
    how = settings(results["rounds"], steps)
    page = Page(f"Cost per step: {results['system']}", describe(results, how))
    tables: dict[str, list[Row]] = {}
    for ranks in results["ranks"]:
        title = ranks_title(ranks)
        found = [m for m in results["measurements"] if m["ranks"] == ranks]
        tables[title] = summarise(found, steps)
        page.table(title, *comparison_table(tables[title], steps))
    page.notes(NOTES)
    save(plot_comparison(tables), out / "results.png")
    page.picture("results.png", "added time")
    summary = {title: as_dicts(rows) for title, rows in tables.items()}
    page.write(out, "results", {**results, "summary": summary})


def _check(steps: int) -> None:
    if steps % 10:
        raise VoxionError(
            f"The number of steps must be a multiple of {INTERVALS[1]}, so that the updates at "
            f"Nevery {INTERVALS[1]} fill it evenly; found {steps}."
        )


if __name__ == "__main__":
    typer.run(main)
