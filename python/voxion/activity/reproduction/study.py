"""The study of Naghshnejad et al. (chemrxiv-2024-jcjg3): their grid, folds, table 3 and figures.

A random fifth of the rows is tested, once for each seed. The others are cross-validated in 11 folds
for each point of the grid and both architectures. The paper does not tell which network of a
cross-validation it scores; here it is the mean of the 11. Every trial is a file of its own, so that
the study goes on where it was stopped, and can be extended by further values.
"""

from __future__ import annotations

import csv
import itertools
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from voxion.activity.data.splits import PAPER_SEEDS, Split, splits_of
from voxion.activity.data.table import ActivityData, Floats
from voxion.activity.fitting.export import data_hash
from voxion.activity.fitting.graph_estimator import fit_ensemble
from voxion.activity.fitting.scores import Scores, score
from voxion.activity.fitting.training import (
    EPOCHS,
    FOLDS,
    Hyperparameters,
    NetworkInputs,
    network_inputs,
    predict,
)
from voxion.activity.models.estimator import Prediction
from voxion.activity.models.network import ActivityNetwork
from voxion.errors import VoxionError
from voxion.files import replacing
from voxion.training_folder import FolderSettings, claim_folder, write_json

HIDDEN = (128, 256)
LEARNING_RATES = (0.01, 0.005, 0.001, 0.0005)
BATCHES = (10, 20)
ARCHITECTURES = {"graph": False, "graph-descriptors": True}  # whether it sees descriptors
TRIALS = "trials"
TABLE_FILE = "table3.csv"


class StudySettings(FolderSettings):
    """Settings that all trials of a folder share."""

    data: str
    folds: int
    epochs: int


@dataclass(frozen=True)
class Grid:
    """Choice of trials: all combinations, with both architectures."""

    hidden: tuple[int, ...] = HIDDEN
    learning_rates: tuple[float, ...] = LEARNING_RATES
    batches: tuple[int, ...] = BATCHES
    seeds: tuple[int, ...] = PAPER_SEEDS

    def trials(self) -> Iterator[tuple[int, Hyperparameters, str]]:
        """Return seed, hyperparameters and architecture of each trial."""
        for seed, batch, hidden, rate in itertools.product(
            self.seeds, self.batches, self.hidden, self.learning_rates
        ):
            for architecture in ARCHITECTURES:
                yield seed, Hyperparameters(hidden, rate, batch), architecture


@dataclass(frozen=True)
class Trial:
    """One cross-validation and its test.

    Attributes
    ----------
    seed : int
        Seed of the split, the folds, weights and batches.
    hyperparameters : Hyperparameters
    architecture : str
        A key of `ARCHITECTURES`.
    predicted : ndarray [N]
        gamma of all rows: the mean of the folds' networks.
    held_out : ndarray [n]
        gamma of the training rows, by the network that has not trained on the row.
    folds : list of dict
        `training_mse`, `validation_mse`, `test_mse` (of this network alone), `best_epoch`,
        `epochs` of each.
    """

    seed: int
    hyperparameters: Hyperparameters
    architecture: str
    predicted: Floats
    held_out: Floats
    folds: list[dict[str, float]]

    def scores(self, gamma: Floats, split: Split) -> dict[str, Scores]:
        """Score the training part, the test part, and the rows that folds held out."""
        return {
            "training": _score(gamma[split.training], self.predicted[split.training]),
            "test": _score(gamma[split.test], self.predicted[split.test]),
            "held out": _score(gamma[split.training], self.held_out),
        }


@dataclass(frozen=True)
class Study:
    """The trials of a grid, in its order.

    Attributes
    ----------
    gamma : ndarray [N]
    pairs : ndarray [N] of str
    splits : dict of int to Split
        By seed.
    trials : list of Trial
    """

    gamma: Floats
    pairs: np.ndarray
    splits: dict[int, Split]
    trials: list[Trial]

    def scores(self, trial: Trial) -> dict[str, Scores]:
        """Score one trial, see `Trial.scores`."""
        return trial.scores(self.gamma, self.splits[trial.seed])

    def chosen(self, seed: int, architecture: str) -> Trial:
        """Return the trial whose folds predicted best what they held out; the test has no say."""
        own = [t for t in self.trials if (t.seed, t.architecture) == (seed, architecture)]
        return min(own, key=lambda trial: self.scores(trial)["held out"].rmse)

    def pair_mean(self, seed: int) -> Scores:
        """Score the trivial baseline: the mean of the training rows of the same polymer and salt.

        Where there are none it is the mean of all training rows.
        """
        split = self.splits[seed]
        gamma, pairs = self.gamma[split.training], self.pairs[split.training]
        means = [
            gamma[pairs == pair].mean() if pair in pairs else gamma.mean()
            for pair in self.pairs[split.test]
        ]
        return _score(self.gamma[split.test], np.array(means))


