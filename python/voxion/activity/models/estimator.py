"""Interface of all models of activity coefficients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from voxion.activity.data.table import ActivityData, Floats

COVERAGE = 0.9  # share of measurements that an interval shall hold


FLOOR = 1e-4  # a smaller prediction counts as this one on the scale of logarithms


@dataclass(frozen=True)
class Prediction:
    """Coefficients of N membranes, all above zero.

    Attributes
    ----------
    gamma : ndarray [N]
    lower, upper : ndarray [N]
        Ends of the interval that shall hold `COVERAGE` of the measurements.
    """

    gamma: Floats
    lower: Floats
    upper: Floats


class ActivityEstimator(Protocol):
    """A model that learns from measured coefficients; it may be fitted again, from the start.

    What it chooses (hyperparameters, features, when to stop) it chooses inside `fit`, from the data
    given there.
    """

    def fit(self, data: ActivityData) -> None:
        """Learn from measured data."""

    def predict(self, data: ActivityData) -> Prediction:
        """Return coefficients and intervals; `data.gamma` is not looked at."""
