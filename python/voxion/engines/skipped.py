"""Frames that a label source had no charges for: kept by name, beside those that it had."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import zarr

ATTRIBUTE = "skipped_frames"


class SkippedFrames:
    """The attribute ``skipped_frames`` of a data set: MD step and reason of each, in order.

    Parameters
    ----------
    dataset : Path
        Zarr folder of a data set that is there.
    """

    def __init__(self, dataset: Path) -> None:
        self._group = zarr.open_group(dataset, mode="r+")
        self._frames: list[dict[str, Any]] = list(self._read(self._group))

    @staticmethod
    def of(dataset: str | Path) -> list[dict[str, Any]]:
        """Skipped frames of a data set: dictionaries with ``step`` and ``reason``."""
        return SkippedFrames._read(zarr.open_group(dataset, mode="r"))

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
    def _read(group: zarr.Group) -> list[dict[str, Any]]:
        frames: Any = group.attrs.get(ATTRIBUTE, [])
        return list(frames)
