"""A Gaussian process around Manning's limit: what is learnt is the deviation from the theory.

The theory says how the valences and numbers of the ions matter; the process learns how the chain's
chemistry, the concentration and each membrane add to it. Two questions are answered apart, each by
the features that serve it best on held-out training rows: a membrane that is known, at another
concentration, and one that is new.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]

from voxion.activity.data.chemistry import ALTERNATIVES, FEATURES, features, ions_of
from voxion.activity.data.table import ActivityData, Floats
from voxion.activity.data.theory import log_manning
from voxion.activity.models.conformal import quantile
from voxion.activity.models.estimator import Prediction
from voxion.activity.models.gaussian_process import Blocks, GaussianProcess
from voxion.activity.models.kernel import Factor, Term
from voxion.errors import VoxionError

CHARGE_DENSITY = 2.0  # Manning's xi of the limit; the process learns by how much a membrane differs
SUBSET_SIZES = (2, 3)  # how many features of the chain a process looks at
FOLDS, DRAWS = 5, 3  # of random parts left out, to see how wide an interval has to be
NORMAL = 1.645  # standard deviations on each side hold 90 %; where nothing can be left out
FAR, ROUNDING = 0.5, 1e-9  # share of a training range
UNKNOWN = -1  # code of a polymer or pair that the training data do not have


def _terms() -> tuple[tuple[Term, ...], tuple[Term, ...]]:
    chain, smooth_chain = Factor("linear", "chain"), Factor("smooth", "chain")
    ions = Factor("smooth", "ions")
    polymer, pair = Factor("same", "polymer"), Factor("same", "pair")
    concentration, slope = Factor("smooth", "concentration"), Factor("linear", "concentration")
    # the level: by chemistry, what is the polymer's own, by ions, what is the pair's own; and its
    # change with concentration: common to all, by ions, the pair's own
    common: tuple[Term, ...] = (
        (chain,),
        (polymer,),
        (ions,),
        (pair,),
        (concentration,),
        (concentration, ions),
        (concentration, pair),
    )
    # by chemistry, it is smooth between known membranes, and a slope beyond them
    return (*common, (concentration, smooth_chain)), (*common, (slope, chain))


KNOWN_TERMS, NEW_TERMS = _terms()


@dataclass(frozen=True)
class Inputs:
    """Inputs of the process, before they are standardised.

    Attributes
    ----------
    chain : ndarray [N, F]
        `chemistry.FEATURES`.
    ions : ndarray [N, 2]
        Valences of counter- and co-ion.
    concentration : ndarray [N]
        ln of the concentration outside, mol/L.
    limit : ndarray [N]
        ln of the product of the ions' coefficients, without salt, at `CHARGE_DENSITY`.
    number : ndarray [N]
        Ions of a formula unit.
    """

    chain: Floats
    ions: Floats
    concentration: Floats
    limit: Floats
    number: Floats


def inputs_of(data: ActivityData) -> Inputs:
    """Compute the inputs; see `chemistry.features` and `chemistry.ions_of` for what they raise."""
    ions = ions_of(data)
    return Inputs(
        features(data),
        np.array([[float(one.counter_valence), float(one.co_valence)] for one in ions]),
        np.log(data.salt_concentration),
        np.array([log_manning(CHARGE_DENSITY, 1.0, 0.0, one) for one in ions]),
        np.array([float(one.number) for one in ions]),
    )


@dataclass(frozen=True)
class Scaling:
    """Mean and standard deviation of the columns (chain, ions, concentration) and of the target."""

    mean: Floats
    deviation: Floats
    target_mean: float
    target_deviation: float

    def standardised(self, inputs: Inputs) -> Floats:
        """Return the columns [N, F + 3]."""
        columns = np.column_stack([inputs.chain, inputs.ions, inputs.concentration])
        return np.asarray((columns - self.mean) / self.deviation)


def fit_scaling(inputs: Inputs, target: Floats) -> Scaling:
    """Fit to training rows; a column that does not vary keeps its unit."""
    columns = np.column_stack([inputs.chain, inputs.ions, inputs.concentration])
    deviation = columns.std(axis=0)
    # what varies by rounding alone does not vary
    constant = deviation <= 1e-9 * np.maximum(1.0, np.abs(columns).max(axis=0))
    return Scaling(
        columns.mean(axis=0),
        np.where(constant, 1.0, deviation),
        float(target.mean()),
        float(target.std()) or 1.0,
    )


@dataclass(frozen=True)
class Fitted:
    """One process.

    Attributes
    ----------
    chain : tuple of int
        Which of `chemistry.FEATURES` it looks at.
    process : GaussianProcess
    score : float
        What it was chosen by, the higher the better.
    """

    chain: tuple[int, ...]
    process: GaussianProcess
    score: float

    @property
    def features(self) -> list[str]:
        """Names of the features of the chain."""
        return [FEATURES[index] for index in self.chain]


class CondensationProcess:
    """The estimator; see the module's text.

    Subsets of 2 or 3 of `chemistry.FEATURES` are tried, each fitted by evidence. The one for new
    membranes is that with the least mean absolute error of gamma when each polymer of the training
    data is left out, that for known ones has the highest evidence. Interval widths are the process'
    standard deviations times the conformal quantile of |error| / deviation on rows of the training
    data that the process, fitted again, has not seen: those of a polymer, of a pair, or random
    fifths.
    """

    def __init__(self, candidates: tuple[tuple[int, ...], ...] | None = None) -> None:
        self.candidates = candidates or subsets()
        self.fitted = False

    def fit(self, data: ActivityData) -> None:
        """Learn from measured data."""
        inputs, gamma = inputs_of(data), data.measured
        target = (np.log(gamma) - inputs.limit) / inputs.number
        self.scaling = fit_scaling(inputs, target)
        self.polymers = list(dict.fromkeys(data.polymers.tolist()))
        self.pairs = list(dict.fromkeys(data.pairs.tolist()))
        scaled = (target - self.scaling.target_mean) / self.scaling.target_deviation
        polymer, pair = self.codes(data)
        row = np.arange(len(data))
        columns = self.scaling.standardised(inputs)
        left_out = polymer if len(self.polymers) > 1 else row
        with threadpool_limits(1):  # the matrices are small

            def held_out(process: GaussianProcess) -> float:
                found, _ = process.left_out(left_out)
                return -float(np.abs(self._gamma(found, inputs) - gamma).mean())

            def choose(terms: tuple[Term, ...], rate: Callable[[GaussianProcess], float]) -> Fitted:
                best: Fitted | None = None
                start: Floats | None = None
                for chain in self.candidates:
                    process = GaussianProcess(terms)
                    process.fit(blocks(columns, chain, polymer, pair), scaled, start)
                    start = process.theta
                    if best is None or rate(process) > best.score:
                        best = Fitted(chain, process, rate(process))
                assert best is not None
                return best

            self.known = choose(KNOWN_TERMS, lambda process: process.log_evidence)
            self.new = choose(NEW_TERMS, held_out)
            self.inputs, self.fitted = inputs, True
            # by what is new: nothing, the pair, the polymer
            width = partial(_width, columns, polymer, pair, scaled)
            self.widths = np.array(
                [
                    width(self.known, _random_folds(len(data))),
                    width(self.new, _each_out(pair)),
                    width(self.new, _each_out(left_out)),
                ]
            )

    def predict(self, data: ActivityData) -> Prediction:
        """Return the median of gamma, and intervals."""
        if not self.fitted:
            raise VoxionError("The condensation process was not fitted: call fit first.")
        inputs = inputs_of(data)
        columns = self.scaling.standardised(inputs)
        polymer, pair = self.codes(data)
        known = pair != UNKNOWN
        answers = [
            one.process.predict(blocks(columns, one.chain, polymer, pair))
            for one in (self.known, self.new)
        ]
        mean = np.where(known, answers[0][0], answers[1][0])
        width = self.widths[np.where(known, 0, np.where(polymer != UNKNOWN, 1, 2))]
        away = width * np.where(known, answers[0][1], answers[1][1])
        return Prediction(*(self._gamma(mean + shift, inputs) for shift in (0.0, -away, away)))

    def far(self, data: ActivityData) -> list[str]:
        """Say for each row [N] in what it is far outside the training data, "" if in nothing.

        Far is a valence that they do not have, or a feature or concentration that is off their
        range by more than half of its width.
        """
        inputs, known = inputs_of(data), self.inputs
        chosen = sorted({*self.known.chain, *self.new.chain})
        names = [FEATURES[index] for index in chosen] + ["ln salt concentration"]
        asked = np.column_stack([inputs.chain[:, chosen], inputs.concentration])
        seen = np.column_stack([known.chain[:, chosen], known.concentration])
        low, high = seen.min(axis=0), seen.max(axis=0)
        outside = np.maximum(low - asked, asked - high) > FAR * (high - low) + ROUNDING
        found = []
        for row in range(len(data)):
            reasons = [
                f"{kind} of valence {inputs.ions[row, column]:.0f}"
                for column, kind in enumerate(("counter-ion", "co-ion"))
                if inputs.ions[row, column] not in known.ions[:, column]
            ]
            reasons += [
                f"{names[index]} {asked[row, index]:.3g} (training {low[index]:.3g} to "
                f"{high[index]:.3g})"
                for index in np.flatnonzero(outside[row])
            ]
            found.append("; ".join(reasons))
        return found

    def codes(self, data: ActivityData) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the training data's numbers of polymers [N] and pairs [N], or `UNKNOWN`."""
        polymers = {name: index for index, name in enumerate(self.polymers)}
        pairs = {name: index for index, name in enumerate(self.pairs)}
        return (
            np.array([polymers.get(name, UNKNOWN) for name in data.polymers.tolist()]),
            np.array([pairs.get(name, UNKNOWN) for name in data.pairs.tolist()]),
        )

    def _gamma(self, scaled: Floats, inputs: Inputs) -> Floats:
        target = scaled * self.scaling.target_deviation + self.scaling.target_mean
        return np.asarray(np.exp(inputs.limit + inputs.number * target))


