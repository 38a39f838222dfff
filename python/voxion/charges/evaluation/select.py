"""Picks the frames of a data set that are worth labelling next.

Greedy D-optimal design: with A = X^T X of the inputs that a linear model has seen, the frame with
inputs X_f that shrinks the volume of the coefficients' uncertainty most is that of the largest
log det(A + X_f^T X_f); then the next one, given the first. Frames like the training data add
little, and a frame like one just chosen adds little more. The labels are not needed.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from voxion.charges.data.dataset import ChargeDataset
from voxion.charges.data.dataset_writer import ChargeDatasetWriter
from voxion.charges.data.opening import open_dataset
from voxion.charges.evaluation.distance import TrainedGround
from voxion.errors import VoxionError


@dataclass(frozen=True)
class Selection:
    """Frames chosen from a data set.

    Attributes
    ----------
    frames : ndarray [N]
        In the order in which they were chosen: the first adds most.
    gains : ndarray [N]
        Growth of log det(A) with each.
    distances : ndarray [F]
        Distance of each frame of the data set from the training data.
    """

    frames: NDArray[np.int64]
    gains: NDArray[np.float64]
    distances: NDArray[np.float64]


def select_frames(
    model_path: str | Path, dataset: ChargeDataset, count: int, progress: bool = False
) -> Selection:
    """Choose the frames whose labels would teach a model most.

    Parameters
    ----------
    model_path : str or Path
        Exported site-potentials model; it carries A of its training data.
    dataset : ChargeDataset
        Frames to choose from; their charges are not used.
    count : int
        Frames to choose, N.
    progress : bool
        Show a progress bar.

    Raises
    ------
    VoxionError
        The model has no distance measure or does not fit the data set, or there are not that many
        frames.
    """
    if not 1 <= count <= dataset.frames:
        raise VoxionError(
            f"{dataset.path} has {dataset.frames} frames: {count} of them cannot be selected."
        )
    ground = TrainedGround(model_path)
    grams, distances = [], []
    for inputs, distance in ground.look_at_all(dataset, progress):
        grams.append(inputs.T @ inputs / ground.sites)
        distances.append(distance)
    frames, gains = greedy_design(np.array(grams), count)
    return Selection(frames, gains, np.array(distances))


def greedy_design(
    grams: NDArray[np.float64], count: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Greedy D-optimal choice: each time the largest log det(A + G_f), from A = 1 on.

    Parameters
    ----------
    grams : ndarray [F, P, P]
        G_f = X_f^T X_f of each frame, where the X^T X of what is known is the unit matrix.
    count : int

    Returns
    -------
    frames : ndarray [count]
        In the order of choice.
    gains : ndarray [count]
        Growth of log det(A) with each.
    """
    known, volume = np.eye(grams.shape[1]), 0.0
    left = np.ones(len(grams), bool)
    frames, gains = [], []
    for _ in range(count):
        volumes = np.where(left, np.linalg.slogdet(known + grams).logabsdet, -np.inf)
        best = int(np.argmax(volumes))
        frames.append(best)
        gains.append(volumes[best] - volume)
        known, volume, left[best] = known + grams[best], volumes[best], False
    return np.array(frames), np.array(gains)


def write_selection(dataset: ChargeDataset, selection: Selection, output: str | Path) -> Path:
    """Write the chosen frames as a new data set, in the order of time.

    It keeps the charges and the label source of the old one, until 'voxion charges label' gives
    the frames new charges.

    Raises
    ------
    VoxionError
        `output` exists, or cannot be written.
    """
    output = Path(output)
    if output.exists():
        raise VoxionError(f"{output} exists: give another name, or remove it.")
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        # whole or not at all
        with tempfile.TemporaryDirectory(dir=output.parent, prefix=f".{output.name}.") as folder:
            written = Path(folder) / output.name
            writer = ChargeDatasetWriter.like(
                dataset, written, label_source=dataset.label_source, title=dataset.title
            )
            for index in np.sort(selection.frames):
                writer.append(dataset.frame(int(index)))
            written.rename(output)
    except OSError as error:
        raise VoxionError(f"{output} cannot be written: {error.strerror or error}.") from None
    return output


def select(
    model_path: str | Path,
    dataset_path: str | Path,
    output: str | Path,
    count: int,
    progress: bool = False,
) -> Selection:
    """Choose frames of a data set and write them as a new one.

    Parameters and errors are those of `select_frames` and `write_selection`.
    """
    if Path(output).exists():  # before the work, not after
        raise VoxionError(f"{output} exists: give another name, or remove it.")
    dataset = open_dataset(dataset_path)
    selection = select_frames(model_path, dataset, count, progress)
    write_selection(dataset, selection, output)
    return selection
