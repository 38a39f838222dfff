"""Constants of a united-atom force field, from a YAML file with the source of each of them.

Units are those of LAMMPS ``units real``: angstrom, kcal/mol, e, g/mol, degrees.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Annotated, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator

from voxion.errors import VoxionError
from voxion.files import parse_yaml, read_text

_ADVICE = "copy one of the files in voxion/systems/united_atom/beads and change its numbers"
# Beads that the molecules are made of; CF3 only ends perfluoroalkanes.
BEADS = ("CF2", "CF3", "S", "O3", "OH", "HH", "OW", "HW")
_NEUTRAL = 1e-9  # e

_Name = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,15}$")]
_Source = Annotated[str, Field(min_length=1, max_length=1000)]
_Positive = Annotated[float, Field(gt=0, le=1e6)]
_NotNegative = Annotated[float, Field(ge=0, le=1e6)]


class _Entry(BaseModel):
    model_config = ConfigDict(extra="forbid")
    source: _Source


class Bead(_Entry):
    """Formula, mass (g/mol), charge (e), Lennard-Jones epsilon (kcal/mol) and sigma (angstrom)."""

    formula: Annotated[str, Field(pattern=r"^[A-Za-z0-9]{1,40}$")]
    mass: _Positive
    charge: Annotated[float, Field(ge=-10, le=10)]
    epsilon: _NotNegative
    sigma: Annotated[float, Field(ge=0, le=20)]
    bonded_as: _Name | None = None  # the bead whose bonds, angles and dihedrals it has


class Bond(_Entry):
    """Harmonic bond: stiffness (kcal/mol/angstrom^2) and length (angstrom)."""

    beads: tuple[_Name, _Name]
    stiffness: _Positive
    length: Annotated[float, Field(gt=0, le=20)]


class Angle(_Entry):
    """Harmonic angle: stiffness (kcal/mol/rad^2) and angle (degrees)."""

    beads: tuple[_Name, _Name, _Name]
    stiffness: _Positive
    angle: Annotated[float, Field(gt=0, le=180)]


class Dihedral(_Entry):
    """Polynomial in the cosine (kcal/mol), trans at 180 degrees; no coefficients: no term."""

    beads: tuple[_Name, _Name, _Name, _Name]
    coefficients: Annotated[list[Annotated[float, Field(ge=-1e6, le=1e6)]], Field(max_length=20)]


Bonded = TypeVar("Bonded", Bond, Angle, Dihedral)


class Nonbonded(_Entry):
    """Cutoff (angstrom) and damping (1/angstrom) of the damped shifted force."""

    cutoff: Annotated[float, Field(ge=5, le=50)]
    damping: Annotated[float, Field(gt=0, le=2)]


class RigidGeometry(_Entry):
    """Bond length (angstrom) and H-O-H angle (degrees) of a rigid molecule."""

    bond_length: Annotated[float, Field(gt=0.5, le=2)]
    angle: Annotated[float, Field(gt=60, lt=120)]  # a pyramid of three bonds is flat at 120


class ForceField(BaseModel):
    """All constants of the united-atom systems."""

    model_config = ConfigDict(extra="forbid")

    title: Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]{1,200}$")]
    beads: dict[_Name, Bead]
    bonds: list[Bond]
    angles: list[Angle]
    dihedrals: list[Dihedral]
    nonbonded: Nonbonded
    water: RigidGeometry
    hydronium: RigidGeometry

    @model_validator(mode="after")
    def _complete(self) -> ForceField:
        missing = [name for name in BEADS if name not in self.beads]
        if missing:
            raise ValueError(f"the beads {', '.join(missing)} are missing")
        for name, bead in self.beads.items():
            if bead.epsilon > 0 and bead.sigma == 0:
                raise ValueError(f"bead {name} has an epsilon and no sigma")
        for molecule, members in (
            ("a water molecule", {"OW": 1, "HW": 2}),
            ("a head and its hydronium", {"S": 1, "O3": 1, "OH": 1, "HH": 3}),
            ("a backbone bead", {"CF2": 1}),
            ("an end of a perfluoroalkane", {"CF3": 1}),
        ):
            charge = sum(self.beads[name].charge * number for name, number in members.items())
            if abs(charge) > _NEUTRAL:
                raise ValueError(f"{molecule} has a charge of {charge:g} e, not 0")
        for what in ("bonds", "angles", "dihedrals"):
            for entry in getattr(self, what):
                unknown = [name for name in entry.beads if name not in self.beads]
                if unknown:
                    raise ValueError(f"{what} name the bead {unknown[0]}, which is not defined")
        return self

    def bonded_name(self, bead: str) -> str:
        """Return the bead under whose name bonds, angles and dihedrals list a bead."""
        return self.beads[bead].bonded_as or bead

    def find(self, entries: Sequence[Bonded], beads: Sequence[str]) -> Bonded:
        """Return that of `bonds`, `angles` or `dihedrals` which is for these beads.

        Raises
        ------
        VoxionError
            There is none.
        """
        names = tuple(self.bonded_name(bead) for bead in beads)
        for entry in entries:
            if entry.beads in (names, names[::-1]):
                return entry
        raise VoxionError(
            f"The force field '{self.title}' has no entry for {'-'.join(names)}, which are bonded "
            f"in this system; {_ADVICE}."
        )

    def water_positions(self) -> NDArray[np.float64]:
        """Return the positions of O, H, H of a water molecule, [3, 3], angstrom."""
        half = np.radians(self.water.angle / 2)
        x, y = self.water.bond_length * np.sin(half), self.water.bond_length * np.cos(half)
        return np.array([[0.0, 0.0, 0.0], [x, y, 0.0], [-x, y, 0.0]])

    def hydronium_positions(self) -> NDArray[np.float64]:
        """Return the positions of O, H, H, H of a hydronium ion, [4, 3], angstrom."""
        # hydrogens on a circle, whose chords are the distances of the hydrogens
        length = self.hydronium.bond_length
        radius = 2 * length * np.sin(np.radians(self.hydronium.angle / 2)) / np.sqrt(3)
        height = np.sqrt(length**2 - radius**2)
        around = np.arange(3) * 2 * np.pi / 3
        hydrogens = np.stack([radius * np.cos(around), radius * np.sin(around), [height] * 3])
        return np.concatenate([np.zeros((1, 3)), hydrogens.T])


def built_in() -> list[str]:
    """Return the names of the force fields that come with the package."""
    folder = resources.files(__package__) / "beads"
    return sorted(file.name.removesuffix(".yaml") for file in folder.iterdir())


def load_forcefield(name: str | Path = "real") -> ForceField:
    """Read a force field.

    Parameters
    ----------
    name : str or Path
        One of `built_in`, or a file of the same form.

    Raises
    ------
    VoxionError
        There is no such file, or it does not hold what it should; with the first problem.
    """
    if str(name) in built_in():
        text = (resources.files(__package__) / "beads" / f"{name}.yaml").read_text()
    else:
        text = read_text(
            Path(name), f"give one of {', '.join(built_in())}, or a file such as theirs"
        )
    return parse_yaml(text, ForceField, str(name), _ADVICE)
