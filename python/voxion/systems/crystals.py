"""Two electrodes of crystals (fcc metals, graphite) with aqueous NaCl between them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import count as count_from
from math import sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from voxion.errors import VoxionError
from voxion.systems import forcefields as ff
from voxion.systems.electrode_cell import UNFILLED_HEIGHT, Electrode, ElectrodeCell
from voxion.systems.graphene import BOND_LENGTH, graphene_sheet

GRAPHITE_SPACING = 3.35  # between layers, angstrom
# Height that the liquid does not fill between two metals, angstrom. Water wets them, in two dense
# layers: so it has 33.5 molecules per nm^3 in the middle between two of gold, 32 angstrom apart.
METAL_UNFILLED_HEIGHT = 1.0
# A lattice on the cell of another may be strained by this share of its length.
MOST_STRAIN = 0.02


class Lattice(NamedTuple):
    """Stacking of a crystal's layers below one of its surfaces.

    Attributes
    ----------
    cell : (float, float)
        Edges of a rectangular surface cell, angstrom.
    basis : ndarray [n, 2]
        Sites of a layer in the surface cell, in units of its edges.
    shift : (float, float)
        From one layer to the next, in units of the edges.
    spacing : float
        Between layers, angstrom.
    period : int
        Layers after which the crystal repeats.
    """

    cell: tuple[float, float]
    basis: NDArray[np.float64]
    shift: tuple[float, float]
    spacing: float
    period: int


def fcc_100(constant: float) -> Lattice:
    """Surface (100) of an fcc metal of this lattice constant (angstrom): square, ABAB."""
    edge = constant / sqrt(2)
    return Lattice((edge, edge), np.array([[0.25, 0.25]]), (0.5, 0.5), constant / 2, 2)


def fcc_110(constant: float) -> Lattice:
    """Surface (110): rectangular, ABAB."""
    return Lattice(
        (constant / sqrt(2), constant),
        np.array([[0.25, 0.25]]),
        (0.5, 0.5),
        constant / sqrt(8),
        2,
    )


def fcc_111(constant: float) -> Lattice:
    """Surface (111): hexagonal, in rectangular cells of two sites, ABCABC."""
    edge = constant / sqrt(2)
    basis = np.array([[0.25, 0.25], [0.75, 0.75]])
    return Lattice((edge, edge * sqrt(3)), basis, (0.0, 1 / 3), constant / sqrt(3), 3)


def graphite() -> Lattice:
    """Basal plane of graphite in Bernal's stacking: sheets of graphene, ABAB."""
    cell = (sqrt(3) * BOND_LENGTH, 3 * BOND_LENGTH)
    basis = graphene_sheet((1, 1))[:, :2] / cell
    return Lattice(cell, basis, (0.0, 1 / 3), GRAPHITE_SPACING, 2)


FCC: dict[str, Callable[[float], Lattice]] = {"100": fcc_100, "110": fcc_110, "111": fcc_111}
MATERIALS = (*ff.METALS, "graphite")


@dataclass(frozen=True)
class Crystal:
    """A slab of a crystal, cut to one of its surfaces.

    Attributes
    ----------
    name : str
        One of `MATERIALS`.
    surface : str, optional
        "100", "110" or "111" of a metal; graphite has its basal plane only.
    layers : int
        Layers of nuclei.
    """

    name: str
    surface: str | None = None
    layers: int = 3

    def __post_init__(self) -> None:
        if self.name not in MATERIALS:
            raise VoxionError(
                f"The material must be one of {', '.join(MATERIALS)}; found {self.name!r}."
            )
        if self.name == "graphite" and self.surface is not None:
            raise VoxionError("Graphite has its basal plane only: leave out the surface.")
        if self.name != "graphite" and self.surface not in FCC:
            raise VoxionError(
                f"The surface of {self.name} must be one of {', '.join(FCC)}; "
                f"found {self.surface!r}."
            )
        if not 1 <= self.layers <= 100:
            raise VoxionError(f"The layers must be 1 to 100, found {self.layers}.")

    @property
    def lattice(self) -> Lattice:
        """Stacking of its layers."""
        if self.surface is None:
            return graphite()
        return FCC[self.surface](ff.METALS[self.name].lattice_constant)

    def slab(self, cells: tuple[int, int], edges: tuple[float, float]) -> Electrode:
        """Build an electrode of this many surface cells, strained to the edges (angstrom)."""
        carbon = self.name == "graphite"
        face = "" if self.surface is None else f" ({self.surface})"
        sites = stacked_layers(self.lattice, cells, self.layers)
        own = np.array(cells) * self.lattice.cell
        sites[:, :2] *= np.array(edges) / own
        return Electrode(
            f"{self.name}{face} of {self.layers} layer{'' if self.layers == 1 else 's'}",
            ff.CARBON if carbon else ff.METALS[self.name].kind,
            sites,
            UNFILLED_HEIGHT if carbon else METAL_UNFILLED_HEIGHT,
        )