def subsets() -> tuple[tuple[int, ...], ...]:
    """Return the subsets of features, without two that say the same."""
    return tuple(
        chain
        for size in SUBSET_SIZES
        for chain in combinations(range(len(FEATURES)), size)
        if not any(either <= {FEATURES[index] for index in chain} for either in ALTERNATIVES)
    )


def blocks(
    columns: Floats, chain: tuple[int, ...], polymer: NDArray[np.int64], pair: NDArray[np.int64]
) -> Blocks:
    """Sort standardised columns into the blocks of `KNOWN_TERMS` and `NEW_TERMS`."""
    count = len(FEATURES)
    return {
        "chain": columns[:, list(chain)],
        "ions": columns[:, count : count + 2],
        "concentration": columns[:, count + 2 :],
        "polymer": polymer[:, None].astype(np.float64),
        "pair": pair[:, None].astype(np.float64),
    }


def _width(
    columns: Floats,
    polymer: NDArray[np.int64],
    pair: NDArray[np.int64],
    scaled: Floats,
    fitted: Fitted,
    folds: list[NDArray[np.int64]],
) -> float:
    """Return the conformal quantile of |error| / deviation, the process fitted again each time."""
    whole = blocks(columns, fitted.chain, polymer, pair)
    ratios = []
    for test in folds:
        training = np.setdiff1d(np.arange(len(scaled)), test)
        process = GaussianProcess(fitted.process.terms)
        process.fit(_rows(whole, training), scaled[training], fitted.process.theta)
        mean, deviation = process.predict(_rows(whole, test))
        ratios.append(np.abs(mean - scaled[test]) / deviation)
    return quantile(np.concatenate(ratios)) if ratios else NORMAL


def _rows(whole: Blocks, rows: NDArray[np.int64]) -> Blocks:
    return {name: values[rows] for name, values in whole.items()}


def _random_folds(rows: int) -> list[NDArray[np.int64]]:
    """Test rows of 5 random folds, drawn 3 times."""
    draws = [np.random.default_rng(draw).permutation(rows) for draw in range(DRAWS)]
    return [np.sort(part) for draw in draws for part in np.array_split(draw, FOLDS)]


def _each_out(groups: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Rows of each group, if there is more than one."""
    names = np.unique(groups)
    return [np.flatnonzero(groups == name) for name in names] if len(names) > 1 else []
