"""The command `voxion charges select`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

if TYPE_CHECKING:
    import numpy as np

console = Console()


def select(
    model: Annotated[Path, typer.Argument(help="Exported site-potentials or tight-binding model.")],
    dataset: Annotated[
        Path, typer.Argument(help="Data set to choose from, such as one of a run with the model.")
    ],
    output: Annotated[Path, typer.Argument(help="Data set to write (Zarr).")],
    frames: Annotated[int, typer.Option(min=1, help="Frames to choose.")],
) -> None:
    """Choose the frames whose labels would teach a model most; label them, and train again."""
    from voxion.charges.evaluation.select import select as run

    selection = run(model, dataset, output, frames, console.is_terminal)
    chosen = selection.distances[selection.frames]
    console.print(f"{output}: {len(chosen)} of {len(selection.distances)} frames", soft_wrap=True)
    console.print(
        "distance from the training data, 1 is its furthest: "
        f"chosen {_range(chosen)}, all {_range(selection.distances)}",
        soft_wrap=True,
    )


def _range(values: np.ndarray) -> str:
    import numpy as np

    return f"{values.min():.2f} to {values.max():.2f} (median {np.median(values):.2f})"
