"""The loop of a label source and MD: charges reach the forces, frames hold what was solved."""

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from voxion.charges.data.dataset_writer import ChargeDatasetWriter
from voxion.charges.data.opening import open_dataset
from voxion.charges.sampling.coupling import couple, set_charges
from voxion.charges.sampling.electrode import ElectrodeLabels
from voxion.charges.sampling.labels import NotLabelled, label_frames
from voxion.charges.sampling.run import load_configuration
from voxion.charges.sampling.skipped import SkippedFrames
from voxion.engines.lammps import cell_of, gather, in_group, lammps_session, quoted
from voxion.errors import VoxionError
from voxion.systems.description import load_system

VOXION = Path(sys.executable).with_name("voxion")
COULOMB = 332.06371  # kcal/mol angstrom / e^2, LAMMPS units real


class Waves:
    """A label source: charges of up to 0.3 e, a known function of the first atom's position."""

    settings = {"name": "waves"}  # noqa: RUF012
    sources = None

    def __init__(self, unlabelled=(), broken=()):
        self.calls, self.unlabelled, self.broken = 0, unlabelled, broken

    def label(self, positions):
        self.calls += 1
        if self.calls in self.unlabelled:
            raise NotLabelled("No charges here.")
        if self.calls in self.broken:
            raise VoxionError("The solver broke.")
        charges = 0.3 * np.cos(np.arange(96) + 3.0 * float(positions[0].sum()))
        return charges - charges.mean() - 1.0 / 96


def forces_of_a_sheet(points, sheet, charges, cell):
    """Field of a neutral sheet, periodic along x and y: its forces on unit charges, kcal/mol/A.

    Two-dimensional Fourier series of the potential,
    phi = 2 pi / A sum_G 1/|G| sum_j q_j exp(i G (r - r_j) - |G| |z - z_j|).
    """
    numbers = np.arange(-25, 26)
    grid = np.stack(np.meshgrid(numbers, numbers), axis=-1).reshape(-1, 2)
    grid = grid[np.any(grid != 0, axis=1)]
    waves = 2 * np.pi * grid / np.diag(cell)[:2]
    length = np.linalg.norm(waves, axis=1)
    shape = np.exp(-1j * sheet[:, :2] @ waves.T).T @ charges / length
    height = points[:, 2:] - sheet[0, 2]
    terms = np.exp(1j * points[:, :2] @ waves.T - length * np.abs(height)) * shape
    lateral = np.imag(terms @ waves)
    normal = np.real(terms @ length)[:, None] * np.sign(height)
    area = cell[0, 0] * cell[1, 1]
    return COULOMB * 2 * np.pi / area * np.hstack([lateral, normal])


def test_the_forces_after_an_update_are_those_of_the_new_charges(sheet):
    with lammps_session(variables={"kspace": "pppm"}) as engine:
        load_configuration(engine, sheet, sheet / "equilibrated.data")
        engine.command("kspace_style pppm 1e-6")
        engine.command(f"kspace_modify slab {load_system(sheet).slab_factor}")
        engine.command("run 0")
        surface, sources = in_group(engine, "surface"), in_group(engine, "electrolyte")
        positions, charges = gather(engine, "x"), gather(engine, "q")
        cell, _ = cell_of(engine)
        before = gather(engine, "f")
        new = Waves().label(positions[sources])
        set_charges(engine, surface, new)
        engine.command("run 0")
        change = gather(engine, "f") - before
        assert gather(engine, "q")[surface].tolist() == new.tolist()
        assert gather(engine, "q")[sources].tolist() == charges[sources].tolist()
    wanted = charges[sources, None] * forces_of_a_sheet(
        positions[sources], positions[surface], new - charges[surface], cell
    )
    assert np.abs(wanted).max() > 5.0
    assert change[sources] == pytest.approx(wanted, abs=2e-3)


def test_frames_hold_the_configuration_and_its_charges(sheet, tmp_path):
    dataset = couple(Waves(), sheet, tmp_path / "w.zarr", 3, 0.02, progress=False)
    assert dataset.steps.tolist() == [10, 20, 30]
    assert dataset.times == pytest.approx([0.02, 0.04, 0.06])
    for frame in dataset:
        wanted = Waves().label(frame.source_positions)
        np.testing.assert_array_equal(frame.surface_charges, wanted)
    assert dataset.surface_charges().sum(axis=1) == pytest.approx(-1.0, abs=1e-13)
    assert np.ptp(dataset.surface_charges(), axis=0).max() > 1e-3
    assert dataset.label_source == {"name": "waves", "update_interval": 0.02}


def by_hand(sheet, intervals, charges):
    """Positions after intervals of 10 steps, with charges set by LAMMPS's own command before."""
    with lammps_session(variables={"kspace": "pppm"}) as engine:
        load_configuration(engine, sheet, sheet / "equilibrated.data")
        engine.command(f"include {quoted(sheet / 'in.dynamics')}")
        atoms = np.flatnonzero(in_group(engine, "surface")) + 1
        for interval in range(intervals):
            if interval:
                for atom, charge in zip(atoms, charges[interval - 1], strict=True):
                    engine.command(f"set atom {atom} charge {float(charge)!r}")
            engine.command("run 10")
        return gather(engine, "x")[in_group(engine, "electrolyte")]


def test_md_goes_on_with_the_charges(sheet, tmp_path):
    dataset = couple(Waves(), sheet, tmp_path / "w.zarr", 3, 0.02, progress=False)
    edges = np.diag(dataset.cells[0]) * [1, 1, 1e9]

    def off(positions):
        shift = dataset.source_positions(2) - positions
        return np.abs(shift - np.round(shift / edges) * edges).max()

    charges = dataset.surface_charges()
    assert off(by_hand(sheet, 3, charges)) < 1e-4
    # charges of one update late are another trajectory
    late = np.concatenate([np.full((1, 96), -1 / 96), charges])
    assert off(by_hand(sheet, 3, late)) > 1e-2


