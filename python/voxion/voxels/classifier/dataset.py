"""Labelled voxel grids: several stores, each of one phase, read frame by frame for training."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from voxion.errors import VoxionError
from voxion.voxels.classifier.augmentation import Augmentation
from voxion.voxels.stores.store import VoxelStore, normalise, open_store

SplitBy = Literal["time", "random", "run"]
Source = tuple[str, str]  # label and path of a store
Samples = NDArray[np.int64]  # [n, 2]: number of the store, frame in it
SHARE = 0.1  # of the frames that validate, and that are held out: 25,600/3,200/3,200 in the paper


@dataclass(frozen=True)
class LabelledSet:
    """Stores of the same channels and shape, each with the label of its phase.

    Attributes
    ----------
    stores : tuple of VoxelStore
    store_labels : tuple of str
        Label of each store; a label may have several stores: independent runs.
    """

    stores: tuple[VoxelStore, ...]
    store_labels: tuple[str, ...]

    @property
    def labels(self) -> tuple[str, ...]:
        """Names of the K classes, in the order in which they first occur."""
        return tuple(dict.fromkeys(self.store_labels))

    @property
    def channels(self) -> tuple[str, ...]:
        """Names of the C channels."""
        return self.stores[0].channels

    @property
    def units(self) -> tuple[str, ...]:
        """Units of the C channels."""
        return self.stores[0].units

    @property
    def spread(self) -> Literal["ngp", "cic"] | None:
        """Spread of atoms over voxels, "ngp" or "cic"; None where the stores do not say."""
        spread: Literal["ngp", "cic"] | None = self.stores[0].attrs.get("spread")
        return spread

    @property
    def shape(self) -> tuple[int, int, int]:
        """Voxels, (nz, ny, nx)."""
        return self.stores[0].shape

    def classes_of(self, samples: Samples, labels: Sequence[str] | None = None) -> Samples:
        """Class indices, [n], of samples; in the order of `labels`, by default the set's own."""
        names = list(self.labels if labels is None else labels)
        of_store = np.array([names.index(label) for label in self.store_labels], np.int64)
        return of_store[samples[:, 0]]

    def everything(self) -> Samples:
        """All samples, store by store."""
        return _stack([_frames(i, np.arange(s.frames)) for i, s in enumerate(self.stores)])


@dataclass(frozen=True)
class SampleParts:
    """Split of samples into those that train, those that choose the epoch, and those that score.

    Attributes
    ----------
    training, validation, held_out : ndarray [n, 2]
        Number of the store and frame in it.
    """

    training: Samples
    validation: Samples
    held_out: Samples


class VoxelDataset(Dataset[tuple[Tensor, int]]):
    """Normalised grids, float32 [C, nz, ny, nx], and class indices, for a DataLoader.

    Each item is read from its store when it is asked for: nothing but the list of samples is in
    memory.

    Parameters
    ----------
    labelled : LabelledSet
    samples : ndarray [n, 2]
        As returned by `split_samples`.
    labels : sequence of str, optional
        Order of the classes; by default the set's own.
    augment : bool
        Give each grid in a random one of its equivalent forms, see `Augmentation`.
    seed : int
        Seed of the augmentation.
    """

    def __init__(
        self,
        labelled: LabelledSet,
        samples: Samples,
        *,
        labels: Sequence[str] | None = None,
        augment: bool = False,
        seed: int = 0,
    ) -> None:
        self.labelled = labelled
        self.samples = samples
        self.classes = labelled.classes_of(samples, labels)
        self.augmentations = (
            [Augmentation.of_store(store) for store in labelled.stores] if augment else None
        )
        self.seed = seed
        self.epoch = 0

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        number, frame = (int(value) for value in self.samples[index])
        store = self.labelled.stores[number]
        if self.augmentations is None:
            grid = store.normalised(frame)
        else:
            # drawn by seed, epoch and sample: the same whoever reads it, and after a resumption
            rng = np.random.default_rng([self.seed, self.epoch, number, frame])
            raw = self.augmentations[number].draw(store.grid(frame), rng)
            grid = normalise(raw, raw.min((1, 2, 3)), raw.max((1, 2, 3)))
        return torch.from_numpy(np.ascontiguousarray(grid)), int(self.classes[index])


def parse_source(text: str) -> Source:
    """Label and path of ``LABEL=STORE``.

    Raises
    ------
    VoxionError
        One of them is missing.
    """
    label, equals, path = text.partition("=")
    if not (label.strip() and equals and path):
        raise VoxionError(f"Expected LABEL=STORE, a label and a voxel store, found {text!r}.")
    return label.strip(), path


def open_labelled(sources: Sequence[Source]) -> LabelledSet:
    """Open stores and make sure that they go together.

    Raises
    ------
    VoxionError
        No store, one without frames or given twice, or channels, units or shapes that differ.
    """
    if not sources:
        raise VoxionError("No voxel store was given: expected LABEL=STORE, one or more.")
    paths = [Path(path).resolve() for _, path in sources]
    for path in paths:
        if paths.count(path) > 1:
            raise VoxionError(f"{path} is given twice: each run has one label, and counts once.")
    stores = tuple(open_store(path) for _, path in sources)
    _require_alike(stores)
    return LabelledSet(stores, tuple(label for label, _ in sources))


