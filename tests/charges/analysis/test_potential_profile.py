"""Potentials of charges whose field is known."""

import numpy as np
import pytest
from scipy.constants import epsilon_0
from typer.testing import CliRunner

from tests.charges.reference import graphene
from voxion.charges.analysis.potential_profile import capacitance, potential_profile
from voxion.charges.data.dataset import ChargeDataset, ChargeFrame
from voxion.charges.data.dataset_writer import ChargeDatasetWriter
from voxion.charges.data.opening import open_dataset
from voxion.cli.app import app
from voxion.errors import VoxionError

SHEET = 1.5  # angstrom


def write(path, heights, charges, total, *, frames=10, periodic=False) -> ChargeDataset:
    """Data set of charges at given heights above the sheet, moving sideways."""
    rng = np.random.default_rng(0)
    sites, cell = graphene(3, 2)
    sites[:, 2] = SHEET
    names = ["Na" if charge > 0 else "Cl" for charge in charges]
    writer = ChargeDatasetWriter(
        path,
        surface_positions=sites,
        source_charges=charges,
        source_species=names,
        total_charge=total,
        periodic=(True, True, periodic),
        cell_origin=np.zeros(3),
        label_source={"name": "none"},
        title="charges",
    )
    for step in range(frames):
        positions = rng.uniform(size=(len(charges), 3)) * np.diag(cell)
        positions[:, 2] = SHEET + heights(rng)
        writer.append(
            ChargeFrame(
                positions.astype(np.float32),
                np.full(len(sites), total / len(sites)),
                cell,
                step,
                float(step),
            )
        )
    return open_dataset(path)


def area(data: ChargeDataset) -> float:
    return float(data.cells[0, 0, 0] * data.cells[0, 1, 1])


def test_two_plates_are_a_capacitor(tmp_path):
    # counter-charges in one plane: sigma d / epsilon_0; further charges that cancel make the bulk
    heights = np.array([4.0] * 4 + [20.0, 20.0])
    data = write(tmp_path / "plates.zarr", lambda rng: heights, [1.0] * 4 + [1.0, -1.0], -4.0)
    profile = potential_profile(data)
    sigma = -4 * 1.602176634e-19 / (area(data) * 1e-20)
    assert profile.surface_charge == pytest.approx(sigma, rel=1e-9)
    assert profile.drop == pytest.approx(sigma * 4e-10 / epsilon_0, rel=1e-6)
    assert profile.drop_error < 1e-5
    between = (profile.distance > 0) & (profile.distance < 4)
    expected = profile.drop * (1 - profile.distance[between] / 4)
    np.testing.assert_allclose(profile.potential[between], expected, atol=1e-5)
    assert 4 < profile.bulk_range[0] < profile.bulk_range[1] < 20


def test_dipoles_raise_the_potential_without_charge(tmp_path):
    # a layer of dipoles p per area: p / epsilon_0
    heights = np.array([2.0] * 3 + [2.5] * 3 + [30.0, 30.0])
    charges = [1.0] * 3 + [-1.0] * 3 + [1.0, -1.0]
    data = write(tmp_path / "dipoles.zarr", lambda rng: heights, charges, 0.0)
    profile = potential_profile(data)
    dipole = 3 * 1.602176634e-19 * 0.5e-10 / (area(data) * 1e-20)
    # the positive ends point to the sheet
    assert profile.drop == pytest.approx(dipole / epsilon_0, rel=1e-5)


def test_noise_gives_the_error_of_the_drop(tmp_path):
    def heights(rng):
        return np.concatenate([rng.uniform(3.0, 5.0, 4), [2.5, 25.0]])

    data = write(tmp_path / "noise.zarr", heights, [1.0] * 4 + [1.0, -1.0], -4.0, frames=200)
    profile = potential_profile(data)
    per_metre = 1.602176634e-19 * 1e-10 / (area(data) * 1e-20) / epsilon_0
    # the mean of four uniform heights, 2 angstrom wide, 200 times
    expected = 4 * per_metre * np.sqrt(4 / 12 / 4 / 200)
    assert 0.3 * expected < profile.drop_error < 2.5 * expected


def test_capacitance_is_charge_over_the_change_of_the_drop(tmp_path):
    def run(name, total):
        heights = np.array([2.0, 2.5] + [6.0] * abs(round(total)) + [30.0, 30.0])
        charges = [1.0, -1.0] + [-np.sign(total)] * abs(round(total)) + [1.0, -1.0]
        return potential_profile(write(tmp_path / name, lambda rng: heights, charges, total))

    neutral = run("0.zarr", 0.0)
    for total in (-3.0, 2.0):
        value, error = capacitance(run(f"{total}.zarr", total), neutral)
        assert value == pytest.approx(100 * epsilon_0 / 6e-10, rel=1e-5)
        assert error < 1e-3 * value


def test_refusals(tmp_path):
    heights = np.array([3.0, 20.0, 21.0])

    def data(name, **kinds):
        return write(tmp_path / name, lambda rng: heights, [2.0, 1.0, -1.0], -2.0, **kinds)

    with pytest.raises(VoxionError, match="3 frames; a potential with standard errors needs one"):
        potential_profile(data("few.zarr", frames=3))
    with pytest.raises(VoxionError, match="periodic along z"):
        potential_profile(data("periodic.zarr", periodic=True))
    charged = write(tmp_path / "charged.zarr", lambda rng: heights, [1.0, 1.0, -1.0], -2.0)
    with pytest.raises(VoxionError, match="charge of -1 e in all"):
        potential_profile(charged)
    thin = write(tmp_path / "thin.zarr", lambda rng: np.full(2, 4.0), [1.0, -1.0], 0.0)
    with pytest.raises(VoxionError, match=r"4\.0 to 4\.0 A from the sheet: too thin for a bulk"):
        potential_profile(thin)
    profile = potential_profile(data("good.zarr"))
    with pytest.raises(VoxionError, match="one with a neutral sheet"):
        capacitance(profile, profile)


def test_command_line(tmp_path):
    for total in (-2.0, 0.0, 3.0):
        heights = np.array([6.0] * abs(round(total)) + [2.5, 2.5, 30.0, 30.0])
        charges = [-np.sign(total)] * abs(round(total)) + [1.0, -1.0] * 2
        write(tmp_path / f"q{total:g}.zarr", lambda rng, h=heights: h, charges, total)
    runs = [str(tmp_path / f"q{total}.zarr") for total in (-2, 0, 3)]

    def command(*datasets, figure):
        options = ["--out", str(tmp_path / figure)]
        return CliRunner().invoke(app, ["charges", "capacitance", *datasets, *options])

    result = command(*runs, figure="c.png")
    assert result.exit_code == 0, result.output
    assert result.output.count(f"{100 * epsilon_0 / 6e-10:.1f} +- 0.0") == 2
    assert (tmp_path / "c.png").read_bytes()[:4] == b"\x89PNG"
    result = command(*runs[::2], figure="d.png")
    assert isinstance(result.exception, VoxionError)
    assert "found 0 with a neutral one among 2" in str(result.exception)
    assert not (tmp_path / "d.png").exists()
    result = command(*runs, figure="d.xyz")
    assert "d.xyz: expected a name that ends in .png, .svg, .pdf" in str(result.exception)
