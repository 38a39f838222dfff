"""What the commands that read trajectories share: the choice of frames, and opening them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from voxion.errors import VoxionError

if TYPE_CHECKING:
    import MDAnalysis

SelectFrames = Annotated[
    str,
    typer.Option(
        "--select",
        help="Frames, as a Python slice START:STOP:STEP: '100:' leaves out the first 100, "
        "'::10' takes every tenth.",
        show_default="all",
    ),
]


def open_frames(
    select: str, topology: Path, *trajectories: Path
) -> tuple[MDAnalysis.Universe, list[int]]:
    """Open a run and choose frames of it; prints a warning if the run breaks off.

    Returns
    -------
    universe : MDAnalysis.Universe
    frames : list of int

    Raises
    ------
    VoxionError
        As `open_trajectory` and `parse_slice`, or no frame is chosen.
    """
    from voxion.trajectories.opening import open_trajectory

    chosen = parse_slice(select)
    opened = open_trajectory(topology, *trajectories)
    if opened.broken:
        typer.echo(
            f"{trajectories[-1]} breaks off {opened.broken}: {opened.frames} whole frames are "
            "used.",
            err=True,
        )
    frames = list(range(*chosen.indices(opened.frames)))
    if not frames:
        raise VoxionError(
            f"--select {select} takes none of the {opened.frames} frames of {trajectories[0]}."
        )
    return opened.universe, frames


def parse_slice(text: str) -> slice:
    """Return the slice START:STOP:STEP that a text stands for.

    Raises
    ------
    VoxionError
        It is no slice, or its step is not positive.
    """
    try:
        start, stop, step = [int(part) if part else None for part in (text + "::").split(":")[:3]]
    except ValueError:
        step = 0
    if (step is not None and step < 1) or not 1 <= text.count(":") <= 2:
        raise VoxionError(
            f"--select takes START:STOP:STEP with a positive STEP, such as 100::10, found {text!r}."
        )
    return slice(start, stop, step)
