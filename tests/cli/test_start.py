"""The command line starts without what its commands need."""

import subprocess
import sys

import pytest

# not pydantic, which typer itself imports
HEAVY = (
    "MDAnalysis",
    "h5py",
    "lightning",
    "matplotlib",
    "numpy",
    "rdkit",
    "scipy",
    "sklearn",
    "torch",
    "xarray",
    "zarr",
)
GROUPS = ("systems", "charges", "charges hardness", "voxels", "activity", "mdrun", "inspect")


@pytest.mark.parametrize(
    "arguments", ["--version", "--help", *(f"{group} --help" for group in GROUPS)]
)
def test_nothing_heavy_is_imported_before_a_command_needs_it(arguments):
    program = (
        "import sys\n"
        "from voxion.cli.app import app\n"
        f"app({arguments.split()!r}, standalone_mode=False)\n"
        f"print('imported', *sorted(set({HEAVY!r}) & set(sys.modules)))"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr[-2000:]
    assert run.stdout.splitlines()[-1] == "imported"
