"""Description of a built system, in a file (``system.json``) that the engines read."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field, model_validator

from voxion.arrays import MAX_ATOMS
from voxion.errors import VoxionError
from voxion.files import read_json
from voxion.systems import SYSTEM_FILE

Engine = Literal["lammps", "gromacs"]
ENGINES: tuple[Engine, ...] = get_args(Engine)
NEUTRAL = 1e-6  # e; a total charge below is none

# Names become words of the engines' commands.
_Name = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,63}$")]
_Line = Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]{0,1000}$")]
_Count = Annotated[int, Field(ge=1, le=MAX_ATOMS)]
_Charge = Annotated[float, Field(ge=-1e6, le=1e6)]
_Height = Annotated[float, Field(ge=-1e6, le=1e6)]
_Edge = Annotated[float, Field(gt=0, le=1e6)]


class Species(BaseModel):
    """Atoms of one type in the electrolyte: charge (e) and number."""

    name: _Name
    charge: Annotated[float, Field(ge=-100, le=100)]
    count: _Count


class Surface(BaseModel):
    """One electrode: its group, molecule ID, element, number of atoms and total charge (e)."""

    group: _Name
    molecule: _Count
    element: _Name = "C"
    atoms: _Count
    charge: _Charge


class SystemDescription(BaseModel):
    """A system on disk: what its files hold and how it is bounded."""

    model_config = ConfigDict(extra="forbid")

    title: _Line
    engine: Engine = "lammps"  # that the files are for
    surfaces: Annotated[list[Surface], Field(min_length=1, max_length=2)]
    species: Annotated[list[Species], Field(min_length=1, max_length=100)]
    waters: Annotated[int, Field(ge=0, le=MAX_ATOMS)]
    molarity: Annotated[float, Field(ge=0, le=100)]  # mol per litre of the liquid's volume
    edges: tuple[_Edge, _Edge]  # lateral, angstrom
    thickness: _Edge  # from the (lower) electrode to the wall or the upper one, angstrom
    box_z: tuple[_Height, _Height]  # angstrom
    periodic: tuple[bool, bool, bool]
    # Height of the Ewald box over that of the box (LAMMPS: kspace_modify slab, GROMACS:
    # wall-ewald-zfac); None in a fully periodic box
    slab_factor: Annotated[float, Field(ge=1, le=1e6)] | None
    timestep: Annotated[float, Field(gt=0, le=1000)]  # fs
    temperature: Annotated[float, Field(gt=0, le=1e6)]  # K
    seed: Annotated[int, Field(ge=1, lt=2**63)]
    sources: Annotated[list[_Line], Field(max_length=100)]  # of the force-field constants
    voxion_version: _Line

    @model_validator(mode="after")
    def _parts_fit(self) -> SystemDescription:
        low, high = self.box_z
        if not low < high or self.thickness > high - low:
            raise ValueError(
                f"box_z is {low:g} to {high:g} A for a thickness of {self.thickness:g} A"
            )
        if (self.slab_factor is None) != self.periodic[2]:
            raise ValueError(
                f"slab_factor is {self.slab_factor}, periodic along z is {self.periodic[2]}: it "
                "belongs to a box that is not"
            )
        for what, names in (
            ("species", [species.name for species in self.species]),
            ("groups", [surface.group for surface in self.surfaces]),
        ):
            if len(set(names)) < len(names):
                raise ValueError(f"the {what} {', '.join(names)} are not different")
        counts = {species.name: species.count for species in self.species}
        if counts.get("O", 0) != self.waters or counts.get("H", 0) != 2 * self.waters:
            raise ValueError(
                f"{self.waters} waters have not {counts.get('O', 0)} O and {counts.get('H', 0)} H"
            )
        total = sum(species.charge * species.count for species in self.species)
        total += sum(surface.charge for surface in self.surfaces)
        if abs(total) > NEUTRAL:
            raise ValueError(f"the charges of species and surfaces sum to {total:g} e, not to 0")
        return self

    @property
    def capacitor(self) -> bool:
        """True if a second electrode stands where a single one has a wall."""
        return len(self.surfaces) == 2


def load_system(folder: str | Path, engine: Engine = "lammps") -> SystemDescription:
    """Read the description of a built system.

    Parameters
    ----------
    folder : path
    engine : "lammps" or "gromacs"
        That the system's files are wanted for.

    Raises
    ------
    VoxionError
        The folder holds no built system, or one for another engine.
    """
    path = Path(folder) / SYSTEM_FILE
    if not path.exists():
        raise VoxionError(
            f"{folder} holds no built system (no {SYSTEM_FILE}): build one with "
            "'voxion systems graphene' or 'electrodes'."
        )
    system = read_json(path, SystemDescription, "build the system again")
    if system.engine != engine:
        raise VoxionError(
            f"{folder} holds a system for {system.engine}, where one for {engine} is needed: "
            f"build it with 'voxion systems ... --engine {engine}'."
        )
    return system
