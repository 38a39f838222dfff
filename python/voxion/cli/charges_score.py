"""The command `voxion charges score`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from voxion.cli.options import AsJson, FramesChoice, SelectScored, frames_to_score, print_json

console = Console()


def score(
    model: Annotated[Path, typer.Argument(help="Exported model.")],
    dataset: Annotated[Path, typer.Argument(help="Data set with charges.")],
    select: SelectScored = FramesChoice.all,
    as_json: AsJson = False,
) -> None:
    """Score the charges of a model and the forces from them, beside two trivial baselines.

    The baselines are one constant for all atoms, and the mean charge of each atom.
    """
    from voxion.charges.evaluation.scores import score as run

    result = run(model, dataset, frames_to_score(select), console.is_terminal and not as_json)
    if as_json:
        print_json(result.to_dict())
        return
    console.print(result.table())
    if result.forces is not None:
        console.print(result.forces.table())
    else:
        console.print(f"No errors of forces: {result.no_forces}", soft_wrap=True)
