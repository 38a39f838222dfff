"""The command line `voxion charges`: train, export and score models of the surface charges."""

from __future__ import annotations

import json
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from voxion.charges.defaults import CUTOFF, FOLDS, SHELLS, WIDTHS

app = typer.Typer(no_args_is_help=True, help="Models of the charges on a polarisable surface.")
console = Console()


class ModelChoice(str, Enum):
    """Which model."""

    site_potentials = "site-potentials"
    tight_binding = "tight-binding"
    paper = "paper"


class SplitChoice(str, Enum):
    """How frames are split."""

    time = "time"
    random = "random"


class FramesChoice(str, Enum):
    """Which frames are scored."""

    all = "all"
    held_out = "held-out"


Datasets = Annotated[
    list[Path], typer.Argument(help="Data sets with charges: Zarr folders or HDF5 files.")
]
Model = Annotated[
    ModelChoice,
    typer.Option(
        help="site-potentials: linear response to the potential of ions and water, any system of "
        "the same sheet material. tight-binding: with the electrons of the sheet, which know the "
        "total charge. paper: the network of Di Pasquale et al. on ion coordinates, "
        "one system."
    ),
]
Out = Annotated[Path, typer.Option(help="Training folder.")]
Seed = Annotated[int, typer.Option(help="Of weights, batches and a random split.")]
Epochs = Annotated[
    int,
    typer.Option(
        min=0,
        help="Most epochs; trainings stop earlier by themselves. 0: the linear response alone.",
    ),
]
Split = Annotated[
    SplitChoice,
    typer.Option(help="time: contiguous parts, honest for trajectories. random: as in the paper."),
]
Constraint = Annotated[
    float, typer.Option(min=0, help="lambda of the paper's loss, eq. 3 (paper's network only).")
]
Widths = Annotated[
    list[float],
    typer.Option("--width", help="Inverse width of a smeared potential, 1/angstrom; repeatable."),
]
Cutoff = Annotated[float, typer.Option(help="Cutoff of the potentials, angstrom.")]
Shells = Annotated[int, typer.Option(min=1, help="Neighbour shells, the site itself included.")]
Threads = Annotated[int, typer.Option(min=1, help="Threads of torch.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def train(
    datasets: Datasets,
    out: Out,
    model: Model = ModelChoice.site_potentials,
    resume: Annotated[bool, typer.Option("--resume", help="Continue the training in OUT.")] = False,
    seed: Seed = 0,
    epochs: Epochs = 2000,
    split: Split = SplitChoice.time,
    constraint: Constraint = 1.0,
    width: Widths = list(WIDTHS),  # noqa: B006  typer copies defaults
    cutoff: Cutoff = CUTOFF,
    shells: Shells = SHELLS,
    threads: Threads = 1,
) -> None:
    """Train a model, export it to OUT/model.pt and score it on frames it has not seen."""
    from voxion.charges.training.run import make_settings
    from voxion.charges.training.run import train as run

    settings = make_settings(
        datasets,
        model=model.value,
        seed=seed,
        epochs=epochs,
        split=split.value,
        constraint=constraint,
        radial_functions={"widths": width, "cutoff": cutoff},
        shells=shells,
    )
    result = run(settings, out, resume=resume, threads=threads, progress=console.is_terminal)
    for name, value in result.summary.items():
        console.print(f"{name.replace('_', ' ')}: {value}")
    for scores in result.scores:
        console.print(scores.table())
    console.print(f"Model: {result.model_path}", soft_wrap=True)


@app.command()
def export(
    folder: Annotated[Path, typer.Argument(help="Folder of a finished training.")],
    model: Annotated[Path, typer.Argument(help="Model file to write.")],
) -> None:
    """Write the model of a training folder as TorchScript, checked in Python and in C++."""
    from voxion.charges.training.export import export_model

    path = export_model(folder, model)
    console.print(f"Model: {path} ({path.stat().st_size / 1e6:.2f} MB)", soft_wrap=True)


@app.command()
def score(
    model: Annotated[Path, typer.Argument(help="Exported model.")],
    dataset: Annotated[Path, typer.Argument(help="Data set with charges.")],
    frames: Annotated[
        FramesChoice,
        typer.Option(help="held-out: the last tenth, which a training split by time left alone."),
    ] = FramesChoice.all,
    as_json: AsJson = False,
) -> None:
    """Score a model's charges and the forces from them, beside a constant and atoms' means."""
    from voxion.charges.evaluation.scores import score as run

    shown = console.is_terminal and not as_json
    result = run(model, dataset, "all" if frames is FramesChoice.all else "held-out", shown)
    if as_json:
        print(json.dumps(result.to_dict(), indent=2))
        return
    console.print(result.table())
    if result.forces is not None:
        console.print(result.forces.table())
    else:
        console.print(f"No errors of forces: {result.no_forces}", soft_wrap=True)


@app.command("cross-validate")
def cross_validate(
    datasets: Datasets,
    out: Out,
    model: Model = ModelChoice.site_potentials,
    folds: Annotated[int, typer.Option(min=2, help="Number of folds.")] = FOLDS,
    seed: Seed = 0,
    epochs: Epochs = 2000,
    split: Split = SplitChoice.time,
    constraint: Constraint = 1.0,
    threads: Threads = 1,
    as_json: AsJson = False,
) -> None:
    """Train on all folds of the training set but one, in turn, and score on the one left out."""
    from voxion.charges.training.run import cross_validate as run
    from voxion.charges.training.run import cross_validation_table, make_settings

    settings = make_settings(
        datasets,
        model=model.value,
        seed=seed,
        epochs=epochs,
        split=split.value,
        constraint=constraint,
    )
    reports = run(settings, out, folds=folds, threads=threads, progress=console.is_terminal)
    if as_json:
        print(json.dumps([one.to_dict() for one in reports], indent=2))
    else:
        console.print(cross_validation_table(reports))
