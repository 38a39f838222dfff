"""One measurement: a short MD run in a LAMMPS process of its own, and what its log says."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from dataclasses import dataclass, replace
from pathlib import Path

from modes import LONG_INTERVAL, Mode

from voxion.engines.lammps import quoted
from voxion.errors import VoxionError

WARM_UP = 20  # steps before the measured ones
SETUP_FILE = "setup.txt"
_LOOP = re.compile(r"^Loop time of (\S+) on \d+ procs for (\d+) steps", re.MULTILINE)
_FIX = re.compile(
    r"^Fix voxion/charge \S+: updates: .*, (\d+) during the run, (\S+) s, (\S+) %", re.MULTILINE
)
_CPU_USE = re.compile(r"^(\S+)% CPU use", re.MULTILINE)
_BUILDS = re.compile(r"^Neighbor list builds = (\d+)", re.MULTILINE)
_MESH = re.compile(r"^ *grid = (\d+ \d+ \d+)", re.MULTILINE)


@dataclass(frozen=True)
class Measurement:
    """What one run took.

    Attributes
    ----------
    loop : float
        LAMMPS's "Loop time" of the measured steps, s.
    setup : float
        From the first `run` to its first step, s: neighbour lists, matrix, first forces.
    memory : float
        Peak of the largest process, GB.
    mesh : str
        Of the long-range solver.
    builds : int
        Of neighbour lists in the measured steps.
    cpu_use : float
        Share of the loop time that LAMMPS was on a processor, per cent: below 100 on a busy
        machine.
    updates : int or None
        Updates by fix voxion/charge in the measured steps.
    fix_seconds, fix_share : float or None
        Time in fix voxion/charge by its own log line, s and per cent of the loop time.
    """

    loop: float
    setup: float
    memory: float
    mesh: str
    builds: int
    cpu_use: float
    updates: int | None = None
    fix_seconds: float | None = None
    fix_share: float | None = None


def measure(
    mode: Mode,
    system: Path,
    work: Path,
    *,
    steps: int,
    ranks: int = 1,
    setup_limit: float | None = None,
) -> Measurement | None:
    """Measure one mode on an equilibrated system.

    Parameters
    ----------
    mode : Mode
    system : Path
        Folder of the system; every measurement starts from its ``equilibrated.data``.
    work : Path
        Folder that gets the input and the log.
    steps : int
        Measured steps.
    ranks : int
        MPI processes.
    setup_limit : float, optional
        Seconds after which a run that has not finished its set-up is ended.

    Returns
    -------
    Measurement, or None if the set-up took longer than the limit

    Raises
    ------
    VoxionError
        LAMMPS stopped, or the fix did not update as often as it should have.
    """
    folder = work / f"{system.name}-{mode.name}-{ranks}"
    folder.mkdir(parents=True, exist_ok=True)
    setup = folder / SETUP_FILE
    setup.unlink(missing_ok=True)
    script = folder / "in.lammps"
    script.write_text(_script(mode, system.resolve(), steps))
    output = _run(script, ranks, setup, setup_limit)
    if output is None:
        return None
    result = _read(script.with_suffix(".log"), float(setup.read_text()), float(output), steps)
    if mode.every is not None and result.updates != max(1, steps // mode.every):
        raise VoxionError(
            f"{mode.label} made {result.updates} updates in {steps} steps; see {folder}."
        )
    return result


def _script(mode: Mode, system: Path, steps: int) -> str:
    """Write an input whose measured steps hold one multiple of the long interval, mid-way."""
    # Another set-up makes fix voxion/charge count anew; ELECTRODE would compute its matrix again.
    again = " pre no" if mode.matrix else ""
    lines = [
        f"variable kspace index {mode.kspace}",
        f"include {quoted(system / 'in.init')}",
        f"read_data {quoted(system / 'equilibrated.data')}",
        f"include {quoted(system / 'in.settings')}",
        f"include {quoted(system / 'in.dynamics')}",
        f"reset_timestep {LONG_INTERVAL - steps // 2 - WARM_UP}",
        *mode.commands,
        "thermo 0",
        "variable begin timer",
        "run 0 post no",
        "variable ready timer",
        f'print "$(v_ready-v_begin:%.6f)" file {SETUP_FILE} screen no',
        f"run {WARM_UP} pre no post no",
        f"run {steps}{again}",
    ]
    return "\n".join(lines) + "\n"


def _run(script: Path, ranks: int, setup: Path, limit: float | None) -> str | None:
    """Run the worker; end it and its LAMMPS if the set-up is not over in time."""
    command = [sys.executable, str(Path(__file__).with_name("worker.py")), str(script), str(ranks)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    ) as worker:
        try:
            try:
                output, error = worker.communicate(timeout=limit)
            except subprocess.TimeoutExpired:
                if not setup.exists():
                    return None
                output, error = worker.communicate()
        finally:
            if worker.poll() is None:
                os.killpg(worker.pid, signal.SIGKILL)
    if worker.returncode != 0:
        raise VoxionError(error.strip())
    return output


def _read(log: Path, setup: float, memory: float, steps: int) -> Measurement:
    text = log.read_text()
    loop, measured = _LOOP.findall(text)[-1]
    if int(measured) != steps:
        raise VoxionError(f"{log} ends with a run of {measured} steps instead of {steps}.")
    result = Measurement(
        loop=float(loop),
        setup=setup,
        memory=memory,
        mesh=_MESH.findall(text)[-1],
        builds=int(_BUILDS.findall(text)[-1]),
        cpu_use=float(_CPU_USE.findall(text)[-1]),
    )
    lines = _FIX.findall(text)
    if not lines:
        return result
    updates, seconds, share = lines[-1]
    return replace(result, updates=int(updates), fix_seconds=float(seconds), fix_share=float(share))
