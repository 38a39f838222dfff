"""Label sources: what computes the charges of a surface for a configuration of the electrolyte."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray
from rich import print as tell
from rich.progress import track

from voxion.charges.data.dataset import ChargeDataset, ChargeFrame
from voxion.charges.data.dataset_writer import ChargeDatasetWriter
from voxion.charges.data.features import require_one_electrode
from voxion.charges.data.opening import open_dataset
from voxion.charges.sampling.skipped import SkippedFrames
from voxion.errors import VoxionError
from voxion.systems.description import SystemDescription

SAME_PLACE = 1e-3  # angstrom: sheets that differ by less are one

Item = TypeVar("Item")
Result = TypeVar("Result")


class NotLabelled(VoxionError):
    """A label source has no charges for one configuration, though its input is right."""


class LabelSource(Protocol):
    """A solver for the charges of the surface of one system."""

    @property
    def settings(self) -> dict[str, Any]:
        """Name of the method and everything that its charges depend on; JSON values."""

    @property
    def sources(self) -> int:
        """Number of electrolyte atoms that `label` expects."""

    @property
    def surface_positions(self) -> NDArray[np.float64]:
        """Positions of the atoms that get the charges, [M, 3], angstrom."""

    def label(self, source_positions: NDArray[np.floating]) -> NDArray[np.float64]:
        """Surface charges [M] (e) for electrolyte positions [N, 3] (angstrom, ascending ID).

        Raises
        ------
        NotLabelled
            No charges for this configuration; the next one may have some.
        """

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
        Source of labels of the same system: same sheet, same electrolyte atoms in the same order.
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
    source: LabelSource,
    dataset: ChargeDataset,
    output: str | Path,
    *,
    workers: int = 1,
    progress: bool = True,
) -> ChargeDataset:
    """Write a new data set: the frames of another with the charges of a label source.

    Every labelled frame is kept when the work is interrupted; started again with the same output,
    it continues. A frame that the source has no charges for is left out, and told in the attribute
    ``skipped_frames``.

    Parameters
    ----------
    source : LabelSource
    dataset : ChargeDataset
        Frames of the source's system.
    output : path
        Folder of the new data set.
    workers : int
        Frames at a time, in threads; more than one only for a source whose `label` allows it.
    progress : bool
        Show a progress bar, and tell what is left out.

    Returns
    -------
    ChargeDataset

    Raises
    ------
    VoxionError
        The frames are not of the source's system or have electrodes at given potentials, or
        `output` is another data set.
    """
    require_one_electrode(dataset)
    if not Path(output).exists():
        _check_sheet(source, dataset)
    writer = ChargeDatasetWriter.like(
        dataset,
        output,
        label_source=source.settings,
        title=dataset.title,
        append=True,
    )
    skipped = SkippedFrames(writer.path)
    rest = range(writer.frames + len(skipped), dataset.frames)

    def label(frame: ChargeFrame) -> ChargeFrame | NotLabelled:
        try:
            charges = label_frames(source, [frame])[0]
        except NotLabelled as error:
            return error
        return ChargeFrame(frame.source_positions, charges, frame.cell, frame.step, frame.time)

    frames = (dataset.frame(index) for index in rest)
    results = map(label, frames) if workers == 1 else _in_threads(label, frames, workers)
    for index, result in track(
        zip(rest, results, strict=True),
        description="labelling",
        disable=not progress,
        total=len(rest),
    ):
        if isinstance(result, ChargeFrame):
            writer.append(result)
        else:
            step = int(dataset.steps[index])
            skipped.add(step, str(result))
            if progress:
                tell(f"The frame of step {step} is left out: {result}")
    return open_dataset(output)


def check_sources(description: SystemDescription, positions: NDArray[np.floating]) -> None:
    """Check positions of the electrolyte against the system that they should be of.

    Raises
    ------
    VoxionError
        Another number of atoms, or atoms outside the bounds along z.
    """
    count = sum(species.count for species in description.species)
    if positions.shape != (count, 3):
        raise VoxionError(
            f"Expected positions of {count} electrolyte atoms, [N, 3]; found "
            f"{list(positions.shape)}."
        )
    low, high = description.box_z
    z = positions[:, 2]
    inside = description.periodic[2] or (low < z.min() and z.max() < high)
    if not (np.isfinite(positions).all() and inside):
        raise VoxionError(
            f"Electrolyte atoms lie outside the box, z from {low} to {high} A, or their "
            "positions are not finite."
        )


def _check_sheet(source: LabelSource, dataset: ChargeDataset) -> None:
    wanted, found = source.surface_positions, dataset.surface_positions
    if wanted.shape == found.shape:
        cell = dataset.cells[0]
        shift = (found - wanted) @ np.linalg.inv(cell)
        shift -= np.where(dataset.periodic, np.round(shift), 0.0)
        if np.abs(shift @ cell).max() < SAME_PLACE:
            return
    raise VoxionError(
        f"{dataset.path} has another sheet than the system of the label source: give the system "
        "that its frames are of."
    )


def _in_threads(
    work: Callable[[Item], Result], items: Iterable[Item], workers: int
) -> Iterator[Result]:
    """Results in the order of the items, of which few are taken ahead."""
    pending: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(workers) as pool:
        try:
            for item in items:
                pending.append(pool.submit(work, item))
                if len(pending) >= 2 * workers:
                    yield pending.popleft().result()
            while pending:
                yield pending.popleft().result()
        finally:  # an error of one, or an interruption: what has not begun does not begin
            for future in pending:
                future.cancel()


def _length(frames: ChargeDataset | Iterable[ChargeFrame]) -> int | None:
    return frames.frames if isinstance(frames, ChargeDataset) else None
