"""Figures of a classifier: their numbers are those of the scores."""

import numpy as np
import pytest

from voxion.voxels.classifier.plots import (
    plot_confusion,
    plot_reliability,
    plot_training,
    save_figures,
)
from voxion.voxels.classifier.scores import ScoreReport, score_probabilities

LABELS = ("lamellar", "spheres", "noise")
ROWS = [
    {
        "epoch": epoch,
        "learning_rate": 1e-3 * 0.5 ** (epoch // 4),
        "train_loss": 1.1 * 0.7**epoch,
        "train_accuracy": 1 - 0.6 * 0.7**epoch,
        "val_loss": 1.1 * 0.75**epoch + 0.01 * max(0, epoch - 6),
        "val_accuracy": 1 - 0.6 * 0.75**epoch,
    }
    for epoch in range(10)
]


@pytest.fixture
def scores():
    rng = np.random.default_rng(0)
    right = rng.integers(0, 3, 90)
    chance = rng.dirichlet([0.4, 0.4, 0.4], 90)
    chance[np.arange(90), right] += 0.3
    return score_probabilities(chance / 1.3, right)


def test_curves_show_every_epoch_and_the_one_kept():
    figure = plot_training(ROWS)
    loss, accuracy, rate = figure.axes
    training, validation, kept = loss.lines
    np.testing.assert_allclose(training.get_ydata(), [row["train_loss"] for row in ROWS])
    np.testing.assert_allclose(validation.get_ydata(), [row["val_loss"] for row in ROWS])
    best = int(np.argmin([row["val_loss"] for row in ROWS]))
    assert list(kept.get_xdata()) == [best, best]
    np.testing.assert_allclose(accuracy.lines[1].get_ydata(), [r["val_accuracy"] for r in ROWS])
    assert rate.lines[0].get_ydata()[-1] == 1e-3 * 0.25


def test_confusion_matrix_has_labels_as_rows(scores):
    figure = plot_confusion(scores, LABELS)
    axes = figure.axes[0]
    shares = axes.images[0].get_array()
    np.testing.assert_allclose(shares.sum(1), 1)
    np.testing.assert_allclose(np.diag(shares), scores.recall)
    texts = {
        (text.get_position()[1], text.get_position()[0]): text.get_text() for text in axes.texts
    }
    assert texts[0, 1] == str(scores.confusion[0][1])
    assert [label.get_text() for label in axes.get_yticklabels()] == list(LABELS)


def test_reliability_shows_each_bin(scores):
    upper, lower = plot_reliability(scores).axes
    curve = next(line for line in upper.lines if line.get_marker() == "o")
    points = np.column_stack([curve.get_xdata(), curve.get_ydata()])
    np.testing.assert_allclose(points, [bin[:2] for bin in scores.reliability])
    assert sum(bar.get_height() for bar in lower.patches) == 90


def test_all_figures_are_written_in_both_formats(scores, tmp_path):
    report = ScoreReport(scores, None, None, LABELS, 90, "m.pt")
    paths = save_figures(tmp_path / "new", report, ROWS)
    names = {f"{n}.{s}" for n in ("training", "confusion", "reliability") for s in ("png", "svg")}
    assert {path.name for path in paths} == names
    assert all(path.stat().st_size > 5000 for path in paths)
    assert len(save_figures(tmp_path / "new", report)) == 4
