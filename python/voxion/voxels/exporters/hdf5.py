"""HDF5 of all frames: the names, dimensions, units and attributes of the store."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import zarr
from rich.progress import track

from voxion.voxels.store import VoxelStore


def write_hdf5(
    store: VoxelStore, path: Path, channels: Sequence[str] | None = None, progress: bool = False
) -> None:
    """Write all frames; nested attributes become JSON text."""
    wanted = store.channel_indices(channels)
    names = [store.channels[i] for i in wanted]
    with h5py.File(path, "w") as file:
        _describe(file, store.attrs)
        arrays: Any = zarr.open_group(store.path, mode="r").arrays()
        for name, array in arrays:
            dimensions, attrs = array.metadata.dimension_names, dict(array.attrs)
            per_channel = "channel" in dimensions
            for key in {"channels", "units"} & set(attrs) if per_channel else ():
                attrs[key] = [attrs[key][i] for i in wanted]
            if name == "grid":
                shape = (store.frames, len(names), *store.shape)
                data = file.create_dataset(
                    name, shape, "f4", chunks=(1, *shape[1:]), compression="gzip", shuffle=True
                )
            else:
                values = np.asarray(array[: store.frames])
                data = file.create_dataset(name, data=values[:, wanted] if per_channel else values)
            _describe(data, attrs)
            for axis, dimension in enumerate(dimensions):
                data.dims[axis].label = dimension
        for i in track(range(store.frames), "Exporting", disable=not progress):
            file["grid"][i] = store.grid(i, names)


def _describe(target: Any, attrs: dict[str, Any]) -> None:
    for name, value in attrs.items():
        target.attrs[name] = json.dumps(value) if isinstance(value, dict) else value
