"""LAMMPS runs as processes of their own, and the times that their logs tell."""

from __future__ import annotations

import re
from pathlib import Path

from benchmarks.common.processes import Finished, Times, run_process
from voxion.engines.lammps import check_finished, lammps_command, lammps_environment
from voxion.errors import VoxionError

WARM_UP = 20  # steps before the measured ones
_LOOP = re.compile(r"^Loop time of (\S+) on \d+ procs for (\d+) steps", re.MULTILINE)
_CPU_USE = re.compile(r"^(\S+)% CPU use", re.MULTILINE)


def run_script(
    script: Path, ranks: int, *, setup: Path | None = None, limit: float | None = None
) -> Finished | None:
    """Run an input in its folder; its log gets the input's name.

    Parameters
    ----------
    script : Path
    ranks : int
        Number of MPI processes.
    setup, limit : optional
        See `run_process`.

    Raises
    ------
    VoxionError
        LAMMPS ended with an error.
    """
    log = script.with_suffix(".log")
    log.unlink(missing_ok=True)
    command = lammps_command(script, log, processes=ranks)
    done = run_process(
        command, script.parent, environment=lammps_environment(), setup=setup, limit=limit
    )
    if done is not None:
        check_finished(script, log, done.status, done.error)
    return done


def settings(rounds: int, steps: int) -> str:
    """Say in words how the steps of all modes are measured."""
    return (
        f"{rounds} rounds, {steps} measured steps after {WARM_UP} steps and the set-up; "
        "OMP_NUM_THREADS=1."
    )


def ranks_title(ranks: int) -> str:
    """Return a number of MPI ranks in words."""
    return f"{ranks} MPI rank{'s' if ranks > 1 else ''}"


def loop_times(log: Path, steps: int, ranks: int, done: Finished) -> Times:
    """Return the times of the last run in a log: "Loop time" and "CPU use" of all ranks.

    Raises
    ------
    VoxionError
        The last run had another number of steps.
    """
    text = log.read_text()
    loop, measured = _LOOP.findall(text)[-1]
    if int(measured) != steps:
        raise VoxionError(f"{log} ends with a run of {measured} steps instead of {steps}.")
    use = float(_CPU_USE.findall(text)[-1]) / 100
    return Times(
        wall=float(loop),
        processor=float(loop) * use * ranks,
        instructions=done.instructions,
    )
