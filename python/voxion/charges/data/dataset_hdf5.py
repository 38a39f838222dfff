"""Reading of data sets of surface charges from HDF5, a layout to exchange them in.

An HDF5 file can point elsewhere (links, external and virtual storage) and unpack to any size; it is
read only where it holds its data itself, and about as much as it says.
"""

from __future__ import annotations

import math
import zlib
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from voxion.arrays import MAX_ATOMS, MAX_FRAMES, check_shapes
from voxion.charges.data.dataset import MAX_TOTAL_CHARGE, ChargeDataset
from voxion.files import parsing

# Numbers of the atom types, with the charges of SPC/E and of the ions (e).
TYPES = {2: ("O", -0.8476), 3: ("H", 0.4238), 4: ("Na", 1.0), 5: ("Cl", -1.0)}
TIMESTEP = 0.002  # ps

_SHAPES: dict[str, tuple[str | int, ...]] = {
    "surface_positions": ("M", 3),
    "source_types": ("N",),
    "cell": (3,),
    "step": ("F",),
    "source_positions": ("F", "N", 3),
    "surface_charges": ("F", "M"),
}
_WHOLE = ("source_types", "step")  # numbers; the others are real
_UNITS = {
    "surface_positions": "angstrom",
    "cell": "angstrom",
    "step": "2 fs",
    "source_positions": "angstrom",
    "surface_charges": "e",
}
_TOTAL = "total_charge_e"
_LIMITS = {"M": MAX_ATOMS, "N": MAX_ATOMS, "F": MAX_FRAMES}

# How many times smaller each filter makes data at most: deflate by its format, shuffle and
# fletcher32 not at all.
_RATIOS = {h5py.h5z.FILTER_DEFLATE: 1032, h5py.h5z.FILTER_SHUFFLE: 1, h5py.h5z.FILTER_FLETCHER32: 1}
_MAX_CHUNK_BYTES = 2**30
_MAX_TEXT = 10_000  # characters


def read_hdf5(path: Path) -> ChargeDataset:
    """Read a data set from an HDF5 file, which stays open.

    Raises
    ------
    ValueError
        The file is damaged, or does not hold a data set.
    """
    with parsing():
        file = h5py.File(path, "r")
        try:
            return _read(file, path)
        except BaseException:
            file.close()
            raise


def _read(file: h5py.File, path: Path) -> ChargeDataset:
    missing = sorted(set(_SHAPES) - set(file))
    if missing or _TOTAL not in file.attrs:
        raise ValueError(f"it lacks {', '.join(missing) or f'the attribute {_TOTAL}'}")
    datasets = {name: _dataset(file, name) for name in _SHAPES}
    check_shapes({name: one.shape for name, one in datasets.items()}, _SHAPES, _LIMITS)
    for one in datasets.values():
        _check_storage(one)
    numbers = sorted(TYPES)
    types = np.asarray(datasets["source_types"][:])
    unknown = sorted(set(types.tolist()) - set(TYPES))
    if unknown:
        raise ValueError(f"source_types has {unknown[:10]}; expected numbers among {sorted(TYPES)}")
    present = [number for number in numbers if number in types]
    index = np.searchsorted(present, types)
    steps = np.asarray(datasets["step"][:], np.int64)
    cell = np.diag(np.asarray(datasets["cell"][:], np.float64))
    description = _text(file, "description")
    return ChargeDataset(
        surface_positions=np.asarray(datasets["surface_positions"][:], np.float64),
        source_charges=np.asarray([TYPES[n][1] for n in present])[index],
        source_species=index.astype(np.int8),
        species=tuple(TYPES[n][0] for n in present),
        periodic=(True, True, False),
        total_charge=_total(file),
        cell_origin=np.zeros(3),
        cells=np.repeat(cell[None], len(steps), axis=0),
        steps=steps,
        times=np.asarray(steps * TIMESTEP, np.float64),
        label_source={"name": "hdf5", "description": description or ""},
        title=path.name if description is None else description,
        path=path,
        _positions=datasets["source_positions"],
        _charges=datasets["surface_charges"],
    )


