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
    typer.Option(
        help="CSV file: polymer, salt, water_per_ion, salt_conc_M, 12 descriptors, gamma_exp. "
        "Without it, the embedded synthetic demo data are taken."
    ),
]
Molecules = Annotated[
    Path | None,
    typer.Option(help="CSV file: kind (polymer or salt), name, smiles of the molecules in DATA."),
]


def data_files(data: Path | None, molecules: Path | None) -> tuple[Path, Path]:
    """Give the two files of a data set, those of the embedded one if none were named.

    Raises
    ------
    VoxionError
        Only one of them was named.
    """
    if data is None and molecules is None:
        return DEMO / "activity.csv", DEMO / "molecules.csv"
    if data is None or molecules is None:
        missing = "--data" if data is None else "--molecules"
        raise VoxionError(f"{missing} is missing: --data and --molecules go together.")
    return data, molecules


def read_given(data: Path | None, molecules: Path | None) -> ActivityData:
    """Read the measured data set that was named, or the embedded one, and say so."""
    from voxion.activity.data.table import read_activity

    files = data_files(data, molecules)
    if data is None:
        typer.echo("No --data: the embedded demo data are taken, which are synthetic.", err=True)
    return read_activity(*files)
