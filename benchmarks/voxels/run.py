"""Cost of voxel grids during a run, side by side: see README.md.

python benchmarks/voxels/run.py
"""

from __future__ import annotations

import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from shared import (
    CACHE,
    describe,
    environment,
    finished,
    markdown_table,
    print_table,
    report_errors,
    write_json,
    write_text,
)
from untrained import write_untrained
from voxel_figure import plot_modes
from voxel_measure import WARM_UP, bytes_of_grids, gridding_alone, measure, run_folder
from voxel_modes import (
    EVERY,
    GRID,
    GRID_STRESS,
    STORE,
    VOXION,
    VOXION_STRESS,
    WINDOW,
    Mode,
    all_modes,
    rotated,
)
from voxel_summary import Row, aims, cells, notes, size_cells, summarise
from voxel_systems import checked, replicated_paper_system

from voxion.errors import VoxionError
from voxion.voxels.stores.pack import pack_store


def main(
    system: Annotated[
        Path | None,
        typer.Option(
            help="Folder of a built and equilibrated system; by default the graphene electrolyte, "
            "2 x 2 times, made on first use in runs/benchmarks."
        ),
    ] = None,
    rounds: Annotated[int, typer.Option(min=1)] = 7,
    steps: Annotated[
        int, typer.Option(min=WINDOW, help=f"Measured; a multiple of {WINDOW}.")
    ] = 200,
    ranks: Annotated[list[int], typer.Option(min=1, help="Repeat for several.")] = [1],  # noqa: B006
    out: Annotated[Path, typer.Option(help="Folder of the results.")] = Path(__file__).parent,
) -> None:
    """Compare no voxels, fix voxion/voxels, compute stress/atom and fix ave/grid."""
    with report_errors():
        if steps % WINDOW:
            raise VoxionError(
                f"The number of steps must be a multiple of the window of {WINDOW}; found {steps}."
            )
        folder = checked(system) if system else replicated_paper_system()
        out.mkdir(parents=True, exist_ok=True)
        _report(compare(folder, rounds, steps, ranks), out)


def compare(system: Path, rounds: int, steps: int, ranks: list[int]) -> dict[str, Any]:
    """Measure all modes in turn; the raw results."""
    work = CACHE / "logs"
    work.mkdir(parents=True, exist_ok=True)
    modes = all_modes(write_untrained(work / "voxels-untrained.pt"))
    results: dict[str, Any] = {
        "environment": environment(),
        "system": (system / "in.init").read_text().splitlines()[0].lstrip("# "),
        "rounds": rounds,
        "steps": steps,
        "warm_up": WARM_UP,
        "ranks": ranks,
        "measurements": [],
        "gridding": [],
    }
    with _progress() as progress:
        task = progress.add_task("", total=rounds * len(ranks) * len(modes))
        for number in range(rounds):
            for processes in ranks:
                for mode in rotated(modes, number):
                    progress.update(task, description=f"{processes} rank(s), {mode.label}")
                    found = measure(mode, system, work, steps=steps, ranks=processes)
                    results["measurements"].append(
                        {
                            "mode": mode.name,
                            "label": mode.label,
                            "position": modes.index(mode),
                            "round": number,
                            "ranks": processes,
                            "samples": steps // EVERY,
                            **asdict(found),
                        }
                    )
                    progress.advance(task)
                alone = {
                    mode.name: gridding_alone(mode, system, work, ranks=processes)
                    for mode in modes
                    if mode.name in (VOXION, GRID)
                }
                results["gridding"].append({"round": number, "ranks": processes, **alone})
    results["sizes"] = _sizes(system, modes, work, results["measurements"], ranks[0])
    return finished(results)


def tables_of(results: dict[str, Any]) -> dict[int, list[Row]]:
    """Rows by number of ranks."""
    return {
        ranks: summarise(
            [m for m in results["measurements"] if m["ranks"] == ranks], results["steps"]
        )
        for ranks in results["ranks"]
    }


def _sizes(
    system: Path, modes: list[Mode], work: Path, measurements: list[dict[str, Any]], ranks: int
) -> list[dict[str, Any]]:
    """Bytes per frame as text, as a store, and packed, of the last round's frames."""
    named = {mode.name: mode for mode in modes}
    written = {m["mode"]: m["written"] for m in measurements if m["ranks"] == ranks}
    found = []
    for values, ours, theirs in (
        ("mass, charge", VOXION, GRID),
        ("mass, charge, 6 stress", VOXION_STRESS, GRID_STRESS),
    ):
        folder = run_folder(system, named[ours], work, ranks)
        shutil.rmtree(folder / "packed.zarr", ignore_errors=True)
        packed = pack_store(folder / STORE, folder / "packed.zarr")
        grids = bytes_of_grids(folder, "packed.zarr")
        found.append(
            {
                "values": values,
                "text": written[theirs],
                "store": written[ours],
                "packed": round(grids / packed.frames),
            }
        )
    return found


def _report(results: dict[str, Any], out: Path) -> None:
    tables = tables_of(results)
    atoms = results["measurements"][0]["atoms"]
    text = [f"# Cost of voxel grids: {results['system']}, {atoms:,} atoms in all\n"]
    text += [f"{line}\n" for line in describe(results)]
    for ranks, rows in tables.items():
        title = f"{ranks} MPI rank{'s' if ranks > 1 else ''}"
        head, table = cells(rows)
        print_table(title, head, table)
        text += [f"## {title}\n", markdown_table(head, table)]
        gridding = [g for g in results["gridding"] if g["ranks"] == ranks]
        found = aims(rows, gridding, results["sizes"])
        lines = [[aim.what, aim.aim, aim.found, "yes" if aim.met else "no"] for aim in found]
        head = ["", "aim", "measured", "met"]
        print_table(f"{title}, aims", head, lines)
        text += [markdown_table(head, lines)]
        results.setdefault("aims", {})[ranks] = [asdict(aim) for aim in found]
    head, table = size_cells(results["sizes"])
    print_table("size of a frame", head, table)
    text += ["## Size of a frame\n", markdown_table(head, table)]
    remarks = notes(tables[results["ranks"][0]])
    text += [f"- {note}" for note in remarks]
    summary = {ranks: [asdict(row) for row in rows] for ranks, rows in tables.items()}
    write_json(out / "results.json", {**results, "summary": summary})
    write_text(out / "results.md", "\n".join([*text, "\n![added time](results.png)\n"]))
    plot_modes(tables, out / "results.png")
    for note in remarks:
        typer.echo(f"- {note}")
    typer.echo(f"Written: results.json, results.md and results.png in {out}")


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description}"), BarColumn(bar_width=20), MofNCompleteColumn(),
        TimeRemainingColumn(),
    )  # fmt: skip


if __name__ == "__main__":
    typer.run(main)
