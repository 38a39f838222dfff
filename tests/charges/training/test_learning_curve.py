"""Learning curves: the choice of frames, what is kept, and what is refused."""

import json

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from tests.charges.reference import LinearSystem
from voxion.charges.data.splits import split_frames
from voxion.charges.training.learning_curve import POINTS_FILE, choose_frames, learning_curve
from voxion.cli.charges_learning_curve import learning_curve as command
from voxion.errors import VoxionError


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    """Data set whose potentials have other widths than the model's, so that more frames help."""
    path = tmp_path_factory.mktemp("curve") / "linear.zarr"
    LinearSystem().dataset(path, 40)
    return path


def test_chosen_frames_are_never_held_out_and_fewer_are_among_more():
    held_out = split_frames(100).held_out
    few, many = (choose_frames(100, count, 3) for count in (5, 50))
    assert len(few.training) == 4 and len(few.validation) == 1
    assert len(many.training) == 45 and len(many.validation) == 5
    for parts in (few, many):
        assert len(np.unique(np.concatenate([parts.seen, parts.held_out]))) == len(parts.seen) + 10
        np.testing.assert_array_equal(parts.held_out, held_out)
    assert set(few.seen) <= set(many.seen)
    assert set(few.seen) != set(choose_frames(100, 5, 4).seen)


@pytest.mark.training
def test_more_frames_lower_the_error(dataset, tmp_path):
    points = learning_curve(dataset, tmp_path / "out", frames=(2, 30), repeats=3)
    assert [(p.frames, p.choice) for p in points] == [(n, c) for n in (2, 30) for c in range(3)]
    few, many = ([p.mae for p in points if p.frames == n] for n in (2, 30))
    # least squares of other frames: at most 0.76 of it with six data sets, here 0.60
    assert max(many) < min(few) < points[0].constant_mae
    assert np.ptp(few) > 0
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "settings.json",
        "learning_curve.json",
        "learning_curve.png",
    }


def test_points_that_are_there_are_not_computed_again(dataset, tmp_path):
    first = learning_curve(dataset, tmp_path / "out", frames=(3,), repeats=2)
    path = tmp_path / "out" / POINTS_FILE
    kept = json.loads(path.read_text())
    kept[1]["mae"] = 42.0
    path.write_text(json.dumps(kept[1:]))
    again = learning_curve(dataset, tmp_path / "out", frames=(3,), repeats=2, resume=True)
    assert {p.choice: p.mae for p in again} == {0: first[0].mae, 1: 42.0}
    with pytest.raises(VoxionError, match="--resume"):
        learning_curve(dataset, tmp_path / "out", frames=(3,), repeats=2)
    with pytest.raises(VoxionError, match="repeats"):
        learning_curve(dataset, tmp_path / "out", frames=(3,), repeats=3, resume=True)


@pytest.mark.parametrize("count", [1, 37])
def test_a_number_of_frames_that_cannot_be_is_refused(dataset, tmp_path, count):
    with pytest.raises(VoxionError, match=f"can have 2 to 36 frames.*found {count}"):
        learning_curve(dataset, tmp_path / "out", frames=(count,))
    assert not (tmp_path / "out").exists()


def test_command_prints_every_model_and_the_constant(dataset, tmp_path):
    app = typer.Typer()
    app.command()(command)
    arguments = [str(dataset), "--out", str(tmp_path / "out"), "--frames", "3", "--repeats", "1"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    assert "site-potentials" in result.output and "constant" in result.output