@dataclass(frozen=True, kw_only=True)
class CrystalCapacitor(ElectrodeCell):
    """Two slabs of crystals, without charge of their own, that face each other.

    Attributes
    ----------
    crystal : Crystal
        Of both electrodes, or of the lower one.
    upper_crystal : Crystal, optional
        Of the upper electrode, if it is another; strained by `MOST_STRAIN` at most to the cell of
        the lower one.
    cells : (int, int)
        Surface cells of the lower electrode along x and y.
    """

    crystal: Crystal = Crystal("gold", "100")
    upper_crystal: Crystal | None = None
    cells: tuple[int, int] = (9, 9)
    total_charge: int = 0
    thickness: float = 32.0
    capacitor: bool = True

    def __post_init__(self) -> None:
        super().__post_init__()
        _check_strain(self)

    @property
    def edges(self) -> tuple[float, float]:
        """Lateral periodic edges, angstrom."""
        cell = self.crystal.lattice.cell
        return self.cells[0] * cell[0], self.cells[1] * cell[1]

    @property
    def lower(self) -> Electrode:
        """The lower electrode."""
        return self.crystal.slab(self.cells, self.edges)

    @property
    def upper(self) -> Electrode:
        """The upper electrode."""
        if self.upper_crystal is None:
            return self.lower
        nx, ny = (
            nearest_cells(edge, cell)
            for edge, cell in zip(self.edges, self.upper_crystal.lattice.cell, strict=True)
        )
        return self.upper_crystal.slab((nx, ny), self.edges)


def nearest_cells(edge: float, cell: float) -> int:
    """Return the number of cells whose length is the nearest to an edge."""
    return max(1, round(edge / cell))


def strain_of(edge: float, cell: float) -> float:
    """Relative change of length of the cells that are the nearest to an edge."""
    return edge / (nearest_cells(edge, cell) * cell) - 1


def _check_strain(system: CrystalCapacitor) -> None:
    if system.upper_crystal is None:
        return
    ours, theirs = system.crystal.lattice.cell, system.upper_crystal.lattice.cell
    strains = [strain_of(n * a, b) for n, a, b in zip(system.cells, ours, theirs, strict=True)]
    if max(map(abs, strains)) <= MOST_STRAIN:
        return
    fitting = [_fitting_cells(n, a, b) for n, a, b in zip(system.cells, ours, theirs, strict=True)]
    raise VoxionError(
        f"On {system.cells[0]} x {system.cells[1]} cells of {system.crystal.name} the upper "
        f"electrode, of {system.upper_crystal.name}, is strained by {strains[0]:+.1%} along x and "
        f"{strains[1]:+.1%} along y; expected {MOST_STRAIN:.0%} at most: use "
        f"{fitting[0]} x {fitting[1]} cells."
    )


def _fitting_cells(count: int, ours: float, theirs: float) -> int:
    """Return the number of cells nearest to `count` at which the strain is allowed."""
    return next(
        n
        for distance in count_from(0)
        for n in (count + distance, count - distance)
        if n > 0 and abs(strain_of(n * ours, theirs)) <= MOST_STRAIN
    )


def stacked_layers(lattice: Lattice, cells: tuple[int, int], layers: int) -> NDArray[np.float64]:
    """Sites of a crystal below one of its surfaces.

    Parameters
    ----------
    lattice : Lattice
    cells : (int, int)
        Surface cells along x and y.
    layers : int

    Returns
    -------
    ndarray [layers cells n, 3], float64
        Layer after layer, the depth in place of z, angstrom.
    """
    corner = np.stack(np.meshgrid(*map(np.arange, cells), indexing="ij"), axis=-1).reshape(-1, 1, 2)
    flat = (corner + lattice.basis).reshape(-1, 2)
    found = []
    for layer in range(layers):
        moved = (flat + (layer % lattice.period) * np.array(lattice.shift)) % cells
        depth = np.full(len(flat), layer * lattice.spacing)
        found.append(np.column_stack([moved * lattice.cell, depth]))
    return np.concatenate(found)
