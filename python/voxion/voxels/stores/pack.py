"""Packing a finished voxel store: lossless compression, many frames a file, checked bit by bit.

Averages over discrete masses and charges repeat the same few thousand numbers, which zstd finds as
they are; numbers that never repeat (stress, cloud-in-cell spreading, a box that fluctuates) shrink
only when their bytes are sorted first. Which of the two is smaller is tried on the store itself.
Both are codecs that every zarr-python has. A checksum of each frame tells later damage.
"""

from __future__ import annotations

import os
import shutil
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import zarr
from numpy.typing import NDArray
from rich.progress import track
from zarr.codecs import BloscCodec, Crc32cCodec, ZstdCodec
from zarr.errors import ZarrUserWarning

from voxion.errors import VoxionError
from voxion.voxels.stores.store import ARRAYS, VoxelStore, open_store

_SHARD_BYTES = 64 * 2**20  # raw; what packing holds in memory
_TRIED_FRAMES = 3


@dataclass(frozen=True)
class PackResult:
    """Result of packing.

    Attributes
    ----------
    path : Path
        The packed store.
    frames : int
    raw_bytes : int
        Size of all grids as float32.
    source_bytes, packed_bytes : int
        All files of the two stores.
    files : int
        Number of files of the packed store.
    """

    path: Path
    frames: int
    raw_bytes: int
    source_bytes: int
    packed_bytes: int
    files: int

    @property
    def ratio(self) -> float:
        """Ratio of the store's sizes before and after packing."""
        return self.source_bytes / self.packed_bytes


def pack_store(source: str | Path, target: str | Path, *, progress: bool = False) -> PackResult:
    """Write a compressed copy of a voxel store, equal to it bit by bit.

    The copy appears under its name only after it was read back and compared. One frame stays one
    compressed chunk, so that single frames are read as before; a file holds up to 64 MiB of them.

    Parameters
    ----------
    source : path
        Store of a run; the frames finished now are packed.
    target : path
        New store.
    progress : bool
        Show progress bars.

    Raises
    ------
    VoxionError
        `source` is no voxel store, has no frames, a damaged frame, or is packed already; `target`
        exists or cannot be written.
    """
    store, target = open_store(source), Path(target)
    if store.attrs.get("packed"):
        raise VoxionError(f"{source} is packed already: copy it instead.")
    if not store.frames:
        raise VoxionError(f"{source} has no frames yet: nothing to pack.")
    if target.exists():
        raise VoxionError(f"{target} exists: give another name, or remove it.")
    temporary = target.with_name(f".{target.name}.partial")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.rmtree(temporary, ignore_errors=True)
        _write(store, temporary, progress)
        _compare(store, temporary, progress)
        temporary.rename(target)
    except OSError as error:
        raise VoxionError(f"{target} cannot be written: {error.strerror or error}.") from None
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    source_bytes, _ = _size(store.path)
    packed_bytes, files = _size(target)
    raw = 4 * store.frames * len(store.channels) * int(np.prod(store.shape))
    return PackResult(target, store.frames, raw, source_bytes, packed_bytes, files)


def _write(store: VoxelStore, path: Path, progress: bool) -> None:
    packed = zarr.open_group(path, mode="w", zarr_format=3)
    packed.attrs.update({**store.attrs, "packed": True})
    for name, values in store.small.items():
        _create(packed, store, name, values.shape, values.shape)[...] = values
    frame = (1, len(store.channels), *store.shape)
    span = max(1, min(store.frames, _SHARD_BYTES // (4 * int(np.prod(frame)))))
    grid = _create(
        packed,
        store,
        "grid",
        shape=(store.frames, *frame[1:]),
        chunks=frame,
        shards=(span, *frame[1:]),
        compressor=_best_compressor(store),
    )
    starts = range(0, store.frames, span)
    for start in track(starts, "Packing", disable=not progress):
        stop = min(start + span, store.frames)
        grid[start:stop] = np.stack([store.grid(i) for i in range(start, stop)])
    with warnings.catch_warnings():  # consolidated metadata await the next version of the format
        warnings.simplefilter("ignore", ZarrUserWarning)
        zarr.consolidate_metadata(packed.store)


def _create(
    group: zarr.Group,
    store: VoxelStore,
    name: str,
    shape: tuple[int, ...],
    chunks: tuple[int, ...],
    shards: tuple[int, ...] | None = None,
    compressor: Any = None,
) -> Any:
    dtype, dimensions = ARRAYS[name]
    return group.create_array(
        name,
        shape=shape,
        dtype=dtype,
        chunks=chunks,
        shards=shards,
        compressors=(compressor or ZstdCodec(level=9), Crc32cCodec()),
        fill_value=-1 if name == "step" else np.nan,
        dimension_names=dimensions,
        attributes=store.attributes_of(name),
        config={"write_empty_chunks": True},
    )


def _best_compressor(store: VoxelStore) -> ZstdCodec | BloscCodec:
    candidates: tuple[ZstdCodec | BloscCodec, ...] = (
        ZstdCodec(level=19),
        BloscCodec(typesize=4, cname="zstd", clevel=6, shuffle="shuffle"),
    )
    rows = np.linspace(0, store.frames - 1, min(store.frames, _TRIED_FRAMES)).astype(int)
    sample = np.stack([store.grid(i) for i in rows])
    return min(candidates, key=lambda codec: _compressed_bytes(sample, codec))


def _compressed_bytes(sample: NDArray[np.float32], codec: ZstdCodec | BloscCodec) -> int:
    array = zarr.create_array(
        zarr.storage.MemoryStore(),
        shape=sample.shape,
        dtype=sample.dtype,
        chunks=(1, *sample.shape[1:]),
        compressors=codec,
    )
    array[...] = sample
    return array.nbytes_stored()


def _compare(store: VoxelStore, path: Path, progress: bool) -> None:
    """Read the copy back; bits, not values: they tell 0 from -0, too."""
    copy = open_store(path)
    equal = all(_bits(values) == _bits(copy.small[name]) for name, values in store.small.items())
    frames = range(store.frames)
    for i in track(frames, "Comparing", disable=not progress):
        equal = equal and _bits(store.grid(i)) == _bits(copy.grid(i))
    if not equal:
        raise VoxionError(
            f"The packed copy of {store.path} differs from it and was discarded: is the run still "
            "writing it, or the disk failing?"
        )


def _bits(values: Any) -> bytes:
    return np.ascontiguousarray(values).tobytes()


def _size(folder: Path) -> tuple[int, int]:
    sizes = [os.path.getsize(path) for path in folder.rglob("*") if path.is_file()]
    return sum(sizes), len(sizes)
