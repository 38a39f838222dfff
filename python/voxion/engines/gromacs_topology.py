"""Charges of atoms in a topology of GROMACS that its preprocessor has been over."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from voxion.errors import VoxionError

# Fields of a line in [ atoms ]: number, type, residue number, residue, atom, charge group, charge,
# and more that need not be there.
_CHARGE = 6


@dataclass
class _Line:
    """A line with data: its text without comment, and the physical lines that it takes up."""

    section: str
    text: str
    comment: str
    first: int
    end: int


@dataclass
class _Molecule:
    name: str
    atoms: list[_Line] = field(default_factory=list)


def set_charges(topology: str, charges: Mapping[int, float]) -> str:
    """Replace the charges of atoms of a system.

    Parameters
    ----------
    topology : str
        As ``gmx grompp -pp`` writes it: without includes, conditions and macros.
    charges : mapping
        Charge (e) by atom, counted from 1 over the system; written with all its digits.

    Returns
    -------
    str
        The topology; all but the lines of those atoms is as it was.

    Raises
    ------
    VoxionError
        An atom belongs to a molecule of which there are copies, since these share their charges; or
        there is no such atom.
    """
    molecules, system = _read(topology)
    rows = topology.split("\n")
    replaced: dict[int, str] = {}
    dropped: set[int] = set()
    for line, charge in _lines_of(molecules, system, charges):
        fields = line.text.split()
        if len(fields) < _CHARGE:
            raise VoxionError(
                f"Line {line.first + 1} of the processed topology is none of [ atoms ]: "
                f"{line.text.strip()!r}."
            )
        fields[_CHARGE : _CHARGE + 1] = [repr(float(charge))]
        replaced[line.first] = " ".join(fields) + (f" {line.comment}" if line.comment else "")
        dropped.update(range(line.first + 1, line.end))
    return "\n".join(
        replaced.get(number, row) for number, row in enumerate(rows) if number not in dropped
    )


def _lines_of(
    molecules: list[_Molecule], system: list[tuple[str, int]], charges: Mapping[int, float]
) -> Iterator[tuple[_Line, float]]:
    """Pairs of an atom's line and its new charge."""
    copies: dict[str, int] = {}
    for name, count in system:
        copies[name] = copies.get(name, 0) + count
    by_name = {molecule.name: molecule for molecule in molecules}
    left = dict(charges)
    start = 1
    for name, count in system:
        atoms = by_name[name].atoms
        end = start + count * len(atoms)
        for atom in [atom for atom in left if start <= atom < end]:
            if copies[name] != 1:
                raise VoxionError(
                    f"Atom {atom}, whose charge a model predicts, belongs to molecule type "
                    f"{name!r}, of which there are {copies[name]}; copies share their charges in a "
                    "topology, so the surface must be a molecule type of its own with one copy in "
                    "[ molecules ]."
                )
            yield atoms[atom - start], left.pop(atom)
        start = end
    if left:
        raise VoxionError(
            f"Atom {min(left)}, whose charge a model predicts, is not in the topology, which has "
            f"{start - 1} atoms: it is not the topology of this run."
        )


def _read(topology: str) -> tuple[list[_Molecule], list[tuple[str, int]]]:
    """Molecule types with their atoms, and the molecules of the system as (type, count)."""
    molecules: list[_Molecule] = []
    system: list[tuple[str, int]] = []
    for line in _data_lines(topology):
        words = line.text.split()
        if line.section == "moleculetype":
            molecules.append(_Molecule(words[0]))
        elif line.section == "atoms" and molecules:
            molecules[-1].atoms.append(line)
        elif line.section == "molecules":
            if len(words) < 2 or not re.fullmatch("[0-9]{1,9}", words[1]):
                raise VoxionError(
                    f"Line {line.first + 1} of the processed topology is none of [ molecules ]: "
                    f"{line.text.strip()!r}."
                )
            system.append((_known_name(words[0], molecules), int(words[1])))
    if not system:
        raise VoxionError("The topology has no [ molecules ].")
    return molecules, system


def _known_name(name: str, molecules: list[_Molecule]) -> str:
    """Name of the molecule type that is meant; upper and lower case matter only among two."""
    names = [molecule.name for molecule in molecules]
    alike = [known for known in names if known.lower() == name.lower()]
    if name not in names and len(alike) != 1:
        raise VoxionError(f"[ molecules ] names {name!r}, which is no molecule type.")
    return name if name in names else alike[0]


def _data_lines(topology: str) -> Iterator[_Line]:
    section = ""
    rows = topology.split("\n")
    number = 0
    while number < len(rows):
        first = number
        whole = rows[number].rstrip()
        # a backslash at the end continues a line, its comment too
        while whole.endswith("\\") and number + 1 < len(rows):
            number += 1
            whole = f"{whole[:-1]} {rows[number].rstrip()}"
        number += 1
        text, semicolon, rest = whole.partition(";")
        if header := re.match(r"\s*\[\s*(.*?)\s*\]", text):
            section = header.group(1).lower()
        elif text.strip() and not text.lstrip().startswith("#"):
            yield _Line(section, text, semicolon + rest, first, number)
