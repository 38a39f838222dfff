"""Two electrodes of a crystal (fcc metals, graphite) with aqueous NaCl between them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from voxion.errors import VoxionError
from voxion.systems import forcefields as ff
from voxion.systems.electrode_cell import UNFILLED_HEIGHT, ElectrodeCell
from voxion.systems.graphene import BOND_LENGTH, graphene_sheet

GRAPHITE_SPACING = 3.35  # between layers, angstrom
# Height that the liquid does not fill between two metals, angstrom. Water wets them, in two dense
# layers: so it has 33.5 molecules per nm^3 in the middle between two of gold, 32 angstrom apart.
METAL_UNFILLED_HEIGHT = 1.0


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


@dataclass(frozen=True, kw_only=True)
class CrystalCapacitor(ElectrodeCell):
    """Two slabs of a crystal, without charge of their own, that face each other.

    Attributes
    ----------
    crystal : str
        One of `MATERIALS`.
    surface : str, optional
        "100", "110" or "111" of a metal; graphite has its basal plane only.
    layers : int
        Layers of nuclei in each electrode.
    cells : (int, int)
        Surface cells along x and y.
    """

    crystal: str = "gold"
    surface: str | None = None
    layers: int = 3
    cells: tuple[int, int] = (9, 9)
    total_charge: int = 0
    thickness: float = 32.0
    capacitor: bool = True

    def __post_init__(self) -> None:
        if self.crystal not in MATERIALS:
            raise VoxionError(
                f"The material must be one of {', '.join(MATERIALS)}; found {self.crystal!r}."
            )
        if self.crystal == "graphite" and self.surface is not None:
            raise VoxionError("Graphite has its basal plane only: leave out the surface.")
        if self.crystal != "graphite" and self.surface not in FCC:
            raise VoxionError(
                f"The surface of {self.crystal} must be one of {', '.join(FCC)}; "
                f"found {self.surface!r}."
            )
        if not 1 <= self.layers <= 100:
            raise VoxionError(f"The layers must be 1 to 100, found {self.layers}.")
        super().__post_init__()

    @property
    def edges(self) -> tuple[float, float]:
        """Lateral periodic edges, angstrom."""
        cell = self._lattice().cell
        return self.cells[0] * cell[0], self.cells[1] * cell[1]

    @property
    def kind(self) -> ff.AtomType:
        """Type of the electrodes' atoms."""
        return ff.CARBON if self.crystal == "graphite" else ff.METALS[self.crystal].kind

    @property
    def material(self) -> str:
        """Name of the electrodes' material, for titles."""
        face = "" if self.surface is None else f" ({self.surface})"
        return f"{self.crystal}{face} of {self.layers} layers"

    @property
    def unfilled_height(self) -> float:
        """Height that the liquid does not fill, angstrom."""
        return UNFILLED_HEIGHT if self.crystal == "graphite" else METAL_UNFILLED_HEIGHT

    def behind_face(self) -> NDArray[np.float64]:
        """Positions of an electrode's atoms with the depth behind its face in place of z."""
        return stacked_layers(self._lattice(), self.cells, self.layers)

    def _lattice(self) -> Lattice:
        if self.surface is None:
            return graphite()
        return FCC[self.surface](ff.METALS[self.crystal].lattice_constant)


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