def _dataset(file: h5py.File, name: str) -> Any:
    """Return a dataset that the file holds itself, of a type and unit that are expected."""
    if not isinstance(file.get(name, getlink=True), h5py.HardLink):
        raise ValueError(f"{name} is a link to elsewhere")
    one = file[name]
    if not isinstance(one, h5py.Dataset) or one.shape is None:
        raise ValueError(f"{name} is no array")
    if one.is_virtual or one.external:
        raise ValueError(f"the values of {name} are in another file")
    wanted = "iu" if name in _WHOLE else "f"
    if one.dtype.kind not in wanted or (wanted == "f" and one.dtype.itemsize not in (4, 8)):
        kinds = "whole numbers" if name in _WHOLE else "real numbers of 4 or 8 bytes"
        raise ValueError(f"{name} has type {one.dtype}; expected {kinds}")
    unit = _text(one, "units")
    if name in _UNITS and unit not in (None, _UNITS[name]):
        raise ValueError(f"{name} has units {unit!r}; expected {_UNITS[name]!r}")
    return one


def _check_storage(one: Any) -> None:
    """Check that a dataset is not larger than its stored bytes can unpack to."""
    plist = one.id.get_create_plist()
    filters = [plist.get_filter(n)[0] for n in range(plist.get_nfilters())]
    name = one.name.lstrip("/")
    if not set(filters) <= set(_RATIOS) or len(set(filters)) < len(filters):
        raise ValueError(
            f"{name} is packed by the filters {filters}; expected gzip, shuffle and fletcher32, "
            "each once at most"
        )
    ratio = max((_RATIOS[number] for number in filters), default=1)
    size = math.prod(one.shape) * one.dtype.itemsize
    stored = one.id.get_storage_size()
    if size > ratio * stored:
        raise ValueError(f"{name} claims {size} bytes of values and has {stored} bytes stored")
    if one.chunks is None:
        return
    chunk = math.prod(one.chunks) * one.dtype.itemsize
    if chunk > _MAX_CHUNK_BYTES:
        raise ValueError(f"{name} has chunks of {chunk} bytes; expected {_MAX_CHUNK_BYTES} at most")
    large: list[tuple[int, ...]] = []

    def look(info: Any) -> None:
        if ratio * info.size > _MAX_CHUNK_BYTES:
            large.append(info.chunk_offset)

    one.id.chunk_iter(look)
    for offset in large:
        # HDF5 itself unpacks to the end, whatever the size of the chunk
        _, packed = one.id.read_direct_chunk(offset)
        if len(zlib.decompressobj().decompress(packed, chunk + 1)) > chunk:
            raise ValueError(f"{name} has a chunk that unpacks to more than its {chunk} bytes")


def _total(file: h5py.File) -> float:
    attribute = file.attrs.get_id(_TOTAL)
    total = np.asarray(file.attrs[_TOTAL]) if math.prod(attribute.shape) == 1 else None
    if total is None or total.dtype.kind not in "iuf":
        raise ValueError(f"the attribute {_TOTAL} must be a number, found {_shown(total)}")
    value = float(total.item())
    if not abs(value) <= MAX_TOTAL_CHARGE:
        raise ValueError(
            f"the attribute {_TOTAL} is {value}; expected a total charge up to {MAX_TOTAL_CHARGE:g}"
        )
    return value


def _shown(value: NDArray[Any] | None) -> str:
    return "several values" if value is None else str(value.item())[:80]


def _text(item: Any, name: str) -> str | None:
    """Return an attribute that is a text, None if it is not there."""
    if name not in item.attrs:
        return None
    text = item.attrs[name] if math.prod(item.attrs.get_id(name).shape) == 1 else None
    if not isinstance(text, str) or len(text) > _MAX_TEXT:
        raise ValueError(f"the attribute {name} must be a text of at most {_MAX_TEXT} characters")
    return text
