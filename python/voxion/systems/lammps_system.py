"""The files of electrodes in an electrolyte for LAMMPS."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from voxion.systems import conditions
from voxion.systems import forcefields as ff
from voxion.systems.description import SystemDescription
from voxion.systems.lammps_data import Topology, write_lammps_data
from voxion.systems.rendering import render

INPUTS = ("in.init", "in.settings", "in.dynamics", "in.equilibrate", "README.md")


def write_lammps_system(
    folder: Path, system: SystemDescription, topology: Topology, kinds: Sequence[ff.AtomType]
) -> None:
    """Write ``system.data``, ``in.init``, ``in.settings``, ``in.dynamics``, ``in.equilibrate``.

    Parameters
    ----------
    folder : Path
        Exists; ``README.md`` goes there too.
    system : SystemDescription
    topology : Topology
        Lengths in angstrom.
    kinds : sequence of AtomType
        Those of the topology: the electrodes', then the electrolyte's.
    """
    write_lammps_data(folder / "system.data", topology, system.title)
    values = {
        "title": system.title,
        "system": system,
        "boundary": " ".join("p" if periodic else "f" for periodic in system.periodic),
        "cutoff": conditions.CUTOFF,
        "kspace_accuracy": conditions.KSPACE_ACCURACY,
        "slab_factor": system.slab_factor,
        "pairs": ff.pair_coefficients(kinds),
        "bond_stiffness": ff.MINIMISER_BOND_STIFFNESS,
        "bond_length": ff.SPCE_BOND_LENGTH,
        "angle_stiffness": ff.MINIMISER_ANGLE_STIFFNESS,
        "angle": ff.SPCE_ANGLE,
        "surfaces": [(s.group, s.molecule) for s in system.surfaces],
        "wall": None if system.capacitor else system.thickness,
        "wall_epsilon": conditions.WALL_EPSILON,
        "wall_sigma": conditions.WALL_SIGMA,
        "wall_cutoff": f"{conditions.WALL_CUTOFF:.6f}",
        "steps": conditions.EQUILIBRATION_STEPS,
        "seed": system.seed,
        "temperature": system.temperature,
        "timestep": system.timestep,
    }
    for name, text in render("templates", INPUTS, values).items():
        (folder / name).write_text(text)
