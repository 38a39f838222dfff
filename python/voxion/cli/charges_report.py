"""The command `voxion charges report`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from voxion.cli.charges import FramesChoice
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
    output: Annotated[Path, typer.Option(help="HTML file to write.")] = Path("report.html"),
    frames: Annotated[
        FramesChoice,
        typer.Option(help="held-out: the last tenth, which a training split by time left alone."),
    ] = FramesChoice.held_out,
) -> None:
    """Write one HTML page with scores and figures of models on a data set."""
    from voxion.charges.report.page import make_report

    console = Console()
    path = make_report(
        dataset,
        models,
        parse_runs(run or []),
        output,
        frames="all" if frames is FramesChoice.all else "held-out",
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
