"""The command `voxion activity evaluate`: how well models meet membranes that they do not know."""

from __future__ import annotations

import json
from enum import Enum
from typing import Annotated

import typer
from rich.console import Console

from voxion.cli.activity_options import Data, Molecules, read_given

WIDTH = 130  # characters of a file or a pipe, which have no width of their own


class SplitChoice(str, Enum):
    """What is left out."""

    paper = "paper"
    polymer = "leave-one-polymer-out"
    pair = "leave-one-pair-out"


def evaluate(
    data: Data = None,
    molecules: Molecules = None,
    split: Annotated[
        SplitChoice,
        typer.Option(
            help="leave-one-polymer-out: each polymer is predicted by a model that has never met "
            "it. leave-one-pair-out: each polymer in one salt. paper: a random fifth of the rows, "
            "by the paper's seeds 28, 42 and 48."
        ),
    ] = SplitChoice.polymer,
    models: Annotated[
        list[str] | None,
        typer.Option(
            "--model",
            help="Score this one; may be given again. Without it, all but the paper's networks, "
            "'graph network, descriptors' and 'graph network', which take minutes.",
        ),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Score models on rows that they were not fitted to, beside simple baselines."""
    from voxion.activity.fitting.evaluation import evaluate as run

    console = Console()
    if not console.is_terminal:
        console.width = max(console.width, WIDTH)
    shown = console.is_terminal and not as_json
    result = run(read_given(data, molecules), split.value, models, progress=shown)
    if as_json:
        print(json.dumps(result.to_dict(), indent=2))
    else:
        console.print(result.table())
