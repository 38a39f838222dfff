"""Fits a model to all data, tells how far it can be trusted, and exports it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.progress import Progress

from voxion.activity.data.splits import leave_one_out
from voxion.activity.data.table import ActivityData, Floats
from voxion.activity.fitting.catalogue import MODELS, ExportableModel
from voxion.activity.fitting.export import activity_contract, write_model
from voxion.activity.fitting.figure import plot_parity
from voxion.activity.fitting.scores import Scores, score
from voxion.activity.fitting.training import Indices, random_folds
from voxion.activity.models.conformal import quantile
from voxion.activity.models.estimator import FLOOR, Prediction
from voxion.contract.schema import ActivityContract
from voxion.errors import VoxionError
from voxion.files import replacing
from voxion.training_folder import write_json

MODEL_FILE, SUMMARY_FILE, FIGURE_FILE = "model.pt", "summary.json", "parity.png"
KNOWN_FOLDS = 5  # random ones, that tell how good predictions for known membranes are
KNOWN, NEW = "known membrane", "new polymer"


@dataclass(frozen=True)
class FitResult:
    """Result of `fit_model`.

    Attributes
    ----------
    model_path : Path
    scores : dict of str to Scores
        Scores of held-out rows: rows of membranes that are known at other concentrations, and
        membranes of polymers that are new; with `baseline`, the mean of the training rows of the
        same polymer and salt, or of all.
    """

    model_path: Path
    scores: dict[str, Scores]


def fit_model(
    data: ActivityData, model: str, out: Path, *, seed: int = 28, progress: bool = False
) -> FitResult:
    """Fit a model to all rows and write it.

    Two cross-validations say how good it is: `KNOWN_FOLDS` random folds for a membrane of the
    training data at another concentration, leaving out one polymer at a time for a new one. A model
    without intervals of its own gets them from there: half widths of ln gamma are the conformal
    quantiles of the errors.

    Parameters
    ----------
    data : ActivityData
        Measured.
    model : str
        A key of `MODELS`.
    out : Path
        Folder for ``model.pt``, ``summary.json`` and ``parity.png``; a model there is replaced.
    seed : int
    progress : bool
        Show a progress bar.

    Raises
    ------
    VoxionError
        There is no such model, there are too few rows or polymers, a molecule cannot be read, or
        the exported model differs from the fitted one.
    """
    if model not in MODELS:
        raise VoxionError(f"There is no model {model!r}: give one of {', '.join(MODELS)}.")
    make = MODELS[model]
    parts = {
        KNOWN: list(random_folds(np.arange(len(data)), KNOWN_FOLDS, seed)),
        NEW: [(split.training, split.test) for split in leave_one_out(data.polymers)],
    }
    with Progress(disable=not progress) as bar:
        task = bar.add_task("Fitting", total=1 + sum(len(folds) for folds in parts.values()))

        def fitted(part: ActivityData, keep: bool) -> ExportableModel:
            one = make(seed, keep)
            one.fit(part)
            bar.advance(task)
            return one

        kept = fitted(data, True)
        held_out = {
            name: _held_out(data, folds, lambda part: fitted(part, False).predict)
            for name, folds in parts.items()
        }
    predicted, intervals = kept.predict(data), None
    if kept.inputs == "graphs":
        widths = {name: half_width(data.measured, p.gamma) for name, p in held_out.items()}
        held_out = {name: _widened(p, widths[name]) for name, p in held_out.items()}
        predicted, intervals = _widened(predicted, widths[KNOWN]), (widths[KNOWN], widths[NEW])
    contract = activity_contract(data, model, kept.inputs, intervals)
    path = write_model(kept.module(), contract, out / MODEL_FILE, data, predicted)
    scores = {name: score(data.measured, found) for name, found in held_out.items()}
    for name, folds in parts.items():
        means = _held_out(data, folds, _pair_mean)
        width = half_width(data.measured, means.gamma)
        scores[f"{name}, baseline"] = score(data.measured, _widened(means, width))
    write_json(out / SUMMARY_FILE, _summary(data, contract, scores, held_out))
    with replacing(out / FIGURE_FILE) as temporary:
        plot_parity(data, predicted, held_out, model).savefig(temporary, format="png", dpi=150)
    return FitResult(path, scores)


def half_width(gamma: Floats, predicted: Floats) -> float:
    """Return the half width of ln gamma that covers a new measurement with `COVERAGE`."""
    return quantile(np.abs(np.log(np.maximum(predicted, FLOOR) / gamma)))


def _held_out(
    data: ActivityData,
    folds: list[tuple[Indices, Indices]],
    learn: Callable[[ActivityData], Callable[[ActivityData], Prediction]],
) -> Prediction:
    """Predict each row by what was learnt without its fold."""
    found = np.zeros((3, len(data)))
    for training, test in folds:
        one = learn(data.take(training))(data.take(test))
        found[:, test] = one.gamma, one.lower, one.upper
    return Prediction(*found)


def _pair_mean(training: ActivityData) -> Callable[[ActivityData], Prediction]:
    gamma, pairs = training.measured, training.pairs

    def predict(data: ActivityData) -> Prediction:
        means = [gamma[pairs == p].mean() if p in pairs else gamma.mean() for p in data.pairs]
        return Prediction(np.array(means), np.array(means), np.array(means))

    return predict


def _widened(prediction: Prediction, width: float) -> Prediction:
    gamma = prediction.gamma
    return Prediction(gamma, gamma * np.exp(-width), gamma * np.exp(width))


def _summary(
    data: ActivityData,
    contract: ActivityContract,
    scores: dict[str, Scores],
    held_out: dict[str, Prediction],
) -> dict[str, Any]:
    return {
        "model": contract.model,
        "rows": len(data),
        "polymers": len(contract.polymers),
        "salts": len(contract.salts),
        "log_interval_known": contract.log_interval_known,
        "log_interval_new": contract.log_interval_new,
        "held_out": {name: asdict(found) for name, found in scores.items()},
        "predictions": {name: found.gamma.tolist() for name, found in held_out.items()},
    }
