"""Opening of Zarr folders that may be damaged or made to do harm.

zarr-python believes what a folder says of itself: metadata and compressed chunks may claim any
size, name any codec that is installed, and lead to a pipe or a device. Here, regular files alone
are opened, metadata are checked before anything is read by them, and a chunk is decompressed only
if it says to hold what the metadata say.
"""

from __future__ import annotations

from dataclasses import replace
from math import prod
from pathlib import Path
from typing import Any, Literal

import numpy as np
import zarr
from numpy.typing import NDArray
from zarr.abc.codec import Codec
from zarr.codecs import BloscCodec, BytesCodec, Crc32cCodec, ShardingCodec, ZstdCodec
from zarr.core.array_spec import ArraySpec
from zarr.core.buffer import Buffer
from zarr.core.metadata import ArrayV3Metadata
from zarr.storage import LocalStore, StorePath

from voxion.errors import VoxionError, one_line
from voxion.files import MAX_JSON_BYTES, check_json, parsing, refusing

MAX_CHUNK_BYTES = 2**30  # unpacked: a frame of the largest grid
BLOCK_ROWS = 4096  # that are read before they are checked


def open_group(path: Path, what: str, advice: str, mode: Literal["r", "r+"] = "r") -> zarr.Group:
    """Open a group of Zarr format 3.

    Parameters
    ----------
    path : Path
    what : str
        What the folder should be, such as "voxel store".
    advice : str
        What to do if it is not, such as "restore it from a copy".
    mode : "r" or "r+"

    Raises
    ------
    VoxionError
        There is no such folder, or it holds no group of format 3.
    """
    if not (path / "zarr.json").exists():
        found = "nothing"
        if path.exists():
            found = "a folder without zarr.json" if path.is_dir() else "something else"
        raise VoxionError(f"{path} is not a {what}: expected a Zarr folder, found {found}.")
    try:
        with parsing():
            store = _RegularFiles(path, read_only=mode == "r")
            # not format 2, whose arrays of objects run what a pickle says
            group = zarr.open_group(store, mode=mode, zarr_format=3)
    except ValueError as error:
        raise VoxionError(
            f"{path} is not a {what}: expected a Zarr group, its zarr.json cannot be read "
            f"({one_line(error)}); {advice}."
        ) from None
    with refusing(path, what, advice):
        check_json(dict(group.attrs))
    return group


def open_array(group: zarr.Group, name: str, dtype: str, dimensions: int) -> zarr.Array[Any]:
    """Open an array of a group for reading.

    Parameters
    ----------
    group : zarr.Group
        As returned by `open_group`.
    name : str
    dtype : str
        NumPy's name of the type.
    dimensions : int

    Raises
    ------
    ValueError
        No such array, one of another type or number of dimensions, or one with chunks that are too
        large or packed by codecs which voxion does not use.
    """
    with parsing(name):
        array = group.get(name)
    metadata = getattr(array, "metadata", None)
    if not isinstance(array, zarr.Array) or not isinstance(metadata, ArrayV3Metadata):
        raise ValueError(f"it lacks the array {name}")
    if array.dtype != np.dtype(dtype) or array.ndim != dimensions:
        raise ValueError(
            f"{name} has type {array.dtype} and {array.ndim} dimensions; expected {dtype} and "
            f"{dimensions}"
        )
    check_json(dict(array.attrs))
    chunk = _chunk_bytes(name, metadata)
    store = _RegularFiles(_folder(group), read_only=True, largest=2 * chunk + 2**16)
    inner = array._async_array
    with parsing(name):
        return zarr.Array(
            type(inner)(
                metadata=replace(metadata, codecs=_bounded(name, metadata.codecs)),
                store_path=StorePath(store, array.path),
                config=inner.config,
            )
        )


def is_written(array: zarr.Array[Any]) -> bool:
    """Return True if an array of one chunk has it: a missing chunk reads as zeros."""
    with parsing():
        return array.nchunks == 1 and array.nchunks_initialized == 1


