"""Learning curves: the error on later frames against the number of frames to learn from."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from matplotlib.figure import Figure
from pydantic import Field
from rich.progress import track
from rich.table import Table

from voxion.charges.data.dataset import ChargeDataset
from voxion.charges.data.opening import open_dataset
from voxion.charges.data.splits import Parts, split_dataset, split_frames
from voxion.charges.defaults import CURVE_FRAMES, CURVE_REPEATS, CUTOFF
from voxion.charges.evaluation.scores import R2, predict, report
from voxion.charges.training.export import write_model
from voxion.charges.training.fitting import fit_model
from voxion.charges.training.run import MODEL_FILE, make_settings
from voxion.charges.training.settings import ModelName
from voxion.errors import VoxionError
from voxion.figures import COLOURS, REFERENCE, styled
from voxion.files import read_json, write_json
from voxion.training_folder import FolderSettings, claim_folder, torch_threads

POINTS_FILE = "learning_curve.json"
FIGURE_FILE = "learning_curve.png"
# For ion-positions, which stops earlier by itself; the other models are linear here.
ION_EPOCHS = 2000


class CurveSettings(FolderSettings):
    """Settings of a learning curve.

    Attributes
    ----------
    dataset, fingerprint : str
        Path, absolute, and fingerprint.
    models : tuple of str
    frames : tuple of int
        Numbers of frames, each with those that stop and choose.
    repeats : int
        Choices of that many frames.
    cutoff : float
        Cutoff of the potentials, angstrom.
    """

    dataset: str
    fingerprint: str
    models: Annotated[tuple[ModelName, ...], Field(min_length=1)]
    frames: Annotated[tuple[int, ...], Field(min_length=1)] = CURVE_FRAMES
    repeats: Annotated[int, Field(ge=1)] = CURVE_REPEATS
    cutoff: Annotated[float, Field(gt=0)] = CUTOFF


@dataclass(frozen=True)
class CurvePoint:
    """Scores of one model, trained on one choice of frames, on the held-out frames.

    Attributes
    ----------
    model : str
    frames : int
        That it was trained on.
    choice : int
        Number of the choice.
    mae : float
        e.
    r2, within_epsilon : float
    constant_mae, constant_within, atom_mean_mae : float
        Scores of the baselines; the mean of each atom is that of the chosen frames.
    """

    model: str
    frames: int
    choice: int
    mae: float
    r2: R2
    within_epsilon: float
    constant_mae: float
    constant_within: float
    atom_mean_mae: float


def learning_curve(
    dataset: str | Path,
    out: str | Path,
    *,
    models: Sequence[ModelName] = ("site-potentials",),
    frames: Sequence[int] = CURVE_FRAMES,
    repeats: int = CURVE_REPEATS,
    cutoff: float = CUTOFF,
    resume: bool = False,
    threads: int = 1,
    progress: bool = False,
) -> tuple[CurvePoint, ...]:
    """Train on several choices of a few frames, and score on the last tenth of all.

    Frames are chosen at random from the first nine tenths; a tenth of them, and at least one, stops
    the training and chooses the penalty. A choice of fewer frames is a part of that of more.

    Parameters
    ----------
    dataset : str or Path
    out : str or Path
        Folder for ``learning_curve.json`` and ``.png``; points found there are kept.
    models : sequence of str
        "site-potentials" is its linear response alone.
    frames : sequence of int
    repeats : int
    cutoff : float
        Cutoff of the potentials, angstrom.
    resume : bool
        Continue the curve in `out` if there is one.
    threads : int
        Number of threads of torch.
    progress : bool
        Show a progress bar.

    Raises
    ------
    VoxionError
        A number of frames is below 2 or beyond what the data set has, or the data set does not fit
        a model.
    """
    opened, out = open_dataset(dataset), Path(out)
    pool = split_dataset(opened).seen
    for count in frames:
        if not 2 <= count <= len(pool):
            raise VoxionError(
                f"A learning curve of {dataset} can have 2 to {len(pool)} frames (nine tenths of "
                f"its {opened.frames}), found {count}."
            )
    settings = CurveSettings(
        dataset=str(Path(dataset).resolve()),
        fingerprint=opened.fingerprint(),
        models=tuple(models),
        frames=tuple(sorted(set(frames))),
        repeats=repeats,
        cutoff=cutoff,
    )
    claim_folder(out, settings, resume)
    points = read_points(out)
    known = {(p.model, p.frames, p.choice) for p in points}
    missing = [
        (model, count, choice)
        for model in settings.models
        for count in settings.frames
        for choice in range(repeats)
        if (model, count, choice) not in known
    ]
    with torch_threads(threads):
        for model, count, choice in track(missing, "learning curve", disable=not progress):
            points.append(_point(opened, settings, model, count, choice))
            write_json(out / POINTS_FILE, [asdict(point) for point in points])
    draw(points).savefig(out / FIGURE_FILE, dpi=150)
    return tuple(points)


def read_points(out: Path) -> list[CurvePoint]:
    """Read the points of a learning curve's folder; none where there is no file of them.

    Raises
    ------
    VoxionError
        The file is damaged.
    """
    path = out / POINTS_FILE
    if not path.exists():
        return []
    return read_json(path, list[CurvePoint], "remove the file to compute all points again")


def choose_frames(frames: int, count: int, choice: int) -> Parts:
    """Choose frames for training and validation from the first nine tenths.

    Parameters
    ----------
    frames : int
        Number of frames of the data set.
    count : int
        How many to choose.
    choice : int
        Number of the choice.
    """
    parts = split_frames(frames)
    chosen = np.random.default_rng(choice).permutation(parts.seen)[:count]
    validating = max(1, count // 10)
    return Parts(np.sort(chosen[validating:]), np.sort(chosen[:validating]), parts.held_out)


def curve_table(points: Sequence[CurvePoint]) -> Table:
    """Mean and standard deviation over the choices, with the baselines."""
    table = Table(title="Errors on held-out frames", title_justify="left")
    for name in ("model", "frames", "MAE / e", "R2", "within 0.015 e"):
        table.add_column(name, justify="left" if name == "model" else "right")
    for model, count, group in _groups(points):
        table.add_row(
            model,
            str(count),
            _spread([p.mae for p in group], ".2e"),
            _spread([p.r2 for p in group], ".5f"),
            _spread([p.within_epsilon for p in group], ".2%"),
        )
    constant = points[0]
    table.add_row(
        "constant", "", f"{constant.constant_mae:.2e}", "", f"{constant.constant_within:.2%}"
    )
    return table


@styled
def draw(points: Sequence[CurvePoint]) -> Figure:
    """MAE against the number of frames; every choice a dot, their mean a line."""
    figure = Figure(figsize=(6.0, 4.0), layout="constrained")
    axes = figure.subplots()
    for colour, model in zip(COLOURS, dict.fromkeys(p.model for p in points), strict=False):
        groups = [(count, group) for name, count, group in _groups(points) if name == model]
        means = [np.mean([p.mae for p in group]) for _, group in groups]
        axes.plot([count for count, _ in groups], means, color=colour, label=model)
        own = [p for p in points if p.model == model]
        axes.plot([p.frames for p in own], [p.mae for p in own], ".", color=colour, alpha=0.5)
    axes.axhline(points[0].constant_mae, color=REFERENCE, linestyle="--", label="the same for all")
    axes.set(xscale="log", yscale="log", xlabel="Frames to learn from", ylabel="MAE / e")
    counts = sorted({p.frames for p in points})
    axes.set_xticks(counts, [str(count) for count in counts])
    axes.minorticks_off()
    axes.legend()
    return figure


def _groups(points: Sequence[CurvePoint]) -> list[tuple[str, int, list[CurvePoint]]]:
    keys = dict.fromkeys((p.model, p.frames) for p in points)
    return [
        (model, frames, [p for p in points if (p.model, p.frames) == (model, frames)])
        for model, frames in keys
    ]


def _spread(values: Sequence[float], form: str) -> str:
    return f"{np.mean(values):{form}} +- {np.std(values):{form}}"


def _point(
    dataset: ChargeDataset, settings: CurveSettings, model: ModelName, count: int, choice: int
) -> CurvePoint:
    parts = choose_frames(dataset.frames, count, choice)
    epochs = ION_EPOCHS if model == "ion-positions" else 0
    values: dict[str, Any] = {"epochs": epochs, "seed": choice}
    training = make_settings([dataset.path], model=model, **values)
    radial = training.radial_functions.model_copy(update={"cutoff": settings.cutoff})
    training = training.model_copy(update={"radial_functions": radial})
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        fit = fit_model([dataset], [parts], training, folder)
        path = write_model(fit.fitted, folder / MODEL_FILE, [dataset])
        scores = report(predict(path, dataset, parts.held_out, parts.seen), path, dataset.path)
    return CurvePoint(
        model,
        count,
        choice,
        scores.model.mae,
        scores.model.r2,
        scores.model.within_epsilon,
        scores.constant.mae,
        scores.constant.within_epsilon,
        scores.atom_mean.mae,
    )