def run_study(
    data: ActivityData,
    grid: Grid,
    out: Path,
    *,
    folds: int = FOLDS,
    epochs: int = EPOCHS,
    progress: bool = False,
) -> Study:
    """Do the trials of a grid that `out` does not have, and give all of the grid.

    Parameters
    ----------
    data : ActivityData
        Measured.
    grid : Grid
    out : Path
        Folder of the study: ``settings.json``, ``trials/``, ``table3.csv``.
    folds, epochs : int
        See `voxion.activity.fitting.graph_estimator.fit_ensemble`.
    progress : bool
        Show a progress bar.

    Raises
    ------
    VoxionError
        `out` holds something else or a study of other data, folds or epochs; a seed that is none
        of the paper's; a molecule that cannot be read.
    """
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TimeRemainingColumn

    splits = _splits(data, grid.seeds)
    inputs = network_inputs(data)
    claim_folder(out, StudySettings(data=data_hash(data), folds=folds, epochs=epochs), resume=True)
    wanted = list(grid.trials())
    columns = ("{task.description}", BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    trials = []
    with Progress(*columns, disable=not progress) as bar:
        task = bar.add_task("Networks", total=len(wanted) * folds)
        for seed, hyperparameters, architecture in wanted:
            path = out / TRIALS / _file_name(seed, hyperparameters, architecture)
            if path.is_file():
                bar.advance(task, folds)
            else:
                trial = _run_trial(
                    (inputs, data.measured, splits[seed]),
                    (seed, hyperparameters, architecture),
                    folds,
                    epochs,
                    lambda: bar.advance(task),
                )
                write_json(path, _to_json(trial))
            trials.append(_read_trial(path))
    study = Study(data.measured, data.pairs, splits, trials)
    write_table(study, out / TABLE_FILE)
    return study


def _splits(data: ActivityData, seeds: Sequence[int]) -> dict[int, Split]:
    known = dict(zip(PAPER_SEEDS, splits_of(data, "paper"), strict=True))
    for seed in seeds:
        if seed not in known:
            raise VoxionError(
                f"Seed {seed} is none of the paper's: give {', '.join(map(str, PAPER_SEEDS))}."
            )
    return {seed: known[seed] for seed in seeds}


def _run_trial(
    given: tuple[NetworkInputs, Floats, Split],
    what: tuple[int, Hyperparameters, str],
    folds: int,
    epochs: int,
    advance: Any,
) -> Trial:
    inputs, gamma, split = given
    seed, hyperparameters, architecture = what
    ensemble = fit_ensemble(
        inputs,
        gamma,
        split.training,
        hyperparameters,
        descriptors=ARCHITECTURES[architecture],
        seed=seed,
        folds=folds,
        epochs=epochs,
        advance=advance,
    )
    rows = []
    for one in ensemble.fitted:
        training_mse, validation_mse = one.losses[one.best_epoch - 1]
        rows.append(
            {
                "training_mse": float(training_mse),
                "validation_mse": float(validation_mse),
                "test_mse": _test_error(one.network, inputs, gamma, split),
                "best_epoch": one.best_epoch,
                "epochs": len(one.losses),
            }
        )
    found = predict(ensemble.networks, inputs).mean(axis=0)
    return Trial(seed, hyperparameters, architecture, found, ensemble.held_out, rows)


def _test_error(
    network: ActivityNetwork, inputs: NetworkInputs, gamma: Floats, split: Split
) -> float:
    found = predict([network], inputs)[0]
    return float(np.mean((found - gamma)[split.test] ** 2))


def _score(gamma: Floats, predicted: Floats) -> Scores:
    return score(gamma, Prediction(predicted, predicted, predicted))


def _file_name(seed: int, hyperparameters: Hyperparameters, architecture: str) -> str:
    h = hyperparameters
    return f"{architecture}-seed{seed}-batch{h.batch}-hidden{h.hidden}-rate{h.learning_rate:g}.json"


def _to_json(trial: Trial) -> dict[str, Any]:
    return asdict(trial) | {
        "predicted": trial.predicted.tolist(),
        "held_out": trial.held_out.tolist(),
    }


def _read_trial(path: Path) -> Trial:
    try:
        content = json.loads(path.read_text())
        return Trial(
            content["seed"],
            Hyperparameters(**content["hyperparameters"]),
            content["architecture"],
            np.array(content["predicted"]),
            np.array(content["held_out"]),
            content["folds"],
        )
    except (ValueError, KeyError, TypeError):
        raise VoxionError(f"{path} is not a trial of this version: delete it.") from None


def write_table(study: Study, path: Path) -> None:
    """Write table 3 of the paper, with more columns: one row a trial."""
    names = ["r2", "mae", "rmse", "std"]
    parts = ["training", "test", "held out"]
    with replacing(path) as temporary, temporary.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(
            ["seed", "batch", "hidden", "learning_rate", "architecture"]
            + [f"{name}_{part.replace(' ', '_')}" for part in parts for name in names]
            + ["mean_test_mse_of_single_networks", "baseline_r2_test", "baseline_mae_test"]
        )
        for trial in study.trials:
            h, scores = trial.hyperparameters, study.scores(trial)
            baseline = study.pair_mean(trial.seed)
            values = [getattr(scores[part], name) for part in parts for name in names]
            values.append(float(np.mean([fold["test_mse"] for fold in trial.folds])))
            values += [baseline.r2, baseline.mae]
            writer.writerow(
                [trial.seed, h.batch, h.hidden, h.learning_rate, trial.architecture]
                + [f"{value:.6g}" for value in values]
            )
