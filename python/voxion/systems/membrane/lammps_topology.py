"""What LAMMPS needs of a structure of ParmEd: data file and coefficients."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from voxion.systems.lammps_data import Terms, Topology

if TYPE_CHECKING:
    import parmed

_WATER_ANGLE = 100.0  # kcal/mol/rad^2, AMBER's HW-OW-HW; while minimised, later it is rigid


@dataclass(frozen=True)
class Coefficients:
    """Force-field constants by type label, in the units of LAMMPS ``real``.

    Attributes
    ----------
    pairs : dict of label to (epsilon kcal/mol, sigma angstrom)
    bonds, angles : dict of label to (stiffness kcal/mol, length angstrom or angle degrees)
    dihedrals : dict of label to (barrier kcal/mol, periodicity, phase degrees)
        Of LAMMPS's ``charmm``.
    impropers : dict of label to (barrier kcal/mol, sign, periodicity)
        Of LAMMPS's ``cvff``.
    """

    pairs: dict[str, tuple[float, float]]
    bonds: dict[str, tuple[float, float]]
    angles: dict[str, tuple[float, float]]
    dihedrals: dict[str, tuple[float, int, int]]
    impropers: dict[str, tuple[float, int, int]]


@dataclass(frozen=True)
class _Kind:
    name: str
    mass: float


def lammps_topology(
    structure: parmed.Structure, molecules: NDArray[np.int64]
) -> tuple[Topology, Coefficients]:
    """Return what LAMMPS's data file holds, and the constants of its types.

    Parameters
    ----------
    structure : parmed.Structure
    molecules : ndarray [atoms]
        Molecule IDs from 1.

    Notes
    -----
    AMBER holds water by a third bond, between its hydrogens; LAMMPS wants the angle.
    """
    atoms = structure.atoms
    types = {atom.type: atom for atom in reversed(atoms)}
    labels = sorted(types)
    collected = _Collected()
    waters: dict[int, list[parmed.Bond]] = {}
    for bond in structure.bonds:
        if bond.atom1.residue.name == "WAT":
            waters.setdefault(bond.atom1.residue.idx, []).append(bond)
        else:
            collected.add("bonds", _both(bond, 2), (bond.type.k, bond.type.req))
    for bonds in waters.values():
        _add_water(collected, bonds)
    for angle in structure.angles:
        collected.add("angles", _both(angle, 3), (angle.type.k, angle.type.theteq))
    for dihedral in structure.dihedrals:
        kind, members = dihedral.type, _members(dihedral, 4)
        if dihedral.improper:
            value = (kind.phi_k, _sign(kind.phase), round(kind.per))
            collected.add("impropers", members, value)
        else:
            value = (kind.phi_k, round(kind.per), round(kind.phase))
            collected.add("dihedrals", _oriented(members), value)
    topology = Topology(
        types=[_Kind(label, types[label].mass) for label in labels],
        atom_types=np.array([labels.index(atom.type) for atom in atoms]),
        molecules=molecules,
        charges=np.array([atom.charge for atom in atoms]),
        positions=np.asarray(structure.coordinates),
        box=np.array([[0.0, edge] for edge in structure.box[:3]]),
        bonds=collected.terms("bonds"),
        angles=collected.terms("angles"),
        dihedrals=collected.terms("dihedrals"),
        impropers=collected.terms("impropers"),
    )
    pairs = {label: (types[label].epsilon, types[label].sigma) for label in labels}
    return topology, Coefficients(pairs, **collected.values)


class _Collected:
    """Terms and their constants, with a label for each different one."""

    def __init__(self) -> None:
        kinds = ("bonds", "angles", "dihedrals", "impropers")
        self.values: dict[str, dict[str, tuple]] = {kind: {} for kind in kinds}
        self._labels: dict[str, dict[tuple, str]] = {kind: {} for kind in kinds}
        self._rows: dict[str, list[tuple[str, list[int]]]] = {kind: [] for kind in kinds}

    def add(self, kind: str, members: Sequence[parmed.Atom], value: tuple) -> None:
        name = "-".join(atom.type for atom in members)
        labels = self._labels[kind]
        if (name, value) not in labels:
            # terms of a dihedral with several periodicities
            same = sum(other == name for other, _ in labels)
            labels[name, value] = name if not same else f"{name}/{same + 1}"
            self.values[kind][labels[name, value]] = value
        self._rows[kind].append((labels[name, value], [atom.idx + 1 for atom in members]))

    def terms(self, kind: str) -> Terms | None:
        rows = self._rows[kind]
        if not rows:
            return None
        labels = {label: number for number, label in enumerate(self.values[kind])}
        numbers = np.array([labels[label] for label, _ in rows])
        return Terms(list(labels), numbers, np.array([members for _, members in rows]))


def _members(term: object, count: int) -> list[parmed.Atom]:
    return [getattr(term, f"atom{i}") for i in range(1, count + 1)]


def _oriented(members: list[parmed.Atom]) -> list[parmed.Atom]:
    """Return the atoms from that end which gives the same label either way."""
    names = [atom.type for atom in members]
    return members if names <= names[::-1] else members[::-1]


def _both(term: object, count: int) -> list[parmed.Atom]:
    return _oriented(_members(term, count))


def _sign(phase: float) -> int:
    return -1 if round(phase) == 180 else 1


def _add_water(collected: _Collected, bonds: Sequence[parmed.Bond]) -> None:
    arms = [bond for bond in bonds if {bond.atom1.type, bond.atom2.type} != {"HW"}]
    (across,) = [bond for bond in bonds if bond not in arms]
    oxygen = next(atom for atom in (arms[0].atom1, arms[0].atom2) if atom.type != "HW")
    for bond in arms:
        collected.add("bonds", _both(bond, 2), (bond.type.k, bond.type.req))
    angle = 2 * np.degrees(np.arcsin(across.type.req / (2 * arms[0].type.req)))
    members = [across.atom1, oxygen, across.atom2]
    collected.add("angles", members, (_WATER_ANGLE, round(float(angle), 4)))
