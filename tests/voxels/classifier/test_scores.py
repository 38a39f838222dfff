"""Scores: cases that can be counted by hand, independent implementations, and the baselines."""

import json

import numpy as np
import pytest
import torch
from rich.console import Console
from scipy.special import softmax
from torchmetrics.classification import MulticlassCalibrationError
from typer.testing import CliRunner

from tests.voxels.phases import CHANNELS, PHASES, grids, settings, sources, trained, write_phases
from tests.voxels.reference import random_grids, write_store
from voxion.errors import VoxionError
from voxion.voxels.classifier.dataset import open_labelled
from voxion.voxels.classifier.scores import (
    RELIABILITY_BINS,
    Baseline,
    features_of,
    fit_baseline,
    predict,
    read_baseline,
    report,
    score,
    score_probabilities,
)

__all__ = ["settings", "sources", "trained"]


def test_scores_of_four_grids_counted_by_hand():
    chance = [[0.7, 0.2, 0.1], [0.4, 0.5, 0.1], [0.1, 0.8, 0.1], [0.9, 0.1, 0.0]]
    scores = score_probabilities(chance, [0, 0, 1, 1])
    assert scores.accuracy == 0.5
    assert scores.confusion == ((1, 1, 0), (1, 1, 0), (0, 0, 0))
    assert scores.recall == (0.5, 0.5, None)
    expected = -np.log([0.7, 0.4, 0.8, 0.1]).mean()
    assert scores.cross_entropy == pytest.approx(expected)
    # each confidence has its own bin: 0.5 wrong, 0.7 right, 0.8 right, 0.9 wrong
    assert scores.calibration_error == pytest.approx((0.5 + 0.3 + 0.2 + 0.9) / 4)
    found = [(pytest.approx(c), a, n) for c, a, n in scores.reliability]
    assert found == [(0.5, 0, 1), (0.7, 1, 1), (0.8, 1, 1), (0.9, 0, 1)]


def test_calibration_error_agrees_with_torchmetrics():
    rng = np.random.default_rng(0)
    chance = softmax(rng.normal(size=(500, 4)) * 2, axis=1)
    right = rng.integers(0, 4, 500)
    judge = MulticlassCalibrationError(4, n_bins=RELIABILITY_BINS, norm="l1")
    expected = float(judge(torch.from_numpy(chance), torch.from_numpy(right)))
    assert score_probabilities(chance, right).calibration_error == pytest.approx(expected, abs=1e-6)


def test_calibrated_probabilities_have_a_small_error_and_overconfident_ones_a_large_one():
    rng = np.random.default_rng(1)
    logits = rng.normal(size=(20000, 3)) * 2
    right = (softmax(logits, 1).cumsum(1) < rng.random((20000, 1))).sum(1)
    assert score_probabilities(softmax(logits, 1), right).calibration_error < 0.015
    assert score_probabilities(softmax(3 * logits, 1), right).calibration_error > 0.1


def test_a_sure_mistake_is_still_a_number():
    scores = score_probabilities([[1.0, 0.0]], [1])
    assert 100 < scores.cross_entropy < 1000 and scores.confusion == ((0, 0), (1, 0))


@pytest.mark.parametrize("kinds", [2, 3])
def test_baseline_finds_what_means_and_spreads_tell(kinds):
    rng = np.random.default_rng(2)
    right = rng.integers(0, kinds, 600)
    features = rng.normal(size=(600, 4))
    features[:, 1] = 50 + 0.01 * (features[:, 1] + 6 * right)  # needs the scaling
    baseline = fit_baseline(features[:300], right[:300], kinds)
    chance = baseline.probability(features[300:])
    np.testing.assert_allclose(chance.sum(1), 1)
    assert score_probabilities(chance, right[300:]).accuracy > 0.97
    assert baseline.frequencies == pytest.approx(np.bincount(right[:300]) / 300)
    assert Baseline.from_json(baseline.to_json(), "b", "fit again") == baseline


def test_features_are_means_and_spreads_of_normalised_channels(tmp_path):
    values = random_grids(2, (2, 3, 4), 2)
    labelled = open_labelled([("a", str(write_store(tmp_path / "a.zarr", values, CHANNELS)))])
    found = features_of(labelled, labelled.everything())
    for frame in range(2):
        for channel in range(2):
            x = values[frame, channel].astype(float)
            x = (x - x.min()) / (x.max() - x.min())
            assert found[frame, channel] == pytest.approx(x.mean(), abs=1e-6)
            assert found[frame, 2 + channel] == pytest.approx(x.std(), abs=1e-6)


