"""The commands `voxion charges variational`: an energy that goes with the charges."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from voxion.cli.charges import AsJson, FramesChoice

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
    shells: Annotated[
        int, typer.Option(min=1, help="Neighbour shells, the site itself included.")
    ] = 16,
) -> None:
    """Learn the hardness of a sheet from its charges, and score it on the last tenth."""
    from voxion.charges.data.opening import open_dataset
    from voxion.charges.data.splits import split_frames
    from voxion.charges.sampling.sheet_potentials import sheet_potentials
    from voxion.charges.training.hardness import ETA, score
    from voxion.charges.training.hardness import train as run

    data = open_dataset(dataset)
    frames = split_frames(data.frames, name=str(dataset)).seen
    electrostatics = sheet_potentials(data, ETA, progress=console.is_terminal)
    model = run(data, electrostatics, frames, shells)
    report = score(model, out, data, "held-out", electrostatics)
    model.write(out)
    console.print(report.table())
    console.print(f"Model: {out}", soft_wrap=True)


@app.command()
def score(
    model: Model,
    dataset: Dataset,
    frames: Annotated[
        FramesChoice,
        typer.Option(help="held-out: the last tenth, which training left alone."),
    ] = FramesChoice.all,
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
        "all" if frames is FramesChoice.all else "held-out",
        progress=shown,
    )
    if as_json:
        print(json.dumps(report.to_dict(), indent=2))
    else:
        console.print(report.table())


@app.command()
def export(
    model: Model,
    system: Annotated[Path, typer.Argument(help="Folder of a built system, boundary ppf.")],
    matrix: Annotated[Path, typer.Argument(help="File to write for fix electrode's read_mat.")],
) -> None:
    """Write the matrix of a system's sheets, and tell the LAMMPS command that takes it."""
    from voxion.charges.models.hardness import read_model
    from voxion.charges.sampling.electrode_matrix import export_matrix

    command = export_matrix(read_model(model), system, matrix)
    console.print(f"Matrix: {matrix}", soft_wrap=True)
    console.print(command, soft_wrap=True, markup=False, highlight=False)
