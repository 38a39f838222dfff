"""Options that the commands of `voxion activity` share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from voxion.activity.demo import DEMO
from voxion.errors import VoxionError

if TYPE_CHECKING:
    from voxion.activity.data.table import ActivityData

Data = Annotated[
    Path | None,
    typer.Argument(
        help="CSV file: polymer, salt, water_per_ion, salt_conc_M (mol/L), 12 descriptors, "
        "gamma_exp.",
        show_default="the embedded synthetic data",
    ),
]
Molecules = Annotated[
    Path | None,
    typer.Argument(help="CSV file: kind (polymer or salt), name, smiles of the molecules in DATA."),
]


def data_files(data: Path | None, molecules: Path | None) -> tuple[Path, Path]:
    """Return the two files of a data set, those of the embedded one if none were named.

    Raises
    ------
    VoxionError
        Only `data` was named.
    """
    if data is None:
        return DEMO / "activity.csv", DEMO / "molecules.csv"
    if molecules is None:
        raise VoxionError(f"The file of the molecules in {data} is missing: name it after {data}.")
    return data, molecules


def read_given(data: Path | None, molecules: Path | None) -> ActivityData:
    """Read the data set that was named, or the embedded one, with a note of this."""
    from voxion.activity.data.table import read_activity

    files = data_files(data, molecules)
    if data is None:
        typer.echo("No data named: using the embedded demo data, which are synthetic.", err=True)
    return read_activity(*files)
