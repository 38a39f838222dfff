"""Reading voxel stores: the Zarr groups of grids that ``fix voxion/voxels`` writes during a run.

A store grows frame by frame. The metadata of all arrays, consolidated in the group's own
``zarr.json``, say how many frames are finished; frames beyond those do not exist for a reader.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import h5py
import numpy as np
import zarr
from numpy.typing import ArrayLike, NDArray
from pydantic import BaseModel, Field

from voxion.arrays import MAX_FRAMES, MAX_LENGTH, check_cells, check_shapes, check_steps
from voxion.contract.schema import MAX_GRID_VALUES, MAX_LIST, Name, Names, Text, Texts
from voxion.errors import VoxionError, one_line
from voxion.files import check_content, parsing, refusing
from voxion.zarr_files import open_array, open_group, read_rows

FORMAT = "voxion-voxels"
FORMAT_VERSION = 1
MAX_VOXELS = 4096  # along one direction
KIND = "voxel store"
_ADVICE = "restore it from a copy, or run again"

# Type and dimensions of each array; all but the last are always there.
ARRAYS: dict[str, tuple[str, tuple[str, ...]]] = {
    "grid": ("float32", ("frame", "channel", "z", "y", "x")),
    "step": ("int64", ("frame",)),
    "time": ("float64", ("frame",)),
    "box": ("float64", ("frame", "vector", "component")),
    "origin": ("float64", ("frame", "component")),
    "minimum": ("float32", ("frame", "channel")),
    "maximum": ("float32", ("frame", "channel")),
    "probability": ("float64", ("frame", "class")),
}
_SIZES = {"vector": 3, "component": 3}
_LIMITS = {"frame": MAX_FRAMES, "channel": MAX_LIST, "class": MAX_LIST}
_LIMITS |= dict.fromkeys("zyx", MAX_VOXELS)

# Units of length and time of the engines' unit styles, as the runs name them.
_UNITS = {
    "real": ("angstrom", "fs"),
    "metal": ("angstrom", "ps"),
    "si": ("m", "s"),
    "cgs": ("cm", "s"),
    "electron": ("Bohr", "fs"),
    "micro": ("um", "us"),
    "nano": ("nm", "ns"),
    "lj": ("sigma", "tau"),
    "gromacs": ("nm", "ps"),
}

_Steps = Annotated[int, Field(ge=1, lt=2**63)]


class _Window(BaseModel):
    every: _Steps
    repeat: _Steps
    period: _Steps


class _Classifier(BaseModel):
    model: Text
    hash: Text
    labels: Names


class _Attributes(BaseModel):
    """Attributes of the group; a run writes them all."""

    periodic: tuple[bool, bool, bool]
    unit_style: Literal["real", "metal", "si", "cgs", "electron", "micro", "nano", "lj", "gromacs"]
    id: Text | None = None
    engine: Text | None = None
    voxion_version: Text | None = None
    group: Name | None = None
    window: _Window | None = None
    spread: Literal["ngp", "cic"] | None = None
    classifier: _Classifier | None = None
    packed: bool = False


class _GridAttributes(BaseModel):
    channels: Names
    units: Texts


class _ProbabilityAttributes(BaseModel):
    labels: Names


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
        Minimum and maximum of the raw grid, over all voxels.
    probability : ndarray [F, K], float64, or None
        Class probabilities, when a classifier ran in the run.
    labels : tuple of K str, or None
    periodic : tuple of 3 bools
        Along the three lattice vectors.
    attrs : dict
        All attributes of the group.
    small : dict
        All arrays but the grid by their names in the store, [F, ...].
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
    small: dict[str, NDArray[Any]]
    _arrays: dict[str, Any]  # zarr arrays, the grid among them

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

    def attributes_of(self, name: str) -> dict[str, Any]:
        """Attributes of an array."""
        return dict(self._arrays[name].attrs)

    def grid(self, index: int, channels: Sequence[str] | None = None) -> NDArray[np.float32]:
        """Raw grid of one frame, [C, nz, ny, nx], in the channels' units.

        Raises
        ------
        VoxionError
            No such frame or channel; the frame's chunk is missing, cannot be read, holds values
            that are not finite, or others than its minimum and maximum say.
        """
        row, wanted = self.row(index), self.channel_indices(channels)
        try:
            with parsing():
                grid = np.asarray(self._arrays["grid"][row], np.float32)
        except ValueError as error:
            raise VoxionError(
                f"{self.path}: the grid of frame {row} (step {self.steps[row]}) cannot be read, "
                f"its chunk is truncated or damaged ({one_line(error)}): restore it from a copy "
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
        extremes = {"minimum": (grid.min, self.minimum), "maximum": (grid.max, self.maximum)}
        for name, (of_grid, stored) in extremes.items():
            if (differ := of_grid(axis=(1, 2, 3)) != stored[row]).any():
                channel = int(np.argmax(differ))
                raise VoxionError(
                    f"{self.path}: frame {row} (step {self.steps[row]}) is damaged: the {name} of "
                    f"{self.channels[channel]} is {of_grid(axis=(1, 2, 3))[channel]:g}, expected "
                    f"{stored[row, channel]:g}. Restore it from a copy or leave this frame out."
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
    if path.is_file():
        found = "an HDF5 file" if h5py.is_hdf5(path) else "a file"
        raise VoxionError(f"{path} is not a {KIND}: expected a Zarr folder, found {found}.")
    group = open_group(path, KIND, _ADVICE)
    attrs: dict[str, Any] = dict(group.attrs)
    if (attrs.get("format"), attrs.get("format_version")) != (FORMAT, FORMAT_VERSION):
        raise VoxionError(
            f"{path} has format {attrs.get('format')!r} version {attrs.get('format_version')!r}; "
            f"expected a {KIND}, {FORMAT!r} version {FORMAT_VERSION}."
        )
    with refusing(path, KIND, _ADVICE):
        return _read(path, group, attrs)


def _read(path: Path, group: zarr.Group, attrs: dict[str, Any]) -> VoxelStore:
    told = check_content(attrs, _Attributes)
    arrays = _open_arrays(group)
    grid = arrays["grid"]
    named = check_content(dict(grid.attrs), _GridAttributes)
    labels = None
    if "probability" in arrays:
        labels = check_content(dict(arrays["probability"].attrs), _ProbabilityAttributes).labels
    _check_sizes(arrays, named, labels, told.classifier)
    length_unit, time_unit = _UNITS[told.unit_style]
    expected: dict[str, Any] = {"time": time_unit, "box": length_unit, "origin": length_unit}
    expected |= {name: list(named.units) for name in ("minimum", "maximum")}
    for name, unit in expected.items():
        if arrays[name].attrs.get("units") != unit:
            raise ValueError(
                f"{name} has units {arrays[name].attrs.get('units')!r}; expected {unit!r} in a "
                f"run with units {told.unit_style}"
            )
    frames = grid.shape[0]
    # the steps first: where one is missing, there are no more frames
    largest = {"box": MAX_LENGTH, "origin": MAX_LENGTH, "probability": 1.0}
    small = {
        name: read_rows(name, array, frames, largest.get(name, np.inf))
        for name, array in arrays.items()
        if name != "grid"
    }
    _check_values(small)
    return VoxelStore(
        path=path,
        channels=named.channels,
        units=named.units,
        shape=tuple(grid.shape[2:]),
        steps=small["step"],
        times=small["time"],
        time_unit=time_unit,
        boxes=small["box"],
        origins=small["origin"],
        length_unit=length_unit,
        minimum=small["minimum"],
        maximum=small["maximum"],
        probability=small.get("probability"),
        labels=labels,
        periodic=told.periodic,
        attrs=attrs,
        small=small,
        _arrays=arrays,
    )


def _open_arrays(group: zarr.Group) -> dict[str, Any]:
    with parsing():
        names = [name for name in ARRAYS if name != "probability" or name in group]
        missing = [name for name in names if name not in group]
    if missing:
        raise ValueError(f"it lacks {', '.join(missing)}")
    arrays, wanted = {}, {}
    for name in names:
        dtype, dimensions = ARRAYS[name]
        arrays[name] = open_array(group, name, dtype, len(dimensions))
        wanted[name] = [_SIZES.get(dimension, dimension) for dimension in dimensions]
    check_shapes({name: array.shape for name, array in arrays.items()}, wanted, _LIMITS)
    return arrays


def _check_sizes(
    arrays: dict[str, Any],
    named: _GridAttributes,
    labels: tuple[str, ...] | None,
    classifier: _Classifier | None,
) -> None:
    """Check the grid's shape, and that there is a name for each channel and class."""
    _, channels, *voxels = arrays["grid"].shape
    if min(voxels) < 1 or channels * math.prod(voxels) > MAX_GRID_VALUES:
        raise ValueError(
            f"the grid has {channels} channels on {voxels} voxels; expected 1 to "
            f"{MAX_GRID_VALUES} values a frame"
        )
    for what, names, count in (
        ("channels", named.channels, channels),
        ("labels", labels, arrays["probability"].shape[1] if labels else 0),
    ):
        if names is not None and (len(names) != count or len(set(names)) < count):
            raise ValueError(
                f"it has the {what} {', '.join(names)}; expected {count} different names"
            )
    if len(named.units) != channels:
        raise ValueError(f"it has {len(named.units)} units for {channels} channels")
    if labels is not None and classifier is not None and classifier.labels != labels:
        raise ValueError(
            f"its probabilities are of {', '.join(labels)}, its classifier knows "
            f"{', '.join(classifier.labels)}"
        )


def _check_values(small: dict[str, NDArray[Any]]) -> None:
    """Check that the numbers of the frames can be."""
    check_steps(small["step"], small["time"])
    check_cells(small["box"])
    if (wrong := np.argwhere(small["minimum"] > small["maximum"])).size:
        frame, channel = wrong[0]
        raise ValueError(
            f"frame {frame} has a minimum above its maximum in channel {channel}: "
            f"{small['minimum'][frame, channel]:g} and {small['maximum'][frame, channel]:g}"
        )
    if "probability" in small:
        sums = small["probability"].sum(axis=1)
        right = (np.abs(sums - 1.0) < 1e-6) & (small["probability"] >= 0).all(axis=1)
        if not right.all():
            frame = int(np.argmin(right))
            raise ValueError(
                f"frame {frame} has the probabilities {small['probability'][frame].tolist()}; "
                "expected a sum of 1, none below 0"
            )
