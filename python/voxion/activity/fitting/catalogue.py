"""The models that `voxion activity fit` offers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from torch import nn

from voxion.activity.data.table import ActivityData
from voxion.activity.fitting.export import ModelInputs
from voxion.activity.fitting.graph_estimator import GraphNetworkEstimator
from voxion.activity.fitting.training import FOLDS
from voxion.activity.models.condensation_module import CondensationModule
from voxion.activity.models.condensation_process import CondensationProcess
from voxion.activity.models.estimator import Prediction

FEW_FOLDS = 3  # networks of an ensemble that only tells how wide intervals are


class ExportableModel(Protocol):
    """A model that can be fitted, asked, and written as TorchScript."""

    inputs: ModelInputs

    def fit(self, data: ActivityData) -> None:
        """Learn from measured data."""

    def predict(self, data: ActivityData) -> Prediction:
        """Return coefficients; for inputs "graphs" the intervals have no width yet."""

    def module(self) -> nn.Module:
        """Return what is exported."""


class Condensation:
    """The condensation process."""

    inputs: ModelInputs = "condensation"

    def __init__(self) -> None:
        self.process = CondensationProcess()

    def fit(self, data: ActivityData) -> None:
        """Learn from measured data."""
        self.process.fit(data)

    def predict(self, data: ActivityData) -> Prediction:
        """Return coefficients and intervals."""
        return self.process.predict(data)

    def module(self) -> nn.Module:
        """Return what is exported."""
        return CondensationModule(self.process)


class Graph:
    """The paper's network; one that is not kept needs but a few members."""

    inputs: ModelInputs = "graphs"

    def __init__(self, descriptors: bool, seed: int, kept: bool) -> None:
        folds = FOLDS if kept else FEW_FOLDS
        self.network = GraphNetworkEstimator(descriptors, folds=folds, seed=seed)

    def fit(self, data: ActivityData) -> None:
        """Learn from measured data."""
        self.network.fit(data)

    def predict(self, data: ActivityData) -> Prediction:
        """Return coefficients."""
        gamma = self.network.predict_gamma(data)
        return Prediction(gamma, gamma, gamma)

    def module(self) -> nn.Module:
        """Return what is exported."""
        return self.network.module()


# of a seed, and whether it is the model that is kept, or one that tells how good such models are
MODELS: dict[str, Callable[[int, bool], ExportableModel]] = {
    "condensation": lambda seed, kept: Condensation(),
    "graph": lambda seed, kept: Graph(False, seed, kept),
    "graph-descriptors": lambda seed, kept: Graph(True, seed, kept),
}
