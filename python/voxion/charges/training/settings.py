"""Settings of a training: kept beside its result, and compared when it is resumed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field

from voxion.charges.data.splits import SplitBy
from voxion.charges.defaults import CUTOFF, SHELLS, WIDTHS
from voxion.contract.schema import RadialFunctions, WaveVector
from voxion.training_folder import FolderSettings, read_folder_settings

ModelName = Literal["site-potentials", "tight-binding", "ion-positions"]


class TrainingSettings(FolderSettings):
    """Settings of one training.

    Attributes
    ----------
    model : "site-potentials", "tight-binding" or "ion-positions"
    datasets : tuple of str
        Paths, absolute.
    fingerprints : tuple of str
        Fingerprints of the data sets, in the same order.
    split : "time" or "random"
        See `voxion.charges.data.splits.split_frames`.
    seed : int
        Seed of the weights, the batches and a random split.
    epochs : int
        Most epochs of gradient descent; it usually stops earlier by itself. With 0 epochs the
        site-potentials model is its linear response alone; the tight-binding model has no more.
    constraint : float
        lambda of eq. 3 of Di Pasquale et al. (ion-positions only).
    radial_functions : RadialFunctions
        Not used by ion-positions.
    largest_wave_vector : float or None
        Of the plane waves beside the radial functions, 1/angstrom; None: no waves.
    shells : int
        Neighbour shells, the site itself being the first (not used by ion-positions).
    """

    model: ModelName = "site-potentials"
    datasets: Annotated[tuple[str, ...], Field(min_length=1)]
    fingerprints: tuple[str, ...]
    split: SplitBy = "time"
    seed: int = 0
    epochs: Annotated[int, Field(ge=0)] = 2000
    constraint: Annotated[float, Field(ge=0)] = 1.0
    radial_functions: RadialFunctions = RadialFunctions(widths=WIDTHS, cutoff=CUTOFF)
    largest_wave_vector: WaveVector | None = None
    shells: Annotated[int, Field(ge=1)] = SHELLS


def read_settings(folder: Path) -> TrainingSettings:
    """Read the settings of a training folder.

    Raises
    ------
    VoxionError
        The folder has none, or not those of this version.
    """
    return read_folder_settings(folder, TrainingSettings)
