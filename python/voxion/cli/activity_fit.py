"""The command `voxion activity fit`."""

from __future__ import annotations

from dataclasses import asdict
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from voxion.cli.activity_options import Data, Molecules
from voxion.cli.options import AsJson, Force, Seed, output, print_json, print_path

console = Console()


class ModelChoice(str, Enum):
    """Names of models; `voxion.activity.fitting.catalogue.MODELS` makes them."""

    condensation = "condensation"
    graph = "graph"
    graph_descriptors = "graph-descriptors"


def fit(
    out: Annotated[
        Path, typer.Option(help="Folder to write: model.pt, summary.json and parity.png.")
    ],
    data: Data = None,
    molecules: Molecules = None,
    model: Annotated[
        ModelChoice,
        typer.Option(
            help="condensation: a Gaussian process around Manning's limit, also for new membranes. "
            "graph: the network of Naghshnejad et al. on polymer, salt, concentration and "
            "water. graph-descriptors: also on the 12 descriptors."
        ),
    ] = ModelChoice.condensation,
    seed: Seed = 28,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Fit a model to all rows, export it to OUT/model.pt, and print its cross-validated scores."""
    from voxion.activity.fitting.fit import SUMMARY_FILE, fit_model
    from voxion.cli.activity_options import read_given

    rows = read_given(data, molecules)
    shown = console.is_terminal and not as_json
    with output(out, force, kind=SUMMARY_FILE):
        result = fit_model(rows, model.value, out, seed=seed, progress=shown)
    if as_json:
        scores = {name: asdict(one) for name, one in result.scores.items()}
        print_json({"model": str(result.model_path), "scores": scores})
        return
    table = Table(title="Rows that were held out", title_justify="left")
    for name in ("", "R²", "MAE", "RMSE", "log MAE", "90 % interval"):
        table.add_column(name, justify="right" if name else "left")
    for name, found in result.scores.items():
        table.add_row(
            name,
            "" if found.r2 is None else f"{found.r2:.3f}",
            *(f"{value:.3f}" for value in (found.mae, found.rmse, found.log_mae)),
            f"x {_factor(found.log_width):.3g}",
        )
    console.print(table)
    print_path(console, "Model", result.model_path)


def _factor(log_width: float) -> float:
    """Return upper / gamma of an interval whose ln(upper / lower) is this."""
    import math

    return math.exp(log_width / 2)
