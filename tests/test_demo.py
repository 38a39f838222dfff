"""The demonstration, on fewer and nearer frames."""

import re

import pytest

from voxion.contract.schema import read_contract
from voxion.demo import _HERE, copy_system, model_path, run_demo
from voxion.errors import VoxionError


def test_demo_tells_what_happened(tmp_path):
    result = run_demo(tmp_path / "demo", frames=10, interval=0.02, settle=0.0)
    updates, scores, address = result.lines
    assert re.match(r"100 updates of 336 charges inside LAMMPS took \d+\.\d % .* -4 e to", updates)
    error, share, constant = re.search(
        r"MAE (\S+) e, R2 (\S+) \(the same charge for all: MAE (\S+) e", scores
    ).groups()
    assert float(error) < 2e-4 < 2e-3 < float(constant)
    assert float(share) > 0.999
    assert address == f"Report: {result.report.as_uri()}"
    assert result.report.stat().st_size > 1e5


def test_a_folder_that_is_there_is_left_alone(tmp_path):
    (tmp_path / "demo").mkdir()
    with pytest.raises(VoxionError, match="remove it or give another folder"):
        copy_system(tmp_path / "demo")


def test_embedded_files_are_small_and_fit_their_contract():
    assert sum(file.stat().st_size for file in _HERE.rglob("*") if file.is_file()) < 3e6
    assert read_contract(model_path()).inputs == "site-potentials"
