"""Data sets of surface charges with the electrolyte that they answer to.

One data set is one system: a fixed sheet of M surface atoms, N source atoms of known charge in a
fixed order, and frames of source positions with the charges that a label source gave the sheet.
Stored as a Zarr v3 group that ``xarray.open_zarr`` opens (see `dataset_writer`); read from it,
or from HDF5. What cannot be is refused: arrays that do not fit each other when the
data set is opened, values of a frame when it is read.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from voxion.arrays import check_finite
from voxion.charges.data.faces import behind_face
from voxion.errors import VoxionError
from voxion.files import parsing, refusing

KIND = "data set of surface charges"
ADVICE = "restore it from a copy, or sample it again"

# Bounds of what can be.
MAX_ANGSTROM = 1e6  # any coordinate or edge
MAX_CHARGE = 100.0  # of an atom, e
MAX_TOTAL_CHARGE = 1e6  # e
MAX_POTENTIAL = 1e4  # V
# Charges whose sum is further off have another total charge than they say (e).
LARGEST_MISSED_TOTAL = 1e-3
_BLOCK = 1024  # frames of which charges are read at once


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
    potentials : ndarray [E], float64, optional
        Potential of each electrode, V; None where charges were not solved at given potentials.
    """

    source_positions: NDArray[np.float32]
    surface_charges: NDArray[np.float64]
    cell: NDArray[np.float64]
    step: int
    time: float
    potentials: NDArray[np.float64] | None = None


