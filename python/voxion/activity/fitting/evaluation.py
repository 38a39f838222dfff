"""Models beside each other, under splits that say what each score means."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from rich import box
from rich.console import Group
from rich.progress import Progress
from rich.table import Table

from voxion.activity.data.splits import Split, SplitKind, splits_of
from voxion.activity.data.table import ActivityData, Floats
from voxion.activity.fitting.graph_estimator import GraphNetworkEstimator
from voxion.activity.fitting.scores import Scores, between_extremes, score, score_groups, take
from voxion.activity.models.baselines import (
    GroupMean,
    ManningTheory,
    fingerprints,
    kernel_ridge,
    random_forest,
)
from voxion.activity.models.condensation_process import CondensationProcess
from voxion.activity.models.conformal import Conformal
from voxion.activity.models.estimator import ActivityEstimator, Prediction
from voxion.errors import VoxionError

Factory = Callable[[SplitKind], ActivityEstimator]
PROCESS = "condensation process"
# of the paper; with and without descriptors. Minutes for each split, so they wait to be asked for
NETWORKS = ("graph network, descriptors", "graph network")


def estimators() -> dict[str, Factory]:
    """Return the models by name; a factory is told the split, so that inner folds are like it."""
    return {
        PROCESS: lambda kind: CondensationProcess(),
        "polymer-salt mean": lambda kind: Conformal(GroupMean(kind)),
        "kernel ridge": lambda kind: Conformal(kernel_ridge(kind)),
        "random forest": lambda kind: Conformal(random_forest(kind)),
        "fingerprint forest": lambda kind: Conformal(fingerprints(kind)),
        "Manning": lambda kind: Conformal(ManningTheory()),
        NETWORKS[0]: lambda kind: Conformal(GraphNetworkEstimator(descriptors=True)),
        NETWORKS[1]: lambda kind: Conformal(GraphNetworkEstimator(descriptors=False)),
    }


@dataclass(frozen=True)
class ModelScores:
    """One model under one split.

    Attributes
    ----------
    total : dict of str to Scores
        By the paper's seed, of its test rows; of all rows, each tested once, under the others.
    between : dict of str to Scores or None
        The same without the two pairs of the highest and the lowest mean coefficient; None where
        nothing is left.
    membranes : dict of str to Scores
        By polymer and salt; under the paper's split of the rows that any seed tests.
    gamma, lower, upper : dict of str to list of float or None
        What is predicted for each row of the data, by the same keys as `total`; None for a row
        that is not tested.
    """

    total: dict[str, Scores]
    between: dict[str, Scores | None]
    membranes: dict[str, Scores]
    gamma: dict[str, list[float | None]]
    lower: dict[str, list[float | None]]
    upper: dict[str, list[float | None]]


@dataclass(frozen=True)
class Evaluation:
    """Scores of all models under one split."""

    split: SplitKind
    rows: int
    models: dict[str, ModelScores]

    def to_dict(self) -> dict[str, Any]:
        """Return all numbers, fit for JSON."""
        return asdict(self)

    def table(self) -> Group:
        """Lay the scores out for a terminal."""
        return Group(self._totals(), self._membranes())

    def _totals(self) -> Table:
        table = Table(box=box.SIMPLE, title=f"{self.split}, {self.rows} rows", title_justify="left")
        table.add_column("model")
        tested = next(iter(self.models.values())).total
        if len(tested) > 1:
            table.add_column("test rows")
        for name in ("R2", "MAE", "RMSE", "std", "ln MAE", "ln RMSE", "within 90 %", "width"):
            table.add_column(name, justify="right")
        table.add_column("R2 between extremes", justify="right")
        for name, scores in self.models.items():
            for part, total in scores.total.items():
                between = scores.between[part]
                cells = [name, part] if len(tested) > 1 else [name]
                numbers = (total.mae, total.rmse, total.std, total.log_mae, total.log_rmse)
                cells += [_r2(total), *(f"{number:.3f}" for number in numbers)]
                cells += [f"{total.coverage:.0%}", f"{total.width:.2f}"]
                table.add_row(*cells, "" if between is None else _r2(between))
        return table

    def _membranes(self) -> Table:
        title = "mean absolute error, and of ln gamma"
        table = Table(box=box.SIMPLE, title=title, title_justify="left")
        table.add_column("membrane")
        for name in self.models:
            table.add_column(name, justify="right")
        for pair in next(iter(self.models.values())).membranes:
            found = [scores.membranes[pair] for scores in self.models.values()]
            table.add_row(pair, *(f"{one.mae:.3f} {one.log_mae:.2f}" for one in found))
        return table


def evaluate(
    data: ActivityData, kind: SplitKind, names: list[str] | None = None, *, progress: bool = False
) -> Evaluation:
    """Fit and score models.

    Each is fitted anew for each split, to its training rows alone, and chooses whatever it chooses
    inside them.

    Parameters
    ----------
    data : ActivityData
        Measured.
    kind : SplitKind
    names : list of str or None
        Which of `estimators`; None: all but the networks.
    progress : bool
        Show a progress bar.

    Raises
    ------
    VoxionError
        There is no such model, or the data are too few for the split.
    """
    known = estimators()
    chosen = [name for name in known if name not in NETWORKS] if names is None else names
    if absent := [name for name in chosen if name not in known]:
        raise VoxionError(f"There is no model {absent[0]!r}: give one of {', '.join(known)}.")
    data.measured  # noqa: B018, raises where there are none
    splits = splits_of(data, kind)
    models = {}
    with Progress(disable=not progress) as bar:
        task = bar.add_task("Fitting", total=len(chosen) * len(splits))
        for name in chosen:
            parts = []
            for split in splits:
                bar.update(task, description=f"{name}, {split.name}")
                model = known[name](kind)
                model.fit(data.take(split.training))
                parts.append(model.predict(data.take(split.test)))
                bar.advance(task)
            models[name] = _score(data, kind, splits, parts)
    return Evaluation(kind, len(data), models)


def _score(
    data: ActivityData, kind: SplitKind, splits: list[Split], parts: list[Prediction]
) -> ModelScores:
    tests = [split.test for split in splits]
    if kind == "paper":
        named = {
            split.name: ([split.test], [part]) for split, part in zip(splits, parts, strict=True)
        }
    else:
        named = {"all": (tests, parts)}
    total: dict[str, Scores] = {}
    between: dict[str, Scores | None] = {}
    for name, (rows_of, parts_of) in named.items():
        rows, prediction = np.concatenate(rows_of), _joined(parts_of)
        total[name] = score(data.measured[rows], prediction)
        inner = between_extremes(data.measured, data.pairs)[rows]
        between[name] = (
            score(data.measured[rows][inner], take(prediction, inner)) if inner.any() else None
        )
    rows = np.concatenate(tests)
    order = np.argsort(rows, kind="stable")
    membranes = score_groups(
        data.measured[rows[order]], take(_joined(parts), order), data.pairs[rows[order]]
    )
    ends = {
        end: {
            name: _by_row(len(data), np.concatenate(rows_of), getattr(_joined(parts_of), end))
            for name, (rows_of, parts_of) in named.items()
        }
        for end in ("gamma", "lower", "upper")
    }
    return ModelScores(total, between, membranes, **ends)


def _joined(parts: list[Prediction]) -> Prediction:
    return Prediction(
        np.concatenate([part.gamma for part in parts]),
        np.concatenate([part.lower for part in parts]),
        np.concatenate([part.upper for part in parts]),
    )


def _by_row(rows: int, tested: np.ndarray, values: Floats) -> list[float | None]:
    found: list[float | None] = [None] * rows
    for row, value in zip(tested.tolist(), values.tolist(), strict=True):
        found[row] = value
    return found


def _r2(scores: Scores) -> str:
    return "" if scores.r2 is None else f"{scores.r2:.3f}"
