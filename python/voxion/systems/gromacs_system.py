"""The files of electrodes in an electrolyte for GROMACS: force field and coordinates of LAMMPS's.

Energies and forces agree with LAMMPS's, except for the wall, whose form GROMACS does not know.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import radians, sin, sqrt
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.constants import gas_constant

from voxion.errors import VoxionError
from voxion.systems import conditions
from voxion.systems import forcefields as ff
from voxion.systems.description import Surface, SystemDescription
from voxion.systems.gromacs_files import write_gro, write_index
from voxion.systems.lammps_data import Topology
from voxion.systems.rendering import render

INPUTS = ("topol.top", "em.mdp", "equilibrate.mdp", "md.mdp", "README.md")

# GROMACS sees one image of each pair only, within the cutoff and a buffer for the motion between
# pair searches (0.0 to 0.3 A at 10 steps of 2 fs, 0.6 to 0.9 A where mdrun chooses 50).
SMALLEST_EDGE = 2 * (conditions.CUTOFF + 1.0)  # angstrom
# The pair search leaves out the charges of atoms that begin with none, so a neutral electrode
# begins with these, of alternating sign, e.
NEUTRAL_ATOM = 1e-6
# With splines of order 4 and 1e-5 at the cutoff, forces err by 0.3 kJ/mol/nm (root mean square);
# KSPACE_ACCURACY asks for 1.4 of LAMMPS.
MESH = 0.12  # nm

KT = gas_constant / 1000 * conditions.TEMPERATURE  # kJ/mol
_NM = 0.1  # of an angstrom


def check_gromacs_edges(edges: tuple[float, float]) -> None:
    """Refuse an electrode that GROMACS cannot run.

    Raises
    ------
    VoxionError
        An edge (angstrom) is shorter than twice the cutoff and its buffer.
    """
    if min(edges) < SMALLEST_EDGE:
        raise VoxionError(
            f"The electrode is {edges[0]:.1f} x {edges[1]:.1f} A; for GROMACS both edges must be "
            f"at least {SMALLEST_EDGE:g} A, twice the cutoff and its buffer: use more cells."
        )


def write_gromacs_system(
    folder: Path, system: SystemDescription, topology: Topology, kinds: Sequence[ff.AtomType]
) -> None:
    """Write ``conf.gro``, ``topol.top``, ``index.ndx`` and the three ``.mdp``.

    Parameters
    ----------
    folder : Path
        Exists; ``README.md`` goes there too, and ``restraints.gro`` if the box is periodic along z
        and has a wall.
    system : SystemDescription
    topology : Topology
        Lengths in angstrom.
    kinds : sequence of AtomType
        Those of the topology: the electrodes', then the electrolyte's.
    """
    atoms, box = _residues(system), [_NM * e for e in (*system.edges, system.box_z[1])]
    positions = _NM * topology.positions
    wall, periodic = not system.capacitor, system.periodic[2]
    write_gro(folder / "conf.gro", system.title, positions, atoms, box)
    groups = index_groups(system, topology)
    write_index(folder / "index.ndx", groups)
    layer = layer_restraint(system.thickness)
    if wall and periodic:
        positions = positions.copy()
        positions[:, 2] = layer["center"]
        write_gro(folder / "restraints.gro", "centre of the layer", positions, atoms, box)
    values = {
        "system": system,
        "face": float(topology.positions[topology.molecules == 1, 2].max()),
        "surfaces": [(s.group, s.element, _atom_charges(s)) for s in system.surfaces],
        "types": kinds,
        "electrolyte": [kind for kind in kinds if kind.charge],
        "charge_of": {kind.name: kind.charge for kind in kinds},
        "kj": ff.KCAL,
        "nm": _NM,
        "exceptions": exceptions_from_mixing(kinds),
        "hydrogens_apart": 2 * _NM * ff.SPCE_BOND_LENGTH * sin(radians(ff.SPCE_ANGLE / 2)),
        "ff": ff,
        "wall": wall and not periodic,
        "wall_sigma": _NM * kt_distance(),
        "wall_epsilon": KT / 4,
        "layer": layer if wall and periodic else None,
        "cutoff": _NM * conditions.CUTOFF,
        "mesh": MESH,
        "ions": "ions" in groups,
        "steps": conditions.EQUILIBRATION_STEPS,
        "reference": " -r restraints.gro" if wall and periodic else "",
    }
    for name, text in render("templates/gromacs", INPUTS, values).items():
        (folder / name).write_text(text)


def kt_distance() -> float:
    """Distance (angstrom) from LAMMPS's wall at which its energy is kT.

    LAMMPS's ``wall/lj93``, cut at its minimum and shifted, is
    ``epsilon (2/15 y^3 - y + sqrt(10)/3)`` with ``y = (sigma/r)^3``; the minimum is at
    ``y^2 = 5/2``, and the wall is at larger y.
    """
    kt = KT / (ff.KCAL * conditions.WALL_EPSILON)
    roots = np.roots([2 / 15, 0.0, -1.0, sqrt(10) / 3 - kt])
    y = float(roots.real.max())
    return conditions.WALL_SIGMA * y ** (-1 / 3)


def layer_restraint(thickness: float) -> dict[str, float]:
    """Flat-bottomed restraint that stands for the wall in a box that is periodic along z.

    It is free from the electrode to where LAMMPS's wall begins, and harmonic from there on, with kT
    where LAMMPS's wall has it.

    Parameters
    ----------
    thickness : float
        Distance from the electrode to the wall, angstrom.

    Returns
    -------
    dict
        ``center`` and ``radius`` of the free layer (nm), ``stiffness`` (kJ/mol/nm^2).
    """
    top = _NM * (thickness - conditions.WALL_CUTOFF)
    rise = _NM * (conditions.WALL_CUTOFF - kt_distance())
    return {"center": top / 2, "radius": top / 2, "stiffness": 2 * KT / rise**2}


def exceptions_from_mixing(
    types: Sequence[ff.AtomType],
) -> list[tuple[str, str, float, float, str]]:
    """Pairs whose Lennard-Jones coefficients are not those of Lorentz-Berthelot mixing.

    Returns
    -------
    list of (type, type, epsilon kcal/mol, sigma angstrom, remark)
    """
    named = {kind.name: kind for kind in types}
    rows = []
    for row in ff.pair_coefficients(types):
        first, second, (epsilon, sigma) = named[row[0]], named[row[1]], row[2:4]
        mixed = (sqrt(first.epsilon * second.epsilon), 0.5 * (first.sigma + second.sigma))
        # without a depth, the width does not matter
        if not np.isclose(epsilon, mixed[0]) or (epsilon and not np.isclose(sigma, mixed[1])):
            rows.append(row)
    return rows


def index_groups(system: SystemDescription, topology: Topology) -> dict[str, NDArray[np.bool_]]:
    """Find the groups of the index file: the LAMMPS groups by their names, and water and ions.

    Returns
    -------
    dict of name to ndarray [N], bool
    """
    names = np.array([kind.name for kind in topology.types])[topology.atom_types]
    surface = np.isin(topology.molecules, [s.molecule for s in system.surfaces])
    groups = {"System": np.ones(len(names), bool), "surface": surface, "electrolyte": ~surface}
    if system.capacitor:
        groups |= {s.group: topology.molecules == s.molecule for s in system.surfaces}
    groups["water"] = np.isin(names, ["O", "H"])
    ions = np.isin(names, ["Na", "Cl"])
    return groups | ({"ions": ions} if ions.any() else {})


def _atom_charges(surface: Surface) -> list[float]:
    if surface.charge == 0.0:
        pairs, single = divmod(surface.atoms, 2)
        # of an odd number, three share two such charges
        last = [NEUTRAL_ATOM, -NEUTRAL_ATOM / 2, -NEUTRAL_ATOM / 2] if single else []
        return [NEUTRAL_ATOM, -NEUTRAL_ATOM] * (pairs - single) + last
    return [surface.charge / surface.atoms] * surface.atoms


def _residues(system: SystemDescription) -> list[tuple[int, str, str]]:
    """Residue number and name, and atom name, of all atoms in the order of the topology."""
    molecules: list[tuple[str, list[str], int]] = [
        ("ELE", [surface.element] * surface.atoms, 1) for surface in system.surfaces
    ]
    molecules.append(("SOL", ["OW", "HW1", "HW2"], system.waters))
    molecules += [
        (species.name.upper(), [species.name], species.count)
        for species in system.species
        if species.name in ("Na", "Cl")
    ]
    rows: list[tuple[int, str, str]] = []
    number = 0
    for residue, names, count in molecules:
        for _ in range(count):
            number += 1
            rows += [(number, residue, name) for name in names]
    return rows
