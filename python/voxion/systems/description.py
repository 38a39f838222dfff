"""What a built system is, in a file (``system.json``) that the engines read."""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from voxion.errors import VoxionError


class Species(BaseModel):
    """Atoms of one type in the electrolyte: charge (e) and number."""

    name: str
    charge: float
    count: int


class Surface(BaseModel):
    """One electrode: its LAMMPS group, molecule ID, number of atoms and total charge (e)."""

    group: str
    molecule: int
    atoms: int
    charge: float


class SystemDescription(BaseModel):
    """A system on disk: what its files hold and how it is bounded."""

    model_config = ConfigDict(extra="forbid")

    title: str
    surfaces: list[Surface]
    species: list[Species]
    waters: int
    molarity: float  # mol per litre of the liquid's volume
    edges: tuple[float, float]  # lateral, angstrom
    thickness: float  # from the (lower) sheet to the wall or the upper sheet, angstrom
    box_z: tuple[float, float]  # angstrom
    periodic: tuple[bool, bool, bool]
    slab_factor: float | None  # of kspace_modify slab, None in a fully periodic box
    timestep: float  # fs
    temperature: float  # K
    seed: int
    sources: list[str]  # of the force-field constants
    voxion_version: str


def load_system(folder: str | Path) -> SystemDescription:
    """Read the description of a built system.

    Raises
    ------
    VoxionError
        The folder holds no built system.
    """
    path = Path(folder) / "system.json"
    try:
        return SystemDescription.model_validate_json(path.read_text())
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
