"""Cost per step of ways to set an electrode's charges, side by side: see README.md.

python benchmarks/charges/run.py
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from cached_systems import CACHE, checked, paper_system
from figures import plot_comparison
from harness import check_local, report_errors, run_rounds
from measure import WARM_UP
from modes import CG_ERROR, CG_TOLERANCE, INTERVALS, LONG_INTERVAL, all_modes
from record import describe, environment, finished, write_json, write_text
from summary import Row, comparison_cells, markdown_table, print_table, summarise
from untrained import write_untrained

from voxion.contract.schema import read_contract
from voxion.demo import model_path
from voxion.errors import VoxionError
from voxion.systems.description import load_system

NOTES = [
    "ratio: loop time over that of fixed charges in the same round, median over rounds, and the "
    "smallest and largest of them. added / mat_inv's: (ratio - 1) over that of mat_inv.",
    "fix: what fix voxion/charge measures of itself and prints at the end of a run.",
    f"Nevery {LONG_INTERVAL}: the measured steps hold exactly one update, so their ratio "
    f"overstates its cost; the last column spreads that update over its {LONG_INTERVAL} steps.",
    "The paper's network has not been trained: 4 inputs per ion, 4 layers of 1024, one output per "
    "electrode atom, random weights. Its cost does not depend on them.",
    f"cg: conjugate gradients to a tolerance of {CG_TOLERANCE:g}, which on a sheet of 336 C leaves "
    f"charge errors of some {CG_ERROR} against the inverted matrix.",
]

EMBEDDED = model_path()


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
        out.mkdir(parents=True, exist_ok=True)
        results = compare(folder, model, rounds, steps, ranks)
        _report(results, out)


def compare(system: Path, model: Path, rounds: int, steps: int, ranks: list[int]) -> dict[str, Any]:
    """Measure all modes; the raw results."""
    description = load_system(system)
    work = CACHE / "logs"
    work.mkdir(parents=True, exist_ok=True)
    paper = write_untrained(description, work / f"{system.name}-untrained.pt")
    results: dict[str, Any] = {
        "environment": environment(),
        "system": description.title,
        "local_model": read_contract(model).model_dump(mode="json"),
        "rounds": rounds,
        "steps": steps,
        "warm_up": WARM_UP,
        "ranks": ranks,
    }
    modes = all_modes(description, paper, model)
    results["measurements"] = run_rounds(
        [(system, modes)], work, rounds=rounds, steps=steps, ranks=ranks
    )
    return finished(results)


def tables_of(results: dict[str, Any]) -> dict[int, list[Row]]:
    """Rows by number of ranks."""
    return {
        ranks: summarise(
            [m for m in results["measurements"] if m["ranks"] == ranks], results["steps"]
        )
        for ranks in results["ranks"]
    }


def _report(results: dict[str, Any], out: Path) -> None:
    tables = tables_of(results)
    text = [f"# Cost per step: {results['system']}\n", *(f"{d}\n" for d in describe(results))]
    for ranks, rows in tables.items():
        head, cells = comparison_cells(rows)
        title = f"{ranks} MPI rank{'s' if ranks > 1 else ''}"
        print_table(title, head, cells)
        text += [f"## {title}\n", markdown_table(head, cells)]
    text += [f"- {note}" for note in NOTES]
    summary = {ranks: [asdict(row) for row in rows] for ranks, rows in tables.items()}
    write_json(out / "results.json", {**results, "summary": summary})
    write_text(out / "results.md", "\n".join([*text, "\n![added time](results.png)\n"]))
    plot_comparison(tables, out / "results.png")
    for note in NOTES:
        typer.echo(f"- {note}")
    typer.echo(f"Written: results.json, results.md and results.png in {out}")


def _check(steps: int) -> None:
    if steps % 10:
        raise VoxionError(
            f"The number of steps must be a multiple of {INTERVALS[1]}, so that the updates at "
            f"Nevery {INTERVALS[1]} fill it evenly; found {steps}."
        )


if __name__ == "__main__":
    typer.run(main)