def split_samples(labelled: LabelledSet, by: SplitBy = "time", seed: int = 0) -> SampleParts:
    """Split the frames of a labelled set into training, validation and held-out parts.

    ``time``: the first 80 % of each store train, the next 10 % validate and the last 10 % are
    held out. The default, because neighbouring frames of a run are alike: of frames that are
    drawn at random, near copies have been trained on. ``random``: 80/10/10 of each label's frames
    drawn at random, as in the paper. ``run``: whole runs are left out, the hardest and most honest
    test; each label needs two stores. The last one of a label is held out, the one before
    it validates, all others train; of two, the first half of the second validates.

    Parameters
    ----------
    labelled : LabelledSet
    by : "time", "random" or "run"
    seed : int
        Seed of the random split.

    Raises
    ------
    VoxionError
        Too few frames or runs of a label.
    """
    pick = {"time": _by_time, "random": _at_random, "run": _by_run}[by]
    groups = [pick(labelled, label, seed) for label in labelled.labels]
    return SampleParts(*(_stack(list(parts)) for parts in zip(*groups, strict=True)))


def _by_time(labelled: LabelledSet, label: str, seed: int) -> tuple[Samples, Samples, Samples]:
    parts = []
    for number in _stores_of(labelled, label):
        store = labelled.stores[number]
        cuts = _cuts(store.frames, str(store.path))
        parts.append([_frames(number, part) for part in np.split(np.arange(store.frames), cuts)])
    training, validation, held_out = (_stack(list(part)) for part in zip(*parts, strict=True))
    return training, validation, held_out


def _at_random(labelled: LabelledSet, label: str, seed: int) -> tuple[Samples, Samples, Samples]:
    samples = _stack(
        [
            _frames(number, np.arange(labelled.stores[number].frames))
            for number in _stores_of(labelled, label)
        ]
    )
    order = np.random.default_rng([seed, labelled.labels.index(label)]).permutation(len(samples))
    parts = np.split(order, _cuts(len(order), f"label {label!r}"))
    training, validation, held_out = (samples[np.sort(part)] for part in parts)
    return training, validation, held_out


def _by_run(labelled: LabelledSet, label: str, seed: int) -> tuple[Samples, Samples, Samples]:
    numbers = _stores_of(labelled, label)
    runs = [_frames(number, np.arange(labelled.stores[number].frames)) for number in numbers]
    if len(runs) < 2:
        raise VoxionError(
            f"A split by run needs at least 2 stores of each label, {label!r} has "
            f"{len(runs)}: add independent runs, or split by time."
        )
    if len(runs) > 2:
        return _stack(runs[:-2]), runs[-2], runs[-1]
    half = len(runs[1]) // 2
    if not half:
        raise VoxionError(
            f"{labelled.stores[numbers[1]].path} has 1 frame, a split by run needs 2 in the second "
            f"of two stores of {label!r}: add frames or a third run."
        )
    return runs[0], runs[1][:half], runs[1][half:]


def _cuts(frames: int, name: str) -> list[int]:
    """Return the ends of the first and of the second of three parts."""
    if frames < 3:
        raise VoxionError(
            f"{name} has {frames} frames, at least 3 are needed (training, validation, "
            "held out): add frames."
        )
    part = max(1, round(SHARE * frames))
    return [frames - 2 * part, frames - part]


def _require_alike(stores: Sequence[VoxelStore]) -> None:
    first = stores[0]
    for store in stores:
        if not store.frames:
            raise VoxionError(f"{store.path} has no frames yet: leave it out, or wait for some.")
        for what in ("channels", "units", "shape"):
            expected, found = getattr(first, what), getattr(store, what)
            if expected != found:
                name = "shape (nz, ny, nx)" if what == "shape" else what
                raise VoxionError(
                    f"{store.path} has {name} {_text(found)}, expected {_text(expected)} as in "
                    f"{first.path}: give stores of the same channels and grid."
                )
        ours, theirs = (one.attrs.get("spread") for one in (first, store))
        if ours != theirs:
            raise VoxionError(
                f"{store.path} has spread {theirs}, expected {ours} as in {first.path}: give "
                "stores of the same spread."
            )


def _stores_of(labelled: LabelledSet, label: str) -> list[int]:
    return [number for number, name in enumerate(labelled.store_labels) if name == label]


def _frames(number: int, frames: NDArray[np.int64]) -> Samples:
    return np.stack([np.full(len(frames), number, np.int64), frames.astype(np.int64)], axis=1)


def _stack(parts: Sequence[Samples]) -> Samples:
    return np.concatenate(parts)


def _text(values: Sequence[object]) -> str:
    return ", ".join(str(value) for value in values)
