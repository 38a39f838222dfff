"""The commands of `voxion charges` that train models: train, cross-validate, export."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from voxion.charges.defaults import CUTOFF, FOLDS, SHELLS, WIDTHS
from voxion.cli.options import (
    AsJson,
    Cutoff,
    Force,
    Resume,
    Seed,
    Workers,
    output,
    print_json,
    print_path,
)
from voxion.errors import VoxionError
from voxion.training_folder import SETTINGS_FILE

console = Console()


class ModelChoice(str, Enum):
    """Names of models."""

    site_potentials = "site-potentials"
    tight_binding = "tight-binding"
    ion_positions = "ion-positions"


class SplitChoice(str, Enum):
    """Names of splits of frames."""

    time = "time"
    random = "random"


Datasets = Annotated[
    list[Path], typer.Argument(help="Data sets with charges: Zarr folders or HDF5 files.")
]
Model = Annotated[
    ModelChoice,
    typer.Option(
        help="site-potentials: linear response to the potential of ions and water, any system of "
        "the same sheet material. tight-binding: with the electrons of the sheet, which know the "
        "total charge. ion-positions: the network of Di Pasquale et al. on the coordinates "
        "of the ions, one system."
    ),
]
Out = Annotated[Path, typer.Option(help="Training folder to write.")]
Epochs = Annotated[
    int,
    typer.Option(
        min=0,
        help="Largest number of epochs; a training stops earlier where the validation loss no "
        "longer falls. 0: the linear response alone.",
    ),
]
Split = Annotated[
    SplitChoice,
    typer.Option(
        help="time: contiguous parts, so that held-out frames are not neighbours of training "
        "frames. random: as in the paper."
    ),
]
Constraint = Annotated[
    float,
    typer.Option(
        min=0, help="With ion-positions: lambda of the loss of Di Pasquale et al., eq. 3."
    ),
]
Widths = Annotated[
    list[float],
    typer.Option("--width", help="Inverse width of a smeared potential, 1/angstrom; repeatable."),
]
LargestWave = Annotated[
    float | None,
    typer.Option(
        help="Adds plane waves along the sheet up to this wave vector, 1/angstrom, to the "
        "potentials: --cutoff 8 --largest-wave 1.2 is as accurate as a cutoff of 14 alone in half "
        "of the time. For cells that repeat along x and y."
    ),
]
Shells = Annotated[
    int, typer.Option(min=1, help="Number of neighbour shells, the site itself included.")
]


def train(
    datasets: Datasets,
    out: Out,
    model: Model = ModelChoice.site_potentials,
    resume: Resume = False,
    force: Force = False,
    seed: Seed = 0,
    epochs: Epochs = 2000,
    split: Split = SplitChoice.time,
    constraint: Constraint = 1.0,
    width: Widths = list(WIDTHS),  # noqa: B006  typer copies defaults
    cutoff: Cutoff = CUTOFF,
    largest_wave: LargestWave = None,
    shells: Shells = SHELLS,
    workers: Workers = 1,
    as_json: AsJson = False,
) -> None:
    """Train a model, export it to OUT/model.pt and score it on frames that were left out."""
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
        largest_wave_vector=largest_wave,
        shells=shells,
    )
    shown = console.is_terminal and not as_json
    with output(out, force, resume, SETTINGS_FILE):
        result = run(settings, out, resume=resume, threads=workers, progress=shown)
    if as_json:
        scored = [one.to_dict() for one in result.scores]
        print_json({"model": str(result.model_path), "summary": result.summary, "scores": scored})
        return
    for name, value in result.summary.items():
        console.print(f"{name.replace('_', ' ')}: {value}")
    for scores in result.scores:
        console.print(scores.table())
    print_path(console, "Model", result.model_path)


def export_model(
    source: Annotated[
        Path,
        typer.Argument(help="Folder of a finished training, or model file (.pt) to write anew."),
    ],
    out: Annotated[
        Path,
        typer.Option(help="Model file to write: TorchScript (.pt) or AOTInductor package (.pt2)."),
    ],
    data: Annotated[
        list[Path] | None,
        typer.Option(help="With a model file: data sets of the electrodes that it is for."),
    ] = None,
    force: Force = False,
) -> None:
    """Write the model of a training, checked in Python and in C++."""
    from voxion.charges.training.export import convert_model
    from voxion.charges.training.export import export_model as run

    if source.is_file() != bool(data):
        raise VoxionError(
            "--data names the data sets of a model file that is written anew: it is needed with "
            f"one, and a training folder knows its own ({source})."
        )
    with output(out, force):
        path = convert_model(source, out, data) if data else run(source, out)
    console.print(f"Model: {path} ({path.stat().st_size / 1e6:.2f} MB)", soft_wrap=True)


def cross_validate(
    datasets: Datasets,
    out: Out,
    model: Model = ModelChoice.site_potentials,
    folds: Annotated[int, typer.Option(min=2, help="Number of folds.")] = FOLDS,
    seed: Seed = 0,
    epochs: Epochs = 2000,
    split: Split = SplitChoice.time,
    constraint: Constraint = 1.0,
    resume: Resume = False,
    force: Force = False,
    workers: Workers = 1,
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
    shown = console.is_terminal and not as_json
    with output(out, force, resume, SETTINGS_FILE):
        reports = run(
            settings,
            out,
            folds=folds,
            resume=resume,
            threads=workers,
            progress=shown,
        )
    if as_json:
        print_json([one.to_dict() for one in reports])
    else:
        console.print(cross_validation_table(reports))
