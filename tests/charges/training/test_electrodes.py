"""Models of two electrodes at a voltage: their total charges, and those of the atoms."""

from dataclasses import replace

import numpy as np
import pytest

from tests.capacitor import CAPACITOR, equilibrated, sample_potentials
from voxion.charges.data.dataset import ChargeDataset, ChargeFrame
from voxion.charges.data.dataset_writer import ChargeDatasetWriter
from voxion.charges.data.opening import open_dataset
from voxion.charges.data.splits import split_dataset
from voxion.charges.defaults import WIDTHS
from voxion.charges.evaluation.scores import predict, score
from voxion.charges.models.planar_pair import VACUUM_PERMITTIVITY, fit_planes, planar_pair
from voxion.charges.sampling.electrode import label_electrode
from voxion.charges.training.run import TrainingResult, make_settings, train
from voxion.contract.schema import read_contract
from voxion.errors import VoxionError

AREA, LOW, HIGH, OFFSET = 80.0, 1.0, 21.0, 0.3
CELL = np.diag([8.0, 10.0, 24.0])


def write_pair(path, *, upper_first: bool = False, **changes) -> ChargeDataset:
    """Pair of flat electrodes of 2 + 2 atoms whose charges are right for a plane offset of 0.3 A.

    Uniform on each, and the potentials are 0 and 1 V or, in every other frame, 0 and -1 V.
    """
    rng = np.random.default_rng(3)
    heights = np.array([LOW, LOW, HIGH, HIGH])
    numbers = np.array([0, 0, 1, 1])
    if upper_first:
        heights, numbers = heights[::-1], numbers
    sites = np.column_stack([rng.uniform(0, 8, (4, 2)), heights])
    settings = {
        "surface_positions": sites,
        "source_charges": [1.0, -1.0, 0.5, -0.5],
        "source_species": ["Na", "Cl", "H", "O"],
        "total_charge": 0.0,
        "periodic": (True, True, False),
        "cell_origin": np.zeros(3),
        "label_source": {},
        "title": "pair",
        "electrodes": {"first": numbers == 0, "second": numbers == 1},
    } | changes
    writer = ChargeDatasetWriter(path, **settings)
    for step in range(10):
        positions = rng.uniform(2.0, 20.0, (4, 3)).astype(np.float32)
        potentials = np.array([0.0, 1.0 - 2.0 * (step % 2)])
        sign = -1.0 if upper_first else 1.0
        induced = np.asarray(settings["source_charges"]) @ positions[:, 2].astype(float)
        applied = VACUUM_PERMITTIVITY * AREA * sign * potentials[1]
        upper = (applied - induced) / (HIGH - LOW - 2 * OFFSET)
        charges = np.where(heights == HIGH, upper / 2, -upper / 2)
        writer.append(ChargeFrame(positions, charges, CELL, step, float(step), potentials))
    return open_dataset(path)


@pytest.mark.parametrize("upper_first", [False, True])
def test_plane_offset_is_recovered(tmp_path, upper_first):
    """Whichever electrode comes first in the data set."""
    dataset = write_pair(tmp_path / "pair.zarr", upper_first=upper_first)
    pair = planar_pair(dataset)
    assert pair.faces == (LOW, HIGH) and pair.area == pytest.approx(AREA)
    found = fit_planes([(dataset, pair, np.arange(8))])
    assert found.plane_offset == pytest.approx(OFFSET, abs=1e-4) and found.error < 1e-5
    assert found.corrugation == 0.0
    for frame in dataset:
        expected = [frame.surface_charges[:2].sum(), frame.surface_charges[2:].sum()]
        np.testing.assert_allclose(pair.charges(dataset, frame, OFFSET), expected, atol=1e-12)


def test_what_is_no_planar_pair_is_refused(tmp_path):
    rough = np.array([[0, 0, LOW], [4, 5, LOW + 0.4], [0, 0, HIGH], [4, 5, HIGH]])
    low = np.array([[0, 0, 5.0], [4, 5, 5.0], [0, 0, HIGH], [4, 5, HIGH]])
    for number, (changes, message) in enumerate(
        [
            ({"periodic": (True, True, True)}, "in a box that is bounded along z"),
            ({"source_charges": [1.0, -1.0, 0.5, 0.5]}, "the electrolyte has a charge of 1 e"),
            ({"surface_positions": rough}, "expected a flat one"),
            ({"surface_positions": low}, "electrolyte outside the electrodes"),
            ({"electrodes": None}, "has not two electrodes at given potentials"),
        ]
    ):
        dataset = write_pair(tmp_path / f"{number}.zarr", **changes)
        with pytest.raises(VoxionError, match=message):
            planar_pair(dataset)


