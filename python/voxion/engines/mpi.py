"""MPI: the library that the lammps package needs in its process, and ranks of a launcher."""

from __future__ import annotations

import ctypes
import os
import re
from functools import cache
from importlib import metadata
from pathlib import Path

from voxion.engines.build import built_for
from voxion.errors import VoxionError

# What the lammps package was built against; the mpich package brings it, another MPICH may as well.
_MPI_LIBRARY = "libmpi.so.12"
# How a launcher tells a process that it is one of its ranks, and how many there are.
_RANK = re.compile("(OMPI|PMIX|PMI|PRTE|SLURM|HYDRA|MPI)_")
_RANKS = ("OMPI_COMM_WORLD_SIZE", "PMI_SIZE", "SLURM_STEP_NUM_TASKS")


def without_rank() -> dict[str, str]:
    """Return the environment for a program that is no rank of the launcher of this process.

    A tool built with MPI, started by a rank, would else take the rank's place in ``MPI_Init``.
    """
    return {name: value for name, value in os.environ.items() if not _RANK.match(name)}


def ranks() -> int:
    """Return how many ranks the launcher of this process has started; 1 without one."""
    found = (os.environ.get(name, "") for name in _RANKS)
    return max((int(number) for number in found if number.isdecimal()), default=1)


@cache
def load_mpi() -> Path | None:
    """Load the MPI library that the lammps package needs, for all that is loaded afterwards.

    A site's LAMMPS finds its own, beside which another one must not be loaded.

    Returns
    -------
    Path or None
        Library of the mpich package; None if the loader of the system found another one, or for a
        site's LAMMPS.

    Raises
    ------
    VoxionError
        There is none.
    """
    if built_for().lammps.program:
        return None
    path = mpi_library()
    try:
        ctypes.CDLL(str(path or _MPI_LIBRARY), mode=ctypes.RTLD_GLOBAL)
    except OSError:
        raise VoxionError(
            f"{_MPI_LIBRARY}, which LAMMPS needs, was not found: install it with "
            "'pip install mpich'."
        ) from None
    return path


def mpi_library() -> Path | None:
    """Path of the MPI library in the mpich package, None without that package."""
    try:
        files = metadata.files("mpich") or []
    except metadata.PackageNotFoundError:
        return None
    paths = [Path(str(f.locate())).resolve() for f in files if f.name == _MPI_LIBRARY]
    return next((p for p in paths if p.exists()), None)
