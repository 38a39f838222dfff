"""Writing of LAMMPS data files (``atom_style full``) with type labels."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from voxion.systems.forcefields import AtomType


@dataclass(frozen=True)
class Topology:
    """Atoms, bonds and angles of a system, in the order of their IDs.

    Attributes
    ----------
    types : list of AtomType
        The atom types; `atom_types` counts from 0 in this list.
    atom_types : ndarray [N], int
    molecules : ndarray [N], int
        Molecule IDs from 1.
    charges : ndarray [N], float64
        e.
    positions : ndarray [N, 3], float64
        Angstrom.
    bonds : ndarray [B, 2], int
        Atom IDs from 1, bond type OH.
    angles : ndarray [A, 3], int
        Atom IDs from 1, angle type HOH.
    box : ndarray [3, 2]
        Lower and upper bounds, angstrom.
    """

    types: list[AtomType]
    atom_types: NDArray[np.int64]
    molecules: NDArray[np.int64]
    charges: NDArray[np.float64]
    positions: NDArray[np.float64]
    bonds: NDArray[np.int64]
    angles: NDArray[np.int64]
    box: NDArray[np.float64]


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
        f"{title} (LAMMPS data, units real, atom_style full)",
        "",
        f"{len(topology.positions)} atoms",
        f"{len(topology.bonds)} bonds",
        f"{len(topology.angles)} angles",
        f"{len(topology.types)} atom types",
        "1 bond types",
        "1 angle types",
        "",
    ]
    for axis, (low, high) in zip("xyz", topology.box.tolist(), strict=True):
        lines.append(f"{low!r} {high!r} {axis}lo {axis}hi")
    lines += ["", "Atom Type Labels", ""]
    lines += [f"{i} {kind.name}" for i, kind in enumerate(topology.types, 1)]
    lines += ["", "Bond Type Labels", "", "1 OH", "", "Angle Type Labels", "", "1 HOH"]
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
        lines += [f"{i} OH {a} {b}" for i, (a, b) in enumerate(topology.bonds.tolist(), 1)]
        lines += ["", "Angles", ""]
        lines += [f"{i} HOH {a} {b} {c}" for i, (a, b, c) in enumerate(topology.angles.tolist(), 1)]
    temporary = path.with_name(f".{path.name}.partial")
    temporary.write_text("\n".join(lines) + "\n")
    temporary.replace(path)
