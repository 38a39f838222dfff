"""Writing of LAMMPS data files (``atom_style full``) with type labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from voxion.files import replacing


class AtomKind(Protocol):
    """What a data file holds of an atom type."""

    @property
    def name(self) -> str:
        """Type label."""

    @property
    def mass(self) -> float:
        """In the units of the system."""


@dataclass(frozen=True)
class Topology:
    """Atoms, bonds and angles of a system, in the order of their IDs.

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
    bonds : ndarray [B, 2], int
        Atom IDs from 1.
    angles : ndarray [A, 3], int
        Atom IDs from 1; none at all makes a file without angle types.
    box : ndarray [3, 2]
        Lower and upper bounds.
    bond_type, angle_type : str
        Labels of the one type of bonds and of angles.
    units : str
        LAMMPS unit style.
    """

    types: Sequence[AtomKind]
    atom_types: NDArray[np.int64]
    molecules: NDArray[np.int64]
    charges: NDArray[np.float64]
    positions: NDArray[np.float64]
    bonds: NDArray[np.int64]
    angles: NDArray[np.int64]
    box: NDArray[np.float64]
    bond_type: str = "OH"
    angle_type: str = "HOH"
    units: str = "real"


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
    angles = len(topology.angles) > 0
    lines = [
        f"{title} (LAMMPS data, units {topology.units}, atom_style full)",
        "",
        f"{len(topology.positions)} atoms",
        f"{len(topology.bonds)} bonds",
        f"{len(topology.angles)} angles",
        f"{len(topology.types)} atom types",
        "1 bond types",
        *(["1 angle types"] if angles else []),
        "",
    ]
    for axis, (low, high) in zip("xyz", topology.box.tolist(), strict=True):
        lines.append(f"{low!r} {high!r} {axis}lo {axis}hi")
    lines += ["", "Atom Type Labels", ""]
    lines += [f"{i} {kind.name}" for i, kind in enumerate(topology.types, 1)]
    lines += ["", "Bond Type Labels", "", f"1 {topology.bond_type}"]
    if angles:
        lines += ["", "Angle Type Labels", "", f"1 {topology.angle_type}"]
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
    if len(topology.bonds):
        lines += ["", "Bonds", ""]
        kind = topology.bond_type
        lines += [f"{i} {kind} {a} {b}" for i, (a, b) in enumerate(topology.bonds.tolist(), 1)]
    if angles:
        lines += ["", "Angles", ""]
        kind = topology.angle_type
        rows_of_three = enumerate(topology.angles.tolist(), 1)
        lines += [f"{i} {kind} {a} {b} {c}" for i, (a, b, c) in rows_of_three]
    with replacing(path) as temporary:
        temporary.write_text("\n".join(lines) + "\n")
