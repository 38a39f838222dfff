"""Simple models that a better one has to beat, each tuned inside its training data."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np
from rdkit.Chem import rdFingerprintGenerator
from sklearn.ensemble import RandomForestRegressor
from sklearn.kernel_ridge import KernelRidge
from sklearn.model_selection import GroupKFold, KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from voxion.activity.data.chemistry import charge_spacing, ions_of
from voxion.activity.data.polymers import read_molecule
from voxion.activity.data.splits import SplitKind
from voxion.activity.data.table import ActivityData, Floats
from voxion.activity.data.theory import BJERRUM, absorbed_salt, fixed_concentration, log_manning
from voxion.errors import VoxionError

FOLDS = 5  # of the training data, to choose by
RADIUS, BITS = 2, 1024  # of the Morgan fingerprints
RIDGE, KERNEL_WIDTH = (0.01, 0.1, 1.0), (0.01, 0.03, 0.1)
LEAVES, TREES = (1, 3), 100
SEED = 0


class Regressor(Protocol):
    """Interface of scikit-learn's regressors."""

    def fit(self, features: Floats, target: Floats) -> Any:
        """Learn."""

    def predict(self, features: Floats) -> Floats:
        """Return targets."""


def inner_folds(data: ActivityData, kind: SplitKind) -> list[tuple[np.ndarray, np.ndarray]]:
    """Split training data as the test was split off: by rows, polymers or pairs, in 5 folds.

    Raises
    ------
    VoxionError
        There is one group only, so that nothing can be held out of the training data.
    """
    groups = {"paper": None, "leave-one-polymer-out": data.polymers}.get(kind, data.pairs)
    count = len(data) if groups is None else len(np.unique(groups))
    if count < 2:
        what = {"paper": "row", "leave-one-polymer-out": "polymer"}.get(kind, "pair")
        raise VoxionError(
            f"The training data of a split has one {what} only, and a baseline is tuned on what is "
            f"held out of it: the data need three {what}s at least."
        )
    if groups is None:
        return list(KFold(min(FOLDS, count), shuffle=True, random_state=SEED).split(data.gamma))
    return list(GroupKFold(min(FOLDS, count)).split(data.gamma, groups=groups))


class Tuned:
    """A regressor of ln gamma, or of gamma, chosen by the mean absolute error on inner folds.

    Parameters
    ----------
    features : callable
        Gives the features [N, F] of data.
    candidates : sequence of callables
        Each makes a regressor.
    kind : SplitKind
        How the inner folds are made.

    Attributes
    ----------
    held_out : ndarray [n]
        What the chosen one says of the training rows, each from the folds without it.
    """

    def __init__(
        self,
        features: Callable[[ActivityData], Floats],
        candidates: Sequence[Callable[[], Regressor]],
        kind: SplitKind,
    ) -> None:
        self.features, self.candidates, self.kind = features, candidates, kind
        self.held_out: Floats = np.zeros(0)

    def fit(self, data: ActivityData) -> None:
        """Choose, then learn from all of the data."""
        features, gamma = self.features(data), data.measured
        folds = inner_folds(data, self.kind)
        best = (np.inf, self.candidates[0], False)
        for make in self.candidates:
            for logarithmic in (False, True):
                held_out = np.zeros(len(gamma))
                for training, test in folds:
                    model = _fitted(make, features[training], gamma[training], logarithmic)
                    held_out[test] = model(features[test])
                error = float(np.abs(held_out - gamma).mean())
                if error < best[0]:
                    best, self.held_out = (error, make, logarithmic), held_out
        self.model = _fitted(best[1], features, gamma, best[2])

    def predict_gamma(self, data: ActivityData) -> Floats:
        """Return coefficients [N], not below the smallest one of the training data."""
        return self.model(self.features(data))


def _fitted(
    make: Callable[[], Regressor], features: Floats, gamma: Floats, logarithmic: bool
) -> Callable[[Floats], Floats]:
    model = make()
    model.fit(features, np.log(gamma) if logarithmic else gamma)
    lowest = float(gamma.min())

    def predict(asked: Floats) -> Floats:
        found = model.predict(asked)
        return np.maximum(np.exp(found) if logarithmic else found, lowest)

    return predict


