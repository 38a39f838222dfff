from collections.abc import Callable

import numpy as np
import pytest
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import LinearRegression

from voxion.activity.data.splits import SplitKind, splits_of
from voxion.activity.data.table import ActivityData
from voxion.activity.fitting.scores import score
from voxion.activity.models import baselines
from voxion.activity.models.baselines import (
    GroupMean,
    ManningTheory,
    Tuned,
    fingerprints,
    inner_folds,
    kernel_ridge,
    random_forest,
)
from voxion.activity.models.conformal import Conformal, quantile
from voxion.errors import VoxionError


@pytest.mark.parametrize("kind", ["paper", "leave-one-polymer-out", "leave-one-pair-out"])
def test_inner_folds_are_like_the_split(demo: ActivityData, kind: SplitKind) -> None:
    folds = inner_folds(demo, kind)
    assert sorted(np.concatenate([test for _, test in folds])) == list(range(len(demo)))
    groups = {"leave-one-polymer-out": demo.polymers, "leave-one-pair-out": demo.pairs}.get(kind)
    for training, test in folds:
        if groups is not None:
            assert not set(groups[training]) & set(groups[test])


@pytest.mark.parametrize(
    ("kind", "what"), [("leave-one-polymer-out", "polymer"), ("leave-one-pair-out", "pair")]
)
def test_one_group_alone_is_refused(demo: ActivityData, kind: SplitKind, what: str) -> None:
    alone = demo.take(np.flatnonzero(demo.pairs == demo.pairs[0]))
    with pytest.raises(VoxionError, match=f"has one {what} only.*need three {what}s at least"):
        inner_folds(alone, kind)


def test_the_mean_falls_back(demo: ActivityData) -> None:
    known = (demo.polymers != demo.polymers[0]) & (demo.pairs != demo.pairs[-1])
    model = GroupMean("paper")
    training = demo.take(np.flatnonzero(known))
    model.fit(training)
    found = model.predict_gamma(demo)
    gamma = training.measured
    assert found[0] == pytest.approx(gamma.mean())
    assert found[-1] == pytest.approx(gamma[training.polymers == demo.polymers[-1]].mean())
    pair = str(training.pairs[0])
    expected = gamma[training.pairs == pair].mean()
    np.testing.assert_allclose(found[demo.pairs == pair], expected)


def test_the_better_candidate_is_chosen(demo: ActivityData) -> None:
    def features(data: ActivityData) -> np.ndarray:
        return np.log(data.measured)[:, None]

    candidates: list[Callable] = [DummyRegressor, LinearRegression]
    model = Tuned(features, candidates, "leave-one-polymer-out")
    model.fit(demo)
    # linear in ln gamma, of which ln gamma is the feature: exact
    np.testing.assert_allclose(model.predict_gamma(demo), demo.measured, rtol=1e-6)
    # but not below the smallest one that was seen
    for training, test in inner_folds(demo, "leave-one-polymer-out"):
        expected = np.maximum(demo.measured[test], demo.measured[training].min())
        np.testing.assert_allclose(model.held_out[test], expected, rtol=1e-6)


def test_held_out_rows_were_not_seen(demo: ActivityData) -> None:
    model = Tuned(lambda data: data.numbers, [DummyRegressor], "leave-one-polymer-out")
    model.fit(demo)
    means = {
        round(float(value), 9)
        for training, _ in inner_folds(demo, "leave-one-polymer-out")
        for value in (
            demo.measured[training].mean(),
            np.exp(np.log(demo.measured[training]).mean()),
        )
    }
    assert {round(float(value), 9) for value in model.held_out} <= means


@pytest.mark.parametrize("make", [kernel_ridge, random_forest, fingerprints])
def test_learners_beat_the_mean_of_all(
    demo: ActivityData, make: Callable, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(baselines, "TREES", 20)
    split = splits_of(demo, "paper")[0]
    model = Conformal(make("paper"))
    model.fit(demo.take(split.training))
    asked = demo.take(split.test)
    found = score(asked.measured, model.predict(asked))
    assert found.r2 is not None
    assert found.r2 > 0.5


def test_theory_needs_no_data(published: ActivityData) -> None:
    found = ManningTheory().predict_gamma(published)
    assert np.all((found > 0) & (found < 1.01))
    sulphate = found[published.salts == "Na2SO4"]
    assert sulphate.max() < found[published.pairs == "NAFION/NaCl"].min()


def test_intervals_hold_what_was_held_out(demo: ActivityData) -> None:
    model = Conformal(GroupMean("leave-one-polymer-out"))
    model.fit(demo)
    ratio = np.abs(np.log(model.model.held_out / demo.measured))
    assert np.mean(ratio <= np.log(model.factor) + 1e-12) >= 0.9
    found = model.predict(demo)
    np.testing.assert_allclose(found.upper / found.gamma, model.factor)
    np.testing.assert_allclose(found.gamma / found.lower, model.factor)


def test_quantile_covers_new_draws() -> None:
    assert quantile(np.arange(1.0, 10.0)) == 9
    assert quantile(np.arange(1.0, 20.0)) == 18
    assert quantile(np.array([2.0, 1.0])) == 2
    generator = np.random.default_rng(5)
    draws = np.abs(generator.normal(size=(4000, 20)))
    inside = [draw[-1] <= quantile(draw[:-1]) for draw in draws]
    assert np.mean(inside) == pytest.approx(0.9, abs=0.02)  # 18 of 20
