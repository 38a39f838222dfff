"""The command `voxion charges learning-curve`."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from voxion.charges.defaults import CURVE_FRAMES, CURVE_REPEATS, CUTOFF

console = Console()


class CurveModel(str, Enum):
    """Which model."""

    site_potentials = "site-potentials"
    tight_binding = "tight-binding"
    paper = "paper"


Model = Annotated[
    list[CurveModel],
    typer.Option(help="Repeatable; site-potentials is its linear response alone."),
]
Frames = Annotated[list[int], typer.Option(help="Frames to learn from; repeatable.")]
Repeats = Annotated[int, typer.Option(min=1, help="Choices of that many frames.")]
Cutoff = Annotated[float, typer.Option(help="Cutoff of the potentials, angstrom.")]
Threads = Annotated[int, typer.Option(min=1, help="Threads of torch.")]


def learning_curve(
    dataset: Annotated[Path, typer.Argument(help="Data set with charges.")],
    out: Annotated[Path, typer.Option(help="Folder for the scores and the figure.")],
    model: Model = [CurveModel.site_potentials],  # noqa: B006  typer copies defaults
    frames: Frames = list(CURVE_FRAMES),  # noqa: B006
    repeats: Repeats = CURVE_REPEATS,
    cutoff: Cutoff = CUTOFF,
    resume: Annotated[bool, typer.Option("--resume", help="Continue the curve in OUT.")] = False,
    threads: Threads = 1,
) -> None:
    """Train on a few frames, several times, and score on the last tenth of all frames."""
    from voxion.charges.training.learning_curve import FIGURE_FILE, curve_table
    from voxion.charges.training.learning_curve import learning_curve as run

    points = run(
        dataset,
        out,
        models=[one.value for one in model],
        frames=frames,
        repeats=repeats,
        cutoff=cutoff,
        resume=resume,
        threads=threads,
        progress=console.is_terminal,
    )
    console.print(curve_table(points))
    console.print(f"Figure: {out / FIGURE_FILE}", soft_wrap=True)
