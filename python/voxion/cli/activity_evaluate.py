"""The command `voxion activity evaluate`: scores on membranes left out of the training."""

from __future__ import annotations

from enum import Enum
from typing import Annotated

import typer
from rich.console import Console

from voxion.cli.activity_options import Data, Molecules, read_given
from voxion.cli.options import AsJson, print_json

WIDTH = 130  # characters of a file or a pipe, which have no width of their own


class SplitChoice(str, Enum):
    """Units that a fold leaves out."""

    paper = "paper"
    polymer = "leave-one-polymer-out"
    pair = "leave-one-pair-out"


def evaluate(
    data: Data = None,
    molecules: Molecules = None,
    split: Annotated[
        SplitChoice,
        typer.Option(
            help="leave-one-polymer-out: each polymer is predicted by a model trained without it. "
            "leave-one-pair-out: each pair of polymer and salt is. paper: a random fifth of the "
            "rows is, with the seeds 28, 42 and 48 of Naghshnejad et al."
        ),
    ] = SplitChoice.polymer,
    models: Annotated[
        list[str] | None,
        typer.Option(
            "--model",
            help="Model to score; repeatable.",
            show_default="all but 'graph network' and 'graph network, descriptors', which take "
            "minutes",
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Score models on rows left out of their training, beside simple baselines."""
    from voxion.activity.fitting.evaluation import evaluate as run

    console = Console()
    if not console.is_terminal:
        console.width = max(console.width, WIDTH)
    shown = console.is_terminal and not as_json
    result = run(read_given(data, molecules), split.value, models, progress=shown)
    if as_json:
        print_json(result.to_dict())
    else:
        console.print(result.table())