def test_every_part_of_a_split_has_all_voltages(at_potentials):
    """By time within each voltage: of 6 frames the last is held out, the one before validates."""
    parts = split_dataset(at_potentials)
    assert parts.training.tolist() == [0, 1, 2, 3, 6, 7, 8, 9]
    assert parts.validation.tolist() == [4, 10]
    assert parts.held_out.tolist() == [5, 11]
    with pytest.raises(VoxionError, match="has 2 frames, at least 3 are needed"):
        split_dataset(at_potentials.subset(0, 8))


@pytest.fixture(scope="module")
def trained(trained_pair, at_potentials) -> tuple[TrainingResult, ChargeDataset]:
    """Site-potentials model of frames at 0 and 2 V."""
    return trained_pair, at_potentials


@pytest.fixture(scope="module")
def unseen(neutral_capacitor, tmp_path_factory) -> ChargeDataset:
    """Frames at 1 V, which no training has."""
    output = tmp_path_factory.mktemp("labels") / "unseen.zarr"
    return sample_potentials(neutral_capacitor, output, [1.0], 5)


def test_charges_at_a_voltage_that_was_not_trained(trained, unseen):
    result, _ = trained
    report = score(result.model_path, unseen.path)
    assert report.model.r2 > 0.99 > 0.6 > report.constant.r2
    for electrode in report.electrodes:
        assert electrode.rmse < 0.02 * electrode.deviation
    assert [electrode.name for electrode in report.electrodes] == ["lower", "upper"]
    assert "charge of upper: error" in str(report.table().caption)


def test_total_charges_are_those_of_the_functional(trained, unseen):
    result, _ = trained
    contract = read_contract(result.model_path)
    assert contract.total_charge_input and 0.0 < contract.plane_offset < 0.5
    found = predict(result.model_path, unseen, np.arange(5), [])
    pair = planar_pair(unseen)
    for row, frame in enumerate(unseen):
        wanted = pair.charges(unseen, frame, contract.plane_offset)
        of_electrode = [found.charges[row, :96].sum(), found.charges[row, 96:].sum()]
        np.testing.assert_allclose(of_electrode, wanted, rtol=0, atol=1e-12)
    assert result.summary["plane_offset"] == contract.plane_offset


@pytest.mark.training
def test_plane_waves_carry_what_a_short_cutoff_leaves_out(at_potentials, unseen, tmp_path):
    errors = {}
    for largest in (None, 1.2):
        settings = make_settings(
            [at_potentials.path],
            epochs=0,
            shells=6,
            radial_functions={"widths": WIDTHS, "cutoff": 8.0},
            largest_wave_vector=largest,
        )
        result = train(settings, tmp_path / f"waves-{largest}")
        errors[largest] = score(result.model_path, unseen.path).model.mae
    assert errors[1.2] < 0.6 * errors[None]


def test_models_of_one_electrode_do_not_take_pairs(
    trained, neutral_capacitor, tmp_path, linear_training
):
    _, data = trained
    for model in ("ion-positions", "tight-binding"):
        settings = make_settings([data.path], model=model, epochs=1, shells=6)
        with pytest.raises(VoxionError, match="has electrodes at given potentials"):
            train(settings, tmp_path / model)
    with pytest.raises(VoxionError, match="at given potentials"):
        label_electrode(neutral_capacitor, data, tmp_path / "again.zarr", progress=False)
    with pytest.raises(VoxionError, match="has no 'plane_offset'"):
        predict(linear_training[0].model_path, replace_sources(data), [0], [])


def replace_sources(data: ChargeDataset) -> ChargeDataset:
    """The same data set with charges that the linear system's model knows."""
    charges = {"O": -0.8, "H": 0.4, "Na": 1.0, "Cl": -1.0}
    return replace(data, source_charges=np.array([charges[n] for n in data.species_of_sources]))


def test_pairs_of_another_size_share_the_model(trained, tmp_path):
    """A wider pair with a larger gap: nothing is fitted again."""
    result, _ = trained
    wider = replace(CAPACITOR, cells=(8, 5), thickness=30.0)
    folder = equilibrated(wider, tmp_path / "wider", seed=4)
    other = sample_potentials(folder, tmp_path / "wider.zarr", [1.5], 4)
    report = score(result.model_path, other.path)
    assert report.model.r2 > 0.9
    assert max(one.rmse for one in report.electrodes) < 0.02 * np.abs(report.electrodes[0].mean)
