"""Where the LAMMPS plugin lies; answers the entry-point group ``lammps.plugins``."""

from importlib.util import find_spec
from pathlib import Path

from voxion.errors import VoxionError


def plugin_folder() -> str:
    """Folder that holds ``voxionplugin.so``.

    LAMMPS loads every ``*plugin.so`` in it at start. Asked on each ``import lammps``, so it must
    not import torch.

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
