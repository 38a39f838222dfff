"""What a training was told: kept beside its result, and compared when it is resumed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from voxion.charges.splits import SplitBy
from voxion.contract import RadialFunctions
from voxion.errors import VoxionError

SETTINGS_FILE = "settings.json"
ModelName = Literal["site-potentials", "paper"]

# Chosen by validation error on ELECTRODE and on DFTB+ labels; docs/results.md has the tables.
# Four widths are as good as six, and four doubles fill one vector register.
WIDTHS = (0.05, 0.15, 0.2, 0.3)  # 1/angstrom
CUTOFF = 14.0  # angstrom
SHELLS = 10


class TrainingSettings(BaseModel):
    """Settings of one training.

    Attributes
    ----------
    model : "site-potentials" or "paper"
    datasets : tuple of str
        Paths, absolute.
    fingerprints : tuple of str
        Of the data sets, in the same order.
    split : "time" or "random"
        See `voxion.charges.splits.split_frames`.
    seed : int
        Of the weights, the batches and a random split.
    epochs : int
        Most epochs of gradient descent; it usually stops earlier by itself. With 0 epochs the
        site-potentials model is its linear response alone.
    constraint : float
        lambda of the paper's eq. 3 (paper only).
    radial_functions : RadialFunctions
        Site-potentials only.
    shells : int
        Neighbour shells, the site itself being the first (site-potentials only).
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    model: ModelName = "site-potentials"
    datasets: Annotated[tuple[str, ...], Field(min_length=1)]
    fingerprints: tuple[str, ...]
    split: SplitBy = "time"
    seed: int = 0
    epochs: Annotated[int, Field(ge=0)] = 2000
    constraint: Annotated[float, Field(ge=0)] = 1.0
    radial_functions: RadialFunctions = RadialFunctions(widths=WIDTHS, cutoff=CUTOFF)
    shells: Annotated[int, Field(ge=1)] = SHELLS

    def write(self, folder: Path) -> None:
        """Write `settings.json`."""
        (folder / SETTINGS_FILE).write_text(self.model_dump_json(indent=2) + "\n")

    def check_same(self, other: TrainingSettings, folder: Path) -> None:
        """Raise unless a training with `other` may continue one with these settings.

        Raises
        ------
        VoxionError
            Something other than the number of epochs differs.
        """
        ours, theirs = self.model_dump(), other.model_dump()
        for name in ours:
            if name != "epochs" and ours[name] != theirs[name]:
                raise VoxionError(
                    f"{folder} was trained with {name} {ours[name]}, now it is {theirs[name]}: "
                    "resume with the same settings, or train into another folder."
                )


def read_settings(folder: Path) -> TrainingSettings:
    """Read the settings of a training folder.

    Raises
    ------
    VoxionError
        The folder has none, or not those of this version.
    """
    path = folder / SETTINGS_FILE
    try:
        return TrainingSettings.model_validate_json(path.read_text())
    except FileNotFoundError:
        raise VoxionError(
            f"{folder} is not a training folder: it has no {SETTINGS_FILE}."
        ) from None
    except ValidationError as error:
        raise VoxionError(
            f"{path} does not fit this version: {error.errors()[0]['msg']}; train again."
        ) from None
