"""The command `voxion charges report`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from voxion.cli.options import (
    Force,
    FramesChoice,
    SelectScored,
    frames_to_score,
    output,
)
from voxion.errors import VoxionError


def report(
    dataset: Annotated[Path, typer.Argument(help="Data set with reference charges.")],
    models: Annotated[list[Path], typer.Argument(help="Exported models.")],
    run: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=PATH",
            help="Another run whose density profiles are shown: a data set, or "
            "TOPOLOGY,TRAJECTORY, a LAMMPS data file and its DCD, XTC or text dump; repeatable.",
        ),
    ] = None,
    out: Annotated[Path, typer.Option(help="HTML file to write.")] = Path("report.html"),
    select: SelectScored = FramesChoice.held_out,
    force: Force = False,
) -> None:
    """Write one HTML page with scores and figures of models on a data set."""
    from voxion.charges.report.page import make_report

    console = Console()
    named = parse_runs(run or [])
    with output(out, force):
        path = make_report(
            dataset,
            models,
            named,
            out,
            frames=frames_to_score(select),
            progress=console.is_terminal,
        )
    console.print(f"Report: {path.resolve().as_uri()}", soft_wrap=True)


def parse_runs(options: list[str]) -> dict[str, str]:
    """Names and paths of runs given as NAME=PATH.

    Raises
    ------
    VoxionError
        A name or a path is missing, or a name is given twice.
    """
    runs: dict[str, str] = {}
    for option in options:
        name, equals, path = option.partition("=")
        if not (name and equals and path):
            raise VoxionError(f"--run takes NAME=PATH, found {option!r}.")
        if name in runs:
            raise VoxionError(f"--run names {name!r} twice: give each run its own name.")
        runs[name] = path
    return runs