def read_rows(
    name: str, array: zarr.Array[Any], rows: int, largest: float = np.inf
) -> NDArray[Any]:
    """Read the first rows of an array of small rows, one a frame.

    They are checked block by block: an array may claim many rows, and have none.

    Parameters
    ----------
    name : str
        For messages.
    array : zarr.Array
    rows : int
    largest : float
        Magnitude that no value exceeds.

    Raises
    ------
    ValueError
        A value is missing, is not finite, too large, or is an integer below 0.
    """
    blocks = [np.empty((0, *array.shape[1:]), array.dtype)]
    for start in range(0, rows, BLOCK_ROWS):
        with parsing(name):
            block = np.asarray(array[start : min(start + BLOCK_ROWS, rows)])
        if block.dtype.kind == "i":
            right = (block >= 0) & (block <= largest)
        else:
            right = np.isfinite(block) & (np.abs(block) <= largest)
        if not right.all():
            place = tuple(np.argwhere(~right)[0])
            raise ValueError(
                f"frame {start + place[0]} of {rows} has no {name}, or an impossible one: found "
                f"{block[place]}"
            )
        blocks.append(block)
    return np.concatenate(blocks)


class _RegularFiles(LocalStore):
    """A folder of which only regular files of a limited size are read."""

    def __init__(
        self, root: Path | str, *, read_only: bool = False, largest: int = MAX_JSON_BYTES
    ) -> None:
        super().__init__(root, read_only=read_only)
        self.largest = largest

    def with_read_only(self, read_only: bool = False) -> _RegularFiles:
        return _RegularFiles(self.root, read_only=read_only, largest=self.largest)

    async def get(self, key: str, *arguments: Any, **options: Any) -> Buffer | None:
        self._check(key)
        return await super().get(key, *arguments, **options)

    def get_sync(self, key: str, **options: Any) -> Buffer | None:
        self._check(key)
        return super().get_sync(key, **options)

    def _check(self, key: str) -> None:
        path = self.root / key
        if path.is_file():
            size = path.stat().st_size
            if size > self.largest:
                raise ValueError(f"{key} has {size} bytes; expected {self.largest} at most")
        elif path.exists() and not path.is_dir():
            raise ValueError(f"{key} is not a regular file")


class _BoundedZstd(ZstdCodec):
    """Zstandard that unpacks no more than the chunk holds."""

    def _decode_sync(self, chunk_bytes: Buffer, chunk_spec: ArraySpec) -> Buffer:
        packed = chunk_bytes.as_numpy_array()
        room = _room(chunk_spec, _zstd_size(packed[:18].tobytes()))
        # into an array of that size, since more frames may follow the first
        self._zstd_codec.decode(packed, out=room)
        return chunk_spec.prototype.buffer.from_array_like(room)


class _BoundedBlosc(BloscCodec):
    """Blosc that unpacks no more than the chunk holds."""

    def _decode_sync(self, chunk_bytes: Buffer, chunk_spec: ArraySpec) -> Buffer:
        packed = chunk_bytes.as_numpy_array()
        room = _room(chunk_spec, int.from_bytes(packed[4:8].tobytes(), "little"))
        self._blosc_codec.decode(packed, out=room)
        return chunk_spec.prototype.buffer.from_array_like(room)


class _BoundedSharding(ShardingCodec):
    """Shards of such chunks."""

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)
        object.__setattr__(self, "codecs", _bounded("grid", self.codecs))


def _room(chunk_spec: ArraySpec, claimed: int) -> NDArray[np.uint8]:
    """Return an array that takes an unpacked chunk, after a look at what it claims to hold."""
    dtype = chunk_spec.dtype.to_native_dtype()
    size = prod(chunk_spec.shape) * dtype.itemsize
    if claimed != size:
        raise ValueError(f"a chunk claims to hold {claimed} bytes; expected {size}")
    return np.empty(size, np.uint8)


