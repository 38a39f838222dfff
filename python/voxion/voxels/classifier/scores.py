"""Scores of a voxel classifier, always beside two baselines.

A phase is often told by how much of it there is, so an accuracy means nothing without what the
mean and the spread of each channel tell already.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from rich import box
from rich.console import Group
from rich.progress import track
from rich.table import Table
from scipy.special import softmax
from torch import Tensor

from voxion.contract.schema import ClassifierContract, load_model
from voxion.errors import VoxionError
from voxion.files import MAX_JSON_BYTES, parse_json, parsing, refusing
from voxion.voxels.classifier.dataset import (
    LabelledSet,
    Samples,
    Source,
    open_labelled,
    split_samples,
)
from voxion.voxels.stores.store import VoxelStore

FramesToScore = Literal["all", "held-out"]
BASELINE_FILE = "baseline.json"  # among a model's extra files, beside its contract
RELIABILITY_BINS = 15
BATCH = 32


@dataclass(frozen=True)
class Scores:
    """Errors of class probabilities against the labels of n grids.

    Attributes
    ----------
    accuracy : float
        Share of grids whose most probable class is the right one.
    cross_entropy : float
        Mean of -ln p(right class).
    calibration_error : float
        Expected calibration error: mean over the grids of the difference between accuracy and mean
        confidence in their bin of confidence (Guo et al., ICML 2017, eq. 3; 15 bins).
    recall : tuple of K floats or None
        Share of each class that is recognised; None for a class that does not occur.
    confusion : tuple of K tuples of K ints
        Grids of each class (rows) by recognised class (columns).
    reliability : tuple of (float, float, int)
        Mean confidence, accuracy and number of grids of each bin that is not empty.
    """

    accuracy: float
    cross_entropy: float
    calibration_error: float
    recall: tuple[float | None, ...]
    confusion: tuple[tuple[int, ...], ...]
    reliability: tuple[tuple[float, float, int], ...]


@dataclass(frozen=True)
class Baseline:
    """Trivial baselines of a classifier, fitted on the training part.

    Attributes
    ----------
    frequencies : tuple of K floats
        Frequency of each class in the training part; the majority class is the largest.
    mean, scale : tuple of 2 C floats
        Mean and standard deviation of the features, which are the mean and the standard
        deviation of each channel of a normalised grid.
    weights : tuple of K tuples of 2 C floats
        Weights of the multinomial logistic regression on the scaled features.
    intercept : tuple of K floats
    """

    frequencies: tuple[float, ...]
    mean: tuple[float, ...]
    scale: tuple[float, ...]
    weights: tuple[tuple[float, ...], ...]
    intercept: tuple[float, ...]

    def probability(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        """Class probabilities [n, K] of the logistic regression for features [n, 2 C]."""
        scaled = (features - np.array(self.mean)) / np.array(self.scale)
        logits = scaled @ np.array(self.weights).T + np.array(self.intercept)
        return np.asarray(softmax(logits, axis=1))

    def to_json(self) -> str:
        """Return the text of `baseline.json`."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str, name: str, advice: str) -> Baseline:
        """Take back what `to_json` gave; parameters as of `voxion.files.parse_json`.

        Raises
        ------
        VoxionError
            It is something else.
        """
        return parse_json(text, cls, name, advice)

    def check_fits(self, channels: int, classes: int) -> None:
        """Check that there is a number for each class, and for each feature of the channels.

        Raises
        ------
        ValueError
            There is not, or a scale is not positive.
        """
        expected = {"frequencies": classes, "weights": classes, "intercept": classes}
        expected |= {"mean": 2 * channels, "scale": 2 * channels}
        for name, count in expected.items():
            if len(getattr(self, name)) != count:
                raise ValueError(
                    f"its baseline has {len(getattr(self, name))} {name}; expected {count}"
                )
        if any(len(row) != 2 * channels for row in self.weights) or min(self.scale) <= 0:
            raise ValueError(
                "its baseline has weights of another number, or a scale that is not positive"
            )


@dataclass(frozen=True)
class Predictions:
    """Predictions of a model for n grids.

    Attributes
    ----------
    probability : ndarray [n, K]
    classes : ndarray [n]
        The right ones, as indices of `labels`.
    features : ndarray [n, 2 C]
        Features of the baseline.
    labels : tuple of K str
    """

    probability: NDArray[np.float64]
    classes: NDArray[np.int64]
    features: NDArray[np.float64]
    labels: tuple[str, ...]


