"""The commands of `voxion voxels` for classifiers: train, score, export, classify."""

from __future__ import annotations

from enum import Enum
from math import isnan
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from voxion.cli.options import (
    AsJson,
    Device,
    DeviceChoice,
    Force,
    FramesChoice,
    Resume,
    Seed,
    SelectScored,
    Workers,
    frames_to_score,
    output,
    print_json,
    print_path,
)
from voxion.training_folder import SETTINGS_FILE

console = Console()


class SplitChoice(str, Enum):
    """Names of splits of samples."""

    time = "time"
    random = "random"
    run = "run"


Sources = Annotated[
    list[str],
    typer.Argument(
        metavar="LABEL=STORE...",
        help="Voxel stores and the label of each; a label with several stores has several runs.",
    ),
]


def train(
    sources: Sources,
    out: Annotated[Path, typer.Option(help="Training folder to write.")],
    resume: Resume = False,
    force: Force = False,
    split: Annotated[
        SplitChoice,
        typer.Option(
            help="time: the last tenth of each run is held out. run: whole runs are held out. "
            "random: any frames are held out, as in the paper."
        ),
    ] = SplitChoice.time,
    augment: Annotated[
        bool,
        typer.Option("--augment", help="Also train on rotated, mirrored and shifted grids."),
    ] = False,
    seed: Seed = 0,
    epochs: Annotated[int, typer.Option(min=1, help="Number of epochs.")] = 50,
    batch: Annotated[
        int, typer.Option(min=1, help="Number of grids in a step, over all processes.")
    ] = 32,
    learning_rate: Annotated[float, typer.Option(help="Initial learning rate of Adam.")] = 3e-4,
    device: Device = DeviceChoice.auto,
    processes: Annotated[
        int, typer.Option(min=1, help="Number of processes that share each batch.")
    ] = 1,
    workers: Workers = 1,
    as_json: AsJson = False,
) -> None:
    """Train a classifier, export it to OUT/model.pt and score it on frames that were left out.

    With more than one worker, as many processes read grids ahead.
    """
    from voxion.voxels.classifier.dataset import parse_source
    from voxion.voxels.classifier.loops import Devices
    from voxion.voxels.classifier.settings import make_settings
    from voxion.voxels.classifier.training import train as run

    settings = make_settings(
        [parse_source(text) for text in sources],
        split=split.value,
        augment=augment,
        seed=seed,
        epochs=epochs,
        batch=batch,
        learning_rate=learning_rate,
    )
    readers = workers if workers > 1 else 0
    devices = Devices(processes, device.value, workers, readers)
    shown = console.is_terminal and not as_json
    with output(out, force, resume, SETTINGS_FILE):
        result = run(settings, out, resume=resume, devices=devices, progress=shown)
    if as_json:
        scores = result.scores.to_dict()
        print_json({"model": str(result.model_path), "summary": result.summary, "scores": scores})
        return
    for name, value in result.summary.items():
        console.print(f"{name.replace('_', ' ')}: {value}")
    console.print(result.scores.table())
    print_path(console, "Model", result.model_path)


def score(
    model: Annotated[Path, typer.Argument(help="Exported classifier.")],
    sources: Sources,
    select: SelectScored = FramesChoice.all,
    out: Annotated[
        Path | None,
        typer.Option(
            help="Folder to write figures to: confusion matrix and reliability.",
            show_default="no figures",
        ),
    ] = None,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Score a classifier on labelled stores, beside one that sees only means and spreads."""
    from voxion.voxels.classifier.dataset import parse_source
    from voxion.voxels.classifier.scores import score as run

    shown = console.is_terminal and not as_json
    parsed = [parse_source(text) for text in sources]
    result = run(model, parsed, frames_to_score(select), shown)
    if out is not None:
        from voxion.voxels.classifier.plots import save_figures

        with output(out, force, kind="confusion.png"):
            save_figures(out, result)
    if as_json:
        print_json(result.to_dict())
    else:
        console.print(result.table())


def export_model(
    folder: Annotated[Path, typer.Argument(help="Folder of a finished training.")],
    out: Annotated[
        Path,
        typer.Option(help="Model file to write: TorchScript (.pt) or AOTInductor package (.pt2)."),
    ],
    force: Force = False,
) -> None:
    """Write the classifier of a training folder, checked in Python and in C++."""
    from voxion.voxels.classifier.export import export_classifier

    with output(out, force):
        path = export_classifier(folder, out)
    console.print(f"Model: {path} ({path.stat().st_size / 1e6:.2f} MB)", soft_wrap=True)


def classify(
    model: Annotated[Path, typer.Argument(help="Exported classifier.")],
    stores: Annotated[list[Path], typer.Argument(help="Voxel stores of one system.")],
    out: Annotated[Path, typer.Option(help="Table to write (.csv).")],
    untrained: Annotated[
        bool,
        typer.Option(
            "--untrained", help="Use random weights, the mean of five draws, as a baseline."
        ),
    ] = False,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Average the class probabilities of a system that may belong to none of the classes."""
    from voxion.voxels.classifier.mixture import COLUMNS, mixture

    shown = console.is_terminal and not as_json
    with output(out, force):
        found = mixture(model, stores, untrained=untrained, progress=shown)
        found.write(out)
    if as_json:
        columns = (found.labels, found.fractions.tolist(), found.errors.tolist())
        rows = [dict(zip(COLUMNS, row, strict=True)) for row in zip(*columns, strict=True)]
        print_json({"mixture": rows})
        return
    table = Table(title="Mean class probabilities", title_justify="left")
    table.add_column("label")
    for name in COLUMNS[1:]:
        table.add_column(name, justify="right")
    for label, fraction, error in zip(found.labels, found.fractions, found.errors, strict=True):
        table.add_row(label, f"{fraction:.3f}", "" if isnan(error) else f"{error:.3f}")
    console.print(table)
    print_path(console, "Table", out)
