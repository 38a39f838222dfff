"""HDF5 of all frames: the names, dimensions, units and attributes of the store."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import h5py
from rich.progress import track

from voxion.voxels.stores.store import ARRAYS, VoxelStore


def write_hdf5(
    store: VoxelStore, path: Path, channels: Sequence[str] | None = None, progress: bool = False
) -> None:
    """Write all frames; nested attributes become JSON text."""
    wanted = store.channel_indices(channels)
    names = [store.channels[i] for i in wanted]
    with h5py.File(path, "w") as file:
        _describe(file, store.attrs)
        for name in ("grid", *store.small):
            dimensions, attrs = ARRAYS[name][1], store.attributes_of(name)
            per_channel = "channel" in dimensions
            for key in {"channels", "units"} & set(attrs) if per_channel else ():
                attrs[key] = [attrs[key][i] for i in wanted]
            if name == "grid":
                shape = (store.frames, len(names), *store.shape)
                data = file.create_dataset(
                    name, shape, "f4", chunks=(1, *shape[1:]), compression="gzip", shuffle=True
                )
            else:
                values = store.small[name]
                data = file.create_dataset(name, data=values[:, wanted] if per_channel else values)
            _describe(data, attrs)
            for axis, dimension in enumerate(dimensions):
                data.dims[axis].label = dimension
        for i in track(range(store.frames), "Exporting", disable=not progress):
            file["grid"][i] = store.grid(i, names)


def _describe(target: Any, attrs: dict[str, Any]) -> None:
    for name, value in attrs.items():
        target.attrs[name] = value if _is_plain(value) else json.dumps(value)


def _is_plain(value: Any) -> bool:
    """Return True if HDF5 has a type for a JSON value: one, or a list of one kind."""
    values = value if isinstance(value, list) else [value]
    return len({type(one) for one in values}) == 1 and all(
        isinstance(one, bool | float)
        or (isinstance(one, int) and abs(one) < 2**63)
        or (isinstance(one, str) and "\0" not in one)
        for one in values
    )
