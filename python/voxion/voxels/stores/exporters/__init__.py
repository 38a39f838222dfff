"""Exporting voxel stores to the formats of viewers: .cube, .dx, .vti, and .h5 for the rest."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from voxion.errors import VoxionError
from voxion.files import replacing
from voxion.voxels.stores.exporters.cube import write_cube
from voxion.voxels.stores.exporters.frame import frame_of
from voxion.voxels.stores.exporters.hdf5 import write_hdf5
from voxion.voxels.stores.exporters.opendx import write_opendx
from voxion.voxels.stores.exporters.vti import write_vti
from voxion.voxels.stores.store import VoxelStore

_ONE_CHANNEL = {".cube": write_cube, ".dx": write_opendx}
FRAME_FORMATS = (*_ONE_CHANNEL, ".vti")


def export_frame(
    store: VoxelStore, index: int, path: str | Path, channels: Sequence[str] | None = None
) -> Path:
    """Write one frame for a viewer; the suffix of `path` names the format.

    Lengths are in angstrom, and in bohr in a .cube, whose readers convert them back; those of a
    store in lj units are written as they are. Values are raw, in the channels' units.

    Parameters
    ----------
    store : VoxelStore
    index : int
        Frame; negative numbers count from the end.
    path : path
        ``.cube`` (Gaussian) or ``.dx`` (OpenDX): one channel; ``.vti`` (VTK): any number.
    channels : sequence of str, optional
        All by default.

    Returns
    -------
    Path
        `path`.

    Raises
    ------
    VoxionError
        Unknown format, frame or channel; several channels for a format of one; a damaged frame;
        `path` cannot be written.
    """
    path = Path(path)
    suffix = path.suffix.lower()
    if suffix not in FRAME_FORMATS:
        raise VoxionError(
            f"{path} does not end in a format of one frame: expected {', '.join(FRAME_FORMATS)}."
        )
    frame = frame_of(store, index, channels)
    if suffix in _ONE_CHANNEL and len(frame.channels) != 1:
        raise VoxionError(
            f"A {suffix} file holds one channel: name one of {', '.join(store.channels)}."
        )
    with replacing(path) as temporary:
        _ONE_CHANNEL.get(suffix, write_vti)(frame, temporary)
    return path


def export_hdf5(
    store: VoxelStore,
    path: str | Path,
    channels: Sequence[str] | None = None,
    *,
    progress: bool = False,
) -> Path:
    """Write all frames to one HDF5 file, with the names and attributes of the store.

    Parameters
    ----------
    store : VoxelStore
    path : path
        File to write.
    channels : sequence of str, optional
        All by default.
    progress : bool
        Show a progress bar.

    Returns
    -------
    Path
        `path`.

    Raises
    ------
    VoxionError
        Unknown channel, a damaged frame, or `path` cannot be written.
    """
    path = Path(path)
    with replacing(path) as temporary:
        write_hdf5(store, temporary, channels, progress)
    return path
