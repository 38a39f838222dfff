"""Training of the graph network, and the paper's study."""

import csv
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.metrics import mean_absolute_error, r2_score, root_mean_squared_error

from voxion.activity.data.splits import splits_of
from voxion.activity.data.table import ActivityData
from voxion.activity.fitting.graph_estimator import GraphNetworkEstimator, fit_ensemble
from voxion.activity.fitting.training import (
    PATIENCE,
    FittedNetwork,
    Hyperparameters,
    NetworkInputs,
    fit_network,
    network_inputs,
    predict,
    random_folds,
)
from voxion.activity.reproduction import study as paper
from voxion.activity.reproduction.figures import save_figures
from voxion.activity.reproduction.study import Grid, Study, Trial, run_study
from voxion.errors import VoxionError

SMALL = Hyperparameters(hidden=16, learning_rate=0.01, batch=16)


@pytest.fixture(scope="module")
def inputs(demo: ActivityData) -> NetworkInputs:
    return network_inputs(demo)


def fit(
    inputs: NetworkInputs, gamma: np.ndarray, *, seed: int = 0, epochs: int = 15
) -> FittedNetwork:
    training, validation = np.arange(0, 80), np.arange(80, 96)
    return fit_network(
        inputs, gamma, training, validation, SMALL, descriptors=True, seed=seed, epochs=epochs
    )


