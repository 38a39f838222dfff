"""Data sets of surface charges with the electrolyte that they answer to.

One data set is one system: a fixed sheet of M surface atoms, N source atoms of known charge in a
fixed order, and frames of source positions with the charges that a label source gave the sheet.
Stored as a Zarr v3 group that ``xarray.open_zarr`` opens (see `voxion.charges.dataset_writer`);
read from it, or from HDF5.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import zarr
from numpy.typing import NDArray

from voxion.errors import VoxionError

FORMAT = "voxion-charges"
FORMAT_VERSION = 1

# Numbers of the atom types in the HDF5 layout, with the charges of SPC/E and of the ions (e).
_HDF5_TYPES = {2: ("O", -0.8476), 3: ("H", 0.4238), 4: ("Na", 1.0), 5: ("Cl", -1.0)}
_HDF5_TIMESTEP = 0.002  # ps

# A frame is complete once its step is set; an unset step reads as this fill value.
NO_STEP = -1


@dataclass(frozen=True)
class ChargeFrame:
    """One configuration of the electrolyte and the charges of the surface.

    Attributes
    ----------
    source_positions : ndarray [N, 3], float32
        Angstrom, ascending atom ID, wrapped into the cell along periodic directions.
    surface_charges : ndarray [M], float64
        Elementary charges.
    cell : ndarray [3, 3], float64
        Angstrom; rows are the lattice vectors.
    step : int
        MD step.
    time : float
        Picoseconds.
    """

    source_positions: NDArray[np.float32]
    surface_charges: NDArray[np.float64]
    cell: NDArray[np.float64]
    step: int
    time: float


@dataclass(frozen=True)
class ChargeDataset:
    """A data set of surface charges, or a stretch of one; large arrays are read frame by frame.

    Attributes
    ----------
    surface_positions : ndarray [M, 3], float64
        Angstrom.
    source_charges : ndarray [N], float64
        Elementary charges.
    source_species : ndarray [N], int8
        Index into `species`.
    species : tuple of str
        Names such as ``("O", "H", "Na", "Cl")``.
    periodic : tuple of 3 bools
    total_charge : float
        Sum of the surface charges (e) in every frame.
    cell_origin : ndarray [3], float64
        Angstrom.
    cells : ndarray [F, 3, 3]; steps : ndarray [F]; times : ndarray [F]
        Of the frames; angstrom, MD steps, picoseconds.
    label_source : dict
        Name and settings of what computed the charges.
    title : str
    path : Path
    """

    surface_positions: NDArray[np.float64]
    source_charges: NDArray[np.float64]
    source_species: NDArray[np.int8]
    species: tuple[str, ...]
    periodic: tuple[bool, bool, bool]
    total_charge: float
    cell_origin: NDArray[np.float64]
    cells: NDArray[np.float64]
    steps: NDArray[np.int64]
    times: NDArray[np.float64]
    label_source: dict[str, Any]
    title: str
    path: Path
    _positions: Any  # array-like [frames of the store, N, 3]
    _charges: Any  # array-like [frames of the store, M]
    _first: int = 0

    @property
    def frames(self) -> int:
        """Number of frames."""
        return len(self.steps)

    def __len__(self) -> int:
        return self.frames

    def __iter__(self) -> Iterator[ChargeFrame]:
        return (self.frame(i) for i in range(self.frames))

    @property
    def surface_atoms(self) -> int:
        """Number of surface atoms, M."""
        return len(self.surface_positions)

    @property
    def sources(self) -> int:
        """Number of source atoms, N."""
        return len(self.source_charges)

    @property
    def species_of_sources(self) -> NDArray[np.str_]:
        """Species name of each source atom, [N]."""
        return np.asarray(self.species)[self.source_species]

    def source_positions(self, index: int) -> NDArray[np.float32]:
        """Source positions of one frame, [N, 3], angstrom."""
        return np.asarray(self._positions[self._row(index)], np.float32)

    def frame(self, index: int) -> ChargeFrame:
        """One frame; negative indices count from the end.

        Raises
        ------
        IndexError
            There is no such frame.
        """
        row = self._row(index)
        own = row - self._first
        return ChargeFrame(
            source_positions=np.asarray(self._positions[row], np.float32),
            surface_charges=np.asarray(self._charges[row], np.float64),
            cell=self.cells[own],
            step=int(self.steps[own]),
            time=float(self.times[own]),
        )

    def surface_charges(self) -> NDArray[np.float64]:
        """Surface charges of all frames, [F, M], e."""
        rows = slice(self._first, self._first + self.frames)
        return np.asarray(self._charges[rows], np.float64)

    def subset(self, start: int, stop: int) -> ChargeDataset:
        """Frames `start` to `stop` (exclusive), in time order."""
        start, stop, _ = slice(start, stop).indices(self.frames)
        stop = max(start, stop)
        return replace(
            self,
            cells=self.cells[start:stop],
            steps=self.steps[start:stop],
            times=self.times[start:stop],
            _first=self._first + start,
        )

    def split(self, fractions: Sequence[float]) -> tuple[ChargeDataset, ...]:
        """Contiguous parts in time order, since neighbouring frames are correlated.

        Parameters
        ----------
        fractions : sequence of float
            Share of the frames in each part; they sum to 1. Every part gets at least one frame.

        Raises
        ------
        VoxionError
            The fractions do not sum to 1, or there are fewer frames than parts.
        """
        shares = np.asarray(fractions, float)
        if shares.ndim != 1 or np.any(shares <= 0) or not np.isclose(shares.sum(), 1.0):
            raise VoxionError(
                f"The fractions of a split must be positive and sum to 1, found {list(fractions)}."
            )
        if self.frames < len(shares):
            raise VoxionError(
                f"{self.path} has {self.frames} frames, too few for {len(shares)} parts: "
                "sample more frames."
            )
        edges = np.rint(np.concatenate([[0.0], np.cumsum(shares)]) * self.frames).astype(int)
        edges[-1] = self.frames
        for i in range(1, len(edges)):  # at least one frame in each part
            low, high = edges[i - 1] + 1, self.frames - (len(edges) - 1 - i)
            edges[i] = min(max(edges[i], low), high)
        return tuple(self.subset(a, b) for a, b in pairwise(edges))

    def fingerprint(self) -> str:
        """Hash of everything a model can learn from, ``sha256:<64 hex>``.

        It does not depend on the file layout. It covers the surface, the sources, periodicity,
        total charge, and step, cell, positions and charges of every frame.
        """
        digest = hashlib.sha256()
        header = [list(self.species), list(self.periodic), self.total_charge]
        digest.update(json.dumps(header).encode())
        for array, dtype in (
            (self.surface_positions, "<f8"),
            (self.source_charges, "<f8"),
            (self.source_species, "<i1"),
            (self.steps, "<i8"),
            (self.cells, "<f8"),
        ):
            digest.update(np.ascontiguousarray(array, dtype).tobytes())
        for frame in self:
            digest.update(np.ascontiguousarray(frame.source_positions, "<f4").tobytes())
            digest.update(np.ascontiguousarray(frame.surface_charges, "<f8").tobytes())
        return f"sha256:{digest.hexdigest()}"

    def _row(self, index: int) -> int:
        if not -self.frames <= index < self.frames:
            raise IndexError(f"frame {index} of {self.frames} in {self.path}")
        return self._first + index % self.frames


def open_dataset(path: str | Path) -> ChargeDataset:
    """Open a data set of surface charges for reading.

    Parameters
    ----------
    path : str or Path
        A Zarr folder as `voxion.charges.dataset_writer.ChargeDatasetWriter` writes it, or an HDF5
        file with the datasets ``surface_positions``, ``source_positions``, ``source_types``,
        ``surface_charges``, ``cell`` and ``step`` and the attribute ``total_charge_e``.

    Raises
    ------
    VoxionError
        Nothing is there, or it is not such a data set.
    """
    path = Path(path)
    if path.is_dir():
        return _open_zarr(path)
    if path.is_file() and h5py.is_hdf5(path):
        return _open_hdf5(path)
    raise VoxionError(
        f"{path} is not a data set of surface charges: expected a Zarr folder or an HDF5 file, "
        f"found {'another kind of file' if path.exists() else 'nothing'}."
    )


def _open_zarr(path: Path) -> ChargeDataset:
    try:
        group = zarr.open_group(path, mode="r")
    except (FileNotFoundError, ValueError) as error:
        raise VoxionError(
            f"{path} is not a Zarr group: expected {FORMAT}, found {error}."
        ) from None
    attrs: dict[str, Any] = dict(group.attrs)
    if (attrs.get("format"), attrs.get("format_version")) != (FORMAT, FORMAT_VERSION):
        raise VoxionError(
            f"{path} has format {attrs.get('format')!r} version {attrs.get('format_version')!r}; "
            f"expected {FORMAT!r} version {FORMAT_VERSION}."
        )
    names = ("source_positions", "surface_charges", "cell", "time", "step")
    stored: dict[str, Any] = {name: group[name] for name in names}
    complete = complete_frames(stored)
    return ChargeDataset(
        surface_positions=np.asarray(_read(group, "surface_positions"), np.float64),
        source_charges=np.asarray(_read(group, "source_charges"), np.float64),
        source_species=np.asarray(_read(group, "source_species"), np.int8),
        species=tuple(attrs["species"]),
        periodic=_three_bools(attrs["periodic"]),
        total_charge=float(attrs["total_charge"]),
        cell_origin=np.asarray(attrs["cell_origin"], np.float64),
        cells=np.asarray(stored["cell"][:complete], np.float64),
        steps=np.asarray(stored["step"][:complete], np.int64),
        times=np.asarray(stored["time"][:complete], np.float64),
        label_source=dict(attrs["label_source"]),
        title=str(attrs["title"]),
        path=path,
        _positions=stored["source_positions"],
        _charges=stored["surface_charges"],
    )


def _open_hdf5(path: Path) -> ChargeDataset:
    file = h5py.File(path, "r")
    try:
        return _read_hdf5(file, path)
    except VoxionError:
        file.close()
        raise


def _read_hdf5(file: h5py.File, path: Path) -> ChargeDataset:
    total = _check_hdf5(file, path)
    numbers = sorted(_HDF5_TYPES)
    index = np.searchsorted(numbers, file["source_types"][:])
    steps = np.asarray(file["step"][:], np.int64)
    cell = np.diag(np.asarray(file["cell"][:], np.float64))
    return ChargeDataset(
        surface_positions=np.asarray(file["surface_positions"][:], np.float64),
        source_charges=np.asarray([_HDF5_TYPES[n][1] for n in numbers])[index],
        source_species=index.astype(np.int8),
        species=tuple(_HDF5_TYPES[n][0] for n in numbers),
        periodic=(True, True, False),
        total_charge=total,
        cell_origin=np.zeros(3),
        cells=np.repeat(cell[None], len(steps), axis=0),
        steps=steps,
        times=np.asarray(steps * _HDF5_TIMESTEP, np.float64),
        label_source={"name": "hdf5", "description": str(file.attrs.get("description", ""))},
        title=str(file.attrs.get("description", path.name)),
        path=path,
        _positions=file["source_positions"],
        _charges=file["surface_charges"],
    )


def _check_hdf5(file: h5py.File, path: Path) -> float:
    """Make sure that names, shapes and types fit together; the total charge, e."""
    shapes = {
        "surface_positions": ("M", 3),
        "source_types": ("N",),
        "cell": (3,),
        "step": ("F",),
        "source_positions": ("F", "N", 3),
        "surface_charges": ("F", "M"),
    }
    missing = set(shapes) - set(file)
    if missing or "total_charge_e" not in file.attrs:
        raise VoxionError(
            f"{path} is not a data set of surface charges: it lacks "
            f"{', '.join(sorted(missing)) or 'the attribute total_charge_e'}."
        )
    sizes: dict[str | int, int] = {3: 3}
    for name, dimensions in shapes.items():
        found = file[name].shape
        if len(found) == len(dimensions):
            for dimension, size in zip(dimensions, found, strict=True):
                sizes.setdefault(dimension, size)
        if found != tuple(sizes.get(dimension, -1) for dimension in dimensions):
            wanted = ", ".join(
                f"{dimension} = {sizes[dimension]}"
                if isinstance(dimension, str) and dimension in sizes
                else str(dimension)
                for dimension in dimensions
            )
            raise VoxionError(f"{path}: {name} must be [{wanted}], found {list(found)}.")
    unknown = sorted(set(file["source_types"][:].tolist()) - set(_HDF5_TYPES))
    if unknown:
        raise VoxionError(
            f"{path}: source_types has {unknown}; expected numbers among {sorted(_HDF5_TYPES)}."
        )
    total = np.asarray(file.attrs["total_charge_e"])
    if total.size != 1 or total.dtype.kind not in "iuf":
        raise VoxionError(f"{path}: the attribute total_charge_e must be a number, found {total}.")
    return float(total.item())


def complete_frames(arrays: dict[str, Any]) -> int:
    """Frames that were written to their end."""
    shortest = min(array.shape[0] for array in arrays.values())
    unset = np.flatnonzero(np.asarray(arrays["step"][:shortest]) == NO_STEP)
    return int(unset[0]) if len(unset) else shortest


def _read(group: zarr.Group, name: str) -> NDArray[Any]:
    array: Any = group[name]
    return np.asarray(array[:])


def _three_bools(values: Sequence[bool]) -> tuple[bool, bool, bool]:
    x, y, z = (bool(v) for v in values)
    return x, y, z
