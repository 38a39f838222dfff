"""Cost of voxel grids during a run, side by side: see README.md.

python -m benchmarks.voxels.run
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Annotated, Any

import typer

from benchmarks.common.figure import save
from benchmarks.common.lammps import ranks_title, settings
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
from benchmarks.voxels.figure import plot_modes
from benchmarks.voxels.measure import ALONE, RUN, bytes_of_grids, cases, run_folder
from benchmarks.voxels.modes import (
    GRID,
    GRID_STRESS,
    STORE,
    VOXION,
    VOXION_STRESS,
    WINDOW,
    Mode,
    all_modes,
)
from benchmarks.voxels.summary import Row, aims, modes_table, notes, size_table, summarise
from benchmarks.voxels.systems import checked, replicated_paper_system
from benchmarks.voxels.untrained import write_untrained
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
        _report(compare(folder, rounds, steps, ranks), out)


def compare(system: Path, rounds: int, steps: int, ranks: list[int]) -> dict[str, Any]:
    """Measure all modes in turn and return the raw results."""
    LOGS.mkdir(parents=True, exist_ok=True)
    modes = all_modes(write_untrained(LOGS / "voxels-untrained.pt"))
    results: dict[str, Any] = {
        "environment": environment("lammps", "mpich"),
        "system": (system / "in.init").read_text().splitlines()[0].lstrip("# "),
        "rounds": rounds,
        "steps": steps,
        "ranks": ranks,
    }
    groups = [group for number in ranks
              for group in cases(modes, system, LOGS, steps=steps, ranks=number)]  # fmt: skip
    results["measurements"] = run_rounds(groups, rounds)
    results["sizes"] = _sizes(system, modes, LOGS, _part(results, RUN, ranks[0]), ranks[0])
    return finished(results)


def _part(results: dict[str, Any], part: str, ranks: int) -> list[dict[str, Any]]:
    """Return the measurements of one part on one number of ranks."""
    return [m for m in results["measurements"] if (m["part"], m["ranks"]) == (part, ranks)]


def _sizes(
    system: Path, modes: list[Mode], work: Path, measurements: list[dict[str, Any]], ranks: int
) -> list[dict[str, Any]]:
    """Return the bytes per frame as text, as a store, and packed, of the last round's frames."""
    named = {mode.name: mode for mode in modes}
    written = {m["mode"]: m["written"] for m in measurements}
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
    steps = results["steps"]
    atoms = results["measurements"][0]["atoms"]
    how = settings(results["rounds"], steps)
    title = f"Cost of voxel grids: {results['system']}, {atoms:,} atoms in all"
    page = Page(title, describe(results, how))
    tables: dict[str, list[Row]] = {}
    results["aims"] = {}
    for ranks in results["ranks"]:
        name = ranks_title(ranks)
        rows = tables[name] = summarise(_part(results, RUN, ranks), steps)
        page.table(name, *modes_table(rows, steps))
        found = aims(rows, _part(results, ALONE, ranks), results["sizes"], steps)
        page.aims(f"{name}, aims", found)
        results["aims"][name] = as_dicts(found)
    page.table("Size of a frame", *size_table(results["sizes"]))
    page.notes(notes(next(iter(tables.values())), steps))
    save(plot_modes(tables), out / "results.png")
    page.picture("results.png", "added time")
    summary = {name: as_dicts(rows) for name, rows in tables.items()}
    page.write(out, "results", {**results, "summary": summary})


if __name__ == "__main__":
    typer.run(main)
