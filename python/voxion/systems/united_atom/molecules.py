"""Molecules of the united-atom systems: their beads, in order, and the bonds between them."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import combinations

# Dumortier and Mossa, J. Phys. Chem. B 124, 8918 (2020): the surfactant is the side chain of
# Nafion, seven CF2, S and O3 in a row; one side chain for 14 beads of backbone.
TAIL_BEADS = 7
BACKBONE_SPACING = 14
FEWEST_CARBONS = 3


@dataclass(frozen=True)
class Molecule:
    """Beads of a molecule and its bonds.

    Attributes
    ----------
    name : str
    beads : tuple of str
        Each is bonded to one before it, or to none where it begins the molecule.
    bonds : tuple of (int, int)
        Indices into `beads`, the lower one first.
    rigid : bool
        A rigid body without bonded terms.
    """

    name: str
    beads: tuple[str, ...]
    bonds: tuple[tuple[int, int], ...] = ()
    rigid: bool = False
    neighbours: tuple[tuple[int, ...], ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        neighbours: list[list[int]] = [[] for _ in self.beads]
        for one, other in self.bonds:
            neighbours[one].append(other)
            neighbours[other].append(one)
        object.__setattr__(self, "neighbours", tuple(map(tuple, neighbours)))

    @property
    def angles(self) -> list[tuple[int, int, int]]:
        """Return all pairs of bonds that share a bead, which is in the middle."""
        return [
            (one, middle, other)
            for middle, around in enumerate(self.neighbours)
            for one, other in combinations(around, 2)
        ]

    @property
    def dihedrals(self) -> list[tuple[int, int, int, int]]:
        """Return all rows of three bonds."""
        return [
            (first, one, other, last)
            for one, other in self.bonds
            for first in self.neighbours[one]
            if first != other
            for last in self.neighbours[other]
            if last not in (one, first)
        ]


WATER = Molecule("water", ("OW", "HW", "HW"), rigid=True)
HYDRONIUM = Molecule("hydronium", ("OH", "HH", "HH", "HH"), rigid=True)


def _chain(length: int) -> tuple[tuple[int, int], ...]:
    return tuple((i, i + 1) for i in range(length - 1))


_SIDE_CHAIN = ("CF2",) * TAIL_BEADS + ("S", "O3")
SURFACTANT = Molecule("surfactant", _SIDE_CHAIN, _chain(len(_SIDE_CHAIN)))


def perfluoroalkane(carbons: int) -> Molecule:
    """Return a linear perfluoroalkane of this number (3 at least) of C atoms."""
    beads = ("CF3", *("CF2",) * (carbons - 2), "CF3")
    return Molecule(f"C{carbons}F{2 * carbons + 2}", beads, _chain(carbons))


def nafion(side_chains: int) -> Molecule:
    """Return a Nafion chain: its backbone, then its side chains.

    Parameters
    ----------
    side_chains : int
        Each is bonded to the middle of its own stretch of 14 backbone beads.
    """
    backbone = side_chains * BACKBONE_SPACING
    beads, bonds = ["CF2"] * backbone, list(_chain(backbone))
    for number in range(side_chains):
        first = len(beads)
        bonds.append((number * BACKBONE_SPACING + BACKBONE_SPACING // 2, first))
        bonds += [(first + i, first + j) for i, j in _chain(len(_SIDE_CHAIN))]
        beads += _SIDE_CHAIN
    return Molecule("nafion", tuple(beads), tuple(bonds))
