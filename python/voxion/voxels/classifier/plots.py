"""Figures of a classifier: how it learned, what it confuses, and what its confidence is worth."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter

from voxion.figures import COLOURS, REFERENCE, styled
from voxion.voxels.classifier.scores import RELIABILITY_BINS, ScoreReport, Scores

NAMES = {"train": "training", "val": "validation"}
SHORT = 14  # characters of labels that need no turning


def save_figures(
    folder: str | Path, scores: ScoreReport, rows: Sequence[dict[str, float]] = ()
) -> list[Path]:
    """Write all figures into a folder, as PNG and SVG.

    Parameters
    ----------
    folder : str or Path
    scores : ScoreReport
    rows : sequence of dict
        Rows of a training's ``metrics.csv``; none for a model that is only scored.

    Returns
    -------
    list of Path
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    figures = {
        "confusion": plot_confusion(scores.model, scores.labels),
        "reliability": plot_reliability(scores.model),
    }
    if rows:
        figures["training"] = plot_training(rows)
    paths = []
    for name, figure in figures.items():
        for suffix in ("png", "svg"):
            paths.append(folder / f"{name}.{suffix}")
            figure.savefig(paths[-1], dpi=150)
    return paths


@styled
def plot_training(rows: Sequence[dict[str, float]]) -> Figure:
    """Loss, accuracy and learning rate by epoch; what fig. 7c of Dumortier and Mossa (2020) shows.

    Parameters
    ----------
    rows : sequence of dict
        Rows of ``metrics.csv``.
    """
    epochs = [row["epoch"] for row in rows]
    figure = Figure((10.0, 3.4), layout="constrained")
    panels = figure.subplots(1, 3)
    for axes, metric in zip(panels, ("loss", "accuracy"), strict=False):
        for colour, (part, name) in zip(COLOURS, NAMES.items(), strict=False):
            values = [row[f"{part}_{metric}"] for row in rows]
            axes.plot(epochs, values, ".-", color=colour, label=name)
    best = min(rows, key=lambda row: row["val_loss"])["epoch"]
    loss, accuracy, rate = panels
    loss.axvline(best, color=REFERENCE, linewidth=0.9, linestyle=":", label="kept")
    loss.set(title="cross-entropy", yscale="log")
    accuracy.set(title="accuracy", ylim=(0, 1.02))
    accuracy.yaxis.set_major_formatter(PercentFormatter(1.0))
    rate.step(epochs, [row["learning_rate"] for row in rows], where="mid", color=REFERENCE)
    rate.set(title="learning rate", yscale="log")
    for axes in panels:
        axes.set_xlabel("epoch")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    figure.legend(*loss.get_legend_handles_labels(), loc="outside upper right", ncols=3)
    return figure


@styled
def plot_confusion(scores: Scores, labels: Sequence[str]) -> Figure:
    """Share of the grids of each class (rows) that are taken for each class (columns).

    Parameters
    ----------
    scores : Scores
    labels : sequence of K str
    """
    counts = np.array(scores.confusion)
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    size = 2.6 + 0.42 * len(labels)
    figure = Figure((size + 0.9, size), layout="constrained")
    axes = figure.subplots()
    image = axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    ticks = range(len(labels))
    turned = 90 if len(labels) > 6 or max(map(len, labels)) > SHORT else 0
    axes.set_xticks(ticks, labels, rotation=turned)
    axes.set_yticks(ticks, labels)
    axes.grid(visible=False)
    axes.set(xlabel="recognised as", ylabel="label", title=f"accuracy {scores.accuracy:.1%}")
    for row, column in np.argwhere(counts > 0):
        colour = "white" if shares[row, column] > 0.5 else "#3b3f46"
        text = str(counts[row, column])
        axes.text(column, row, text, color=colour, ha="center", va="center", fontsize=8)
    bar = figure.colorbar(image, ax=axes, label="share of the label's grids", shrink=0.85)
    bar.formatter = PercentFormatter(1.0)
    bar.update_ticks()
    return figure


@styled
def plot_reliability(scores: Scores) -> Figure:
    """Accuracy of the grids in each bin of confidence, and how many there are.

    Parameters
    ----------
    scores : Scores
    """
    confidence, accuracy, counts = (np.array(x) for x in zip(*scores.reliability, strict=True))
    width = 1 / RELIABILITY_BINS
    bins = np.minimum((confidence * RELIABILITY_BINS).astype(int), RELIABILITY_BINS - 1)
    figure = Figure((4.6, 4.8), layout="constrained")
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3, 1))
    upper.axline((0, 0), slope=1, color=REFERENCE, linewidth=0.9, linestyle=":")
    upper.plot(confidence, accuracy, "o-", color=COLOURS[0])
    title = f"expected calibration error {scores.calibration_error:.3f}"
    upper.set(ylabel="accuracy", xlim=(0, 1.02), ylim=(0, 1.02), title=title)
    lower.bar((bins + 0.5) * width, counts, 0.9 * width, color=COLOURS[0], alpha=0.6)
    lower.set(xlabel="confidence", ylabel="grids", yscale="log", ylim=(0.7, None))
    return figure
