"""The command `voxion charges select`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from voxion.cli.options import STORE_FILE, Force, output

if TYPE_CHECKING:
    import numpy as np

console = Console()


def select(
    model: Annotated[Path, typer.Argument(help="Exported site-potentials or tight-binding model.")],
    dataset: Annotated[
        Path, typer.Argument(help="Data set to choose from, such as one of a run with the model.")
    ],
    out: Annotated[Path, typer.Option(help="Data set to write (Zarr folder).")],
    frames: Annotated[int, typer.Option(min=1, help="Number of frames to choose.")],
    force: Force = False,
) -> None:
    """Choose the frames that differ most from the training data of a model, to label them."""
    from voxion.charges.evaluation.select import select as run

    with output(out, force, kind=STORE_FILE):
        selection = run(model, dataset, out, frames, console.is_terminal)
    chosen = selection.distances[selection.frames]
    console.print(f"{out}: {len(chosen)} of {len(selection.distances)} frames", soft_wrap=True)
    console.print(
        "distance from the training data, whose largest is 1: "
        f"chosen {_range(chosen)}, all {_range(selection.distances)}",
        soft_wrap=True,
    )


def _range(values: np.ndarray) -> str:
    import numpy as np

    return f"{values.min():.2f} to {values.max():.2f} (median {np.median(values):.2f})"
