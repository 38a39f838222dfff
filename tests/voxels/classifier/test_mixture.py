"""Mixtures: what a classifier sees in grids of several phases, and with random weights."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from tests.voxels.phases import PHASES, grids, settings, sources, trained
from tests.voxels.reference import write_store
from voxion.cli.voxels import app
from voxion.errors import VoxionError
from voxion.voxels.classifier.mixture import mixture, read_mixture

__all__ = ["settings", "sources", "trained"]
CHANNELS = ("mass", "charge")


@pytest.fixture
def model(trained):
    return trained[0].model_path


@pytest.fixture
def mixed(tmp_path):
    """Fifteen frames, of which a third each has one of the phases."""
    parts = [grids(phase, 5, seed=7) for phase in PHASES]
    frames = np.stack(parts, axis=1).reshape(-1, *parts[0].shape[1:])
    return write_store(tmp_path / "mixed.zarr", frames, CHANNELS)


def test_shares_are_those_of_the_phases(model, mixed):
    found = mixture(model, [mixed])
    assert set(found.labels) == set(PHASES)
    assert found.fractions.sum() == pytest.approx(1.0)
    # the network knows its phases; each block of three frames has one of each
    assert found.fractions == pytest.approx(1 / 3, abs=0.15)
    assert found.errors.max() < 0.2


def test_one_phase_alone_is_itself(model, tmp_path):
    store = write_store(tmp_path / "l.zarr", grids("lamellar", 6, seed=9), CHANNELS)
    found = mixture(model, [store])
    assert found.fractions[found.labels.index("lamellar")] > 0.6
    # without training, no phase stands out as much
    assert mixture(model, [store], untrained=True).fractions.max() < 0.6


def test_few_frames_have_no_errors_and_are_read_again(model, tmp_path):
    store = write_store(tmp_path / "few.zarr", grids("noise", 3, seed=1), CHANNELS)
    found = mixture(model, [store])
    assert np.isnan(found.errors).all()
    found.write(tmp_path / "c.csv")
    again = read_mixture(tmp_path / "c.csv")
    assert again.labels == found.labels and np.isnan(again.errors).all()
    assert again.fractions == pytest.approx(found.fractions, rel=1e-5)


def test_command(model, mixed, tmp_path):
    arguments = ["classify", str(model), str(mixed), "--out", str(tmp_path / "c.csv")]
    result = CliRunner().invoke(app, [*arguments, "--json"], catch_exceptions=False)
    rows = json.loads(result.output)["mixture"]
    assert {row["label"] for row in rows} == set(PHASES)
    assert sum(row["fraction"] for row in rows) == pytest.approx(1.0)
    with pytest.raises(VoxionError, match="exists: choose another --out"):
        CliRunner().invoke(app, arguments, catch_exceptions=False)


def test_a_store_of_another_size_is_refused(model, tmp_path):
    store = write_store(tmp_path / "s.zarr", grids("noise", 2)[..., :8], CHANNELS)
    with pytest.raises(VoxionError, match="takes grids of 16 x 16 x 16 voxels"):
        mixture(model, [store])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "columns are not label"),
        ("label,fraction,error\n", "columns are not label"),
        ("label,fraction,error\na,0.5,0\n", "not shares of one whole"),
        ("label,fraction,error\na,-0.5,0\nb,1.5,0\n", "not shares of one whole"),
        ("label,fraction,error\na,nan,0\nb,1,0\n", "not shares of one whole"),
        ("label,fraction,error\na,1\n", "damaged mixture"),
    ],
)
def test_damaged_tables_are_refused(tmp_path, text, message):
    (tmp_path / "c.csv").write_text(text)
    with pytest.raises(VoxionError, match=message):
        read_mixture(tmp_path / "c.csv")
