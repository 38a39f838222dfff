"""Scores against scikit-learn, and predictions against their data sets."""

import json

import numpy as np
import pytest
from sklearn import metrics

from tests.charges.reference import TOTAL, LinearSystem
from voxion.charges.data.bins import ChargeBins
from voxion.charges.data.opening import open_dataset
from voxion.charges.evaluation.scores import ScoreReport, predict, report, score, score_charges
from voxion.errors import VoxionError
from voxion.files import parse_json


def test_scores_are_those_of_scikit_learn():
    rng = np.random.default_rng(0)
    true = rng.normal(-0.012, 0.0135, (20, 30))
    guess = true + rng.normal(0, 0.01, true.shape)
    scores = score_charges(true, guess)
    flat = true.ravel(), guess.ravel()
    assert scores.mae == pytest.approx(metrics.mean_absolute_error(*flat))
    assert scores.rmse == pytest.approx(metrics.root_mean_squared_error(*flat))
    assert scores.r2 == pytest.approx(metrics.r2_score(*flat))
    assert scores.largest == pytest.approx(metrics.max_error(*flat))
    assert scores.within_epsilon == pytest.approx(np.mean(np.abs(guess - true) < 0.015))


def test_bins_count_as_right_when_at_most_one_off():
    bins = ChargeBins.fit(np.linspace(0, 1, 101), width=0.1)
    true = [[0.05, 0.15, 0.25, 0.35]]
    scores = score_charges(true, [[0.05, 0.25, 0.45, 0.95]], bins)
    assert scores.bin_accuracy == 0.25
    assert scores.bin_accuracy_filtered == 0.5


def test_baselines_stand_beside_the_model(linear_training, linear_dataset):
    dataset = open_dataset(linear_dataset)
    labels = dataset.surface_charges()
    result = score(linear_training[0].model_path, linear_dataset, "held-out")
    assert result.frames == 6
    held = labels[54:]
    constant = np.full(held.size, TOTAL / 60)
    own = np.tile(labels[:54].mean(0), 6)
    assert result.constant.mae == pytest.approx(metrics.mean_absolute_error(held.ravel(), constant))
    assert result.atom_mean.r2 == pytest.approx(metrics.r2_score(held.ravel(), own))
    assert result.total_charge_rms_error is None  # this model leaves the total open
    assert score(linear_training[0].model_path, linear_dataset).frames == 60
    assert parse_json(json.dumps(result.to_dict()), ScoreReport, "s", "score again") == result


def test_engine_charges_have_the_exact_total_and_raw_ones_say_by_how_much_they_miss(
    ion_positions_training, linear_dataset
):
    dataset = open_dataset(linear_dataset)
    predictions = predict(ion_positions_training[0].model_path, dataset, [0, 5], [1, 2])
    np.testing.assert_allclose(predictions.charges.sum(1), TOTAL, atol=1e-12)
    missed = predictions.raw.sum(1) - TOTAL
    assert np.abs(missed).max() > 1e-6
    assert set(predictions.raw.ravel()) <= set(predictions.bins.values)
    scores = report(predictions, "model.pt", "data.zarr")
    assert scores.total_charge_rms_error == pytest.approx(np.sqrt(np.mean(missed**2)))
    assert 0 < scores.model.bin_accuracy <= scores.model.bin_accuracy_filtered


def test_a_model_of_another_system_is_refused(ion_positions_training, tmp_path):
    LinearSystem(nx=6, ny=4).dataset(tmp_path / "other.zarr", 3)
    with pytest.raises(VoxionError, match="96"):
        score(ion_positions_training[0].model_path, tmp_path / "other.zarr")


def test_sources_of_unknown_charge_are_refused(linear_training, tmp_path):
    system = LinearSystem()
    system.charges[:] = 0.3
    system.dataset(tmp_path / "other.zarr", 3)
    with pytest.raises(VoxionError, match=r"0\.3 e"):
        score(linear_training[0].model_path, tmp_path / "other.zarr")
