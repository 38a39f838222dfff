"""Trains a voxel classifier: labelled stores in, an exported and scored model out."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from voxion import __version__
from voxion.contract.schema import ClassifierContract, InputRanges
from voxion.files import write_json
from voxion.training_folder import claim_folder, torch_threads
from voxion.voxels.classifier.dataset import (
    LabelledSet,
    SampleParts,
    VoxelDataset,
    open_labelled,
    split_samples,
)
from voxion.voxels.classifier.export import Classifier, write_model
from voxion.voxels.classifier.loops import Devices, run_loop
from voxion.voxels.classifier.network import C3D, initialise, parameter_count
from voxion.voxels.classifier.plots import save_figures
from voxion.voxels.classifier.scores import ScoreReport, features_of, fit_baseline, predict, report
from voxion.voxels.classifier.settings import TrainingSettings

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
        Epochs, losses, samples of each part, ...
    scores : ScoreReport
        On the held-out part.
    """

    model_path: Path
    summary: dict[str, Any]
    scores: ScoreReport


def train(
    settings: TrainingSettings,
    out: str | Path,
    *,
    resume: bool = False,
    devices: Devices | None = None,
    progress: bool = False,
) -> TrainingResult:
    """Train, export and score one classifier.

    Parameters
    ----------
    settings : TrainingSettings
        As returned by `make_settings`.
    out : str or Path
        Folder for ``settings.json``, ``checkpoints/``, ``metrics.csv``, ``classifier.pt``,
        ``model.pt``, ``summary.json``, ``scores.json`` and figures.
    resume : bool
        Continue the training in `out` if there is one.
    devices : Devices, optional
        One process with one thread by default, on a GPU if there is one.
    progress : bool
        Show progress bars.

    Raises
    ------
    VoxionError
        `out` has a training and `resume` is false, or one with other settings; the stores do not
        fit the network, or have changed; a grid cannot be read; no finite loss was found.
    """
    out, devices = Path(out), devices or Devices()
    labelled = open_labelled(settings.sources)
    parts = split_samples(labelled, settings.split, settings.seed)
    network = C3D(len(labelled.channels), labelled.shape, len(labelled.labels))
    initialise(network, settings.seed)
    training = VoxelDataset(labelled, parts.training, augment=settings.augment, seed=settings.seed)
    claim_folder(out, settings, resume)
    with torch_threads(devices.threads):
        rows = run_loop(
            network,
            training,
            VoxelDataset(labelled, parts.validation),
            out,
            batch=settings.batch,
            epochs=settings.epochs,
            learning_rate=settings.learning_rate,
            seed=settings.seed,
            devices=devices,
            progress=progress,
        )
        classifier = Classifier(
            network.eval(),
            _contract(labelled, parts, settings),
            fit_baseline(
                features_of(labelled, parts.training),
                labelled.classes_of(parts.training),
                len(labelled.labels),
            ),
        )
        classifier.write(out)
        model_path = write_model(classifier, out / MODEL_FILE, labelled)
        predictions = predict(model_path, labelled, parts.held_out, progress)
    scores = report(predictions, classifier.baseline, model_path)
    summary = _summary(rows, parts, network)
    write_json(out / SUMMARY_FILE, summary)
    write_json(out / SCORES_FILE, scores.to_dict())
    save_figures(out, scores, rows)
    return TrainingResult(model_path, summary, scores)


def _summary(rows: Sequence[dict[str, float]], parts: SampleParts, network: C3D) -> dict[str, Any]:
    best = min(rows, key=lambda row: row["val_loss"])
    return {
        "parameters": parameter_count(network),
        "training_samples": len(parts.training),
        "validation_samples": len(parts.validation),
        "held_out_samples": len(parts.held_out),
        "epochs": len(rows),
        "best_epoch": best["epoch"],
        "best_validation_loss": best["val_loss"],
        "last_validation_loss": rows[-1]["val_loss"],
        "last_learning_rate": rows[-1]["learning_rate"],
    }


def _contract(
    labelled: LabelledSet, parts: SampleParts, settings: TrainingSettings
) -> ClassifierContract:
    stores = labelled.stores
    seen = [parts.training[parts.training[:, 0] == i, 1] for i in range(len(stores))]
    low = np.concatenate([s.minimum[rows] for s, rows in zip(stores, seen, strict=True)]).min(0)
    high = np.concatenate([s.maximum[rows] for s, rows in zip(stores, seen, strict=True)]).max(0)
    return ClassifierContract(
        torch_version=torch.__version__.split("+")[0],
        voxion_version=__version__,
        data_hash=_data_hash(settings),
        channels=labelled.channels,
        channel_units=labelled.units,
        grid=labelled.shape,
        spread=labelled.spread,
        labels=labelled.labels,
        input_ranges=InputRanges(min=tuple(low.tolist()), max=tuple(high.tolist())),
    )


def _data_hash(settings: TrainingSettings) -> str:
    """One hash for stores and labels, whatever their order."""
    named = "\n".join(
        sorted(
            f"{label} {fingerprint}"
            for (label, _), fingerprint in zip(settings.sources, settings.fingerprints, strict=True)
        )
    )
    return f"sha256:{hashlib.sha256(named.encode()).hexdigest()}"
