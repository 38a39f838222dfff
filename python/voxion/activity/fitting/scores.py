"""Errors of predicted coefficients against the measured ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from voxion.activity.data.table import Floats
from voxion.activity.models.estimator import FLOOR, Prediction


@dataclass(frozen=True)
class Scores:
    """Errors of n predictions; error means predicted less measured.

    Attributes
    ----------
    n : int
    r2 : float or None
        Coefficient of determination; None where the measured values are all the same.
    mae, rmse, std : float
        Mean absolute error, root of the mean squared error, standard deviation of the errors.
    log_mae, log_rmse : float
        The same of ln gamma: exp(log_mae) is the factor by which a prediction is typically off.
    coverage : float
        Share of measurements inside the intervals, whose aim is 0.9.
    width : float
        Median of the intervals' widths.
    log_width : float
        Median of ln(upper / lower).
    """

    n: int
    r2: float | None
    mae: float
    rmse: float
    std: float
    log_mae: float
    log_rmse: float
    coverage: float
    width: float
    log_width: float


def score(measured: Floats, prediction: Prediction) -> Scores:
    """Score n predictions."""
    error = prediction.gamma - measured
    log_error = np.log(np.maximum(prediction.gamma, FLOOR)) - np.log(measured)
    spread = float(np.sum((measured - measured.mean()) ** 2))
    inside = (prediction.lower <= measured) & (measured <= prediction.upper)
    ends = [np.maximum(end, FLOOR) for end in (prediction.upper, prediction.lower)]
    return Scores(
        n=len(measured),
        r2=1 - float(np.sum(error**2)) / spread if spread > 0 else None,
        mae=float(np.abs(error).mean()),
        rmse=float(np.sqrt((error**2).mean())),
        std=float(error.std()),
        log_mae=float(np.abs(log_error).mean()),
        log_rmse=float(np.sqrt((log_error**2).mean())),
        coverage=float(inside.mean()),
        width=float(np.median(prediction.upper - prediction.lower)),
        log_width=float(np.median(np.log(ends[0] / ends[1]))),
    )


def score_groups(
    measured: Floats, prediction: Prediction, groups: NDArray[np.str_]
) -> dict[str, Scores]:
    """Score each group of rows by itself, in the order of their first rows."""
    result = {}
    for name in dict.fromkeys(groups.tolist()):
        rows = groups == name
        result[str(name)] = score(measured[rows], take(prediction, rows))
    return result


def between_extremes(measured: Floats, pairs: NDArray[np.str_]) -> NDArray[np.bool_]:
    """Tell the rows [n] that belong neither to the pair with the highest mean nor to the lowest.

    The squared errors of a membrane far from all others can decide R2 alone.
    """
    means = {str(name): float(measured[pairs == name].mean()) for name in np.unique(pairs)}
    extremes = [max(means, key=lambda name: means[name]), min(means, key=lambda name: means[name])]
    return np.asarray(~np.isin(pairs, extremes))


def take(prediction: Prediction, rows: NDArray[np.bool_] | NDArray[np.int64]) -> Prediction:
    """Return the predictions of some rows."""
    return Prediction(prediction.gamma[rows], prediction.lower[rows], prediction.upper[rows])
