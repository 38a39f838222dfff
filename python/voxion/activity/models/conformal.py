"""Intervals from errors on held-out training rows (Vovk et al., Algorithmic Learning, 2005)."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from voxion.activity.data.table import ActivityData, Floats
from voxion.activity.models.estimator import COVERAGE, FLOOR, Prediction


class HeldOutEstimator(Protocol):
    """A model that knows what it says of its training rows when it has not seen their fold."""

    @property
    def held_out(self) -> Floats:
        """Prediction of each training row by the model fitted without its fold, shape [n]."""

    def fit(self, data: ActivityData) -> None:
        """Learn from measured data."""

    def predict_gamma(self, data: ActivityData) -> Floats:
        """Return coefficients [N]."""


class Conformal:
    """Adds intervals to a model: its coefficients times and over one factor.

    ln of the factor is the conformal quantile of |ln gamma's error| on the held-out rows.
    """

    def __init__(self, model: HeldOutEstimator) -> None:
        self.model = model

    def fit(self, data: ActivityData) -> None:
        """Learn from measured data."""
        self.model.fit(data)
        held_out = np.maximum(self.model.held_out, FLOOR)
        self.factor = float(np.exp(quantile(np.abs(np.log(held_out / data.measured)))))

    def predict(self, data: ActivityData) -> Prediction:
        """Return coefficients, not below `FLOOR`, and intervals."""
        gamma = np.maximum(self.model.predict_gamma(data), FLOOR)
        return Prediction(gamma, gamma / self.factor, gamma * self.factor)


def quantile(errors: Floats) -> float:
    """Return the ceil((n + 1) 0.9)-th smallest of n errors, the largest where n is below 9."""
    rank = int(np.ceil((len(errors) + 1) * COVERAGE))
    return float(np.sort(errors)[min(rank, len(errors)) - 1])
