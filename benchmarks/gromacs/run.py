"""Cost of charges and voxels in GROMACS's mdrun, side by side: see README.md.

python -m benchmarks.gromacs.run
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from benchmarks.common.figure import save
from benchmarks.common.models import EMBEDDED, check_local, write_untrained
from benchmarks.common.report import (
    Page,
    as_dicts,
    describe,
    environment,
    finished,
    report_errors,
)
from benchmarks.common.rounds import Case, run_rounds
from benchmarks.common.systems import LOGS, ROOT
from benchmarks.gromacs.figure import plot_modes
from benchmarks.gromacs.measure import Bench, measure
from benchmarks.gromacs.modes import LOCAL, NSTLIST, PAPER, PAPER_INTERVAL, all_modes
from benchmarks.gromacs.summary import (
    aims,
    loop_table,
    notes,
    summarise,
    update_costs,
    update_table,
    whole_table,
)
from benchmarks.gromacs.systems import checked, paper_system, start_input
from voxion.engines.gromacs import find_gromacs
from voxion.errors import VoxionError
from voxion.systems.description import load_system

# Where tests/gromacs/fetch_gromacs.sh leaves one.
FETCHED = ROOT / ".gromacs" / "bin" / "gmx"
GMX = str(FETCHED) if FETCHED.exists() else "gmx"


def main(
    model: Annotated[Path, typer.Option(help="Local model (inputs site-potentials).")] = EMBEDDED,
    system: Annotated[
        Path | None,
        typer.Option(
            help="Folder of a system built for GROMACS and equilibrated; by default the paper's, "
            "built on first use in runs/benchmarks."
        ),
    ] = None,
    rounds: Annotated[int, typer.Option(min=1)] = 3,
    steps: Annotated[
        int, typer.Option(min=1, help="Steps of every run; a multiple of the interval.")
    ] = PAPER_INTERVAL,
    interval: Annotated[
        int,
        typer.Option(
            min=2 * NSTLIST,
            help=f"Steps between the driver's updates, the paper's; a multiple of {NSTLIST}.",
        ),
    ] = PAPER_INTERVAL,
    ntomp: Annotated[int, typer.Option(min=1, help="OpenMP threads of mdrun.")] = 1,
    gmx: Annotated[str, typer.Option(help="The GROMACS program.")] = GMX,
    out: Annotated[Path, typer.Option(help="Folder of the results.")] = Path(__file__).parent,
) -> None:
    """Compare mdrun alone, with the plugin, and with a driver that stops it for every update."""
    with report_errors():
        check_local(model)
        _check(steps, interval)
        gromacs = find_gromacs(gmx)
        folder = checked(system) if system else paper_system(gromacs)
        LOGS.mkdir(parents=True, exist_ok=True)
        paper = write_untrained(
            load_system(folder, "gromacs"), LOGS / f"{folder.name}-untrained.pt"
        )
        start = start_input(folder, LOGS / f"{folder.name}-start.tpr", gromacs)
        models = {LOCAL: model, PAPER: paper}
        bench = Bench(gromacs, folder, start, models, LOGS, ntomp)
        _report(compare(bench, rounds, steps, interval), out)


def compare(bench: Bench, rounds: int, steps: int, interval: int) -> dict[str, Any]:
    """Measure all modes in turn and return the raw results."""
    system = load_system(bench.system, "gromacs")
    modes = all_modes(system, bench.models, interval)
    results: dict[str, Any] = {
        "environment": environment(GROMACS=bench.gromacs.version),
        "system": system.title,
        "rounds": rounds,
        "steps": steps,
        "interval": interval,
        "ntomp": bench.threads,
    }
    cases = [
        Case(mode.name, mode.label, partial(measure, mode, bench, steps),
             {"every": mode.every, "threads": bench.threads})
        for mode in modes
    ]  # fmt: skip
    results["measurements"] = run_rounds([cases], rounds)
    return finished(results)


def _report(results: dict[str, Any], out: Path) -> None:
    steps, interval = results["steps"], results["interval"]
    rows = summarise(results["measurements"])
    costs = update_costs(results["measurements"], steps, interval)
    found = aims(rows, costs, interval)
    how = (
        f"{results['rounds']} rounds of {steps} steps; mdrun -ntmpi 1 -ntomp {results['ntomp']} "
        f"-nstlist {NSTLIST} -pme cpu with GMX_DD_SINGLE_RANK=0 in all modes."
    )
    page = Page(f"Cost in mdrun: {results['system']}", describe(results, how))
    page.table("mdrun's loop", *loop_table(rows, steps))
    page.table("Whole processes", *whole_table(rows))
    page.table(f"An interval of {interval} steps between updates", *update_table(costs))
    page.aims("Aims", found)
    page.notes(notes(steps))
    save(plot_modes(rows, costs), out / "results.png")
    page.picture("results.png", "added time")
    summary = {"modes": as_dicts(rows), "intervals": as_dicts(costs), "aims": as_dicts(found)}
    page.write(out, "results", {**results, "summary": summary})


def _check(steps: int, interval: int) -> None:
    if interval % NSTLIST:
        raise VoxionError(
            f"The interval must be a multiple of nstlist = {NSTLIST}; found {interval}."
        )
    if steps % interval:
        raise VoxionError(
            f"The number of steps must be a multiple of the interval of {interval}; found {steps}."
        )


if __name__ == "__main__":
    typer.run(main)
