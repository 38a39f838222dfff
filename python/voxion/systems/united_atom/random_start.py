"""Random starts: chains as random walks that keep away from what is there, rigid molecules between.

Such a start is one of infinite temperature; ``in.push_off`` brings bonds and contacts to their
lengths.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from itertools import product

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from voxion.errors import VoxionError
from voxion.systems.united_atom.forcefield import ForceField
from voxion.systems.united_atom.molecules import Molecule

CLEARANCE = 2.7  # angstrom, between beads that are not bonded
SIBLING_CLEARANCE = 2.1  # angstrom, between beads that are bonded to the same bead
TRIES = 400  # for one bead or rigid molecule
RESTARTS = 50  # for one chain


class _Full(Exception):
    """No room was found."""


class _Occupied:
    """Positions in a periodic cube, in cells as wide as the clearance."""

    def __init__(self, edge: float) -> None:
        self.edge = edge
        self.cells_per_edge = max(1, int(edge / CLEARANCE))
        self.members: dict[tuple[int, ...], list[NDArray[np.float64]]] = defaultdict(list)

    def _cell(self, position: NDArray[np.float64]) -> tuple[int, ...]:
        cells = np.floor(position / self.edge * self.cells_per_edge).astype(int)
        return tuple((cells % self.cells_per_edge).tolist())

    def add(self, position: NDArray[np.float64]) -> None:
        self.members[self._cell(position)].append(position)

    def remove(self, position: NDArray[np.float64]) -> None:
        cell = self.members[self._cell(position)]
        del cell[next(i for i, member in enumerate(cell) if member is position)]

    def near(self, position: NDArray[np.float64]) -> list[NDArray[np.float64]]:
        """Return the positions in this and the adjacent cells."""
        x, y, z = self._cell(position)
        n = self.cells_per_edge
        cells = {((x + i) % n, (y + j) % n, (z + k) % n) for i, j, k in _AROUND}
        return [member for cell in cells for member in self.members.get(cell, ())]

    def is_free(
        self,
        position: NDArray[np.float64],
        bonded: NDArray[np.float64] | None = None,
        siblings: Sequence[NDArray[np.float64]] = (),
    ) -> bool:
        """Return whether a bead may be here; `siblings` are bonded to the same bead as it is."""
        others = self.near(position)
        if not others:
            return True
        away = np.array(others) - position
        away -= self.edge * np.round(away / self.edge)
        close = np.flatnonzero((away**2).sum(axis=1) < CLEARANCE**2)
        for index in close:
            if others[index] is bonded:
                continue
            is_sibling = any(others[index] is sibling for sibling in siblings)
            if not is_sibling or np.linalg.norm(away[index]) < SIBLING_CLEARANCE:
                return False
        return True


_AROUND = tuple(product((-1, 0, 1), repeat=3))


def place(
    molecules: Sequence[Molecule],
    edge: float,
    forcefield: ForceField,
    random: np.random.Generator,
) -> NDArray[np.float64]:
    """Place molecules into a periodic cube, one after the other.

    Parameters
    ----------
    molecules : sequence of Molecule
        The largest first, since it finds room last.
    edge : float
        Of the cube, angstrom.
    forcefield : ForceField
        Lengths of bonds and shapes of rigid molecules.
    random : numpy Generator

    Returns
    -------
    ndarray [N, 3]
        Angstrom, molecule by molecule; a molecule is whole, and may reach out of the cube.

    Raises
    ------
    VoxionError
        There is no room for a molecule.
    """
    shapes = {"water": forcefield.water_positions(), "hydronium": forcefield.hydronium_positions()}
    occupied = _Occupied(edge)
    placed = []
    for number, molecule in enumerate(molecules):
        try:
            if molecule.rigid:
                placed.append(_rigid_molecule(shapes[molecule.name], occupied, random))
            else:
                placed.append(_walk(molecule, forcefield, occupied, random))
        except _Full:
            raise VoxionError(
                f"No room was found for molecule {number + 1} of {len(molecules)} "
                f"({molecule.name}) in a cube of {edge:.1f} angstrom: use another seed, or more "
                "or smaller molecules."
            ) from None
    return np.concatenate(placed)


def _rigid_molecule(
    shape: NDArray[np.float64], occupied: _Occupied, random: np.random.Generator
) -> NDArray[np.float64]:
    """Put a rigid molecule anywhere; its first atom, the oxygen, keeps the distance."""
    for _ in range(50 * TRIES):  # the last of many water molecules needs some thousands
        oxygen = random.random(3) * occupied.edge
        if occupied.is_free(oxygen):
            occupied.add(oxygen)
            return oxygen + Rotation.random(random_state=random).apply(shape)
    raise _Full


def _walk(
    molecule: Molecule, forcefield: ForceField, occupied: _Occupied, random: np.random.Generator
) -> NDArray[np.float64]:
    for _ in range(RESTARTS):
        positions: list[NDArray[np.float64]] = []
        try:
            for bead in range(len(molecule.beads)):
                positions.append(_next(molecule, bead, positions, forcefield, occupied, random))
                occupied.add(positions[-1])
            return np.array(positions)
        except _Full:
            for position in positions:
                occupied.remove(position)
    raise _Full


def _next(
    molecule: Molecule,
    bead: int,
    positions: list[NDArray[np.float64]],
    forcefield: ForceField,
    occupied: _Occupied,
    random: np.random.Generator,
) -> NDArray[np.float64]:
    """Return a free position for the next bead of a walk."""
    before = [other for other in molecule.neighbours[bead] if other < bead]
    if not before:
        return _first_free(lambda: random.random(3) * occupied.edge, occupied.is_free)
    bonded = positions[before[0]]
    length = forcefield.find(
        forcefield.bonds, (molecule.beads[before[0]], molecule.beads[bead])
    ).length
    siblings = [positions[i] for i in molecule.neighbours[before[0]] if i < bead]

    def trial() -> NDArray[np.float64]:
        step = random.normal(size=3)
        return bonded + step * (length / np.linalg.norm(step))

    return _first_free(trial, lambda position: occupied.is_free(position, bonded, siblings))


def _first_free(
    trial: Callable[[], NDArray[np.float64]], is_free: Callable[[NDArray[np.float64]], bool]
) -> NDArray[np.float64]:
    for _ in range(TRIES):
        position = trial()
        if is_free(position):
            return position
    raise _Full