@dataclass(frozen=True)
class ScoreReport:
    """Scores of a model and of the baselines on the same grids.

    Attributes
    ----------
    model : Scores
    majority, channel_statistics : Scores or None
        Scores of the most frequent class of the training part, and of a logistic regression on mean
        and standard deviation of each channel; None for a model that does not bring them.
    labels : tuple of str
    frames : int
    model_path : str
    """

    model: Scores
    majority: Scores | None
    channel_statistics: Scores | None
    labels: tuple[str, ...]
    frames: int
    model_path: str

    def to_dict(self) -> dict[str, Any]:
        """Return all numbers, fit for JSON."""
        return asdict(self)

    def table(self) -> Group:
        """Lay the scores out for a terminal."""
        title = f"{self.model_path}: {self.frames} grids of {len(self.labels)} classes"
        table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD)
        for name in ("", "accuracy", "cross-entropy", "calibration error"):
            table.add_column(name, justify="right" if name else "left")
        rows = {
            "model": self.model,
            "majority class": self.majority,
            "channel means and spreads": self.channel_statistics,
        }
        for name, scores in rows.items():
            if scores is not None:
                numbers = scores.accuracy, scores.cross_entropy, scores.calibration_error
                table.add_row(name, f"{numbers[0]:.1%}", *(f"{x:.3f}" for x in numbers[1:]))
        return Group(table, self._class_table())

    def _class_table(self) -> Table:
        table = Table(box=box.SIMPLE_HEAD)
        for name in ("class", "grids", "recognised", "most often taken for"):
            table.add_column(name, justify="right" if name in ("grids", "recognised") else "left")
        for k, label in enumerate(self.labels):
            row, recall = np.array(self.model.confusion[k]), self.model.recall[k]
            count, row[k] = row.sum(), 0
            wrong = f"{self.labels[row.argmax()]} ({row.max()})" if row.any() else ""
            table.add_row(label, str(count), "" if recall is None else f"{recall:.1%}", wrong)
        return table


def score_probabilities(probability: ArrayLike, classes: ArrayLike) -> Scores:
    """Score class probabilities [n, K] against the right classes [n], indices."""
    from sklearn.metrics import confusion_matrix

    chance, right = np.asarray(probability, np.float64), np.asarray(classes, np.int64)
    kinds = chance.shape[1]
    said, confidence = chance.argmax(1), chance.max(1)
    hit = said == right
    # a class of probability 0 in double precision would make the mean infinite
    chosen = np.maximum(chance[np.arange(len(right)), right], np.finfo(np.float64).tiny)
    bins = np.minimum((confidence * RELIABILITY_BINS).astype(int), RELIABILITY_BINS - 1)
    reliability = tuple(
        (float(confidence[bins == b].mean()), float(hit[bins == b].mean()), int((bins == b).sum()))
        for b in np.unique(bins)
    )
    confusion = confusion_matrix(right, said, labels=range(kinds))
    counts = confusion.sum(1)
    return Scores(
        accuracy=float(hit.mean()),
        cross_entropy=float(-np.log(chosen).mean()),
        calibration_error=sum(n * abs(a - c) for c, a, n in reliability) / len(right),
        recall=tuple(float(hit[right == k].mean()) if counts[k] else None for k in range(kinds)),
        confusion=tuple(tuple(int(n) for n in row) for row in confusion),
        reliability=reliability,
    )


def features_of(labelled: LabelledSet, samples: Samples) -> NDArray[np.float64]:
    """Mean and standard deviation of each channel of the normalised grids, [n, 2 C]."""
    return np.stack([_features(labelled.stores[i].normalised(int(frame))) for i, frame in samples])


def fit_baseline(features: ArrayLike, classes: ArrayLike, kinds: int) -> Baseline:
    """Fit the baselines to features [n, 2 C] and classes [n] of the training part."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    values, right = np.asarray(features, np.float64), np.asarray(classes, np.int64)
    scaler = StandardScaler().fit(values)
    fit = LogisticRegression(max_iter=1000).fit(scaler.transform(values), right)
    weights, intercept = fit.coef_, fit.intercept_
    if kinds == 2:  # scikit-learn keeps the difference of two classes alone
        weights, intercept = np.vstack([0 * weights, weights]), np.append(0.0, intercept)
    return Baseline(
        frequencies=tuple((np.bincount(right, minlength=kinds) / len(right)).tolist()),
        mean=tuple(scaler.mean_.tolist()),
        scale=tuple(scaler.scale_.tolist()),
        weights=tuple(tuple(row) for row in weights.tolist()),
        intercept=tuple(intercept.tolist()),
    )


def class_probabilities(
    module: Callable[[Tensor], Tensor],
    contract: ClassifierContract,
    stores: Sequence[VoxelStore],
    samples: Samples,
    progress: str = "",
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Run a classifier on frames of stores.

    Channels are picked by name, as the engine does: the stores may have more than the model needs.

    Parameters
    ----------
    module : callable
        Logits [B, K] of normalised grids [B, C, nz, ny, nx].
    contract : ClassifierContract
    stores : sequence of VoxelStore
    samples : ndarray [n, 2], int64
        Number of a store, and frame.
    progress : str
        Text of a progress bar; empty shows none.

    Returns
    -------
    probability : ndarray [n, K]
    features : ndarray [n, 2 C]
        Mean and standard deviation of each channel.
    """
    starts: Iterable[int] = range(0, len(samples), BATCH)
    if progress:
        starts = track(starts, progress)
    probability, features = [], []
    for start in starts:
        grids = [
            stores[i].normalised(int(frame), contract.channels)
            for i, frame in samples[start : start + BATCH]
        ]
        features += [_features(grid) for grid in grids]
        with torch.no_grad():
            logits = module(torch.from_numpy(np.stack(grids).astype(np.float64))).double()
        probability.append(torch.softmax(logits, 1).numpy())
    return np.concatenate(probability), np.stack(features)


