"""Cost of charges and voxels in GROMACS's mdrun, side by side: see README.md.

python benchmarks/gromacs/run.py
"""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Annotated, Any

import typer
from gromacs_systems import checked, paper_system, start_input
from mdrun_figure import plot_modes
from mdrun_measure import Bench, measure
from mdrun_modes import LOCAL, NSTLIST, PAPER, PAPER_INTERVAL, all_modes
from mdrun_summary import (
    aims,
    loop_cells,
    notes,
    summarise,
    update_cells,
    update_costs,
    wall_cells,
)
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from shared import (
    CACHE,
    check_local,
    environment,
    finished,
    markdown_table,
    print_table,
    report_errors,
    rotated,
    write_json,
    write_text,
    write_untrained,
)

from voxion.demo import model_path
from voxion.engines.gromacs import find_gromacs
from voxion.errors import VoxionError
from voxion.systems.description import load_system

# Where tests/gromacs/fetch_gromacs.sh leaves one.
FETCHED = Path(__file__).resolve().parents[2] / ".gromacs" / "bin" / "gmx"
GMX = str(FETCHED) if FETCHED.exists() else "gmx"
EMBEDDED = model_path()


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
        int, typer.Option(min=1, help="Of every run; a multiple of the interval.")
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
        out.mkdir(parents=True, exist_ok=True)
        work = CACHE / "logs"
        work.mkdir(parents=True, exist_ok=True)
        paper = write_untrained(
            load_system(folder, "gromacs"), work / f"{folder.name}-untrained.pt"
        )
        start = start_input(folder, work / f"{folder.name}-start.tpr", gromacs)
        models = {LOCAL: model, PAPER: paper}
        bench = Bench(gromacs, folder, start, models, work, ntomp)
        _report(compare(bench, rounds, steps, interval), out)


def compare(bench: Bench, rounds: int, steps: int, interval: int) -> dict[str, Any]:
    """Measure all modes in turn; the raw results."""
    system = load_system(bench.system, "gromacs")
    modes = all_modes(system, bench.models, interval)
    results: dict[str, Any] = {
        "environment": {**environment(), "gromacs": bench.gromacs.version},
        "system": system.title,
        "rounds": rounds,
        "steps": steps,
        "interval": interval,
        "ntomp": bench.threads,
        "measurements": [],
    }
    with _progress() as progress:
        task = progress.add_task("", total=rounds * len(modes))
        for number in range(rounds):
            for mode in rotated(modes, number):
                progress.update(task, description=mode.label)
                results["measurements"].append(
                    {
                        "mode": mode.name,
                        "label": mode.label,
                        "every": mode.every,
                        "position": modes.index(mode),
                        "round": number,
                        **asdict(measure(mode, bench, steps)),
                    }
                )
                progress.advance(task)
    return finished(results)


def describe(results: dict[str, Any]) -> list[str]:
    """Lines that say how and where the numbers were measured."""
    env = results["environment"]
    loads = [" ".join(map(str, env[f"load_average_{when}"])) for when in ("before", "after")]
    cpu_use = [m["cpu_use"] for m in results["measurements"]]
    return [
        f"{results['rounds']} rounds of {results['steps']} steps; mdrun -ntmpi 1 -ntomp "
        f"{results['ntomp']} -nstlist {NSTLIST} -pme cpu with GMX_DD_SINGLE_RANK=0 in all modes.",
        f"{env['date'][:10]}, {env['processor']}, {env['processors']} processors, load average "
        f"{loads[0]} before and {loads[1]} after; GROMACS {env['gromacs']}, "
        f"voxion {env['voxion']}, torch {env['torch']}.",
        f"CPU use: {median(cpu_use):.0f} % in the median, {min(cpu_use):.0f} % at least; well "
        "below 100 % the machine was not quiet and the times say little.",
    ]


def _report(results: dict[str, Any], out: Path) -> None:
    steps, interval = results["steps"], results["interval"]
    rows = summarise(results["measurements"], steps)
    costs = update_costs(results["measurements"], steps, interval)
    found = aims(rows, costs, interval)
    text = [f"# Cost in mdrun: {results['system']}\n", *(f"{d}\n" for d in describe(results))]
    tables = [
        ("mdrun's loop", *loop_cells(rows)),
        ("Whole processes", *wall_cells(rows)),
        (f"An interval of {interval} steps between updates", *update_cells(costs)),
        (
            "Aims",
            ["", "aim", "measured", "met"],
            [[aim.what, aim.aim, aim.found, "yes" if aim.met else "no"] for aim in found],
        ),
    ]
    for title, head, lines in tables:
        print_table(title, head, lines)
        text += [f"## {title}\n", markdown_table(head, lines)]
    remarks = notes(steps)
    text += [f"- {note}" for note in remarks]
    summary = {
        "modes": [asdict(row) for row in rows],
        "intervals": [asdict(cost) for cost in costs],
        "aims": [asdict(aim) for aim in found],
    }
    write_json(out / "results.json", {**results, "summary": summary})
    write_text(out / "results.md", "\n".join([*text, "\n![added time](results.png)\n"]))
    plot_modes(rows, costs, out / "results.png")
    for note in remarks:
        typer.echo(f"- {note}")
    typer.echo(f"Written: results.json, results.md and results.png in {out}")


def _check(steps: int, interval: int) -> None:
    if interval % NSTLIST:
        raise VoxionError(
            f"The interval must be a multiple of nstlist = {NSTLIST}; found {interval}."
        )
    if steps % interval:
        raise VoxionError(
            f"The number of steps must be a multiple of the interval of {interval}; found {steps}."
        )


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description}"), BarColumn(bar_width=20), MofNCompleteColumn(),
        TimeRemainingColumn(), console=Console(stderr=True),
    )  # fmt: skip


if __name__ == "__main__":
    typer.run(main)
