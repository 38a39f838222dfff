"""Predictions of an exported model, with intervals and what is outside its training data."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

from voxion.activity.data.chemistry import FEATURES as CHAIN_FEATURES
from voxion.activity.data.domain import Familiarity, familiarity
from voxion.activity.data.graphs import FEATURES
from voxion.activity.data.table import CONCENTRATION, WATER, ActivityData, read_activity
from voxion.activity.fitting.export import NUMBERS, run_model
from voxion.activity.models.estimator import Prediction
from voxion.contract.schema import ActivityContract, load_model
from voxion.errors import VoxionError
from voxion.files import replacing

FAMILIARITY = ("nearest_polymer", "similarity", "warning")


@dataclass(frozen=True)
class Predictions:
    """Predictions of a model for N membranes.

    Attributes
    ----------
    data : ActivityData
    prediction : Prediction
        Wider where the polymer, or the polymer in this salt, is new.
    familiarity : list of N Familiarity
    """

    data: ActivityData
    prediction: Prediction
    familiarity: list[Familiarity]


def predict_file(model: Path, data: Path, molecules: Path, out: Path) -> Predictions:
    """Predict the rows of a CSV file; see `predict` and `read_activity`."""
    predictions = predict(model, read_activity(data, molecules, measured=False))
    _write(predictions, out)
    return predictions


def predict(model: Path, data: ActivityData) -> Predictions:
    """Predict coefficients by an exported model.

    Raises
    ------
    VoxionError
        The file is no such model, or one for other features; a molecule cannot be read; a row is
        wholly outside the training data, see `voxion.activity.data.domain.familiarity`.
    """
    module, contract = load_model(model, ActivityContract)
    features = contract.atom_features or contract.chain_features
    if features not in (FEATURES, CHAIN_FEATURES) or contract.numbers != NUMBERS:
        raise VoxionError(
            f"Model {model} wants other features or numbers than this voxion makes; fit it "
            "again with 'voxion activity fit'."
        )
    found = familiarity(data, contract)
    return Predictions(data, run_model(module, contract, data, found), found)


def _write(predictions: Predictions, out: Path) -> None:
    data, prediction = predictions.data, predictions.prediction
    with replacing(out) as temporary, temporary.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(
            ["polymer", "salt", WATER, CONCENTRATION, "gamma", "lower", "upper", *FAMILIARITY]
        )
        for row, one in enumerate(predictions.familiarity):
            values = (prediction.gamma[row], prediction.lower[row], prediction.upper[row])
            writer.writerow(
                [data.polymers[row], data.salts[row]]
                + [f"{data.water_per_ion[row]:g}", f"{data.salt_concentration[row]:g}"]
                + [f"{value:.5g}" for value in values]
                + [one.nearest, f"{one.similarity:.3f}", "; ".join(one.warnings)]
            )