def predict(
    model_path: str | Path, labelled: LabelledSet, samples: Samples, progress: bool = False
) -> Predictions:
    """Run an exported model on samples of labelled stores.

    Raises
    ------
    VoxionError
        The file is no voxel classifier, or does not fit the stores.
    """
    module, contract = load_model(model_path, ClassifierContract)
    check_grid(contract, labelled.stores[0], model_path)
    unknown = [label for label in labelled.labels if label not in contract.labels]
    if unknown:
        raise VoxionError(
            f"Model {model_path} does not know the label {unknown[0]!r}: its labels are "
            f"{', '.join(contract.labels)}."
        )
    bar = f"Classes by {Path(model_path).name}" if progress else ""
    chances, features = class_probabilities(module, contract, labelled.stores, samples, bar)
    if not np.isfinite(chances).all():
        raise VoxionError(f"Model {model_path} gives logits that are not finite: train it again.")
    classes = labelled.classes_of(samples, contract.labels)
    return Predictions(chances, classes, features, contract.labels)


def report(
    predictions: Predictions, baseline: Baseline | None, model_path: str | Path
) -> ScoreReport:
    """Scores of predictions and of the baselines on the same grids."""
    majority = statistics = None
    if baseline is not None:
        constant = np.tile(baseline.frequencies, (len(predictions.classes), 1))
        majority = score_probabilities(constant, predictions.classes)
        statistics = score_probabilities(
            baseline.probability(predictions.features), predictions.classes
        )
    return ScoreReport(
        model=score_probabilities(predictions.probability, predictions.classes),
        majority=majority,
        channel_statistics=statistics,
        labels=predictions.labels,
        frames=len(predictions.classes),
        model_path=str(model_path),
    )


def score(
    model_path: str | Path,
    sources: Sequence[Source],
    frames: FramesToScore = "all",
    progress: bool = False,
) -> ScoreReport:
    """Score an exported model on labelled stores.

    Parameters
    ----------
    model_path : str or Path
    sources : sequence of (label, path)
    frames : "all" or "held-out"
        ``held-out``: the last tenth of each store, which a training split by time has not used.
    progress : bool
        Show a progress bar.

    Raises
    ------
    VoxionError
        As `predict`, or the stores do not go together.
    """
    labelled = open_labelled(sources)
    samples = labelled.everything() if frames == "all" else split_samples(labelled).held_out
    predictions = predict(model_path, labelled, samples, progress)
    baseline = read_baseline(model_path)
    if baseline is not None:
        with refusing(Path(model_path), "model", "export it again"):
            baseline.check_fits(predictions.features.shape[1] // 2, len(predictions.labels))
    return report(predictions, baseline, model_path)


def read_baseline(model_path: str | Path) -> Baseline | None:
    """Baselines that an exported model brings; None when it was made by other means."""
    advice = "export the model again"
    with refusing(Path(model_path), "model", advice), parsing():
        with zipfile.ZipFile(model_path) as archive:
            wanted = f"/extra/{BASELINE_FILE}"
            found = [entry for entry in archive.infolist() if entry.filename.endswith(wanted)]
            if not found:
                return None
            if found[0].file_size > MAX_JSON_BYTES:
                raise ValueError(f"its {BASELINE_FILE} has {found[0].file_size} bytes")
            text = archive.read(found[0]).decode()
    return Baseline.from_json(text, f"{BASELINE_FILE} of {model_path}", advice)


def _features(grid: NDArray[np.float32]) -> NDArray[np.float64]:
    values = grid.astype(np.float64)
    return np.concatenate([values.mean((1, 2, 3)), values.std((1, 2, 3))])


def check_grid(contract: ClassifierContract, store: VoxelStore, model: str | Path) -> None:
    """Refuse a store whose grids have another size than a model takes; VoxionError."""
    if contract.grid != store.shape:
        raise VoxionError(
            f"Model {model} takes grids of {_sizes(contract.grid)} voxels (nz, ny, nx), "
            f"{store.path} has {_sizes(store.shape)}: give stores of that size."
        )


def _sizes(shape: Sequence[int]) -> str:
    return " x ".join(str(n) for n in shape)