def test_a_training_depends_on_its_seed_alone(inputs: NetworkInputs, demo: ActivityData) -> None:
    first, again, other = (fit(inputs, demo.measured, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(first.losses, again.losses)
    assert not np.allclose(first.losses, other.losses)
    for one, two in zip(first.network.parameters(), again.network.parameters(), strict=True):
        assert torch.equal(one, two)


def test_a_training_leaves_torch_as_it_was(inputs: NetworkInputs, demo: ActivityData) -> None:
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    fit(inputs, demo.measured, epochs=1)
    assert torch.equal(torch.rand(1), expected)


def test_the_kept_weights_are_those_of_the_lowest_validation_loss(
    inputs: NetworkInputs, demo: ActivityData
) -> None:
    found = fit(inputs, demo.measured, epochs=40)
    assert found.best_epoch == 1 + int(np.argmin(found.losses[:, 1]))
    error = predict([found.network], inputs)[0] - demo.measured
    assert np.mean(error[80:] ** 2) == pytest.approx(found.losses[:, 1].min(), rel=1e-3)


@pytest.mark.training
def test_a_function_of_the_numbers_is_learnt(inputs: NetworkInputs, demo: ActivityData) -> None:
    gamma = 0.3 + 0.2 * np.log10(demo.salt_concentration * 200) + 0.002 * demo.water_per_ion
    mixed = np.random.default_rng(0).permutation(96)
    found = fit_network(
        inputs, gamma, mixed[:80], mixed[80:], SMALL, descriptors=False, seed=0, epochs=150
    )
    # at most 0.0022 of it, of ten seeds under four instruction sets
    assert found.losses[:, 1].min() < 0.02 * gamma.var()


@pytest.mark.training
def test_a_training_stops_when_nothing_improves(inputs: NetworkInputs) -> None:
    # nothing in the inputs tells this noise, so that the validation loss only rises later on
    gamma = np.random.default_rng(1).uniform(0.1, 1.0, 96)
    found = fit(inputs, gamma, epochs=1000)
    # after at most 125 epochs, of ten seeds under four instruction sets
    assert len(found.losses) == found.best_epoch + PATIENCE < 1000


def test_validation_rows_do_not_enter_the_scaling(
    inputs: NetworkInputs, demo: ActivityData
) -> None:
    network = fit(inputs, demo.measured, epochs=1).network
    np.testing.assert_allclose(network.number_mean, demo.numbers[:80].mean(axis=0), rtol=1e-4)
    np.testing.assert_allclose(network.gamma_scale, demo.measured[:80].std(), rtol=1e-4)


def test_a_learning_rate_that_diverges_is_named(inputs: NetworkInputs, demo: ActivityData) -> None:
    with pytest.raises(VoxionError, match="smaller learning rate"):
        fit_network(
            inputs,
            demo.measured,
            np.arange(80),
            np.arange(80, 96),
            Hyperparameters(16, 1e30, 16),
            descriptors=True,
            seed=0,
            epochs=5,
        )


def test_each_row_is_held_out_once() -> None:
    rows = np.arange(10, 33)
    folds = list(random_folds(rows, 5, seed=3))
    assert sorted(np.concatenate([held for _, held in folds])) == rows.tolist()
    for training, held in folds:
        assert sorted([*training, *held]) == rows.tolist()
    with pytest.raises(VoxionError, match="24 folds of 23 rows"):
        list(random_folds(rows, 24, seed=3))


def test_an_ensemble_holds_each_row_out_of_one_network(
    inputs: NetworkInputs, demo: ActivityData
) -> None:
    rows = np.arange(5, 65)
    ensemble = fit_ensemble(
        inputs, demo.measured, rows, SMALL, descriptors=True, seed=4, folds=3, epochs=5
    )
    every = predict(ensemble.networks, inputs)
    for number, (_, held) in enumerate(random_folds(rows, 3, 4)):
        np.testing.assert_array_equal(ensemble.held_out[held - 5], every[number, held])


def test_the_estimator_is_the_mean_of_its_networks(demo: ActivityData) -> None:
    estimator = GraphNetworkEstimator(True, SMALL, folds=2, epochs=5)
    with pytest.raises(VoxionError, match="was not fitted"):
        estimator.predict_gamma(demo)
    estimator.fit(demo.take(np.arange(60)))
    assert estimator.ensemble is not None
    rest = demo.take(np.arange(60, 96))  # with polymers that it has not met
    expected = predict(estimator.ensemble.networks, network_inputs(rest)).mean(axis=0)
    np.testing.assert_allclose(estimator.predict_gamma(rest), expected)


GRID = Grid(hidden=(8,), learning_rates=(0.01, 0.001), batches=(20,), seeds=(28, 42))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("study") / "out"


@pytest.fixture(scope="module")
def study(demo: ActivityData, folder: Path) -> Study:
    return run_study(demo, GRID, folder, folds=2, epochs=3)


def test_the_whole_grid_is_the_papers() -> None:
    # 2 widths, 4 rates, 2 batches, 3 seeds, 2 architectures
    assert len(list(Grid().trials())) == 96


def test_a_study_scores_as_scikit_learn_does(study: Study, demo: ActivityData) -> None:
    assert len(study.trials) == 8
    for trial in study.trials:
        split = study.splits[trial.seed]
        order = np.random.RandomState(trial.seed).permutation(96)
        np.testing.assert_array_equal(np.sort(order[:19]), split.test)
        true, found = demo.measured[split.test], trial.predicted[split.test]
        scores = study.scores(trial)["test"]
        assert scores.r2 == pytest.approx(r2_score(true, found))
        assert scores.mae == pytest.approx(mean_absolute_error(true, found))
        assert scores.rmse == pytest.approx(root_mean_squared_error(true, found))
        assert scores.std == pytest.approx(np.std(found - true))


def test_a_study_chooses_without_the_test_rows(study: Study) -> None:
    split = study.splits[28]
    true = study.gamma

    def trial(test_error: float, fold_error: float) -> Trial:
        predicted = true.copy()
        predicted[split.test] += test_error
        return Trial(28, SMALL, "graph", predicted, true[split.training] + fold_error, [])

    tempting, better = trial(0.0, 0.2), trial(0.3, 0.1)
    both = Study(true, study.pairs, study.splits, [tempting, better])
    assert both.chosen(28, "graph") is better


def test_a_study_goes_on_where_it_was(
    study: Study, demo: ActivityData, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = []

    def counted(*args: object, **options: object) -> object:
        done.append(options)
        return fit_ensemble(*args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(paper, "fit_ensemble", counted)
    again = run_study(demo, GRID, folder, folds=2, epochs=3)
    assert not done
    np.testing.assert_array_equal(again.trials[3].predicted, study.trials[3].predicted)
    next((folder / "trials").glob("*seed42*")).unlink()
    run_study(demo, GRID, folder, folds=2, epochs=3)
    assert len(done) == 1


def test_a_study_of_other_data_is_refused(study: Study, demo: ActivityData, folder: Path) -> None:
    with pytest.raises(VoxionError, match="was trained with data"):
        run_study(demo.take(np.arange(90)), GRID, folder, folds=2, epochs=3)
    with pytest.raises(VoxionError, match="was trained with folds 2"):
        run_study(demo, GRID, folder, folds=3, epochs=3)
    with pytest.raises(VoxionError, match="Seed 7 is none of the paper's"):
        run_study(demo, Grid(seeds=(7,)), folder, folds=2, epochs=3)


def test_a_damaged_trial_is_named(study: Study, demo: ActivityData, tmp_path: Path) -> None:
    small = Grid(hidden=(4,), learning_rates=(0.01,), batches=(48,), seeds=(28,))
    run_study(demo, small, tmp_path / "s", folds=2, epochs=1)
    trial = next((tmp_path / "s" / "trials").glob("graph-seed*"))
    trial.write_text("{}")
    with pytest.raises(VoxionError, match="is not a trial of this version"):
        run_study(demo, small, tmp_path / "s", folds=2, epochs=1)


def test_the_table_has_the_scores_of_each_trial(study: Study, folder: Path) -> None:
    with (folder / "table3.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 8
    for row, trial in zip(rows, study.trials, strict=True):
        scores = study.scores(trial)
        assert row["architecture"] == trial.architecture
        assert float(row["learning_rate"]) == trial.hyperparameters.learning_rate
        assert float(row["r2_test"]) == pytest.approx(scores["test"].r2, rel=1e-4)
        assert float(row["mae_held_out"]) == pytest.approx(scores["held out"].mae, rel=1e-4)


def test_the_figures_of_the_paper_are_drawn(study: Study, tmp_path: Path) -> None:
    paths = save_figures(study, tmp_path)
    assert [path.name for path in paths] == ["fig5.png", "fig6.png", "fig7.png", "fig9.png"]
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in paths)


def test_the_trivial_baseline_of_the_published_data(published: ActivityData) -> None:
    split = splits_of(published, "paper")[0]
    study = Study(published.measured, published.pairs, {28: split}, [])
    baseline = study.pair_mean(28)
    assert (round(baseline.r2 or 0, 2), baseline.n) == (0.93, 16)
    for row in split.test:  # each has neighbours, which is why the baseline is that good
        assert published.pairs[row] in published.pairs[split.training]
