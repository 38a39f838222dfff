"""Splits of frames into those that train a model, those that stop it, and those that score it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from voxion.charges.data.dataset import ChargeDataset
from voxion.charges.defaults import FOLDS
from voxion.errors import VoxionError

SplitBy = Literal["time", "random"]
# 90/10 split and 10-fold cross-validation of the training part, as in the paper.
HELD_OUT = 0.1


@dataclass(frozen=True)
class Parts:
    """Indices of the frames of one data set, ascending in each part.

    Attributes
    ----------
    training : ndarray
        The weights and the bins are fitted to these.
    validation : ndarray
        One fold of the training set: stops the training and chooses between models.
    held_out : ndarray
        A tenth of all frames, used by nothing but the scores.
    """

    training: NDArray[np.int64]
    validation: NDArray[np.int64]
    held_out: NDArray[np.int64]

    @property
    def seen(self) -> NDArray[np.int64]:
        """Training and validation together."""
        return np.sort(np.concatenate([self.training, self.validation]))


def split_frames(
    frames: int,
    by: SplitBy = "time",
    seed: int = 0,
    fold: int = FOLDS - 1,
    folds: int = FOLDS,
    name: str = "data set",
) -> Parts:
    """Split the frames of one data set.

    By time, each part is a contiguous stretch and the last tenth is held out. That is the default
    because neighbouring frames of a trajectory are alike: a frame drawn at random has near copies
    of itself in the training part, and its score says how well these are remembered, not how well
    a new configuration is predicted. ``random`` is what the paper did, with frames 1 ps apart.

    Parameters
    ----------
    frames : int
        Number of frames of the data set.
    by : "time" or "random"
    seed : int
        Seed of the random split.
    fold : int
        Which fold of the training set validates; the last one by default.
    folds : int
        How many there are.
    name : str
        Name of the data set in messages.

    Raises
    ------
    VoxionError
        Fewer than 3 frames: each part needs one.
    """
    from sklearn.model_selection import KFold  # here, so that the command line starts quickly

    if frames < 3:
        raise VoxionError(
            f"{name} has {frames} frames, at least 3 are needed (training, validation, "
            "held out): sample more."
        )
    order = np.arange(frames)
    if by == "random":
        order = np.random.default_rng(seed).permutation(frames)
    kept = frames - max(1, round(HELD_OUT * frames))
    folds = min(folds, kept)
    training, validation = list(KFold(folds).split(order[:kept]))[min(fold, folds - 1)]
    return Parts(np.sort(order[training]), np.sort(order[validation]), np.sort(order[kept:]))


def split_dataset(
    dataset: ChargeDataset,
    by: SplitBy = "time",
    seed: int = 0,
    fold: int = FOLDS - 1,
    folds: int = FOLDS,
) -> Parts:
    """Split the frames of a data set, those at each potential of its electrodes for themselves.

    So each part has frames at all potentials. Parameters and errors are those of `split_frames`.
    """
    parts = [
        (frames, split_frames(len(frames), by, seed, fold, folds, str(dataset.path)))
        for frames in potential_stages(dataset)
    ]
    return Parts(
        *(
            np.concatenate([frames[getattr(part, name)] for frames, part in parts])
            for name in ("training", "validation", "held_out")
        )
    )


def potential_stages(dataset: ChargeDataset) -> list[NDArray[np.int64]]:
    """Return stretches of frames at the same potentials; of given total charge, all frames."""
    frames = np.arange(dataset.frames)
    if dataset.electrodes is None or not dataset.frames:
        return [frames]
    changes = np.abs(np.diff(dataset.electrodes.potentials, axis=0)).max(axis=1) > 0
    return np.split(frames, np.flatnonzero(changes) + 1)