@dataclass(frozen=True)
class Electrodes:
    """Electrodes at given potentials that the surface consists of.

    Attributes
    ----------
    names : tuple of E str
        Names of their groups, such as ``("lower", "upper")``.
    of_atom : ndarray [M], int8
        Electrode of each surface atom, an index into `names`.
    potentials : ndarray [F, E], float64
        Potentials of the frames, V. Only their differences matter: the charges of all electrodes
        together have the sum that the data set gives.
    """

    names: tuple[str, ...]
    of_atom: NDArray[np.int8]
    potentials: NDArray[np.float64]

    def members(self) -> dict[str, NDArray[np.bool_]]:
        """Return a mask [M] of the atoms of each electrode, by name."""
        return {name: self.of_atom == number for number, name in enumerate(self.names)}


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
        Sum of the surface charges (e) in every frame; not a number for a single one of several
        electrodes, whose charge differs from frame to frame.
    cell_origin : ndarray [3], float64
        Angstrom.
    cells : ndarray [F, 3, 3]; steps : ndarray [F]; times : ndarray [F]
        Lattice vectors (angstrom), MD steps and times (ps) of the frames.
    label_source : dict
        Name and settings of what computed the charges.
    title : str
    path : Path
    electrodes : Electrodes or None
        None for a single electrode, or several of given total charges.
    behind_face : ndarray [M, 3], float64, or None
        For one electrode of a pair: positions with the depth behind its face, into the electrode,
        in place of z, angstrom.
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
    electrodes: Electrodes | None = None
    behind_face: NDArray[np.float64] | None = None
    _first: int = 0
    _atoms: NDArray[np.int64] | None = None  # of the store's, those of this electrode

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
    def seen_positions(self) -> NDArray[np.float64]:
        """Positions [M, 3] of the surface atoms as a model of charges gets them, angstrom."""
        return self.surface_positions if self.behind_face is None else self.behind_face

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
        row = self._row(index)
        with self._refusing(row):
            with parsing():
                positions = np.asarray(self._positions[row], np.float32)
            check_finite("source_positions", positions, MAX_ANGSTROM)
        return positions

    def frame(self, index: int) -> ChargeFrame:
        """One frame; negative indices count from the end.

        Raises
        ------
        IndexError
            There is no such frame.
        VoxionError
            It cannot be read, a value is not finite, or the charges miss the total charge.
        """
        row = self._row(index)
        own = row - self._first
        return ChargeFrame(
            source_positions=self.source_positions(index),
            surface_charges=self._read_charges(row, row + 1)[0],
            cell=self.cells[own],
            step=int(self.steps[own]),
            time=float(self.times[own]),
            potentials=self.electrodes.potentials[own] if self.electrodes else None,
        )

    def surface_charges(self) -> NDArray[np.float64]:
        """Surface charges of all frames, [F, M], e; raises as `frame` does."""
        charges = np.empty((0, self.surface_atoms))
        with refusing(self.path, KIND, ADVICE), parsing():
            charges = np.empty((self.frames, self.surface_atoms))
        for start in range(0, self.frames, _BLOCK):
            stop = min(start + _BLOCK, self.frames)
            try:
                charges[start:stop] = self._read_charges(self._first + start, self._first + stop)
            except VoxionError:
                for index in range(start, stop):
                    self.frame(index)  # names the one
                raise
        return charges

    def single_electrodes(self) -> list[ChargeDataset]:
        """Return a data set of each electrode alone; of one electrode, this one."""
        if self.electrodes is None:
            return [self]
        members = list(self.electrodes.members().values())
        middle = np.mean([self.surface_positions[atoms, 2].mean() for atoms in members])
        singles = []
        for atoms in members:
            positions = self.surface_positions[atoms]
            single = replace(
                self,
                surface_positions=positions,
                total_charge=float("nan"),
                electrodes=None,
                behind_face=behind_face(positions, upper=positions[:, 2].mean() > middle),
                _atoms=np.flatnonzero(atoms),
            )
            singles.append(single)
        return singles

    def total_of(self, frame: ChargeFrame) -> float:
        """Total charge of the surface in a frame, e."""
        if np.isnan(self.total_charge):
            return float(frame.surface_charges.sum())
        return self.total_charge

    def subset(self, start: int, stop: int) -> ChargeDataset:
        """Frames `start` to `stop` (exclusive), in time order."""
        start, stop, _ = slice(start, stop).indices(self.frames)
        stop = max(start, stop)
        electrodes = self.electrodes
        if electrodes is not None:
            electrodes = replace(electrodes, potentials=electrodes.potentials[start:stop])
        return replace(
            self,
            electrodes=electrodes,
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
        total charge, and step, cell, positions and charges of every frame; where there are
        electrodes, their atoms and potentials.
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
        if self.electrodes is not None:
            digest.update(json.dumps(list(self.electrodes.names)).encode())
            digest.update(np.ascontiguousarray(self.electrodes.of_atom, "<i1").tobytes())
            digest.update(np.ascontiguousarray(self.electrodes.potentials, "<f8").tobytes())
        for frame in self:
            digest.update(np.ascontiguousarray(frame.source_positions, "<f4").tobytes())
            digest.update(np.ascontiguousarray(frame.surface_charges, "<f8").tobytes())
        return f"sha256:{digest.hexdigest()}"

    def _read_charges(self, first: int, stop: int) -> NDArray[np.float64]:
        with self._refusing(first):
            with parsing():
                charges = np.asarray(self._charges[first:stop], np.float64)
            check_finite("surface_charges", charges, MAX_CHARGE)
        if self._atoms is not None:
            return np.ascontiguousarray(charges[:, self._atoms])
        missed = np.abs(charges.sum(1) - self.total_charge)
        worst = int(np.argmax(missed))
        if missed[worst] > LARGEST_MISSED_TOTAL:
            raise VoxionError(
                f"{self.path}: the charges of frame {first - self._first + worst} sum to "
                f"{charges[worst].sum():.6g} e, its total charge is {self.total_charge:.6g} e: "
                "correct the charges or the total."
            )
        return charges

    @contextmanager
    def _refusing(self, row: int) -> Iterator[None]:
        own = row - self._first
        with refusing(self.path, f"{KIND}: frame {own} (step {self.steps[own]})", ADVICE):
            yield

    def _row(self, index: int) -> int:
        if not -self.frames <= index < self.frames:
            raise IndexError(f"frame {index} of {self.frames} in {self.path}")
        return self._first + index % self.frames
