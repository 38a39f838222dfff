"""Reading of data sets of surface charges in their own layout: Zarr v3 groups."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import numpy as np
import zarr
from numpy.typing import NDArray
from pydantic import BaseModel, Field

from voxion.arrays import MAX_ATOMS, MAX_FRAMES, check_shapes
from voxion.charges.data.dataset import (
    ADVICE,
    KIND,
    MAX_ANGSTROM,
    MAX_POTENTIAL,
    MAX_TOTAL_CHARGE,
    ChargeDataset,
    Electrodes,
)
from voxion.errors import VoxionError
from voxion.files import check_content, parsing
from voxion.zarr_files import BLOCK_ROWS, is_written, open_array, open_group, read_rows

FORMAT = "voxion-charges"
FORMAT_VERSION = 1
# Of a data set with electrodes at given potentials: who knows version 1 alone must not read it as
# one electrode.
ELECTRODES_VERSION = 2
MAX_ELECTRODES = 127

# A frame is complete once its step is set; an unset step reads as this fill value.
NO_STEP = -1

_Layout = dict[str, tuple[str, tuple[str | int, ...], str]]  # type, dimensions, unit
_STATIC: _Layout = {
    "surface_positions": ("float64", ("M", 3), "angstrom"),
    "source_charges": ("float64", ("N",), "e"),
    "source_species": ("int8", ("N",), "1"),
}
# In the order in which a writer lets them grow, see `voxion.charges.data.dataset_writer`.
_PER_FRAME: _Layout = {
    "source_positions": ("float32", ("N", 3), "angstrom"),
    "surface_charges": ("float64", ("M",), "e"),
    "cell": ("float64", (3, 3), "angstrom"),
    "time": ("float64", (), "ps"),
    "step": ("int64", (), "1"),
}
_ELECTRODES_STATIC: _Layout = {"electrode": ("int8", ("M",), "1")}
_ELECTRODES_PER_FRAME: _Layout = {"potential": ("float64", ("E",), "V")}

_Angstrom = Annotated[float, Field(ge=-MAX_ANGSTROM, le=MAX_ANGSTROM)]
_Name = Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]{1,64}$")]


class _Attributes(BaseModel):
    """Attributes of the group."""

    title: Annotated[str, Field(max_length=10_000)]
    label_source: dict[str, Any]
    total_charge: Annotated[float, Field(ge=-MAX_TOTAL_CHARGE, le=MAX_TOTAL_CHARGE)]
    periodic: tuple[bool, bool, bool]
    cell_origin: tuple[_Angstrom, _Angstrom, _Angstrom]
    species: Annotated[tuple[_Name, ...], Field(min_length=1, max_length=127)]
    electrodes: Annotated[tuple[_Name, ...], Field(max_length=MAX_ELECTRODES)] = ()


def frame_arrays(electrodes: bool) -> tuple[str, ...]:
    """Return the names of the arrays that grow, the step last."""
    return (*(_ELECTRODES_PER_FRAME if electrodes else ()), *_PER_FRAME)


def read_zarr(path: Path) -> ChargeDataset:
    """Read a data set from its Zarr folder; a run may still be writing it.

    Raises
    ------
    VoxionError
        It is no Zarr group, or one of another format.
    ValueError
        The group is damaged.
    """
    group = open_group(path, KIND, ADVICE)
    attributes = dict(group.attrs)
    found = attributes.get("format"), attributes.get("format_version")
    versions = (FORMAT_VERSION, ELECTRODES_VERSION)
    if found[0] != FORMAT or found[1] not in versions:
        raise VoxionError(
            f"{path} has format {found[0]!r} version {found[1]!r}; expected {FORMAT!r} version "
            f"{' or '.join(map(str, versions))}: {ADVICE}."
        )
    told = check_content(attributes, _Attributes)
    if bool(told.electrodes) != (found[1] == ELECTRODES_VERSION):
        raise ValueError(f"version {found[1]} has {len(told.electrodes)} electrodes")
    fixed, growing = _STATIC, _PER_FRAME
    if told.electrodes:
        fixed, growing = fixed | _ELECTRODES_STATIC, _ELECTRODES_PER_FRAME | growing
    static = {name: _open(group, name, *layout, 0) for name, layout in fixed.items()}
    missing = [name for name, array in static.items() if not is_written(array)]
    # zeros are not written: one species, or electrode, has the number 0
    if set(missing) - {"source_species", "electrode"}:
        raise ValueError(f"the values of {', '.join(missing)} are missing")
    frames = _open_frames(group, growing)
    limits = {"M": MAX_ATOMS, "N": MAX_ATOMS, "E": MAX_ELECTRODES}
    shapes = {name: array.shape for name, array in static.items()}
    shapes |= {name: array.shape[1:] for name, array in frames.items()}
    check_shapes(shapes, {name: layout[1] for name, layout in (fixed | growing).items()}, limits)
    steps = _read_steps(frames)
    with parsing():
        values = {name: np.asarray(array[...]) for name, array in static.items()}
    return ChargeDataset(
        surface_positions=values["surface_positions"],
        source_charges=values["source_charges"],
        source_species=values["source_species"],
        species=told.species,
        periodic=told.periodic,
        total_charge=told.total_charge,
        cell_origin=np.array(told.cell_origin),
        cells=read_rows("cell", frames["cell"], len(steps)),
        steps=steps,
        times=read_rows("time", frames["time"], len(steps)),
        label_source=told.label_source,
        title=told.title,
        path=path,
        electrodes=_electrodes(told.electrodes, values["electrode"], frames, len(steps))
        if told.electrodes
        else None,
        _positions=frames["source_positions"],
        _charges=frames["surface_charges"],
    )


def _electrodes(
    names: tuple[str, ...],
    of_atom: NDArray[np.int8],
    frames: dict[str, zarr.Array[Any]],
    count: int,
) -> Electrodes:
    array = frames["potential"]
    if array.shape[1:] != (len(names),):
        raise ValueError(f"potential has shape {list(array.shape)}; expected {len(names)} columns")
    if set(np.unique(of_atom).tolist()) != set(range(len(names))):
        raise ValueError(f"electrode has {np.unique(of_atom)}; expected 0 to {len(names) - 1}")
    return Electrodes(names, of_atom, read_rows("potential", array, count, MAX_POTENTIAL))


def _open(
    group: zarr.Group,
    name: str,
    dtype: str,
    dimensions: tuple[str | int, ...],
    unit: str,
    frames: int,
) -> zarr.Array[Any]:
    array = open_array(group, name, dtype, frames + len(dimensions))
    if array.attrs.get("units") != unit:
        raise ValueError(f"{name} has units {array.attrs.get('units')!r}; expected {unit!r}")
    return array


def _open_frames(group: zarr.Group, layouts: _Layout) -> dict[str, zarr.Array[Any]]:
    """Open the arrays that grow; beside a frame that is begun or removed, they are of one length.

    The last one is opened before and after the others: a writer may go on in between.
    """
    last = list(layouts)[-1]
    before = _open(group, last, *layouts[last], 1)
    frames = {name: _open(group, name, *layout, 1) for name, layout in layouts.items()}
    lengths = {name: array.shape[0] for name, array in frames.items()}
    for name, length in lengths.items():
        if not before.shape[0] - 1 <= length <= lengths[last] + 1:
            raise ValueError(
                f"{name} has {length} frames and {last} has {before.shape[0]}; expected as many"
            )
    return frames | {last: before}


def _read_steps(frames: dict[str, zarr.Array[Any]]) -> NDArray[np.int64]:
    """Read the steps of the frames that were written to their end: of the last one, it may lack."""
    array = frames["step"]
    claimed = array.shape[0]
    if claimed > MAX_FRAMES:
        raise ValueError(f"step has {claimed} frames; expected {MAX_FRAMES} at most")
    steps = np.empty(0, np.int64)
    for start in range(0, claimed, BLOCK_ROWS):
        with parsing():
            block = np.asarray(array[start : start + BLOCK_ROWS])
        unset = np.flatnonzero(block == NO_STEP)
        steps = np.concatenate([steps, block[: unset[0]] if len(unset) else block])
        if len(unset):
            break
    if len(steps) < claimed - 1:
        raise ValueError(f"frame {len(steps)} of {claimed} has no step")
    return steps[: min(one.shape[0] for one in frames.values())]
