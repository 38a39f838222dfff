import json
from typing import Any

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from voxion.activity.data.splits import SplitKind
from voxion.activity.data.table import ActivityData
from voxion.activity.fitting import evaluation
from voxion.activity.fitting.evaluation import NETWORKS, PROCESS, estimators, evaluate
from voxion.activity.fitting.graph_estimator import GraphNetworkEstimator
from voxion.activity.fitting.scores import FLOOR, score
from voxion.activity.fitting.training import Hyperparameters
from voxion.activity.models.conformal import Conformal
from voxion.activity.models.estimator import Prediction
from voxion.cli.activity_evaluate import evaluate as command
from voxion.errors import VoxionError

BASELINES = ["polymer-salt mean", "Manning"]


class Spy:
    """Notes what it was fitted to, and fails if it is asked about any of it."""

    def fit(self, data: ActivityData) -> None:
        self.seen = {(*pair, c) for *pair, c in _rows(data)}

    def predict(self, data: ActivityData) -> Prediction:
        assert not self.seen & {(*pair, c) for *pair, c in _rows(data)}
        gamma = np.full(len(data), 0.5)
        return Prediction(gamma, gamma / 2, gamma * 2)


def _rows(data: ActivityData) -> list[tuple[Any, ...]]:
    return list(zip(data.polymers, data.salts, data.salt_concentration, strict=True))


@pytest.mark.parametrize("kind", ["paper", "leave-one-polymer-out", "leave-one-pair-out"])
def test_test_rows_are_not_seen(
    demo: ActivityData, kind: SplitKind, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(evaluation, "estimators", lambda: {"spy": lambda kind: Spy()})
    found = evaluate(demo, kind).models["spy"]
    if kind == "paper":
        assert list(found.total) == ["seed 28", "seed 42", "seed 48"]
        assert all(total.n == len(demo) // 5 for total in found.total.values())
        for name, gamma in found.gamma.items():
            assert sum(value is not None for value in gamma) == found.total[name].n
    else:
        gamma = np.full(len(demo), 0.5)
        expected = score(demo.measured, Prediction(gamma, gamma / 2, gamma * 2))
        assert found.total == {"all": expected}
        assert list(found.membranes) == list(dict.fromkeys(demo.pairs))
        assert found.gamma["all"] == gamma.tolist()


def test_rows_keep_their_places(demo: ActivityData) -> None:
    """Under leave-one-out, parts are joined in another order than that of the rows."""
    shuffled = demo.take(np.random.default_rng(0).permutation(len(demo)))
    found = evaluate(shuffled, "leave-one-polymer-out", ["Manning"]).models["Manning"]
    model = estimators()["Manning"]("leave-one-polymer-out")
    model.fit(shuffled)
    np.testing.assert_allclose(found.gamma["all"], model.predict(shuffled).gamma)
    pair = str(shuffled.pairs[0])
    rows = shuffled.pairs == pair
    mae = np.abs(np.array(found.gamma["all"])[rows] - shuffled.measured[rows]).mean()
    assert found.membranes[pair].mae == pytest.approx(mae)


def test_what_cannot_be_evaluated(demo: ActivityData) -> None:
    with pytest.raises(VoxionError, match="no model 'magic'"):
        evaluate(demo, "paper", ["magic"])
    with pytest.raises(VoxionError, match="no rows left"):
        evaluate(demo.take([0, 1]), "leave-one-polymer-out", BASELINES)


@pytest.fixture
def app() -> typer.Typer:
    made = typer.Typer()
    made.command()(command)
    return made


def test_command_prints_json(app: typer.Typer) -> None:
    options = [part for name in BASELINES for part in ("--model", name)]
    done = CliRunner().invoke(app, ["--json", "--split", "leave-one-pair-out", *options])
    assert done.exit_code == 0
    content = json.loads(done.stdout)
    assert list(content["models"]) == BASELINES
    assert content["models"]["Manning"]["total"]["all"]["n"] == content["rows"]


def test_command_prints_tables(app: typer.Typer) -> None:
    done = CliRunner().invoke(app, ["--split", "paper", "--model", "polymer-salt mean"])
    assert done.exit_code == 0
    assert "polymer-salt mean" in done.stdout


def test_first_model_is_the_one_that_the_docs_praise() -> None:
    assert next(iter(estimators())) == PROCESS


def test_networks_wait_to_be_asked_for(demo: ActivityData, monkeypatch: pytest.MonkeyPatch) -> None:
    known = {name: lambda kind: Spy() for name in estimators()}
    assert set(NETWORKS) < set(known)
    monkeypatch.setattr(evaluation, "estimators", lambda: known)
    assert set(evaluate(demo, "paper").models) == set(known) - set(NETWORKS)
    assert set(evaluate(demo, "paper", list(NETWORKS)).models) == set(NETWORKS)


def test_a_network_gets_intervals_from_rows_that_it_has_not_seen(demo: ActivityData) -> None:
    small = Hyperparameters(hidden=8, learning_rate=0.01, batch=20)
    network = GraphNetworkEstimator(True, small, folds=3, epochs=5)
    model = Conformal(network)
    model.fit(demo)
    errors = np.abs(np.log(np.maximum(network.held_out, FLOOR) / demo.measured))
    found = model.predict(demo)
    np.testing.assert_allclose(found.upper / found.gamma, model.factor)
    # the 0.9 quantile of n errors, rounded up
    assert np.mean(errors <= np.log(model.factor) + 1e-12) >= 0.9
    assert np.mean(errors < np.log(model.factor) - 1e-12) < 0.92


def test_published_means_are_those_known(published: ActivityData) -> None:
    """On the paper's split, the mean of the same polymer and salt gives R2 0.93."""
    found = evaluate(published, "paper", ["polymer-salt mean"]).models["polymer-salt mean"]
    assert found.total["seed 28"].r2 == pytest.approx(0.93, abs=0.005)
