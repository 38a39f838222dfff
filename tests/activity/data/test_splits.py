import numpy as np
import pytest

from voxion.activity.data.splits import leave_one_out, splits_of
from voxion.activity.data.table import ActivityData
from voxion.activity.fitting.scores import between_extremes, score, score_groups
from voxion.activity.models.estimator import Prediction
from voxion.errors import VoxionError


def test_papers_test_rows(published: ActivityData) -> None:
    first = splits_of(published, "paper")[0]
    assert first.name == "seed 28"
    # the rows that the authors print for their seed 28
    authors = [0, 13, 18, 19, 20, 21, 27, 36, 39, 41, 46, 52, 58, 62, 68, 71]
    assert first.test.tolist() == authors


@pytest.mark.parametrize("kind", ["leave-one-polymer-out", "leave-one-pair-out"])
def test_each_row_is_tested_once_without_its_group(demo: ActivityData, kind: str) -> None:
    groups = demo.polymers if kind == "leave-one-polymer-out" else demo.pairs
    splits = splits_of(demo, kind)  # type: ignore[arg-type]
    assert len(splits) == len(set(groups))
    assert sorted(np.concatenate([split.test for split in splits])) == list(range(len(demo)))
    for split in splits:
        assert set(groups[split.test]) == {split.name}
        assert split.name not in groups[split.training]
        assert len(split.training) + len(split.test) == len(demo)


@pytest.mark.parametrize("rows", [5, 17, 80])
def test_random_fifths(demo: ActivityData, rows: int) -> None:
    for split in splits_of(demo.take(np.arange(rows) % len(demo)), "paper"):
        assert len(split.test) == rows // 5
        assert sorted([*split.training, *split.test]) == list(range(rows))


def test_too_little_to_leave_out(demo: ActivityData) -> None:
    with pytest.raises(VoxionError, match="no rows left to train on"):
        leave_one_out(demo.take([0, 1]).polymers)
    with pytest.raises(VoxionError, match="at least 5"):
        splits_of(demo.take([0, 1]), "paper")
    with pytest.raises(VoxionError, match="no split 'random'"):
        splits_of(demo, "random")  # type: ignore[arg-type]


def test_scores_are_those_of_scikit_learn() -> None:
    from sklearn import metrics

    generator = np.random.default_rng(0)
    measured = generator.uniform(0.01, 2, 40)
    gamma = measured * generator.lognormal(0, 0.3, 40)
    found = score(measured, Prediction(gamma, gamma - 0.1, gamma + 0.2))
    assert found.r2 == pytest.approx(metrics.r2_score(measured, gamma))
    assert found.mae == pytest.approx(metrics.mean_absolute_error(measured, gamma))
    assert found.rmse == pytest.approx(metrics.root_mean_squared_error(measured, gamma))
    assert found.rmse**2 == pytest.approx(found.std**2 + np.mean(gamma - measured) ** 2)
    logs = np.log(measured), np.log(gamma)
    assert found.log_mae == pytest.approx(metrics.mean_absolute_error(*logs))
    assert found.log_rmse == pytest.approx(metrics.root_mean_squared_error(*logs))
    assert found.width == pytest.approx(0.3)
    inside = np.mean((measured > gamma - 0.1) & (measured < gamma + 0.2))
    assert found.coverage == pytest.approx(inside)


def test_scores_without_spread_and_below_the_floor() -> None:
    ends = np.array([0.1, 0.1])
    found = score(ends, Prediction(np.array([-1.0, 0.1]), ends, ends))
    assert found.r2 is None
    assert np.isfinite(found.log_mae)


def test_membranes_and_extremes() -> None:
    pairs = np.array(["low", "low", "mid", "mid2", "high"])
    measured = np.array([0.001, 0.5, 0.4, 0.3, 2.0])  # the mean of low is below that of mid2
    np.testing.assert_array_equal(
        between_extremes(measured, pairs), [False, False, True, True, False]
    )
    gamma = measured + 0.1
    by = score_groups(measured, Prediction(gamma, gamma, gamma), pairs)
    assert list(by) == ["low", "mid", "mid2", "high"]
    assert by["low"].n == 2
    assert by["high"].mae == pytest.approx(0.1)
