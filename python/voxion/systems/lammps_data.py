"""LAMMPS data files (``atom_style full``): written with type labels, and checked before a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from voxion.arrays import MAX_ATOMS
from voxion.errors import VoxionError, one_line
from voxion.files import replacing, text_lines

# Bounds of what a run can begin with. Atoms that are further off are brought into the box period by
# period, which takes LAMMPS for ever, and charges beyond all reason its long-range solver.
_LARGEST_POSITION = 1e6
_LARGEST_CHARGE = 100.0  # e
_LARGEST_VELOCITY = 1e6
_LARGEST_SEED = 900_000_000  # of Marsaglia's generator
_ATOM_COLUMNS = (7, 10)  # ID, molecule, type, charge, x, y, z, without or with image flags


class AtomKind(Protocol):
    """An atom type of a data file."""

    @property
    def name(self) -> str:
        """Type label."""

    @property
    def mass(self) -> float:
        """In the units of the system."""


@dataclass(frozen=True)
class Terms:
    """Bonds, angles, dihedrals or impropers.

    Attributes
    ----------
    labels : sequence of str
        The type labels; `kinds` counts from 0 in this list.
    kinds : ndarray [n], int
    atoms : ndarray [n, 2], [n, 3] or [n, 4], int
        Atom IDs from 1.
    """

    labels: Sequence[str]
    kinds: NDArray[np.int64]
    atoms: NDArray[np.int64]

    @classmethod
    def of_one_type(cls, label: str, atoms: NDArray[np.int64]) -> Terms:
        """Return terms that are all of the same type."""
        return cls([label], np.zeros(len(atoms), int), atoms)


@dataclass(frozen=True)
class Topology:
    """Atoms and their bonded terms, in the order of their IDs.

    Attributes
    ----------
    types : sequence of AtomKind
        The atom types; `atom_types` counts from 0 in this list.
    atom_types : ndarray [N], int
    molecules : ndarray [N], int
        Molecule IDs from 1.
    charges : ndarray [N], float64
        e.
    positions : ndarray [N, 3], float64
        In the length unit of `units`.
    box : ndarray [3, 2]
        Lower and upper bounds.
    bonds, angles, dihedrals, impropers : Terms, optional
        None makes a file without such types.
    units : str
        LAMMPS unit style.
    """

    types: Sequence[AtomKind]
    atom_types: NDArray[np.int64]
    molecules: NDArray[np.int64]
    charges: NDArray[np.float64]
    positions: NDArray[np.float64]
    box: NDArray[np.float64]
    bonds: Terms | None = None
    angles: Terms | None = None
    dihedrals: Terms | None = None
    impropers: Terms | None = None
    units: str = "real"

    @property
    def terms(self) -> dict[str, Terms]:
        """Return those bonded terms that the system has, by what LAMMPS calls one of them."""
        every = {
            "bond": self.bonds,
            "angle": self.angles,
            "dihedral": self.dihedrals,
            "improper": self.impropers,
        }
        return {name: terms for name, terms in every.items() if terms is not None}


def write_lammps_data(path: Path, topology: Topology, title: str) -> None:
    """Write a data file for ``atom_style full``; the file appears whole or not at all.

    Charges have all their digits, so that their sum is what it was in memory.

    Parameters
    ----------
    path : Path
    topology : Topology
    title : str
        First line of the file.
    """
    lines = [
        f"{title} (LAMMPS data, units {topology.units}, atom_style full)",
        "",
        f"{len(topology.positions)} atoms",
        *(f"{len(terms.atoms)} {name}s" for name, terms in topology.terms.items()),
        f"{len(topology.types)} atom types",
        *(f"{len(terms.labels)} {name} types" for name, terms in topology.terms.items()),
        "",
    ]
    for axis, (low, high) in zip("xyz", topology.box.tolist(), strict=True):
        lines.append(f"{low!r} {high!r} {axis}lo {axis}hi")
    lines += ["", "Atom Type Labels", ""]
    lines += [f"{i} {kind.name}" for i, kind in enumerate(topology.types, 1)]
    for name, terms in topology.terms.items():
        lines += ["", f"{name.capitalize()} Type Labels", ""]
        lines += [f"{i} {label}" for i, label in enumerate(terms.labels, 1)]
    lines += ["", "Masses", ""]
    lines += [f"{kind.name} {kind.mass}" for kind in topology.types]
    lines += ["", "Atoms # full", ""]
    names = [topology.types[t].name for t in topology.atom_types]
    rows = zip(
        topology.molecules.tolist(),
        names,
        topology.charges.tolist(),
        topology.positions.tolist(),
        strict=True,
    )
    for i, (molecule, name, charge, (x, y, z)) in enumerate(rows, 1):
        lines.append(f"{i} {molecule} {name} {charge!r} {x:.6f} {y:.6f} {z:.6f}")
    for name, terms in topology.terms.items():
        if not len(terms.atoms):
            continue
        lines += ["", f"{name.capitalize()}s", ""]
        members = zip(terms.kinds.tolist(), terms.atoms.tolist(), strict=True)
        lines += [
            f"{i} {terms.labels[kind]} {' '.join(map(str, atoms))}"
            for i, (kind, atoms) in enumerate(members, 1)
        ]
    with replacing(path) as temporary:
        temporary.write_text("\n".join(lines) + "\n")


def check_seed(seed: int) -> None:
    """Refuse a seed that LAMMPS's random number generators do not take.

    Raises
    ------
    VoxionError
        It is not from 1 to 900,000,000.
    """
    if not 1 <= seed <= _LARGEST_SEED:
        raise VoxionError(
            f"The seed must be a positive number, {_LARGEST_SEED} at most; found {seed}."
        )


def check_lammps_data(path: Path, advice: str) -> None:
    """Check that LAMMPS can begin with a data file of ``atom_style full``; it checks the rest.

    Parameters
    ----------
    path : Path
    advice : str
        What to do if it cannot, for messages.

    Raises
    ------
    VoxionError
        The file is not one of text, it announces too many atoms or not those that it has, or a
        position, charge, velocity or bound is not finite or beyond reason; with the line.
    """
    section, atoms, announced = "", 0, None
    for number, line in enumerate(text_lines(path, advice), start=1):
        words = line.partition("#")[0].split()
        if number == 1 or not words:
            continue
        try:
            if words[0][0].isalpha() and words[0][0].isupper():
                section = words[0]
            elif not section:
                announced = _check_header(words, announced)
            elif section == "Atoms":
                _check_atom(words)
                atoms += 1
            elif section == "Velocities":
                _numbers(words[1:], _LARGEST_VELOCITY)
        except ValueError as error:
            raise VoxionError(f"{path}, line {number}: {error}; {advice}.") from None
    if announced is None or atoms != announced:
        raise VoxionError(
            f"{path} announces {announced} atoms and has {atoms} (Atoms # full); {advice}."
        )


def _check_header(words: list[str], atoms: int | None) -> int | None:
    """Check a line of the header; returns the number of atoms once it is known."""
    if words[-1] in ("xhi", "yhi", "zhi"):
        low, high = _numbers(words[:2], _LARGEST_POSITION)
        if not low < high:
            raise ValueError(f"the box goes from {low} to {high}")
    elif words[-1] in ("atoms", "bonds", "angles", "types"):
        (count,) = _numbers(words[:1], 10 * MAX_ATOMS)
        return int(count) if words[1:] == ["atoms"] else atoms
    return atoms


def _check_atom(words: list[str]) -> None:
    if len(words) not in _ATOM_COLUMNS:
        raise ValueError(
            f"an atom has {len(words)} columns; expected {_ATOM_COLUMNS[0]} or {_ATOM_COLUMNS[1]}"
        )
    _numbers(words[3:4], _LARGEST_CHARGE)
    _numbers(words[4:7], _LARGEST_POSITION)


def _numbers(words: list[str], largest: float) -> list[float]:
    values = []
    for word in words:
        try:
            value = float(word)
        except ValueError:
            value = np.nan
        if not abs(value) <= largest:
            raise ValueError(
                f"expected a number from {-largest:g} to {largest:g}, found {one_line(word, 40)!r}"
            )
        values.append(value)
    return values
