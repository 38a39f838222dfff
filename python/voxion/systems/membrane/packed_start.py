"""Kinds of molecules of a membrane, and their packing without bonds through rings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem

from voxion.errors import VoxionError
from voxion.systems.forcefields import GRAMS_PER_CUBIC_ANGSTROM
from voxion.systems.membrane.chain import Chain
from voxion.systems.membrane.parameters import ResidueParameters
from voxion.systems.membrane.residues import LARGEST_RING
from voxion.systems.membrane.ring_spearing import speared_rings
from voxion.systems.packing import TOLERANCE, Molecules, pack_cube

if TYPE_CHECKING:
    import parmed

START_DENSITY = 0.3  # g/cm^3; chains are packed without bonds through rings, then compressed
PACKINGS = 5  # attempts before rings that are speared are reported


@dataclass(frozen=True)
class MoleculeKind:
    """Molecules of one kind: name, topology, number, and how the polymer was parametrised."""

    name: str
    molecule: Chem.Mol | None
    structure: parmed.Structure
    count: int
    chain: Chain | None = None
    residues: tuple[ResidueParameters, ...] = ()
    guessed: tuple[str, ...] = ()

    def molecules(self, number: int, seed: int) -> list[Molecules]:
        """Return what is packed: each chain in a conformation of its own."""
        symbols = [atom.element_name for atom in self.structure.atoms]
        if self.chain is None:
            positions = np.asarray(self.structure.coordinates)
            return [Molecules(f"kind{number}", symbols, positions, self.count)]
        return [
            Molecules(f"kind{number}-{i}", symbols, self.chain.conformation(seed + i), 1)
            for i in range(self.count)
        ]


def pack_without_spearing(
    parts: Sequence[MoleculeKind], seed: int
) -> tuple[NDArray[np.float64], float]:
    """Return positions of all atoms, and the edge of the cube."""
    species = [kind for n, part in enumerate(parts) for kind in part.molecules(n, seed)]
    mass = sum(atom.mass * part.count for part in parts for atom in part.structure.atoms)
    edge = float((mass * GRAMS_PER_CUBIC_ANGSTROM / START_DENSITY) ** (1 / 3))
    edge = max(edge, *(_diameter(kind.positions) + 2 * TOLERANCE for kind in species))
    bonds, rings = _bonds_and_rings(parts)
    for attempt in range(PACKINGS):
        packed = pack_cube(species, edge, seed + attempt)
        if not (speared := speared_rings(packed, edge, bonds, rings)):
            return packed, edge
    raise VoxionError(
        f"Bonds run through {len(speared)} rings of the packed start, in each of {PACKINGS} "
        "packings; take another seed."
    )


def _diameter(positions: NDArray[np.float64]) -> float:
    return float(2 * np.linalg.norm(positions - positions.mean(axis=0), axis=1).max())


def _bonds_and_rings(
    parts: Sequence[MoleculeKind],
) -> tuple[NDArray[np.int64], list[tuple[int, ...]]]:
    """Return bonds and small rings of all molecules, by number of the atoms in the system."""
    bonds: list[tuple[int, int]] = []
    rings: list[tuple[int, ...]] = []
    first = 0
    for part in parts:
        for _ in range(part.count):
            if part.chain is not None:
                molecule = part.chain.molecule
                bonds += [
                    (first + b.GetBeginAtomIdx(), first + b.GetEndAtomIdx())
                    for b in molecule.GetBonds()
                ]
                rings += [
                    tuple(first + i for i in ring)
                    for ring in molecule.GetRingInfo().AtomRings()
                    if len(ring) <= LARGEST_RING
                ]
            first += len(part.structure.atoms)
    return np.array(bonds, int).reshape(-1, 2), rings
