"""The loop of a label source and MD: run, solve for the charges, run on with them.

As the QM/MD loop of Di Pasquale et al., J. Chem. Theory Comput. 17, 4477 (2021),
10.1021/acs.jctc.1c00360, which solves every 5 ps. LAMMPS stays in this process from one interval to
the next, and the charges go into its running simulation.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich import print as tell

from voxion.charges.data.dataset import ChargeDataset, ChargeFrame
from voxion.charges.data.opening import open_dataset
from voxion.charges.defaults import UPDATE_INTERVAL
from voxion.charges.sampling.labels import LabelSource, NotLabelled
from voxion.charges.sampling.run import (
    ChargeMethod,
    SamplingRun,
    frames_bar,
    sampling_run,
    steps_of,
)
from voxion.charges.sampling.skipped import SkippedFrames
from voxion.engines.lammps import gather, quoted, scatter
from voxion.systems.description import load_system


def couple(
    source: LabelSource,
    system: str | Path,
    output: str | Path,
    frames: int,
    interval: float = UPDATE_INTERVAL,
    *,
    settle: float = 0.0,
    start: str | Path | None = None,
    resume: bool = False,
    progress: bool = True,
) -> ChargeDataset:
    """Run NVT with charges that a label source gives the surface after every interval.

    Between two updates the charges stay as they are; before the first they are those of the
    starting configuration. Every configuration with the charges that it got is a frame. One that
    the source has no charges for is left out, and told in the attribute ``skipped_frames``; MD goes
    on with the charges that were there. Files beside the data set, and resuming, as in
    `voxion.charges.sampling.run.sample_run`.

    Parameters
    ----------
    source : LabelSource
        Source of labels of the same system.
    system : path
        Folder of a built and equilibrated system.
    output : path
        Folder of the data set.
    frames : int
        Frames in the data set at the end, those of earlier runs and those left out included.
    interval : float
        Between updates, ps; a whole number of MD steps.
    settle : float
        MD before the first frame, with updates, ps.
    start : path, optional
        LAMMPS data file to start from; ``equilibrated.data`` of the system by default.
    resume : bool
        Continue a data set that is there.
    progress : bool
        Show a progress bar, and tell what is left out.

    Returns
    -------
    ChargeDataset

    Raises
    ------
    VoxionError
        As `sample_run`; or an error of the source other than `NotLabelled`.
    """
    settled = steps_of(settle, load_system(system).timestep, "settle", smallest=0)
    method = ChargeMethod([], "pppm", {**source.settings, "update_interval": interval})
    with sampling_run(system, output, method, frames, interval, start=start, resume=resume) as run:
        _loop(source, run, frames, settled, progress)
    return open_dataset(output)


def set_charges(engine: Any, surface: NDArray[np.bool_], charges: NDArray[np.float64]) -> None:
    """Set the charges of surface atoms; the next ``run`` tells ghost atoms and Ewald sums of them.

    Parameters
    ----------
    engine : lammps.lammps
    surface : ndarray [atoms]
        Which atoms, in ascending ID.
    charges : ndarray [M]
        e.
    """
    values = gather(engine, "q")
    values[surface] = charges
    scatter(engine, "q", values)


def _loop(source: LabelSource, run: SamplingRun, frames: int, settled: int, progress: bool) -> None:
    engine, writer, step = run.engine, run.writer, run.step
    skipped = SkippedFrames(writer.path)
    skipped.forget_after(step)
    partial = run.restart.with_name(f".{run.restart.name}")
    with frames_bar("coupling", progress) as bar:
        task = bar.add_task("coupling", total=frames)
        # killed between a restart and its frame: both have the charges of the update
        if step > max(settled, writer.last_step or 0) and step not in skipped:
            writer.append(run.collector.frame())
        while (done := writer.frames + len(skipped)) < frames:
            bar.update(task, completed=done)
            # set up in full: ghost atoms and Ewald sums learn of the charges
            engine.command(f"run {run.every} post no")
            step += run.every
            frame = run.collector.frame()
            charges = _charges(source, frame, skipped if step > settled else None, progress)
            if charges is not None:
                set_charges(engine, run.collector.surface, charges)
            # the restart first: it is never older than the last frame
            engine.command(f"write_restart {quoted(partial)}")
            partial.replace(run.restart)
            if charges is not None and step > settled:
                writer.append(
                    ChargeFrame(frame.source_positions, charges, frame.cell, step, frame.time)
                )
        bar.update(task, completed=frames)


def _charges(
    source: LabelSource, frame: ChargeFrame, skipped: SkippedFrames | None, progress: bool
) -> NDArray[np.float64] | None:
    try:
        return source.label(frame.source_positions)
    except NotLabelled as error:
        if skipped is not None:
            skipped.add(frame.step, str(error))
        if progress:
            tell(f"Step {frame.step}: {error} MD goes on with the charges of the last update.")
        return None
