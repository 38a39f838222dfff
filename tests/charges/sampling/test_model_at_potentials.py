"""MD of two electrodes at potential differences with a model's charges."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.capacitor import CAPACITOR
from voxion.charges.data.dataset import ChargeDataset
from voxion.charges.data.dataset_writer import ChargeDatasetWriter
from voxion.charges.evaluation.scores import predict
from voxion.charges.sampling.run import model_method, sample_run
from voxion.errors import VoxionError
from voxion.systems.description import load_system


def run_model(folder: Path, model: Path, output: Path, **options) -> ChargeDataset:
    method = model_method(model, load_system(folder), 1, [0.0, 1.0], 8)
    return sample_run(folder, output, method, 8, 0.05, settle=0.1, progress=False, **options)


def test_frames_have_the_charges_of_the_model_at_each_potential(
    neutral_capacitor, trained_pair, tmp_path, monkeypatch
):
    """Also when the run is stopped in the second one, and continued."""
    model, output = trained_pair.model_path, tmp_path / "run.zarr"
    append = ChargeDatasetWriter.append

    def stop(writer, frame):
        if writer.frames == 6:
            raise KeyboardInterrupt
        append(writer, frame)

    monkeypatch.setattr(ChargeDatasetWriter, "append", stop)
    with pytest.raises(KeyboardInterrupt):
        run_model(neutral_capacitor, model, output)
    monkeypatch.undo()
    run = run_model(neutral_capacitor, model, output, resume=True)
    assert run.electrodes.potentials.tolist() == [[0.0, 0.0]] * 4 + [[-0.5, 0.5]] * 4
    expected = predict(model, run, np.arange(8), []).charges
    # positions are kept in single precision
    np.testing.assert_allclose(run.surface_charges(), expected, atol=1e-5)
    assert np.ptp(expected[:, :96].sum(axis=1)) > 0.05
    assert run.label_source["name"] == "voxion" and run.label_source["potentials"] == [0.0, 1.0]


def test_single_sheets_have_no_potential_difference(trained_pair, tmp_path):
    replace(CAPACITOR, capacitor=False).build(tmp_path / "one")
    with pytest.raises(VoxionError, match="build the system with --capacitor"):
        model_method(trained_pair.model_path, load_system(tmp_path / "one"), 1, [1.0], 2)
