"""Frames of an electrolyte in front of a sheet: of a charge data set, or of LAMMPS's trajectory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from MDAnalysis.guesser import tables
from numpy.typing import NDArray

from voxion.charges.data.dataset import ChargeDataset
from voxion.charges.data.opening import open_dataset
from voxion.errors import VoxionError
from voxion.trajectories.opening import open_trajectory

# Atoms of one sheet lie closer than this along z (angstrom).
SHEET_THICKNESS = 2.0
MASS_TOLERANCE = 0.1  # u
# MDAnalysis writes some symbols in capitals, such as CL.
_MASSES = {symbol.capitalize(): mass for symbol, mass in tables.masses.items()}


@dataclass(frozen=True)
class Slice:
    """The part of one frame that a profile needs.

    Attributes
    ----------
    heights : ndarray [N]
        z of each electrolyte atom above the mean z of the sheet, angstrom.
    area : float
        Area of the cell across z, angstrom^2.
    """

    heights: NDArray[np.float64]
    area: float


class Run(Protocol):
    """Frames of an electrolyte in front of a sheet."""

    name: str
    species: NDArray[np.str_]  # of each electrolyte atom, [N]
    height: float  # of the cell along z, angstrom
    periodic: bool  # along z

    @property
    def frames(self) -> int:
        """Number of frames."""

    def slices(self) -> Iterator[Slice]:
        """Read the frames in time order, one at a time."""


class DatasetRun:
    """The frames of a charge data set.

    Raises
    ------
    VoxionError
        The surface is not one sheet across z.
    """

    def __init__(self, dataset: ChargeDataset) -> None:
        self.name = str(dataset.path)
        self.species = dataset.species_of_sources
        self.height = float(dataset.cells[:, 2, 2].max()) if dataset.frames else 0.0
        self.periodic = dataset.periodic[2]
        self._dataset = dataset
        self._sheet = sheet_height(dataset.surface_positions, self.name)

    @property
    def frames(self) -> int:
        """Number of frames."""
        return self._dataset.frames

    def slices(self) -> Iterator[Slice]:
        """Read the frames in time order, one at a time."""
        for index, cell in enumerate(self._dataset.cells):
            heights = self._dataset.source_positions(index)[:, 2].astype(np.float64) - self._sheet
            yield Slice(heights, area_across(cell))


class TrajectoryRun:
    """A LAMMPS trajectory with the data file that tells the masses of its atoms.

    Parameters
    ----------
    topology : path
        LAMMPS data file.
    trajectory : path
        DCD, XTC or a text dump of LAMMPS.
    species : sequence of str
        Elements of the electrolyte, told by their masses.
    surface : str
        Element of the sheet.
    periodic : bool
        Whether the box is periodic along z.

    Raises
    ------
    VoxionError
        As `open_trajectory`; an element without a mass, no atoms of the surface's element,
        or a surface that is not one sheet across z.
    """

    def __init__(
        self,
        topology: str | Path,
        trajectory: str | Path,
        species: Sequence[str],
        surface: str = "C",
        periodic: bool = False,
    ) -> None:
        opened = open_trajectory(Path(topology), Path(trajectory))
        self.name = str(trajectory)
        if opened.broken:
            self.name += f" ({opened.frames} whole frames, breaks off {opened.broken})"
        self.frames = opened.frames
        self.periodic = periodic
        self._universe = opened.universe
        atoms = self._universe.atoms
        self._surface = atoms[_of_element(atoms.masses, surface)]
        if not len(self._surface):
            raise VoxionError(f"{topology} has no atoms of the mass of {surface}, the sheet's.")
        names = np.full(len(atoms), "", dtype="<U8")
        for name in species:
            names[_of_element(atoms.masses, name)] = name
        self._electrolyte = atoms[names != ""]
        self.species = names[names != ""]
        self._universe.trajectory[0]
        self.height = float(self._universe.dimensions[2])
        sheet_height(self._surface.positions, self.name)

    def slices(self) -> Iterator[Slice]:
        """Read the frames in time order, one at a time."""
        done = 0
        try:
            for step in self._universe.trajectory[: self.frames]:
                sheet = self._surface.positions[:, 2].astype(np.float64).mean()
                heights = self._electrolyte.positions[:, 2].astype(np.float64) - sheet
                yield Slice(heights, area_across(step.triclinic_dimensions))
                done += 1
        except (OSError, ValueError, EOFError, IndexError) as error:
            raise VoxionError(
                f"{self.name} has a frame that cannot be read, after {done} others: {error}"
            ) from None


def open_run(source: str | Path, species: Sequence[str], periodic: bool = False) -> Run:
    """Open the frames that a profile is made from.

    Parameters
    ----------
    source : str or Path
        A charge data set, or ``TOPOLOGY,TRAJECTORY`` of LAMMPS.
    species : sequence of str
        Elements of the electrolyte; a trajectory tells them by their masses.
    periodic : bool
        Whether the box of a trajectory is periodic along z; a data set says so itself.

    Raises
    ------
    VoxionError
        Nothing is there, or it cannot be read.
    """
    first, comma, second = str(source).partition(",")
    if comma:
        return TrajectoryRun(first, second, species, periodic=periodic)
    return DatasetRun(open_dataset(source))


def sheet_height(surface_positions: NDArray[Any], name: str) -> float:
    """Mean z (angstrom) of the surface atoms, [M, 3].

    Raises
    ------
    VoxionError
        They are not one sheet across z.
    """
    z = np.asarray(surface_positions, np.float64)[:, 2]
    if np.ptp(z) > SHEET_THICKNESS:
        raise VoxionError(
            f"The surface of {name} spans {np.ptp(z):.1f} A along z; expected one flat sheet "
            f"(at most {SHEET_THICKNESS:g} A): two electrodes need a data set each."
        )
    return float(z.mean())


def _of_element(masses: NDArray[np.float64], element: str) -> NDArray[np.bool_]:
    if element not in _MASSES:
        raise VoxionError(f"The mass of {element!r} is not known; expected a chemical element.")
    of_element: NDArray[np.bool_] = np.abs(masses - _MASSES[element]) < MASS_TOLERANCE
    return of_element


def area_across(cell: NDArray[Any]) -> float:
    """Area (angstrom^2) of a cell, [3, 3], across z."""
    return float(np.linalg.norm(np.cross(cell[0], cell[1])))
