"""Capacitance of two electrodes: a spring whose answer is known, and the command."""

import json

import matplotlib.image
import numpy as np
import pytest
from scipy.constants import Boltzmann, elementary_charge
from typer.testing import CliRunner

from voxion.charges.analysis.pair_capacitance import MICROFARAD, pair_capacitance
from voxion.charges.data.dataset import ChargeDataset, ChargeFrame
from voxion.charges.data.dataset_writer import ChargeDatasetWriter
from voxion.charges.data.opening import open_dataset
from voxion.charges.models.planar_pair import VACUUM_PERMITTIVITY
from voxion.cli.app import app
from voxion.errors import VoxionError

CELL, LOW, HIGH = np.diag([20.0, 25.0, 40.0]), 2.0, 32.0
AREA, LENGTH = 500.0, 30.0
TEMPERATURE = 300.0
THERMAL = Boltzmann * TEMPERATURE / elementary_charge  # V
STIFFNESS = 2e-3  # V/(e angstrom^2): energy k D^2/2 of a dipole D, e V
EMPTY = VACUUM_PERMITTIVITY * AREA / LENGTH
# What follows from the free energy -C0 V^2/2 + V D/L + k D^2/2, minimised and averaged over D.
EXPECTED = EMPTY + 1 / (LENGTH**2 * STIFFNESS)


def write_springs(path, voltages, frames: int, *, height: float = HIGH, seed=0) -> ChargeDataset:
    """Two charges whose dipole has the distribution of a spring at each voltage."""
    rng = np.random.default_rng(seed)
    writer = ChargeDatasetWriter(
        path,
        surface_positions=[[5, 5, LOW], [15, 15, LOW], [5, 5, height], [15, 15, height]],
        source_charges=[1.0, -1.0],
        source_species=["Na", "Cl"],
        total_charge=0.0,
        periodic=(True, True, False),
        cell_origin=np.zeros(3),
        label_source={},
        title="springs",
        electrodes={"lower": np.arange(4) < 2, "upper": np.arange(4) >= 2},
    )
    for number, voltage in enumerate(voltages):
        mean = -voltage / (LENGTH * STIFFNESS)
        for step in range(frames):
            dipole = np.clip(rng.normal(mean, np.sqrt(THERMAL / STIFFNESS)), -28.0, 28.0)
            centre = (LOW + height) / 2
            positions = [[8, 8, centre + dipole / 2], [9, 9, centre - dipole / 2]]
            upper = EMPTY * voltage - dipole / LENGTH
            charges = np.array([-upper, -upper, upper, upper]) / 2
            at = number * frames + step
            writer.append(
                ChargeFrame(
                    np.array(positions, np.float32), charges, CELL, at, 0.5 * at,
                    np.array([-voltage / 2, voltage / 2]),
                )
            )  # fmt: skip
    return open_dataset(path)


def test_fluctuations_and_slope_give_the_capacitance_of_a_spring(tmp_path):
    data = write_springs(tmp_path / "springs.zarr", [-0.3, 0.0, 0.3], 150)
    found = pair_capacitance([data], TEMPERATURE)
    unit = MICROFARAD / AREA
    assert unit * EXPECTED == pytest.approx(2.06, rel=0.01)  # uF/cm^2, by hand
    assert found.empty == pytest.approx(unit * EMPTY, rel=1e-3)
    assert [one.voltage for one in found.voltages] == [-0.3, 0.0, 0.3]
    for one in found.voltages:
        assert one.capacitance == pytest.approx(unit * EXPECTED, abs=4 * one.error)
        # of 150 independent frames the variance is known to 1/sqrt(75)
        assert one.error == pytest.approx(unit * (EXPECTED - EMPTY) * 0.115, rel=0.8)
    assert found.slope == pytest.approx(unit * EXPECTED, abs=4 * found.slope_error)
    assert found.slope_error < 0.15 * found.slope


def test_runs_of_one_voltage_each_are_the_same_as_one_run(tmp_path):
    together = write_springs(tmp_path / "both.zarr", [0.0, 0.3], 40)
    parts = [together.subset(0, 40), together.subset(40, 80)]
    one, other = pair_capacitance([together], 300.0), pair_capacitance(parts, 300.0)
    assert one.slope == pytest.approx(other.slope, rel=1e-9)
    for first, second in zip(one.voltages, other.voltages, strict=True):
        assert first.capacitance == pytest.approx(second.capacitance, rel=1e-9)


def test_wrong_input_is_refused(tmp_path):
    data = write_springs(tmp_path / "a.zarr", [0.0], 12)
    assert pair_capacitance([data], 300.0).slope is None
    other = write_springs(tmp_path / "b.zarr", [0.0], 12, height=HIGH + 1.0)
    with pytest.raises(VoxionError, match="expected runs of one cell"):
        pair_capacitance([data, other], 300.0)
    with pytest.raises(VoxionError, match=r"9 frames at 0 V; .* two in each of 5 blocks"):
        pair_capacitance([data.subset(0, 9)], 300.0)
    with pytest.raises(VoxionError, match="temperature must be positive"):
        pair_capacitance([data], 0.0)


def test_command(tmp_path):
    data = write_springs(tmp_path / "springs.zarr", [0.0, 0.3], 50)
    figure = tmp_path / "charging.png"
    arguments = ["charges", "capacitance", str(data.path), "--out", str(figure)]
    done = CliRunner().invoke(app, [*arguments, "--json"])
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert [row["voltage"] for row in found["voltages"]] == [0.0, 0.3]
    assert found["slope"] == pytest.approx(pair_capacitance([data], 300.0).slope)
    assert matplotlib.image.imread(figure).std() > 0.01
    done = CliRunner().invoke(app, [*arguments, "--force"])
    assert done.exit_code == 0 and "slope of the charge" in done.output
    cooler = CliRunner().invoke(app, [*arguments, "--force", "--temperature", "150", "--json"])
    assert json.loads(cooler.stdout)["voltages"][0]["capacitance"] > (
        1.5 * found["voltages"][0]["capacitance"]
    )
