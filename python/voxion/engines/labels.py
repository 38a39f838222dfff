"""Label sources: what computes the charges of a surface for a configuration of the electrolyte."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from rich.progress import track

from voxion.charges.dataset import ChargeDataset, ChargeFrame, open_dataset
from voxion.charges.dataset_writer import ChargeDatasetWriter
from voxion.errors import VoxionError


class LabelSource(Protocol):
    """A solver for the charges of the surface of one system."""

    @property
    def settings(self) -> dict[str, Any]:
        """Name of the method and everything that its charges depend on; JSON values."""

    @property
    def sources(self) -> int:
        """Number of electrolyte atoms that `label` expects."""

    def label(self, source_positions: NDArray[np.floating]) -> NDArray[np.float64]:
        """Surface charges [M] (e) for electrolyte positions [N, 3] (angstrom, ascending ID)."""

    def sample(
        self,
        output: str | Path,
        frames: int,
        interval: float,
        *,
        start: str | Path | None = None,
        settle: float = 5.0,
        resume: bool = False,
        progress: bool = True,
    ) -> ChargeDataset:
        """Run MD with this source's charges; a frame every `interval` ps into a data set."""


def label_frames(
    source: LabelSource,
    frames: ChargeDataset | Iterable[ChargeFrame],
    *,
    progress: bool = False,
) -> NDArray[np.float64]:
    """Charges that a label source gives to frames, wherever these came from.

    Parameters
    ----------
    source : LabelSource
        Of the same system: same sheet, same electrolyte atoms in the same order.
    frames : ChargeDataset or iterable of ChargeFrame
        Their own charges are not used.
    progress : bool
        Show a progress bar.

    Returns
    -------
    ndarray [F, M]
        e.

    Raises
    ------
    VoxionError
        A frame is not of the source's system.
    """
    rows = []
    for frame in track(
        frames, description="labelling", disable=not progress, total=_length(frames)
    ):
        count = len(frame.source_positions)
        if count != source.sources:
            raise VoxionError(
                f"The frame of step {frame.step} has {count} electrolyte atoms; the system of the "
                f"label source has {source.sources}."
            )
        rows.append(source.label(frame.source_positions))
    return np.array(rows)


def relabel(
    source: LabelSource, dataset: ChargeDataset, output: str | Path, *, progress: bool = True
) -> ChargeDataset:
    """Write a new data set: the frames of another with the charges of a label source.

    Every labelled frame is kept when the work is interrupted; started again with the same output,
    it continues.

    Parameters
    ----------
    source : LabelSource
    dataset : ChargeDataset
        Frames of the source's system.
    output : path
        Folder of the new data set.

    Returns
    -------
    ChargeDataset

    Raises
    ------
    VoxionError
        The frames are not of the source's system, or `output` is another data set.
    """
    writer = ChargeDatasetWriter(
        output,
        surface_positions=dataset.surface_positions,
        source_charges=dataset.source_charges,
        source_species=dataset.species_of_sources.tolist(),
        total_charge=dataset.total_charge,
        periodic=dataset.periodic,
        cell_origin=dataset.cell_origin,
        label_source=source.settings,
        title=dataset.title,
        append=True,
    )
    indices = range(writer.frames, dataset.frames)
    for index in track(indices, description="labelling", disable=not progress):
        frame = dataset.frame(index)
        charges = label_frames(source, [frame])[0]
        writer.append(
            ChargeFrame(frame.source_positions, charges, frame.cell, frame.step, frame.time)
        )
    return open_dataset(output)


def _length(frames: ChargeDataset | Iterable[ChargeFrame]) -> int | None:
    return frames.frames if isinstance(frames, ChargeDataset) else None
