"""voxion charges sample, label and run, on a small system."""

import numpy as np
import pytest
from typer.testing import CliRunner

from voxion.charges.data.opening import open_dataset
from voxion.cli.app import app
from voxion.demo import model_path
from voxion.errors import VoxionError


def voxion(*arguments) -> str:
    result = CliRunner().invoke(app, ["charges", *map(str, arguments)])
    if result.exception and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0, result.output
    return result.output


def test_sample_label_and_run(sheet, tmp_path):
    brief = ["--frames", 2, "--interval", 0.01, "--settle", 0]
    sampled, solved, run = (tmp_path / f"{name}.zarr" for name in ("sampled", "solved", "run"))
    assert "2 frames of 96 charges" in voxion("sample", sheet, "--out", sampled, *brief)
    voxion("label", sheet, sampled, "--out", solved)
    agreement = open_dataset(sampled).surface_charges() - open_dataset(solved).surface_charges()
    assert np.abs(agreement).max() < 1e-6

    voxion("run", sheet, model_path(), "--out", run, *brief, "--every", 5)
    dataset = open_dataset(run)
    assert dataset.label_source["model"] == model_path().name
    assert np.abs(dataset.surface_charges().sum(axis=1) + 2.0).max() < 1e-12
    assert np.ptp(dataset.surface_charges(), axis=1).min() > 1e-3


def test_run_with_what_is_no_model(sheet, tmp_path):
    with pytest.raises(VoxionError, match=r"nowhere\.pt"):
        voxion("run", sheet, "nowhere.pt", "--out", tmp_path / "run.zarr")
