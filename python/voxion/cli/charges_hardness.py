"""The commands `voxion charges hardness`: charges that minimise an energy."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from voxion.cli.charges_training import Shells
from voxion.cli.options import (
    AsJson,
    Force,
    FramesChoice,
    SelectScored,
    frames_to_score,
    output,
    print_json,
    print_path,
)

app = typer.Typer(
    no_args_is_help=True,
    help="Charges that minimise an energy with a learned hardness: exact forces in LAMMPS.",
)
console = Console()

Model = Annotated[Path, typer.Argument(help="Model file of 'train' (JSON).")]
Dataset = Annotated[
    Path, typer.Argument(help="Data set of one flat sheet, not periodic along z (ppf).")
]


@app.command()
def train(
    dataset: Dataset,
    out: Annotated[Path, typer.Option(help="Model file to write (JSON).")],
    shells: Shells = 16,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Learn the hardness of a sheet from its charges, and score it on the last tenth."""
    from voxion.charges.data.opening import open_dataset
    from voxion.charges.data.splits import split_dataset
    from voxion.charges.sampling.sheet_potentials import sheet_potentials
    from voxion.charges.training.hardness import ETA, score
    from voxion.charges.training.hardness import train as run

    data = open_dataset(dataset)
    frames = split_dataset(data).seen
    shown = console.is_terminal and not as_json
    with output(out, force):
        electrostatics = sheet_potentials(data, ETA, progress=shown)
        model = run(data, electrostatics, frames, shells)
        report = score(model, out, data, "held-out", electrostatics)
        model.write(out)
    if as_json:
        print_json(report.to_dict())
        return
    console.print(report.table())
    print_path(console, "Model", out)


@app.command()
def score(
    model: Model,
    dataset: Dataset,
    select: SelectScored = FramesChoice.all,
    as_json: AsJson = False,
) -> None:
    """Score a model on a data set, beside a constant and each atom's own mean."""
    from voxion.charges.data.opening import open_dataset
    from voxion.charges.models.hardness import read_model
    from voxion.charges.training.hardness import score as run

    shown = console.is_terminal and not as_json
    report = run(
        read_model(model),
        model,
        open_dataset(dataset),
        frames_to_score(select),
        progress=shown,
    )
    if as_json:
        print_json(report.to_dict())
    else:
        console.print(report.table())


@app.command()
def export(
    model: Model,
    system: Annotated[Path, typer.Argument(help="Folder of a built system, boundary ppf.")],
    out: Annotated[Path, typer.Option(help="File to write for the read_mat of fix electrode.")],
    force: Force = False,
) -> None:
    """Write the electrode matrix of a system, and print the LAMMPS command that reads it."""
    from voxion.charges.models.hardness import read_model
    from voxion.charges.sampling.electrode_matrix import export_matrix

    with output(out, force):
        command = export_matrix(read_model(model), system, out)
    print_path(console, "Matrix", out)
    console.print(command, soft_wrap=True, markup=False, highlight=False)
