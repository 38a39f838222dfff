"""Reading voxel stores: the Zarr groups of grids that ``fix voxion/voxels`` writes during a run.

A store grows frame by frame. The metadata of all arrays, consolidated in the group's own
``zarr.json``, say how many frames are finished; frames beyond those do not exist for a reader.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import zarr
from numpy.typing import ArrayLike, NDArray

from voxion.errors import VoxionError

FORMAT = "voxion-voxels"
FORMAT_VERSION = 1
_ARRAYS = ("grid", "step", "time", "box", "origin", "minimum", "maximum")

# What reading a damaged chunk raises: too short, a bad checksum, a corrupt compressed block, no
# permission. The codecs have no error class in common.
_UNREADABLE = (ValueError, RuntimeError, OSError, TypeError)


@dataclass(frozen=True, eq=False)
class VoxelStore:
    """The grids of one run; small arrays in memory, grids read frame by frame.

    Attributes
    ----------
    path : Path
    channels : tuple of str
        Names of the C channels.
    units : tuple of str
        Units of the channels.
    shape : tuple of 3 ints
        Voxels ``(nz, ny, nx)``.
    steps : ndarray [F], int64
        Last MD step of each averaging window.
    times : ndarray [F], float64
        Its time, in `time_unit`.
    time_unit : str
    boxes : ndarray [F, 3, 3], float64
        Mean lattice vectors over the window, as rows, in `length_unit`.
    origins : ndarray [F, 3], float64
        Lower corner of the box.
    length_unit : str
    minimum, maximum : ndarray [F, C], float32
        Of the raw grid, over all voxels.
    probability : ndarray [F, K], float64, or None
        Class probabilities, when a classifier ran in the run.
    labels : tuple of K str, or None
    periodic : tuple of 3 bools
        Along the three lattice vectors.
    attrs : dict
        All attributes of the group.
    """

    path: Path
    channels: tuple[str, ...]
    units: tuple[str, ...]
    shape: tuple[int, int, int]
    steps: NDArray[np.int64]
    times: NDArray[np.float64]
    time_unit: str
    boxes: NDArray[np.float64]
    origins: NDArray[np.float64]
    length_unit: str
    minimum: NDArray[np.float32]
    maximum: NDArray[np.float32]
    probability: NDArray[np.float64] | None
    labels: tuple[str, ...] | None
    periodic: tuple[bool, bool, bool]
    attrs: dict[str, Any]
    _grid: Any  # array-like [F, C, nz, ny, nx]

    @property
    def frames(self) -> int:
        """Number of finished frames, F."""
        return len(self.steps)

    def __len__(self) -> int:
        return self.frames

    def __iter__(self) -> Iterator[NDArray[np.float32]]:
        return (self.grid(i) for i in range(self.frames))

    def row(self, index: int) -> int:
        """Frame number from 0; negative indices count from the end.

        Raises
        ------
        VoxionError
            There is no such frame.
        """
        if not -self.frames <= index < self.frames:
            has = f"frames 0 to {self.frames - 1}" if self.frames else "no frames yet"
            raise VoxionError(f"{self.path} has no frame {index}: it has {has}.")
        return index % self.frames

    def channel_indices(self, channels: Sequence[str] | None) -> list[int]:
        """Positions of the named channels, in the order asked for; all of them for None.

        Raises
        ------
        VoxionError
            A channel is not in the store.
        """
        if channels is None:
            return list(range(len(self.channels)))
        if isinstance(channels, str):  # a string is a sequence of its letters
            channels = [channels]
        for name in channels:
            if name not in self.channels:
                raise VoxionError(
                    f"{self.path} has no channel {name!r}: it has {', '.join(self.channels)}."
                )
        return [self.channels.index(name) for name in channels]

    def grid(self, index: int, channels: Sequence[str] | None = None) -> NDArray[np.float32]:
        """Raw grid of one frame, [C, nz, ny, nx], in the channels' units.

        Raises
        ------
        VoxionError
            No such frame or channel; the frame's chunk is missing, cannot be read, or holds values
            that are not finite.
        """
        row, wanted = self.row(index), self.channel_indices(channels)
        try:
            grid = np.asarray(self._grid[row], np.float32)
        except _UNREADABLE as error:
            raise VoxionError(
                f"{self.path}: the grid of frame {row} (step {self.steps[row]}) cannot be read, "
                f"its chunk is truncated or damaged ({_one_line(error)}): restore it from a copy "
                "or leave this frame out."
            ) from None
        finite = np.isfinite(grid).all(axis=(1, 2, 3))
        if not finite.all():
            bad = ", ".join(self.channels[i] for i in np.flatnonzero(~finite))
            raise VoxionError(
                f"{self.path}: frame {row} (step {self.steps[row]}) has values that are not finite "
                f"in {bad}: its chunk is missing, or was not written by voxion. Leave this frame "
                "out."
            )
        return grid if channels is None else grid[wanted]

    def normalised(self, index: int, channels: Sequence[str] | None = None) -> NDArray[np.float32]:
        """Grid of one frame with each channel brought to 0 ... 1 by itself, [C, nz, ny, nx].

        See `normalise`. Raises as `grid` does.
        """
        grid, row = self.grid(index, channels), self.row(index)
        wanted = self.channel_indices(channels)
        return normalise(grid, self.minimum[row, wanted], self.maximum[row, wanted])

    def fingerprint(self) -> str:
        """Hash of channels, steps, boxes and all grids, ``sha256:<64 hex>``.

        Packing does not change it. Raises as `grid` does.
        """
        digest = hashlib.sha256(json.dumps([list(self.channels), list(self.shape)]).encode())
        digest.update(np.ascontiguousarray(self.steps, "<i8").tobytes())
        digest.update(np.ascontiguousarray(self.boxes, "<f8").tobytes())
        for grid in self:
            digest.update(np.ascontiguousarray(grid, "<f4").tobytes())
        return f"sha256:{digest.hexdigest()}"


def normalise(grid: ArrayLike, minimum: ArrayLike, maximum: ArrayLike) -> NDArray[np.float32]:
    """Min-max normalisation of each channel of one configuration.

    ``(O - O_min) / (O_max - O_min)``, Sec. II A of Dumortier and Mossa, J. Phys. Chem. B 124, 8918
    (2020); computed in double precision. A constant channel carries no information and gives zeros.

    Parameters
    ----------
    grid : array [..., C, nz, ny, nx]
        Raw values.
    minimum, maximum : array [..., C]
        Smallest and largest value of each channel.

    Returns
    -------
    ndarray [..., C, nz, ny, nx], float32
    """
    values = np.asarray(grid, np.float64)
    low = np.asarray(minimum, np.float64)[..., None, None, None]
    span = np.asarray(maximum, np.float64)[..., None, None, None] - low
    return np.asarray((values - low) / np.where(span > 0, span, 1.0) * (span > 0), np.float32)


def open_store(path: str | Path) -> VoxelStore:
    """Open a voxel store for reading; a run may still be writing it.

    Parameters
    ----------
    path : str or Path
        Folder that ``fix voxion/voxels`` or ``voxion voxels pack`` wrote.

    Raises
    ------
    VoxionError
        Nothing is there, it is not such a store, or its metadata are damaged.
    """
    path = Path(path)
    group = _open_group(path)
    attrs: dict[str, Any] = dict(group.attrs)
    if (attrs.get("format"), attrs.get("format_version")) != (FORMAT, FORMAT_VERSION):
        raise VoxionError(
            f"{path} has format {attrs.get('format')!r} version {attrs.get('format_version')!r}; "
            f"expected a voxel store, {FORMAT!r} version {FORMAT_VERSION}."
        )
    missing = [name for name in _ARRAYS if name not in group]
    if missing:
        raise VoxionError(f"{path} is a damaged voxel store: it lacks {', '.join(missing)}.")
    try:
        return _read(path, group, attrs)
    except KeyError as error:
        raise VoxionError(f"{path} is a damaged voxel store: no attribute {error}.") from None
    except _UNREADABLE as error:
        raise VoxionError(f"{path} is a damaged voxel store: {_one_line(error)}.") from None


def _open_group(path: Path) -> zarr.Group:
    if not path.is_dir():
        found = "nothing"
        if path.is_file():
            found = "an HDF5 file" if h5py.is_hdf5(path) else "a file"
        raise VoxionError(f"{path} is not a voxel store: expected a Zarr folder, found {found}.")
    try:
        return zarr.open_group(path, mode="r")
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise VoxionError(
            f"{path} is not a voxel store: expected a Zarr group, found {_one_line(error)}."
        ) from None


def _read(path: Path, group: zarr.Group, attrs: dict[str, Any]) -> VoxelStore:
    arrays: dict[str, Any] = {name: group[name] for name in _ARRAYS}
    labels = None
    if "probability" in group:
        arrays["probability"] = group["probability"]
        labels = tuple(str(name) for name in arrays["probability"].attrs["labels"])
    lengths = {name: array.shape[0] for name, array in arrays.items()}
    if len(set(lengths.values())) != 1:
        raise ValueError(f"its arrays differ in their number of frames, {lengths}")
    grid = arrays.pop("grid")
    channels = tuple(str(name) for name in grid.attrs["channels"])
    if grid.ndim != 5 or grid.shape[1] != len(channels):
        raise ValueError(f"the grid has shape {list(grid.shape)} for {len(channels)} channels")
    small = {name: np.asarray(array[:]) for name, array in arrays.items()}
    if np.any(small["step"] < 0):
        row = int(np.argmax(small["step"] < 0))
        raise ValueError(f"frame {row} of {len(small['step'])} has no step")
    x, y, z = (bool(p) for p in attrs["periodic"])
    return VoxelStore(
        path=path,
        channels=channels,
        units=tuple(str(unit) for unit in grid.attrs["units"]),
        shape=tuple(grid.shape[2:]),
        steps=small["step"],
        times=small["time"],
        time_unit=str(arrays["time"].attrs["units"]),
        boxes=small["box"],
        origins=small["origin"],
        length_unit=str(arrays["box"].attrs["units"]),
        minimum=small["minimum"],
        maximum=small["maximum"],
        probability=small.get("probability"),
        labels=labels,
        periodic=(x, y, z),
        attrs=attrs,
        _grid=grid,
    )


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split()).rstrip(".") or type(error).__name__
