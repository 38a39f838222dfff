"""Sampling along a run: frames, continuation after an interruption, any charge method."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from voxion.charges.data.opening import open_dataset
from voxion.charges.sampling.electrode import ElectrodeLabels
from voxion.charges.sampling.run import ChargeMethod, sample_run, single
from voxion.errors import VoxionError


def test_frames_describe_the_system(sampled, sheet):
    assert sampled.frames == 4
    assert sampled.steps.tolist() == [10, 20, 30, 40]
    assert sampled.times == pytest.approx([0.02, 0.04, 0.06, 0.08])
    assert sampled.surface_positions.shape == (96, 3)
    assert sampled.periodic == (True, True, False)
    species, counts = np.unique(sampled.species_of_sources, return_counts=True)
    wanted = {s.name: s.count for s in ElectrodeLabels(sheet).description.species}
    assert dict(zip(species.tolist(), counts.tolist(), strict=True)) == wanted
    assert sampled.source_charges.sum() == pytest.approx(1.0, abs=1e-9)
    assert sampled.label_source["eta"] == 1.979
    for frame in sampled:
        lateral = frame.source_positions[:, :2].astype(float)
        assert np.all(lateral >= 0) and np.all(lateral < np.diag(frame.cell)[:2])
        waters = frame.source_positions[: 3 * wanted["O"]].reshape(-1, 3, 3)
        bonds = waters[:, 1:] - waters[:, :1]
        edges = np.diag(frame.cell)[:2]
        bonds[..., :2] -= np.round(bonds[..., :2] / edges) * edges
        assert np.linalg.norm(bonds, axis=-1) == pytest.approx(1.0, abs=1e-4)


def test_killed_run_continues_without_a_doubled_or_lost_frame(sheet, tmp_path):
    output = tmp_path / "killed.zarr"
    script = (
        "from voxion.charges.sampling.electrode import ElectrodeLabels\n"
        f"ElectrodeLabels({str(sheet)!r}).sample("
        f"{str(output)!r}, 5000, 0.02, settle=0.0, progress=False)\n"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    process = subprocess.Popen([sys.executable, "-c", script], env=environment)
    deadline = time.monotonic() + 60
    while not (output.exists() and open_dataset(output).frames >= 3):
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    before = open_dataset(output)
    charges = before.surface_charges()
    after = ElectrodeLabels(sheet).sample(
        output, before.frames + 2, 0.02, resume=True, progress=False
    )
    assert after.frames == before.frames + 2
    assert after.steps.tolist() == [10 * (i + 1) for i in range(after.frames)]
    np.testing.assert_array_equal(after.surface_charges()[: before.frames], charges)
    # the electrolyte moved on from where it was, by thermal motion of 20 fs
    last, first = before.frames - 1, before.frames
    shift = after.source_positions(first) - after.source_positions(last)
    edges = np.diag(after.cells[0])[:2]
    shift[:, :2] -= np.round(shift[:, :2] / edges) * edges
    assert 0.01 < np.abs(shift).max() < 3.0


def test_finished_run_resumes_to_nothing(sheet, sampled):
    again = ElectrodeLabels(sheet).sample(sampled.path, 4, 0.02, resume=True, progress=False)
    assert again.steps.tolist() == [10, 20, 30, 40]
    assert again.fingerprint() == sampled.fingerprint()


def test_charges_of_another_method(sheet, tmp_path):
    fixed = ChargeMethod([], "pppm", {"name": "fixed"})
    dataset = sample_run(sheet, tmp_path / "f.zarr", fixed, 2, 0.02, settle=0.0, progress=False)
    assert dataset.surface_charges() == pytest.approx(-1.0 / 96, abs=1e-15)
    assert dataset.label_source == {"name": "fixed"}


def test_errors_before_anything_runs(sheet, sampled, tmp_path):
    with pytest.raises(VoxionError, match="exists: give another name"):
        ElectrodeLabels(sheet).sample(sampled.path, 4, 0.02)
    with pytest.raises(VoxionError, match="whole number of MD steps"):
        ElectrodeLabels(sheet).sample(tmp_path / "x.zarr", 4, 0.0213)
    with pytest.raises(VoxionError, match="holds no built system"):
        ElectrodeLabels(tmp_path).sample(tmp_path / "x.zarr", 4, 0.2)
    with pytest.raises(VoxionError, match="equilibrate the system"):
        ElectrodeLabels(sheet).sample(tmp_path / "x.zarr", 4, 0.2, start=tmp_path / "none.data")
    with pytest.raises(VoxionError, match="number of frames must be positive"):
        ElectrodeLabels(sheet).sample(tmp_path / "x.zarr", 0, 0.2)
    assert not (tmp_path / "x.zarr").exists()


def test_run_of_other_labels_is_not_continued(sheet, sampled):
    fixed = ChargeMethod([], "pppm", {"name": "fixed"})
    with pytest.raises(VoxionError, match="was written with label_source"):
        sample_run(sheet, sampled.path, fixed, 8, 0.02, resume=True, progress=False)
    assert open_dataset(sampled.path).frames == 4


def test_single_precision_stays_inside_the_cell():
    cell = np.diag([29.51414576097367, 29.82, 86.0])
    origin = np.array([0.0, 0.0, -2.0])
    edge = np.nextafter(29.82, 0.0)  # rounds up to the far face in single precision
    positions = np.array([[-1e-12, edge, 83.0], [1.0, -29.0, -1.0], [60.0, 3.0, 90.0]])
    wrapped = single(positions, cell, origin, (True, True, False))
    assert wrapped.dtype == np.float32
    lateral = wrapped[:, :2].astype(float)
    assert np.all(lateral >= 0) and np.all(lateral < np.diag(cell)[:2])
    assert wrapped[:, 2] == pytest.approx([83.0, -1.0, 90.0])