def test_scores_of_the_held_out_part_are_those_of_the_training(trained, sources):
    result, _ = trained
    again = score(result.model_path, sources, "held-out")
    assert again == result.scores
    assert score(result.model_path, sources).frames == 240


@pytest.mark.training
def test_new_runs_are_scored_by_label_and_channels_by_name(trained, tmp_path):
    """Stores in another order, with one more channel, of two of the three labels."""
    model = trained[0].model_path
    paths = []
    for phase in ("noise", "spheres"):
        values = grids(phase, 8, seed=9)
        extra = np.concatenate([values[:, 1:], values**2, values[:, :1]], axis=1)
        names = ("charge", "c_a", "c_b", "mass")
        paths.append((phase, str(write_store(tmp_path / f"{phase}.zarr", extra, names))))
    report = score(model, paths)
    assert report.labels == PHASES
    assert [sum(row) for row in report.model.confusion] == [0, 8, 8]
    # all 16 right, with ten seeds under four instruction sets
    assert report.model.recall[0] is None and report.model.accuracy > 0.7
    labelled = open_labelled(paths)
    everything = labelled.everything()
    plain = write_phases(tmp_path / "plain", 8, seed=9)
    ordered = open_labelled([(phase, dict(plain)[phase]) for phase, _ in paths])
    np.testing.assert_allclose(
        predict(model, labelled, everything).probability,
        predict(model, ordered, everything).probability,
    )


def test_baselines_travel_with_the_model(trained, sources):
    result, _ = trained
    baseline = read_baseline(result.model_path)
    assert baseline.frequencies == pytest.approx([1 / 3] * 3)
    labelled = open_labelled(sources)
    predictions = predict(result.model_path, labelled, labelled.everything())
    bare = report(predictions, None, "m.pt")
    assert bare.majority is None and bare.channel_statistics is None
    console = Console(width=100)
    with console.capture() as capture:
        console.print(bare.table())
        console.print(result.scores.table())
    text = capture.get()
    assert text.count("majority class") == 1 and "channel means and spreads" in text


@pytest.mark.parametrize(
    ("shape", "channels", "label", "message"),
    [
        ((16, 16, 18), CHANNELS, "noise", r"16 x 16 x 16 voxels .* has 16 x 16 x 18"),
        ((16, 16, 16), ("mass", "number"), "noise", "no channel 'charge'"),
        ((16, 16, 16), CHANNELS, "gyroid", "does not know the label 'gyroid'"),
    ],
)
def test_stores_that_do_not_fit_the_model_are_refused(
    trained, tmp_path, shape, channels, label, message
):
    path = write_store(tmp_path / "a.zarr", random_grids(1, shape, 2), channels)
    with pytest.raises(VoxionError, match=message):
        score(trained[0].model_path, [(label, str(path))])


def test_command_lines_train_score_and_export(tmp_path):
    import typer

    from voxion.cli import voxels_classifier as classifier_cli

    app = typer.Typer()
    for command in (classifier_cli.train, classifier_cli.score, classifier_cli.export_model):
        app.command()(command)
    run = CliRunner()
    stores = [f"{label}={path}" for label, path in write_phases(tmp_path, 3)]
    out = tmp_path / "out"
    options = ["--out", str(out), "--epochs", "1", "--batch", "4", "--augment"]
    result = run.invoke(app, ["train", *stores, *options], catch_exceptions=False)
    assert result.exit_code == 0 and "held out samples: 3" in result.output
    assert json.loads((out / "settings.json").read_text())["augment"] is True
    result = run.invoke(app, ["export-model", str(out), "--out", str(tmp_path / "m.pt")])
    assert result.exit_code == 0 and "m.pt" in result.output
    arguments = [
        "score",
        str(tmp_path / "m.pt"),
        *stores,
        "--json",
        "--out",
        str(tmp_path / "figures"),
    ]
    result = run.invoke(app, arguments, catch_exceptions=False)
    assert json.loads(result.output)["frames"] == 9
    assert (tmp_path / "figures" / "confusion.svg").is_file()
    wrong = run.invoke(app, ["train", "lamellar", "--out", str(tmp_path / "no")])
    assert isinstance(wrong.exception, VoxionError) and "LABEL=STORE" in str(wrong.exception)
