"""Selection of frames for labelling: the choice, its output, and that it helps."""

from itertools import combinations

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from tests.charges.reference import RADIAL, TOTAL, LinearSystem
from voxion.charges.data.dataset import ChargeFrame
from voxion.charges.data.dataset_writer import ChargeDatasetWriter
from voxion.charges.data.opening import open_dataset
from voxion.charges.data.splits import split_frames
from voxion.charges.evaluation.distance import TrainedGround
from voxion.charges.evaluation.scores import predict
from voxion.charges.evaluation.select import greedy_design, select, select_frames, write_selection
from voxion.charges.training.run import make_settings, train
from voxion.cli.charges_select import select as command
from voxion.errors import VoxionError

EXOTIC = (3, 17, 18, 25)


def write_frames(path, exotic, frames=30, seed=3, noise=0.0):
    """Data set whose frames `exotic` have ions close to the sheet, with noise on the labels."""
    system = LinearSystem()
    rng = np.random.default_rng(seed)
    writer = ChargeDatasetWriter(
        path,
        surface_positions=system.sites,
        source_charges=system.charges,
        source_species=system.names.tolist(),
        total_charge=TOTAL,
        periodic=(True, True, False),
        cell_origin=np.zeros(3),
        label_source={"name": "a run"},
        title="some exotic frames",
    )
    for step in range(frames):
        sources = system.sources(rng)
        if step in exotic:
            sources[-8:, 2] = rng.uniform(0.8, 1.4, 8)
        charges = system.response(sources.astype(np.float64))
        charges = charges + noise * rng.normal(size=len(charges))
        charges += (TOTAL - charges.sum()) / len(charges)
        writer.append(ChargeFrame(sources, charges, system.cell, 10 * step, 0.1 * step))
    return open_dataset(path)


@pytest.fixture(scope="module")
def pool(tmp_path_factory):
    return write_frames(tmp_path_factory.mktemp("pool") / "pool.zarr", EXOTIC)


def test_greedy_design_maximises_the_determinant_at_each_step():
    rng = np.random.default_rng(0)
    inputs = rng.normal(size=(8, 5, 3)) * rng.uniform(0.2, 2, (8, 1, 1))
    grams = np.einsum("fmp,fmq->fpq", inputs, inputs)

    def determinant(frames):
        stacked = np.concatenate([np.eye(3), *(inputs[f] for f in frames)])
        return np.linalg.det(stacked.T @ stacked)

    frames, gains = greedy_design(grams, 4)
    for n in range(1, 5):
        given = list(frames[: n - 1])
        best = max((f for f in range(8) if f not in given), key=lambda f: determinant([*given, f]))
        assert frames[n - 1] == best
        assert gains[:n].sum() == pytest.approx(np.log(determinant(frames[:n])))
    # greedy is at least 1 - 1/e of the best choice, and here nearly that
    best = max(np.log(determinant(chosen)) for chosen in combinations(range(8), 4))
    assert gains.sum() > 0.95 * best


def test_a_copy_of_a_chosen_frame_waits():
    large = np.diag([9.0, 0.1])
    grams = np.array([large, large, np.diag([0.1, 4.0])])
    assert greedy_design(grams, 2)[0].tolist() == [0, 2]


def test_exotic_frames_are_found(linear_training, pool):
    selection = select_frames(linear_training[0].model_path, pool, len(EXOTIC))
    assert sorted(selection.frames) == list(EXOTIC)
    assert np.all(np.diff(selection.gains) <= 1e-12)
    others = np.delete(selection.distances, EXOTIC)
    assert selection.distances[list(EXOTIC)].min() > 1.5 > others.max()


def test_gains_count_the_training_data(linear_training, linear_dataset, pool):
    path = linear_training[0].model_path
    ground, data = TrainedGround(path), open_dataset(linear_dataset)
    training = [ground.look(data, int(i))[0] for i in split_frames(data.frames).training]
    known = sum(inputs.T @ inputs for inputs in training)
    selection = select_frames(path, pool, 2)
    volumes = [np.linalg.slogdet(known).logabsdet]
    for index in selection.frames:
        inputs, _ = ground.look(pool, int(index))
        known = known + inputs.T @ inputs
        volumes.append(np.linalg.slogdet(known).logabsdet)
    np.testing.assert_allclose(selection.gains, np.diff(volumes), rtol=0.01)


