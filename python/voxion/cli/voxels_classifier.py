"""The commands `voxion voxels train`, `score` and `export-model`: classifiers of voxel grids."""

from __future__ import annotations

import json
from enum import Enum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

console = Console()


class SplitChoice(str, Enum):
    """How samples are split."""

    time = "time"
    random = "random"
    run = "run"


class FramesChoice(str, Enum):
    """Which frames are scored."""

    all = "all"
    held_out = "held-out"


class AcceleratorChoice(str, Enum):
    """What computes."""

    auto = "auto"
    cpu = "cpu"
    gpu = "gpu"


Sources = Annotated[
    list[str],
    typer.Argument(
        metavar="LABEL=STORE...",
        help="Voxel stores and the label of each; a label with several stores has several runs.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


def train(
    sources: Sources,
    out: Annotated[Path, typer.Option(help="Training folder.")],
    resume: Annotated[bool, typer.Option("--resume", help="Continue the training in OUT.")] = False,
    split: Annotated[
        SplitChoice,
        typer.Option(
            help="time: the last tenth of each run is held out. run: whole runs are. random: any "
            "frames are, as in the paper."
        ),
    ] = SplitChoice.time,
    augment: Annotated[
        bool,
        typer.Option("--augment", help="Train on turned, mirrored and shifted grids, too."),
    ] = False,
    seed: Annotated[int, typer.Option(min=0, help="Of weights, batches and draws.")] = 0,
    epochs: Annotated[int, typer.Option(min=1, help="Passes over the training part.")] = 50,
    batch: Annotated[int, typer.Option(min=1, help="Grids in a step, over all devices.")] = 32,
    learning_rate: Annotated[float, typer.Option(help="Of Adam, at the start.")] = 3e-4,
    devices: Annotated[int, typer.Option(min=1, help="Processes that share each batch.")] = 1,
    accelerator: Annotated[
        AcceleratorChoice, typer.Option(help="auto: a GPU if there is one.")
    ] = AcceleratorChoice.auto,
    threads: Annotated[int, typer.Option(min=1, help="Threads of torch in each process.")] = 1,
    workers: Annotated[
        int, typer.Option(min=0, help="Processes that read grids ahead, for each device.")
    ] = 0,
) -> None:
    """Train the classifier, export it to OUT/model.pt and score it on frames it has not seen."""
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
    where = Devices(devices, accelerator.value, threads, workers)
    result = run(settings, out, resume=resume, devices=where, progress=console.is_terminal)
    for name, value in result.summary.items():
        console.print(f"{name.replace('_', ' ')}: {value}")
    console.print(result.scores.table())
    console.print(f"Model: {result.model_path}", soft_wrap=True)


def score(
    model: Annotated[Path, typer.Argument(help="Exported classifier.")],
    sources: Sources,
    frames: Annotated[
        FramesChoice,
        typer.Option(
            help="held-out: the last tenth of each store, which a training split by time left "
            "alone."
        ),
    ] = FramesChoice.all,
    figures: Annotated[
        Path | None, typer.Option(help="Folder for the confusion matrix and the reliability.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Score a classifier on labelled stores, beside what the channels' means and spreads tell."""
    from voxion.voxels.classifier.dataset import parse_source
    from voxion.voxels.classifier.scores import score as run

    shown = console.is_terminal and not as_json
    parsed = [parse_source(text) for text in sources]
    result = run(model, parsed, "all" if frames is FramesChoice.all else "held-out", shown)
    if figures is not None:
        from voxion.voxels.classifier.plots import save_figures

        save_figures(figures, result)
    if as_json:
        print(json.dumps(result.to_dict(), indent=2))
    else:
        console.print(result.table())


def export_model(
    folder: Annotated[Path, typer.Argument(help="Folder of a finished training.")],
    model: Annotated[Path, typer.Argument(help="Model file to write.")],
) -> None:
    """Write the classifier of a training folder as TorchScript, checked in Python and in C++."""
    from voxion.voxels.classifier.export import export_classifier

    path = export_classifier(folder, model)
    console.print(f"Model: {path} ({path.stat().st_size / 1e6:.2f} MB)", soft_wrap=True)
