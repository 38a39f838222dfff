"""Trains models of the surface charges: a folder in, an exported and scored model out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from rich.table import Table

from voxion.charges.data.dataset import ChargeDataset
from voxion.charges.data.opening import open_dataset
from voxion.charges.data.splits import split_dataset
from voxion.charges.defaults import FOLDS
from voxion.charges.evaluation.scores import ScoreReport, predict, report
from voxion.charges.training.export import write_model
from voxion.charges.training.fitting import fit_model
from voxion.charges.training.settings import TrainingSettings
from voxion.errors import VoxionError
from voxion.files import read_json, write_json
from voxion.training_folder import claim_folder, torch_threads

MODEL_FILE = "model.pt"
SUMMARY_FILE = "summary.json"
SCORES_FILE = "scores.json"


@dataclass(frozen=True)
class TrainingResult:
    """Result of `train`.

    Attributes
    ----------
    model_path : Path
        The exported model.
    summary : dict
        What the fit found: penalty, validation errors, whether the correction was kept, ...
    scores : tuple of ScoreReport
        On the held-out frames of each data set.
    """

    model_path: Path
    summary: dict[str, Any]
    scores: tuple[ScoreReport, ...]


def train(
    settings: TrainingSettings,
    out: str | Path,
    *,
    resume: bool = False,
    threads: int = 1,
    progress: bool = False,
) -> TrainingResult:
    """Train, export and score one model.

    Parameters
    ----------
    settings : TrainingSettings
        As returned by `make_settings`.
    out : str or Path
        Folder for ``settings.json``, ``checkpoints/``, ``metrics.csv``, ``fitted.pt``,
        ``model.pt``, ``summary.json`` and ``scores.json``.
    resume : bool
        Continue the training in `out` if there is one.
    threads : int
        Number of threads of torch.
    progress : bool
        Show progress bars.

    Raises
    ------
    VoxionError
        `out` has a training and `resume` is false, or one with other settings; or the data sets
        do not fit the model.
    """
    out = Path(out)
    claim_folder(out, settings, resume)
    datasets = _open(settings)
    parts = [split_dataset(d, settings.split, settings.seed) for d in datasets]
    with torch_threads(threads):
        fit = fit_model(datasets, parts, settings, out, progress)
        fit.fitted.write(out)
        model_path = write_model(fit.fitted, out / MODEL_FILE, datasets)
        scores = tuple(
            report(predict(model_path, d, part.held_out, part.seen), model_path, d.path)
            for d, part in zip(datasets, parts, strict=True)
        )
    write_json(out / SUMMARY_FILE, fit.summary)
    write_json(out / SCORES_FILE, [one.to_dict() for one in scores])
    return TrainingResult(model_path, fit.summary, scores)


def cross_validate(
    settings: TrainingSettings,
    out: str | Path,
    *,
    folds: int = FOLDS,
    resume: bool = False,
    threads: int = 1,
    progress: bool = False,
) -> tuple[ScoreReport, ...]:
    """Train once for each fold of the training set and score each model on the fold left out.

    Section 2.2 of the paper: the training set (nine tenths of all frames) is cut into 10 subsets,
    each of them left out once. The fold left out also stops the training, as in the paper; the
    held-out tenth is not used. When a run is resumed, finished folds are not trained again, and an
    interrupted one continues.

    Returns
    -------
    tuple of ScoreReport
        One per fold and data set.
    """
    out = Path(out)
    claim_folder(out, settings, resume)
    datasets = _open(settings)
    reports: list[ScoreReport] = []
    with torch_threads(threads):
        for fold in range(folds):
            reports += _one_fold(settings, datasets, out / f"fold-{fold}", fold, folds, progress)
    write_json(out / SCORES_FILE, [one.to_dict() for one in reports])
    return tuple(reports)


def make_settings(datasets: Sequence[str | Path], **values: Any) -> TrainingSettings:
    """Make settings for data sets given by path; `values` as in `TrainingSettings`."""
    opened = [open_dataset(path) for path in datasets]
    return TrainingSettings(
        datasets=tuple(str(Path(path).resolve()) for path in datasets),
        fingerprints=tuple(dataset.fingerprint() for dataset in opened),
        **values,
    )


def cross_validation_table(reports: Sequence[ScoreReport]) -> Table:
    """Mean and standard deviation over the folds, with the baselines."""
    table = Table(title=f"{len(reports)} scores in cross-validation", title_justify="left")
    for name in ("", "MAE / e", "R2", "within epsilon"):
        table.add_column(name, justify="right" if name else "left")
    for name, label in (
        ("model", "model"),
        ("constant", "constant"),
        ("atom_mean", "atom's mean"),
    ):
        scores = [getattr(one, name) for one in reports]
        cells = [
            f"{np.mean(values):{form}} +- {np.std(values):{form}}"
            for values, form in (
                ([s.mae for s in scores], ".2e"),
                ([s.r2 for s in scores], ".4f"),
                ([s.within_epsilon for s in scores], ".2%"),
            )
        ]
        table.add_row(label, *cells)
    return table


def _one_fold(
    settings: TrainingSettings,
    datasets: Sequence[ChargeDataset],
    folder: Path,
    fold: int,
    folds: int,
    progress: bool,
) -> list[ScoreReport]:
    finished = folder / SCORES_FILE
    if finished.is_file():
        return read_json(finished, list[ScoreReport], f"remove {folder} to train this fold again")
    folder.mkdir(exist_ok=True)
    parts = [split_dataset(d, settings.split, settings.seed, fold, folds) for d in datasets]
    fit = fit_model(datasets, parts, settings, folder, progress)
    fit.fitted.write(folder)
    model_path = write_model(fit.fitted, folder / MODEL_FILE, datasets)
    reports = [
        report(predict(model_path, d, part.validation, part.training), model_path, d.path)
        for d, part in zip(datasets, parts, strict=True)
    ]
    write_json(finished, [one.to_dict() for one in reports])
    return reports


def _open(settings: TrainingSettings) -> list[ChargeDataset]:
    """Open the data sets, and make sure that they are those of the settings."""
    datasets = [open_dataset(path) for path in settings.datasets]
    for dataset, fingerprint in zip(datasets, settings.fingerprints, strict=True):
        if dataset.fingerprint() != fingerprint:
            raise VoxionError(
                f"{dataset.path} has changed since the training was set up: wait until its "
                "sampling has ended, then train again."
            )
    return datasets
