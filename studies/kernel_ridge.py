"""Kernel ridge with fixed choices, beside the one that chooses on inner folds.

python studies/kernel_ridge.py --data activity.csv --molecules molecules.csv

Gaussian kernel on the 14 standardised numbers, gamma as the target. Prints R2 and MAE for each
choice under the grouped splits; which choice is best is known only after looking.
"""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray
from sklearn.compose import TransformedTargetRegressor
from sklearn.kernel_ridge import KernelRidge
from sklearn.metrics import mean_absolute_error, r2_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from voxion.activity.data.splits import SplitKind, splits_of
from voxion.activity.data.table import ActivityData, read_activity

RIDGES = (1.0, 0.1, 0.01)
KERNEL_GAMMAS = (0.02, 0.05, 1 / 14, 0.1)
KINDS: tuple[SplitKind, ...] = ("leave-one-polymer-out", "leave-one-pair-out")


def main(data: Annotated[Path, typer.Option()], molecules: Annotated[Path, typer.Option()]) -> None:
    """Print the table."""
    rows = read_activity(data, molecules)
    typer.echo("| ridge | kernel's gamma | " + " | ".join(f"{k}: R2, MAE" for k in KINDS) + " |")
    typer.echo("|---" * (2 + len(KINDS)) + "|")
    for ridge, gamma in product(RIDGES, KERNEL_GAMMAS):
        cells = []
        for kind in KINDS:
            found = held_out(rows, kind, ridge, gamma)
            cells.append(
                f"{r2_score(rows.measured, found):.2f}, "
                f"{mean_absolute_error(rows.measured, found):.3f}"
            )
        typer.echo(f"| {ridge:g} | {gamma:.3g} | " + " | ".join(cells) + " |")


def held_out(
    rows: ActivityData, kind: SplitKind, ridge: float, gamma: float
) -> NDArray[np.float64]:
    """Predict each row by what was learned without its group."""
    found = np.zeros(len(rows))
    for split in splits_of(rows, kind):
        model = TransformedTargetRegressor(
            make_pipeline(StandardScaler(), KernelRidge(alpha=ridge, kernel="rbf", gamma=gamma)),
            transformer=StandardScaler(with_std=False),
        )
        model.fit(rows.numbers[split.training], rows.measured[split.training])
        found[split.test] = model.predict(rows.numbers[split.test])
    return found


if __name__ == "__main__":
    typer.run(main)
