"""A small writer of voxel stores with zarr-python, independent of the engine's."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from numpy.typing import ArrayLike, NDArray
from zarr.errors import ZarrUserWarning

UNITS = {"mass": "g/cm^3", "charge": "e/angstrom^3", "number": "1/angstrom^3"}
SPAN = 256  # frames in a chunk of the small arrays
TRICLINIC = np.array([[12.0, 0.0, 0.0], [3.0, 10.0, 0.0], [-2.0, 1.5, 8.0]])


def write_store(
    path: Path,
    grids: ArrayLike,
    channels: Sequence[str],
    *,
    box: ArrayLike | None = None,
    steps: ArrayLike | None = None,
    probability: ArrayLike | None = None,
    labels: Sequence[str] | None = None,
    periodic: Sequence[bool] = (True, True, True),
    origin: ArrayLike = (0.0, 0.0, 0.0),
    unit_style: str = "real",
) -> Path:
    """Write grids [F, C, nz, ny, nx] as ``fix voxion/voxels`` does.

    `box` is [3, 3] or [F, 3, 3] (default: cubes of 1 angstrom), `steps` [F] (default: 1000, 2000,
    ...), 1 fs each.
    """
    values = np.asarray(grids, np.float32)
    frames = len(values)
    steps = np.arange(1, frames + 1) * 1000 if steps is None else np.asarray(steps)
    box = np.diag(np.array(values.shape[:1:-1], float)) if box is None else np.asarray(box, float)
    lj = unit_style == "lj"
    length, time = ("sigma", "tau") if lj else ("angstrom", "fs")
    units = ["1" if lj else UNITS.get(name, "atmosphere") for name in channels]
    group = zarr.open_group(path, mode="w", zarr_format=3)
    group.attrs.update(
        {
            "format": "voxion-voxels",
            "format_version": 1,
            "id": "0123456789abcdef" * 2,
            "engine": "LAMMPS 22 Jul 2025",
            "voxion_version": "0.1.0",
            "unit_style": unit_style,
            "group": "all",
            "window": {"every": 10, "repeat": 50, "period": 1000},
            "spread": "ngp",
            "periodic": [bool(p) for p in periodic],
        }
    )
    _add(
        group, "grid", values, ("frame", "channel", "z", "y", "x"), np.nan, chunk=1,
        channels=list(channels),
        units=units,
        coordinates="step time",
    )  # fmt: skip
    _add(group, "step", np.asarray(steps, np.int64), ("frame",), -1)
    _add(group, "time", np.asarray(steps, np.float64), ("frame",), np.nan, units=time)
    boxes = np.broadcast_to(box, (frames, 3, 3))
    _add(group, "box", boxes, ("frame", "vector", "component"), np.nan, units=length)
    origins = np.broadcast_to(np.asarray(origin, float), (frames, 3))
    _add(group, "origin", origins, ("frame", "component"), np.nan, units=length)
    for name, extreme in (("minimum", np.min), ("maximum", np.max)):
        _add(
            group, name, extreme(values, axis=(2, 3, 4)), ("frame", "channel"), np.nan, units=units
        )
    if probability is not None:
        chances = np.asarray(probability, np.float64)
        names = list(labels or [f"phase {k}" for k in range(chances.shape[1])])
        _add(group, "probability", chances, ("frame", "class"), np.nan, labels=names)
        group.attrs["classifier"] = {"model": "cnn.pt", "hash": "ab" * 32, "labels": names}
    with warnings.catch_warnings():  # consolidated metadata await the next version of the format
        warnings.simplefilter("ignore", ZarrUserWarning)
        zarr.consolidate_metadata(group.store)
    return Path(path)


def _add(
    group: zarr.Group,
    name: str,
    data: NDArray[Any],
    dimensions: tuple[str, ...],
    fill: float,
    chunk: int = SPAN,
    **attributes: Any,
) -> None:
    array = group.create_array(
        name,
        shape=data.shape,
        dtype=data.dtype,
        chunks=(chunk, *data.shape[1:]),
        fill_value=fill,
        dimension_names=dimensions,
        compressors=None,
        chunk_key_encoding={"name": "default", "separator": "."},
        attributes=attributes,
        config={"write_empty_chunks": True},
    )
    array[:] = data


def random_grids(frames: int, shape: tuple[int, int, int], channels: int = 2) -> NDArray[Any]:
    """Grids [F, C, nz, ny, nx] without any symmetry."""
    rng = np.random.default_rng(frames)
    return rng.normal(size=(frames, channels, *shape)).astype(np.float32)
