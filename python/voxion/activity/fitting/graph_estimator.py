"""The graph network as an estimator: an ensemble, one network for each fold of the data."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from torch import nn

from voxion.activity.data.table import ActivityData, Floats
from voxion.activity.fitting.scores import FLOOR
from voxion.activity.fitting.training import (
    EPOCHS,
    FOLDS,
    FittedNetwork,
    Hyperparameters,
    NetworkInputs,
    fit_network,
    network_inputs,
    predict,
    random_folds,
)
from voxion.activity.models.network import ActivityNetwork, NetworkEnsemble
from voxion.errors import VoxionError


@dataclass(frozen=True)
class Ensemble:
    """Networks of one cross-validation.

    Attributes
    ----------
    fitted : list of K FittedNetwork
        Network k stopped early on fold k, and has seen the rest.
    held_out : ndarray [n]
        What each training row is predicted to be by the network that has not trained on it, in
        the order of `rows`.
    rows : ndarray [n] of int
        The training rows, ascending.
    """

    fitted: list[FittedNetwork]
    held_out: Floats
    rows: np.ndarray

    @property
    def networks(self) -> list[ActivityNetwork]:
        """The K networks."""
        return [one.network for one in self.fitted]


def fit_ensemble(
    inputs: NetworkInputs,
    gamma: Floats,
    rows: np.ndarray,
    hyperparameters: Hyperparameters,
    *,
    descriptors: bool,
    seed: int,
    folds: int = FOLDS,
    epochs: int = EPOCHS,
    advance: Callable[[], None] = lambda: None,
) -> Ensemble:
    """Train one network for each random fold of some rows.

    Parameters
    ----------
    inputs, gamma, hyperparameters, descriptors, seed, epochs
        See `voxion.activity.fitting.training.fit_network`.
    rows : ndarray of int
        Rows to learn from.
    folds : int
        K.
    advance : callable
        Called after each network.

    Raises
    ------
    VoxionError
        There are fewer rows than folds, or a training failed.
    """
    fitted = []
    held_out = np.zeros(len(gamma))
    for training, validation in random_folds(rows, folds, seed):
        one = fit_network(
            inputs,
            gamma,
            training,
            validation,
            hyperparameters,
            descriptors=descriptors,
            seed=seed,
            epochs=epochs,
        )
        fitted.append(one)
        held_out[validation] = predict([one.network], inputs)[0][validation]
        advance()
    rows = np.sort(rows)
    return Ensemble(fitted, held_out[rows], rows)


class GraphNetworkEstimator:
    """The paper's network, the mean of K trained on K cross-validation folds of the data.

    Parameters
    ----------
    descriptors : bool
        Which architecture, see `voxion.activity.models.network.ActivityNetwork`.
    hyperparameters : Hyperparameters
    folds : int
        K, or the number of rows where there are fewer.
    seed : int
    epochs : int
        At most, for each network.
    """

    def __init__(
        self,
        descriptors: bool = True,
        hyperparameters: Hyperparameters | None = None,
        *,
        folds: int = FOLDS,
        seed: int = 28,
        epochs: int = EPOCHS,
    ) -> None:
        self.descriptors, self.folds, self.seed = descriptors, folds, seed
        self.hyperparameters = hyperparameters or Hyperparameters()
        self.epochs = epochs
        self.ensemble: Ensemble | None = None

    def fit(self, data: ActivityData, advance: Callable[[], None] = lambda: None) -> None:
        """Learn from measured data; `advance` is called after each of the K networks."""
        self.ensemble = fit_ensemble(
            network_inputs(data),
            data.measured,
            np.arange(len(data)),
            self.hyperparameters,
            descriptors=self.descriptors,
            seed=self.seed,
            folds=min(self.folds, len(data)),
            epochs=self.epochs,
            advance=advance,
        )

    @property
    def held_out(self) -> Floats:
        """Prediction of each training row by the network that was trained without it, shape [n]."""
        return self._fitted().held_out

    def predict_gamma(self, data: ActivityData) -> Floats:
        """Return coefficients [N]: the networks' mean, not below `FLOOR`."""
        found = predict(self._fitted().networks, network_inputs(data))
        return np.maximum(found.mean(axis=0), FLOOR)

    def module(self) -> nn.Module:
        """Return what is exported: see `NetworkEnsemble`."""
        return NetworkEnsemble(self._fitted().networks, FLOOR)

    def _fitted(self) -> Ensemble:
        if self.ensemble is None:
            raise VoxionError("The graph network was not fitted: call fit first.")
        return self.ensemble
