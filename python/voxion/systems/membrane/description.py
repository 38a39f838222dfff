"""Description of a built membrane, in its ``system.json``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from voxion.arrays import MAX_ATOMS
from voxion.files import read_json
from voxion.systems.membrane.conditions import WaterModel

_Line = Annotated[str, Field(max_length=100_000, pattern=r"^[^\x00-\x1f\x7f]*$")]
_Count = Annotated[int, Field(ge=0, le=MAX_ATOMS)]


class Ion(BaseModel):
    """Mobile ions of one kind: name, charge (e) and number."""

    model_config = ConfigDict(extra="forbid")

    name: _Line
    charge: Annotated[int, Field(ge=-10, le=10)]
    count: _Count


class Selections(BaseModel):
    """Atoms that the solvation descriptors are of, in MDAnalysis' language for ``system.gro``.

    Of a fixed charge there may be several, such as the oxygens of a sulfonate.
    """

    model_config = ConfigDict(extra="forbid")

    counter_ion: _Line
    tethered: _Line
    water: _Line
    atoms_per_charge: Annotated[float, Field(gt=0, le=100)]


class MembraneDescription(BaseModel):
    """What the files of a built membrane hold."""

    model_config = ConfigDict(extra="forbid")

    title: _Line
    kind: Literal["membrane"] = "membrane"
    polymer: _Line  # SMILES
    salt: _Line  # SMILES
    chains: _Count
    chain_atoms: _Count
    tethered: _Count  # fixed charges of all chains
    water_model: WaterModel
    waters: _Count
    ions: Annotated[list[Ion], Field(max_length=10)]
    edge: Annotated[float, Field(gt=0, le=1e6)]  # of the cube at the start, angstrom
    target_edge: Annotated[float, Field(gt=0, le=1e6)]  # estimate of the final one, angstrom
    temperature: float  # K
    pressure: float  # atm
    timestep: float  # fs
    seed: int
    selections: Selections
    guessed: list[_Line]  # force-field terms that GAFF2 has nothing close to
    sources: list[_Line]
    voxion_version: _Line


def read_membrane(path: Path) -> MembraneDescription:
    """Read the ``system.json`` of a membrane.

    Raises
    ------
    VoxionError
        It is not there, or that of another kind of system.
    """
    return read_json(path, MembraneDescription, "build it with 'voxion systems membrane'")
