"""Folders of trainings: what one was told stands beside its result, compared when it is resumed."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ConfigDict

from voxion.errors import VoxionError
from voxion.files import read_json, write_json

SETTINGS_FILE = "settings.json"
Settings = TypeVar("Settings", bound="FolderSettings")


class FolderSettings(BaseModel):
    """Base of the settings of all trainings."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    def write(self, folder: Path) -> None:
        """Write `settings.json`."""
        write_json(folder / SETTINGS_FILE, self.model_dump(mode="json"))

    def check_same(self, other: FolderSettings, folder: Path) -> None:
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


def read_folder_settings(folder: Path, kind: type[Settings]) -> Settings:
    """Read the settings of a training folder.

    Raises
    ------
    VoxionError
        The folder has none, or not those of this version.
    """
    path = folder / SETTINGS_FILE
    if not path.exists():
        raise VoxionError(f"{folder} is not a training folder: it has no {SETTINGS_FILE}.")
    return read_json(path, kind, "train again into another folder")


def claim_folder(out: Path, settings: FolderSettings, resume: bool) -> None:
    """Make a folder this training's own.

    Raises
    ------
    VoxionError
        It holds something else, a training that is not to be resumed, or one with other settings.
    """
    if (out / SETTINGS_FILE).exists():
        if not resume:
            raise VoxionError(
                f"{out} holds a training already: continue it with --resume, or give another "
                "folder."
            )
        read_folder_settings(out, type(settings)).check_same(settings, out)
    elif out.exists() and (not out.is_dir() or any(out.iterdir())):
        found = "not empty" if out.is_dir() else "a file"
        raise VoxionError(f"{out} is {found} and not a training: give another folder.")
    out.mkdir(parents=True, exist_ok=True)
    settings.write(out)


@contextmanager
def torch_threads(threads: int) -> Iterator[None]:
    """Let torch use this many threads inside."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@contextmanager
def quiet_lightning() -> Iterator[None]:
    """Without what Lightning says of its own affairs."""
    logger = logging.getLogger("lightning.pytorch")
    level = logger.level
    logger.setLevel(logging.WARNING)
    with warnings.catch_warnings():
        for message in (
            ".*does not have many workers.*",
            ".*exists and is not empty.*",
            ".*LeafSpec.*",  # Lightning's own, torch 2.13
            ".*deterministic.*",
        ):
            warnings.filterwarnings("ignore", message=message)
        try:
            yield
        finally:
            logger.setLevel(level)