def test_settling_updates_charges_without_frames(sheet, tmp_path):
    source = Waves()
    dataset = couple(source, sheet, tmp_path / "w.zarr", 2, 0.02, settle=0.04, progress=False)
    assert dataset.steps.tolist() == [30, 40] and source.calls == 4


def test_configuration_without_charges_is_left_out(sheet, tmp_path):
    output = tmp_path / "w.zarr"
    dataset = couple(Waves(unlabelled=[2]), sheet, output, 4, 0.02, progress=False)
    assert dataset.steps.tolist() == [10, 30, 40]
    assert SkippedFrames.of(output) == [{"step": 20, "reason": "No charges here."}]
    # until the next update the charges of the first one acted
    charges = dataset.surface_charges()[[0, 0]]
    edges = np.diag(dataset.cells[0]) * [1, 1, 1e9]
    shift = dataset.source_positions(1) - by_hand(sheet, 3, charges)
    assert np.abs(shift - np.round(shift / edges) * edges).max() < 1e-4


@pytest.mark.parametrize("unlabelled", [[], [2], [3]])
def test_interrupted_loop_goes_on(unlabelled, sheet, tmp_path):
    whole = couple(Waves(unlabelled), sheet, tmp_path / "whole.zarr", 4, 0.02, progress=False)
    output = tmp_path / "w.zarr"
    with pytest.raises(VoxionError, match="The solver broke"):
        couple(Waves([n for n in unlabelled if n < 3], [3]), sheet, output, 4, 0.02, progress=False)
    assert open_dataset(output).steps.tolist() == [s for s in (10, 20) if [s // 10] != unlabelled]
    with pytest.raises(VoxionError, match="exists: give another name, or resume it"):
        couple(Waves(), sheet, output, 4, 0.02, progress=False)
    rest = Waves([n - 2 for n in unlabelled])
    again = couple(rest, sheet, output, 4, 0.02, resume=True, progress=False)
    assert rest.calls == 2
    assert again.steps.tolist() == whole.steps.tolist()
    assert SkippedFrames.of(output) == SkippedFrames.of(whole.path)
    for one, other in zip(again, whole, strict=True):
        np.testing.assert_allclose(one.source_positions, other.source_positions, atol=1e-4)
        np.testing.assert_allclose(one.surface_charges, other.surface_charges, atol=1e-4)


def test_loop_killed_between_restart_and_frame(sheet, tmp_path, monkeypatch):
    output = tmp_path / "w.zarr"
    append = ChargeDatasetWriter.append

    def killed(self, frame):
        if frame.step == 20:
            raise KeyboardInterrupt
        append(self, frame)

    monkeypatch.setattr(ChargeDatasetWriter, "append", killed)
    with pytest.raises(KeyboardInterrupt):
        couple(Waves(), sheet, output, 3, 0.02, progress=False)
    monkeypatch.undo()
    assert open_dataset(output).steps.tolist() == [10]
    again = couple(Waves(), sheet, output, 3, 0.02, resume=True, progress=False)
    assert again.steps.tolist() == [10, 20, 30]
    for frame in again:
        wanted = Waves().label(frame.source_positions)
        np.testing.assert_allclose(frame.surface_charges, wanted, atol=1e-12)


def test_loop_killed_between_leaving_out_and_restart(sheet, tmp_path, monkeypatch):
    output = tmp_path / "w.zarr"
    add = SkippedFrames.add

    def killed(self, step, reason):
        add(self, step, reason)
        raise KeyboardInterrupt

    monkeypatch.setattr(SkippedFrames, "add", killed)
    with pytest.raises(KeyboardInterrupt):
        couple(Waves(unlabelled=[2]), sheet, output, 3, 0.02, progress=False)
    monkeypatch.undo()
    # the run goes on before that step, and this time there are charges
    again = couple(Waves(), sheet, output, 3, 0.02, resume=True, progress=False)
    assert again.steps.tolist() == [10, 20, 30]
    assert SkippedFrames.of(output) == []


def test_electrode_as_the_source(sheet, tmp_path):
    with ElectrodeLabels(sheet) as source:
        dataset = couple(source, sheet, tmp_path / "e.zarr", 3, 0.02, progress=False)
        wanted = label_frames(source, dataset)
    assert dataset.surface_charges() == pytest.approx(wanted, abs=1e-9)
    assert dataset.surface_charges().sum(axis=1) == pytest.approx(-1.0, abs=1e-12)
    assert dataset.label_source["name"] == "lammps-electrode"
    assert dataset.label_source["update_interval"] == 0.02


def test_command_line(sheet, tmp_path):
    output = tmp_path / "c.zarr"
    arguments = ["couple", sheet, "--out", output, "--interval", 0.02, "--frames"]

    def voxion(*more):
        return subprocess.run(
            [str(VOXION), "charges", *map(str, arguments + list(more))],
            capture_output=True,
            text=True,
            check=False,
        )

    run = voxion(1)
    assert run.returncode == 0, run.stderr
    assert f"{output}: 1 frames of 96 charges" in run.stdout
    assert voxion(2, "--resume").returncode == 0
    assert open_dataset(output).steps.tolist() == [10, 20]
    refused = voxion(2, "--source", "dftb")
    assert refused.returncode == 1 and refused.stderr.count("\n") == 1
    shutil.rmtree(output)
    refused = voxion(2, "--interval", "0.0213")
    assert refused.returncode == 1 and "whole number of MD steps" in refused.stderr
    assert not output.exists()