def kernel_ridge(kind: SplitKind) -> Tuned:
    """Kernel ridge regression on the 14 numbers."""
    return Tuned(lambda data: data.numbers, _kernels(), kind)


def random_forest(kind: SplitKind) -> Tuned:
    """Random forest on the 14 numbers."""
    return Tuned(lambda data: data.numbers, [_forest(leaf) for leaf in LEAVES], kind)


def fingerprints(kind: SplitKind) -> Tuned:
    """Random forest on the Morgan fingerprints of polymer and salt and the 14 numbers."""
    return Tuned(
        lambda data: np.hstack([_fingerprints(data), data.numbers]),
        [_forest(leaf) for leaf in LEAVES],
        kind,
    )


class GroupMean:
    """Mean of the same polymer and salt; if there is none, of the polymer; if none, of all."""

    def __init__(self, kind: SplitKind) -> None:
        self.kind = kind
        self.held_out: Floats = np.zeros(0)

    def fit(self, data: ActivityData) -> None:
        """Take the means."""
        self.held_out = np.zeros(len(data))
        for training, test in inner_folds(data, self.kind):
            self.data = data.take(training)
            self.held_out[test] = self.predict_gamma(data.take(test))
        self.data = data

    def predict_gamma(self, data: ActivityData) -> Floats:
        """Return coefficients [N]."""
        gamma = self.data.measured
        found = np.full(len(data), gamma.mean())
        for known, asked in (
            (self.data.polymers, data.polymers),
            (self.data.pairs, data.pairs),
        ):
            for name in np.unique(asked[np.isin(asked, known)]):
                found[asked == name] = gamma[known == name].mean()
        return found


class ManningTheory:
    """Counter-ion condensation with Donnan's equilibrium, nothing fitted but the intervals.

    The theory wants the distance of charges along the chain, which the data do not have: it is
    estimated from the SMILES, see `chemistry.charge_spacing`. The tethered charges' concentration
    follows from the water, the salt in the membrane from the equilibrium with the solution.
    """

    def __init__(self) -> None:
        self.held_out: Floats = np.zeros(0)

    def fit(self, data: ActivityData) -> None:
        """Note how far off the theory is."""
        self.held_out = self.predict_gamma(data)

    def predict_gamma(self, data: ActivityData) -> Floats:
        """Return coefficients [N]."""
        found = []
        for row, ions in enumerate(ions_of(data)):
            name = str(data.polymers[row])
            density = BJERRUM / charge_spacing(data.polymer_smiles[name], name)
            fixed = fixed_concentration(float(data.water_per_ion[row]))
            salt = absorbed_salt(density, fixed, float(data.salt_concentration[row]), ions)
            found.append(log_manning(density, fixed, salt, ions))
        return np.exp(found)


def _kernels() -> list[Callable[[], Regressor]]:
    return [
        lambda ridge=ridge, width=width: make_pipeline(  # type: ignore[misc]
            StandardScaler(), KernelRidge(alpha=ridge, kernel="rbf", gamma=width)
        )
        for ridge in RIDGE
        for width in KERNEL_WIDTH
    ]


def _forest(leaf: int) -> Callable[[], Regressor]:
    return lambda: RandomForestRegressor(TREES, min_samples_leaf=leaf, random_state=SEED)


def _fingerprints(data: ActivityData) -> Floats:
    generator = rdFingerprintGenerator.GetMorganGenerator(radius=RADIUS, fpSize=BITS)
    columns = []
    for names, smiles in (
        (data.polymers.tolist(), data.polymer_smiles),
        (data.salts.tolist(), data.salt_smiles),
    ):
        prints = {
            name: generator.GetCountFingerprintAsNumPy(read_molecule(smiles[name], name))
            for name in set(names)
        }
        columns.append(np.array([prints[name] for name in names], dtype=np.float64))
    return np.hstack(columns)
