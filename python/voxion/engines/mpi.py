"""The MPI library that LAMMPS needs in its process."""

from __future__ import annotations

import ctypes
from functools import cache
from importlib import metadata
from pathlib import Path

from voxion.errors import VoxionError

# What LAMMPS was built against; the mpich package brings it, a site's own MPI may as well.
_MPI_LIBRARY = "libmpi.so.12"


@cache
def load_mpi() -> Path | None:
    """Load the MPI library that LAMMPS needs, for all that is loaded afterwards.

    Returns
    -------
    Path or None
        Library of the mpich package; None if the loader of the system found another one.

    Raises
    ------
    VoxionError
        There is none.
    """
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
