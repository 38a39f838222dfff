"""Settings of a classifier's training: kept with its result, compared when resumed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, ValidationError

from voxion.errors import VoxionError
from voxion.files import first_problem
from voxion.training_folder import FolderSettings, read_folder_settings
from voxion.voxels.classifier.dataset import Source, SplitBy, open_labelled


class TrainingSettings(FolderSettings):
    """Settings of one training; the defaults are those of Dumortier and Mossa (2020).

    Attributes
    ----------
    sources : tuple of (label, path)
        Absolute paths of the stores.
    fingerprints : tuple of str
        Fingerprints of the stores, in the same order.
    split : "time", "random" or "run"
        See `voxion.voxels.classifier.dataset.split_samples`.
    seed : int
        Seed of the weights, the batches, a random split and the augmentation.
    epochs : int
    batch : int
        Samples in a step, over all devices together.
    learning_rate : float
        Initial learning rate of Adam, which the paper does not state.
    augment : bool
        Train on equivalent forms of the grids, see `voxion.voxels.classifier.augmentation`.
    """

    sources: Annotated[tuple[Source, ...], Field(min_length=1)]
    fingerprints: tuple[str, ...]
    split: SplitBy = "time"
    seed: Annotated[int, Field(ge=0)] = 0
    epochs: Annotated[int, Field(ge=1)] = 50
    batch: Annotated[int, Field(ge=1)] = 32
    learning_rate: Annotated[float, Field(gt=0, allow_inf_nan=False)] = 3e-4
    augment: bool = False


def make_settings(sources: Sequence[Source], **values: Any) -> TrainingSettings:
    """Make settings for labelled stores; `values` as in `TrainingSettings`.

    Reads all grids once, for the fingerprints.

    Raises
    ------
    VoxionError
        The stores do not go together, hold grids that cannot be read, or hold the same grids.
    """
    labelled = open_labelled(sources)
    if len(labelled.labels) < 2:
        raise VoxionError(
            f"A classifier needs stores of at least 2 labels, found {labelled.labels[0]!r} alone."
        )
    fingerprints = tuple(store.fingerprint() for store in labelled.stores)
    for number, fingerprint in enumerate(fingerprints):
        first = fingerprints.index(fingerprint)
        if first < number:
            raise VoxionError(
                f"{labelled.stores[number].path} holds the same grids as "
                f"{labelled.stores[first].path}: each run counts once."
            )
    try:
        return TrainingSettings(
            sources=tuple((label, str(Path(path).resolve())) for label, path in sources),
            fingerprints=fingerprints,
            **values,
        )
    except ValidationError as error:
        raise VoxionError(f"The training cannot be set up so: {first_problem(error)}.") from None


def read_settings(folder: Path) -> TrainingSettings:
    """Read the settings of a training folder.

    Raises
    ------
    VoxionError
        The folder has none, or not those of this version.
    """
    return read_folder_settings(folder, TrainingSettings)
