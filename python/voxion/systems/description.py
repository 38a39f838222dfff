"""What a built system is, in a file (``system.json``) that the engines read."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, get_args

from pydantic import BaseModel, ConfigDict, ValidationError

from voxion.errors import VoxionError

Engine = Literal["lammps", "gromacs"]
ENGINES: tuple[Engine, ...] = get_args(Engine)


class Species(BaseModel):
    """Atoms of one type in the electrolyte: charge (e) and number."""

    name: str
    charge: float
    count: int


class Surface(BaseModel):
    """One electrode: its group, molecule ID, number of atoms and total charge (e)."""

    group: str
    molecule: int
    atoms: int
    charge: float


class SystemDescription(BaseModel):
    """A system on disk: what its files hold and how it is bounded."""

    model_config = ConfigDict(extra="forbid")

    title: str
    engine: Engine = "lammps"  # that the files are for
    surfaces: list[Surface]
    species: list[Species]
    waters: int
    molarity: float  # mol per litre of the liquid's volume
    edges: tuple[float, float]  # lateral, angstrom
    thickness: float  # from the (lower) sheet to the wall or the upper sheet, angstrom
    box_z: tuple[float, float]  # angstrom
    periodic: tuple[bool, bool, bool]
    # Height of the Ewald box over that of the box (LAMMPS: kspace_modify slab, GROMACS:
    # wall-ewald-zfac); None in a fully periodic box
    slab_factor: float | None
    timestep: float  # fs
    temperature: float  # K
    seed: int
    sources: list[str]  # of the force-field constants
    voxion_version: str

    @property
    def capacitor(self) -> bool:
        """Whether a second sheet stands where a single one has a wall."""
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
    path = Path(folder) / "system.json"
    try:
        system = SystemDescription.model_validate_json(path.read_text())
    except FileNotFoundError:
        raise VoxionError(
            f"{folder} holds no built system (no system.json): build one with "
            "'voxion systems graphene'."
        ) from None
    except ValidationError as error:
        raise VoxionError(
            f"{path} does not describe a system: {error.errors()[0]['msg']} "
            f"at {error.errors()[0]['loc']}; build it again."
        ) from None
    if system.engine != engine:
        raise VoxionError(
            f"{folder} holds a system for {system.engine}, where one for {engine} is needed: "
            f"build it with 'voxion systems graphene ... --engine {engine}'."
        )
    return system
