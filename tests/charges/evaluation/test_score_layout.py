"""Scores of a model on frames in the HDF5 layout: any sheet, ions, charge and number of frames."""

import json

import h5py
import numpy as np
import pytest
from sklearn import metrics
from typer.testing import CliRunner

from tests.charges.reference import RADIAL, TOTAL, LinearSystem
from voxion.charges.evaluation.scores import score
from voxion.charges.training.run import make_settings, train
from voxion.cli.charges import app
from voxion.errors import VoxionError

# numbers and charges of the layout
TYPES = {"O": (2, -0.8476), "H": (3, 0.4238), "Na": (4, 1.0), "Cl": (5, -1.0)}


def write_frames(path, frames, ions=(("Na", 5), ("Cl", 3)), total=-2.0, **sheet):
    """Frames of the linear system with other ions, charge or sheet; their charges [F, M]."""
    system = LinearSystem(**sheet)
    names = ["O", "H", "H"] * 12 + [name for name, count in ions for _ in range(count)]
    system.charges = np.array([TYPES[name][1] for name in names])
    rng = np.random.default_rng(system.seed)
    sources = np.array([system.sources(rng) for _ in range(frames)]).reshape(frames, len(names), 3)
    charges = np.array([system.response(one.astype(np.float64)) for one in sources])
    charges = charges.reshape(frames, len(system.sites)) + (total - TOTAL) / len(system.sites)
    with h5py.File(path, "w") as file:
        file.attrs["total_charge_e"] = total
        file["surface_positions"] = system.sites.astype(np.float32)
        file["source_positions"] = sources
        file["source_types"] = np.array([TYPES[name][0] for name in names], np.int8)
        file["surface_charges"] = charges
        file["cell"] = np.diag(system.cell)
        file["step"] = np.arange(frames) * 250
    return charges


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    folder = tmp_path_factory.mktemp("layout")
    write_frames(folder / "training.h5", 20)
    settings = make_settings([folder / "training.h5"], radial_functions=RADIAL, shells=3, epochs=0)
    return train(settings, folder / "trained").model_path


@pytest.mark.parametrize(
    ("frames", "other"),
    [
        (3, {"nx": 6, "ny": 4, "seed": 2}),
        (4, {"ions": (), "total": 0.0, "seed": 3}),
        (4, {"ions": (("Cl", 4),), "total": 4.0, "seed": 4}),
        (5, {"ions": (("Na", 1), ("Cl", 1), ("Na", 6)), "total": -7.5, "seed": 5}),
        (2, {"seed": 6}),
        (1, {"nx": 4, "ny": 3, "seed": 7}),
    ],
)
def test_other_sheets_ions_charges_and_numbers_of_frames(model, tmp_path, frames, other):
    true = write_frames(tmp_path / "frames.h5", frames, **other)
    result = CliRunner().invoke(app, ["score", str(model), str(tmp_path / "frames.h5"), "--json"])
    assert result.exit_code == 0, result.output
    scores = json.loads(result.stdout)
    assert (scores["frames"], scores["surface_atoms"]) == true.shape
    constant = np.full(true.size, other.get("total", -2.0) / true.shape[1])
    expected = metrics.mean_absolute_error(true.ravel(), constant)
    assert scores["constant"]["mae"] == pytest.approx(expected) and expected > 1e-3
    assert scores["model"]["mae"] < 1e-5 and scores["model"]["within_epsilon"] == 1.0
    assert scores["forces"]["frames"] == frames
    assert scores["forces"]["model"]["relative"] < 1e-2
    assert scores["forces"]["constant"]["relative"] == 1.0


def test_each_atoms_mean_is_of_earlier_frames_and_the_constant_for_a_single_one(model, tmp_path):
    true = write_frames(tmp_path / "two.h5", 2, seed=8)
    two = score(model, tmp_path / "two.h5", "held-out")
    assert two.frames == 1
    expected = metrics.mean_absolute_error(true[1], true[0])
    assert two.atom_mean.mae == pytest.approx(expected)
    write_frames(tmp_path / "one.h5", 1, seed=9)
    one = score(model, tmp_path / "one.h5")
    assert one.atom_mean == one.constant


def test_no_frames_and_charges_that_miss_the_total_are_refused(model, tmp_path):
    write_frames(tmp_path / "none.h5", 0)
    with pytest.raises(VoxionError, match="has no frames"):
        score(model, tmp_path / "none.h5")
    write_frames(tmp_path / "wrong.h5", 3)
    with h5py.File(tmp_path / "wrong.h5", "r+") as file:
        file.attrs["total_charge_e"] = -3.0
    with pytest.raises(VoxionError, match="sum to -2 e, its total charge is -3 e"):
        score(model, tmp_path / "wrong.h5")
    with h5py.File(tmp_path / "wrong.h5", "r+") as file:
        file.attrs["total_charge_e"] = -2.0
        file["surface_charges"][1, 4] = np.nan
    with pytest.raises(VoxionError, match=r"frame 1 .*surface_charges"):
        score(model, tmp_path / "wrong.h5")


def test_scores_without_forces_say_why(model, tmp_path):
    write_frames(tmp_path / "frames.h5", 3)
    with h5py.File(tmp_path / "frames.h5", "r+") as file:
        file["source_positions"][2, 5, 2] = 0.4
    result = CliRunner().invoke(app, ["score", str(model), str(tmp_path / "frames.h5")])
    assert result.exit_code == 0, result.output
    assert "No errors of forces: " in result.output and "within 0.5 A" in result.output
