"""The commands `voxion voxels explain` and `voxion voxels morphology`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console

from voxion.cli.options import SELECTED_FRAME, AsJson, Force, Seed, Workers, output, print_json
from voxion.errors import VoxionError

console = Console()
Store = Annotated[Path, typer.Argument(help="Voxel store.")]


def explain(
    model: Annotated[Path, typer.Argument(help="Exported classifier.")],
    store: Store,
    out: Annotated[Path, typer.Option(help="New folder for the page, pictures and numbers.")],
    select: Annotated[int, typer.Option(help=SELECTED_FRAME)] = -1,
    label: Annotated[
        str | None,
        typer.Option(help="Class to attribute.", show_default="the one that is found"),
    ] = None,
    filters: Annotated[int, typer.Option(min=1, help="Largest number of filters of a layer.")] = 8,
    steps: Annotated[int, typer.Option(min=1, help="Number of steps to a maximised input.")] = 128,
    seed: Seed = 0,
    workers: Workers = 1,
    force: Force = False,
) -> None:
    """Show what a classifier sees: maximised inputs, their length scales, attributions."""
    import torch
    from rich.progress import Progress

    from voxion.voxels.explain.report import PAGE_FILE, explain_model

    torch.set_num_threads(workers)
    with (
        output(out, force, kind=PAGE_FILE),
        Progress(console=console, transient=True, disable=not console.is_terminal) as bar,
    ):
        tasks: dict[str, Any] = {}

        def progress(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bar.add_task(what, total=total)
            bar.update(tasks[what], completed=done)

        explain_model(
            model,
            store,
            out,
            frame=select,
            label=label,
            filters=filters,
            steps=steps,
            seed=seed,
            progress=progress,
        )
    console.print(f"Page: {(out / PAGE_FILE).resolve().as_uri()}", soft_wrap=True)


def morphology(
    store: Store,
    channel: Annotated[str, typer.Option(help="Channel whose values define the phase.")],
    threshold: Annotated[
        str,
        typer.Option(
            help="The phase is where the channel is at or above this value. otsu: computed for "
            "each frame."
        ),
    ] = "otsu",
    below: Annotated[
        bool, typer.Option("--below", help="The phase is below the threshold.")
    ] = False,
    select: Annotated[
        int | None,
        typer.Option(help=SELECTED_FRAME, show_default="all"),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Measure a phase: fraction, clusters, percolation, tortuosity, domain size, interface."""
    from rich.progress import track

    from voxion.voxels.morphology.measures import measure_phase, otsu_threshold
    from voxion.voxels.stores.store import open_store

    fixed = parse_threshold(threshold)
    data = open_store(store)
    if not all(data.periodic):
        raise VoxionError(
            f"{store} is of a box that is not periodic along all three vectors: connectivity and "
            "tortuosity are defined here for periodic boxes only."
        )
    rows = range(data.frames) if select is None else [data.row(select)]
    if not rows:
        raise VoxionError(f"{store} has no frames yet.")
    found = []
    for row in track(rows, "Frames", console=console, disable=as_json or not console.is_terminal):
        grid = data.grid(row, [channel])[0]
        value = otsu_threshold(grid) if fixed is None else fixed
        measured = measure_phase(grid, data.boxes[row], value, below=below)
        found.append({"frame": row, "step": int(data.steps[row]), **measured.to_dict()})
    units = {"channel": data.units[data.channels.index(channel)], "length": data.length_unit}
    if as_json:
        print_json({"channel": channel, "units": units, "frames": found})
        return
    _print_table(found, channel, units)


def parse_threshold(text: str) -> float | None:
    """Return the number of a threshold, or None for otsu.

    Raises
    ------
    VoxionError
        Neither.
    """
    if text == "otsu":
        return None
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if value - value != 0:  # neither a number nor infinite
        raise VoxionError(f"--threshold takes a number or 'otsu', found {text!r}.")
    return value


def _print_table(found: list[dict[str, Any]], channel: str, units: dict[str, str]) -> None:
    from rich.table import Table

    many = len(found) > 1
    frames = (
        f"{len(found)} frames, mean ± standard deviation"
        if many
        else (f"frame {found[0]['frame']}")
    )
    table = Table(title=f"Phase by {channel}: {frames}", title_justify="left", show_header=False)
    length = units["length"]
    unit_of = {
        "threshold": units["channel"],
        "interface_area": f"1/{length}",
        **dict.fromkeys(
            ("domain_size", "zero_crossing", "first_minimum", "first_maximum", "mean_chord"), length
        ),
    }
    for name, first in found[0].items():
        if name in ("frame", "step"):
            continue
        label = name.replace("_", " ") + (f" / {unit_of[name]}" if name in unit_of else "")
        if isinstance(first, dict):
            for axis in first:
                table.add_row(f"{label}, {axis}", _summary([one[name][axis] for one in found]))
        else:
            table.add_row(label, _summary([one[name] for one in found]))
    console.print(table)


def _summary(values: list[Any]) -> str:
    """One value, or mean and spread of the finite ones; and how many are not numbers."""
    import numpy as np

    if all(isinstance(value, bool) for value in values):
        if len(values) == 1:
            return "yes" if values[0] else "no"
        return f"in {sum(values)} of {len(values)} frames"
    numbers = [value for value in values if isinstance(value, int | float)]
    odd = next((value for value in values if value not in numbers), None)
    none = "infinite" if odd == "infinite" else "none"
    if not numbers:
        return none
    if len(values) == 1:
        return f"{numbers[0]:.5g}"
    text = f"{np.mean(numbers):.4g} ± {np.std(numbers):.2g}"
    left = len(values) - len(numbers)
    return f"{text} ({none} in {left} of {len(values)})" if left else text
