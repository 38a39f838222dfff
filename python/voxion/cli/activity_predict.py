"""The command `voxion activity predict`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from voxion.cli.options import Force, output

console = Console()
SHOWN = 30  # rows in the terminal


def predict(
    model: Annotated[Path, typer.Argument(help="Model file of 'voxion activity fit'.")],
    data: Annotated[
        Path,
        typer.Argument(help="CSV file with the columns of the training data, without gamma_exp."),
    ],
    molecules: Annotated[
        Path, typer.Argument(help="CSV file: kind (polymer or salt), name, smiles.")
    ],
    out: Annotated[Path, typer.Option(help="CSV file to write.")],
    force: Force = False,
) -> None:
    """Predict activity coefficients, with 90 % intervals and warnings.

    Rows are refused if an element or a number in them is far outside the training data.
    """
    from voxion.activity.fitting.predict import predict_file

    with output(out, force):
        found = predict_file(model, data, molecules, out)
    table = Table()
    for name in ("polymer", "salt", "mol/L", "gamma", "interval", "warning"):
        table.add_column(name, overflow="fold")
    rows = found.data
    for row in range(min(SHOWN, len(rows))):
        prediction = found.prediction
        table.add_row(
            str(rows.polymers[row]),
            str(rows.salts[row]),
            f"{rows.salt_concentration[row]:g}",
            f"{prediction.gamma[row]:.3g}",
            f"{prediction.lower[row]:.3g} to {prediction.upper[row]:.3g}",
            "; ".join(found.familiarity[row].warnings),
        )
    console.print(table)
    if len(rows) > SHOWN:
        console.print(f"and {len(rows) - SHOWN} more")
    warned = sum(bool(one.warnings) for one in found.familiarity)
    console.print(f"{len(rows)} rows, {warned} of them with a warning: {out}", soft_wrap=True)
