"""The command `voxion charges learning-curve`."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from voxion.charges.defaults import CURVE_FRAMES, CURVE_REPEATS, CUTOFF
from voxion.cli.charges_training import ModelChoice
from voxion.cli.options import (
    AsJson,
    Cutoff,
    Force,
    Resume,
    Workers,
    output,
    print_json,
    print_path,
)
from voxion.training_folder import SETTINGS_FILE

console = Console()


Model = Annotated[
    list[ModelChoice],
    typer.Option(help="Repeatable; site-potentials is its linear response alone."),
]
Frames = Annotated[list[int], typer.Option(help="Number of frames to train on; repeatable.")]
Repeats = Annotated[int, typer.Option(min=1, help="Number of random choices of that many frames.")]


def learning_curve(
    dataset: Annotated[Path, typer.Argument(help="Data set with charges.")],
    out: Annotated[Path, typer.Option(help="Folder for the scores and the figure.")],
    model: Model = [ModelChoice.site_potentials],  # noqa: B006  typer copies defaults
    frames: Frames = list(CURVE_FRAMES),  # noqa: B006
    repeats: Repeats = CURVE_REPEATS,
    cutoff: Cutoff = CUTOFF,
    resume: Resume = False,
    force: Force = False,
    workers: Workers = 1,
    as_json: AsJson = False,
) -> None:
    """Train on a few frames, several times, and score on the last tenth of all frames."""
    from voxion.charges.training.learning_curve import FIGURE_FILE, curve_table
    from voxion.charges.training.learning_curve import learning_curve as run

    with output(out, force, resume, SETTINGS_FILE):
        points = run(
            dataset,
            out,
            models=[one.value for one in model],
            frames=frames,
            repeats=repeats,
            cutoff=cutoff,
            resume=resume,
            threads=workers,
            progress=console.is_terminal and not as_json,
        )
    if as_json:
        print_json([asdict(point) for point in points])
        return
    console.print(curve_table(points))
    print_path(console, "Figure", out / FIGURE_FILE)