def _zstd_size(head: bytes) -> int:
    """Size of the content that the head of a Zstandard frame tells, -1 if it tells none.

    RFC 8878, section 3.1.1.
    """
    if len(head) < 6 or head[:4] != b"\x28\xb5\x2f\xfd":
        return -1
    flag, single, dictionary = head[4] >> 6, head[4] >> 5 & 1, head[4] & 3
    start = 5 + (1 - single) + (0, 1, 2, 4)[dictionary]
    length = (single, 2, 4, 8)[flag]
    if not length:
        return -1
    return int.from_bytes(head[start : start + length], "little") + (256 if flag == 1 else 0)


def _bounded(name: str, codecs: tuple[Codec, ...]) -> tuple[Codec, ...]:
    """Return codecs that do the same within bounds: bytes, at most one compressor, a checksum."""
    kinds = [type(codec) for codec in codecs]
    packing = [kind for kind in kinds if issubclass(kind, ZstdCodec | BloscCodec)]
    known = (BytesCodec, ZstdCodec, BloscCodec, Crc32cCodec, ShardingCodec)
    if not all(issubclass(kind, known) for kind in kinds) or len(packing) > 1 or len(kinds) > 3:
        names = ", ".join(kind.__name__ for kind in kinds)
        raise ValueError(
            f"{name} is packed by {names[:200]}; expected bytes, zstd or blosc, and crc32c"
        )
    return tuple(_bounded_codec(name, codec) for codec in codecs)


def _bounded_codec(name: str, codec: Codec) -> Codec:
    match codec:
        case ZstdCodec():
            return _BoundedZstd(level=codec.level, checksum=codec.checksum)
        case BloscCodec():
            return _BoundedBlosc(
                typesize=codec.typesize,
                cname=codec.cname,
                clevel=codec.clevel,
                shuffle=codec.shuffle,
                blocksize=codec.blocksize,
            )
        case ShardingCodec():
            if any(isinstance(inner, ShardingCodec) for inner in codec.codecs):
                raise ValueError(f"{name} has shards in shards")
            _bounded(f"the index of {name}", codec.index_codecs)
            return _BoundedSharding(
                chunk_shape=codec.chunk_shape,
                codecs=_bounded(name, codec.codecs),
                index_codecs=codec.index_codecs,
                index_location=codec.index_location,
            )
        case _:
            return codec


def _chunk_bytes(name: str, metadata: ArrayV3Metadata) -> int:
    """Size of an unpacked chunk, or shard with its index, after a look at whether it can be."""
    # classes of grids have other names from zarr 3.2 on
    grid: dict[str, Any] = metadata.chunk_grid.to_dict()
    if grid["name"] != "regular":
        raise ValueError(f"{name} has chunks of different shapes")
    shape: tuple[int, ...] = tuple(grid["configuration"]["chunk_shape"])
    if len(shape) != len(metadata.shape) or min(shape, default=1) < 1:
        raise ValueError(
            f"{name} has chunks of shape {list(shape)}; expected {len(metadata.shape)} edges of 1 "
            "or more"
        )
    size = prod(shape) * metadata.dtype.to_native_dtype().itemsize
    for codec in metadata.codecs:
        if isinstance(codec, ShardingCodec):
            inner = codec.chunk_shape
            if len(inner) != len(shape) or min(inner, default=1) < 1:
                raise ValueError(f"{name} has chunks of shape {list(inner)} in its shards")
            size += 16 * (prod(shape) // prod(inner))
    if size > MAX_CHUNK_BYTES:
        raise ValueError(
            f"{name} has chunks of {size} bytes, shape {list(shape)}; expected "
            f"{MAX_CHUNK_BYTES} bytes at most"
        )
    return size


def _folder(group: zarr.Group) -> Path:
    store = group.store
    assert isinstance(store, LocalStore)
    return store.root