@pytest.mark.training
def test_chosen_frames_teach_more_than_evenly_spaced_ones(tmp_path):
    noise = 2e-3
    start = write_frames(tmp_path / "start.zarr", (), 5, seed=1, noise=noise)
    pool = write_frames(tmp_path / "pool.zarr", EXOTIC, seed=2, noise=noise)
    held_out = write_frames(tmp_path / "held_out.zarr", range(10), 10, seed=4)

    def trained(*paths):
        settings = make_settings(paths, radial_functions=RADIAL, shells=3, epochs=0)
        return train(settings, tmp_path / f"trained-{len(list(tmp_path.iterdir()))}").model_path

    def error(model):
        predictions = predict(model, held_out, np.arange(10), [0])
        return np.sqrt(np.square(predictions.charges - predictions.reference).mean())

    first = trained(start.path)
    selection = select(first, pool.path, tmp_path / "chosen.zarr", 6)
    assert set(EXOTIC) <= set(selection.frames)
    evenly = type(selection)(np.arange(1, 30, 5), selection.gains, selection.distances)
    assert not set(EXOTIC) & set(evenly.frames)
    write_selection(pool, evenly, tmp_path / "evenly.zarr")
    with_chosen = error(trained(start.path, tmp_path / "chosen.zarr"))
    with_evenly = error(trained(start.path, tmp_path / "evenly.zarr"))
    # least squares of other frames: at most 0.41 of it with ten sets of frames, here 0.08
    assert with_chosen < 0.5 * min(with_evenly, error(first))


def test_output_is_a_data_set_of_the_chosen_frames_in_order(linear_training, pool, tmp_path):
    output = tmp_path / "new folder" / "chosen.zarr"
    selection = select(linear_training[0].model_path, pool.path, output, 6)
    chosen = open_dataset(output)
    order = np.sort(selection.frames)
    assert chosen.steps.tolist() == pool.steps[order].tolist()
    for row, index in enumerate(order):
        old, new = pool.frame(int(index)), chosen.frame(row)
        assert np.array_equal(new.source_positions, old.source_positions)
        assert np.array_equal(new.surface_charges, old.surface_charges)
        assert (new.time, new.cell.tolist()) == (old.time, old.cell.tolist())
    assert chosen.label_source == pool.label_source and chosen.title == pool.title
    assert chosen.species_of_sources.tolist() == pool.species_of_sources.tolist()
    assert [path.name for path in output.parent.iterdir()] == ["chosen.zarr"]
    with pytest.raises(VoxionError, match="exists"):
        select(linear_training[0].model_path, pool.path, output, 6)


def test_nothing_is_left_of_a_selection_that_fails(linear_training, pool, tmp_path, monkeypatch):
    def full(self, frame):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(ChargeDatasetWriter, "append", full)
    with pytest.raises(VoxionError, match="No space left"):
        select(linear_training[0].model_path, pool.path, tmp_path / "out.zarr", 2)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("count", [0, 31])
def test_more_frames_than_there_are_are_refused(linear_training, pool, count):
    with pytest.raises(VoxionError, match="has 30 frames"):
        select_frames(linear_training[0].model_path, pool, count)


def test_command(linear_training, pool, tmp_path):
    app = typer.Typer()
    app.command()(command)
    arguments = [linear_training[0].model_path, pool.path, "--out", tmp_path / "chosen.zarr"]
    result = CliRunner().invoke(app, [*map(str, arguments), "--frames", "4"])
    assert result.exit_code == 0, result.output
    assert "4 of 30 frames" in result.output and "whose largest is 1" in result.output
    assert open_dataset(tmp_path / "chosen.zarr").frames == 4
