"""Frames that a label source had no charges for: kept by name, beside those that it had."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import zarr
from pydantic import BaseModel, Field

from voxion.charges.data.dataset import ADVICE, KIND
from voxion.files import check_content, refusing
from voxion.zarr_files import open_group

ATTRIBUTE = "skipped_frames"


class _Skipped(BaseModel):
    step: Annotated[int, Field(ge=0)]
    reason: Annotated[str, Field(max_length=1000)]


class SkippedFrames:
    """The attribute ``skipped_frames`` of a data set: MD step and reason of each, in order.

    Parameters
    ----------
    dataset : Path
        Zarr folder of a data set that is there.

    Raises
    ------
    VoxionError
        It is not, or the attribute is something else.
    """

    def __init__(self, dataset: Path) -> None:
        self._group = open_group(dataset, KIND, ADVICE, "r+")
        self._frames = self._read(dataset, self._group)

    @staticmethod
    def of(dataset: str | Path) -> list[dict[str, Any]]:
        """Skipped frames of a data set: dictionaries with ``step`` and ``reason``."""
        path = Path(dataset)
        return SkippedFrames._read(path, open_group(path, KIND, ADVICE))

    def __len__(self) -> int:
        return len(self._frames)

    def __contains__(self, step: int) -> bool:
        return any(frame["step"] == step for frame in self._frames)

    def add(self, step: int, reason: str) -> None:
        """Note one more."""
        self._frames.append({"step": step, "reason": reason})
        self._write()

    def forget_after(self, step: int) -> None:
        """Drop what lies behind a step, from which a run goes on."""
        kept = [frame for frame in self._frames if frame["step"] <= step]
        if len(kept) < len(self._frames):
            self._frames = kept
            self._write()

    def _write(self) -> None:
        self._group.attrs[ATTRIBUTE] = self._frames

    @staticmethod
    def _read(dataset: Path, group: zarr.Group) -> list[dict[str, Any]]:
        with refusing(dataset, f"{KIND}: attribute {ATTRIBUTE}", ADVICE):
            frames = check_content(group.attrs.get(ATTRIBUTE, []), list[_Skipped])
        return [frame.model_dump() for frame in frames]
