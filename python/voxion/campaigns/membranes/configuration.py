"""Which membranes a campaign simulates, and for how long."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from voxion.activity.data.polymers import check_polymer, read_molecule
from voxion.activity.data.table import CONCENTRATION, WATER, read_rows
from voxion.campaigns import workflow
from voxion.errors import VoxionError
from voxion.files import parse_yaml, read_text
from voxion.systems.membrane.conditions import WaterModel

COLUMNS = ("polymer", "polymer_smiles", "salt", "salt_smiles", WATER, CONCENTRATION)
_ADVICE = "run 'voxion activity simulate' again"

# Names become those of folders.
_Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.+-]{0,39}$")]
_Smiles = Annotated[str, Field(min_length=1, max_length=20_000, pattern=r"^[^\x00-\x1f\x7f]*$")]
_Count = Annotated[int, Field(ge=1, le=10**9)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Membrane(_Part):
    """A membrane with its water, and the solutions outside it (mol/L)."""

    polymer: _Name
    polymer_smiles: _Smiles
    salt: _Name
    salt_smiles: _Smiles
    water_per_ion: Annotated[float, Field(gt=0, le=1000)]
    concentrations: Annotated[
        tuple[Annotated[float, Field(gt=0, le=100)], ...], Field(min_length=1)
    ]

    @property
    def name(self) -> str:
        """Name of its folders."""
        return f"{self.polymer}-{self.salt}-{self.water_per_ion:g}"


class Campaign(_Part):
    """Membranes and the lengths of their runs.

    Attributes
    ----------
    label : str
        Says on the page what these sizes are, such as "reduced".
    membranes : list of Membrane
    seeds : int
        Independent starts of each.
    edge : float
        Estimated edge of the boxes, angstrom.
    water_model : "spce" or "tip3p"
    scale : float
        Length of the 21 steps of the equilibration, in those of Larsen et al.
    block, blocks : int
        Steps of a block in which density and radius of gyration are averaged, and most of them.
    frames, every : int
        Number of configurations, and steps between them.
    processes : int
        MPI processes of each run.
    model : str or None
        Model file of ``voxion activity fit``.
    """

    label: Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]{0,200}$")] = ""
    membranes: Annotated[list[Membrane], Field(min_length=1, max_length=1000)]
    seeds: Annotated[int, Field(ge=1, le=100)] = 2
    edge: Annotated[float, Field(gt=20, le=1000)] = 40.0
    water_model: WaterModel = "spce"
    scale: Annotated[float, Field(gt=0, le=100)] = 1.0
    block: Annotated[int, Field(ge=500, le=10**9)] = 50_000
    blocks: Annotated[int, Field(ge=2, le=10_000)] = 20
    frames: _Count = 1000
    every: _Count = 500
    processes: Annotated[int, Field(ge=1, le=4096)] = 1
    model: Annotated[str, Field(max_length=4000)] | None = None


def read_campaign(path: Path) -> Campaign:
    """Read the ``config.yaml`` of a campaign.

    Raises
    ------
    VoxionError
        It does not hold one; with the first problem.
    """
    return parse_yaml(read_text(path, _ADVICE), Campaign, str(path), _ADVICE)


def read_membranes(path: Path) -> list[Membrane]:
    """Read membranes from a CSV file.

    Parameters
    ----------
    path : Path
        One row for each membrane and concentration of the solution outside; columns `COLUMNS`.

    Raises
    ------
    VoxionError
        A column is missing, a cell does not hold what it should, a molecule cannot be read, or a
        name stands for two molecules; with the line.
    """
    membranes: dict[str, Membrane] = {}
    for line, row in read_rows(path, list(COLUMNS)):
        place = f"{path}, line {line}"
        check_polymer(read_molecule(row["polymer_smiles"], place), place)
        read_molecule(row["salt_smiles"], place)
        numbers = {name: _number(row[name], name, place) for name in (WATER, CONCENTRATION)}
        try:
            one = Membrane(
                **{name: row[name] for name in COLUMNS[:4]},
                water_per_ion=numbers[WATER],
                concentrations=(numbers[CONCENTRATION],),
            )
        except ValueError as error:
            raise VoxionError(f"{place}: {_problem(error)}") from None
        before = membranes.get(one.name)
        if before is not None:
            one = before.model_copy(
                update={"concentrations": before.concentrations + one.concentrations}
            )
        membranes[one.name] = one
        _check_names(list(membranes.values()), row, place)
    if not membranes:
        raise VoxionError(f"{path} has no rows: one per membrane and solution is expected.")
    return list(membranes.values())


def _number(text: str, name: str, place: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise VoxionError(f"{place}: {name} is {text[:40]!r}; a number is expected.") from None


def _problem(error: ValueError) -> str:
    from pydantic import ValidationError

    from voxion.files import first_problem

    return first_problem(error) if isinstance(error, ValidationError) else str(error)


def _check_names(membranes: list[Membrane], row: dict[str, str], place: str) -> None:
    for kind in ("polymer", "salt"):
        for other in membranes:
            if (
                getattr(other, kind) == row[kind]
                and getattr(other, f"{kind}_smiles") != row[f"{kind}_smiles"]
            ):
                raise VoxionError(
                    f"{place}: the {kind} {row[kind]} has another SMILES on an earlier line: give "
                    "it another name."
                )


def claim_folder(folder: Path, campaign: Campaign) -> None:
    """Write a campaign into a folder, or continue the one that is there.

    More membranes, seeds, blocks or frames, and another model, may be asked for.

    Raises
    ------
    VoxionError
        The folder has a campaign with other systems or runs, or something else.
    """
    workflow.claim_folder(folder, campaign, read_campaign, _fixed)


def _fixed(campaign: Campaign) -> dict[str, Any]:
    """Return what runs that were begun depend on."""
    names = ("edge", "water_model", "scale", "block", "every")
    molecules = {
        f"SMILES of {name}": smiles
        for one in campaign.membranes
        for name, smiles in (
            (f"polymer {one.polymer}", one.polymer_smiles),
            (f"salt {one.salt}", one.salt_smiles),
        )
    }
    return {name: getattr(campaign, name) for name in names} | molecules
