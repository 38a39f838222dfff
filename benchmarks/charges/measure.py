"""One measurement: a short MD run in a LAMMPS process of its own, and what its log says."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.charges.modes import LONG_INTERVAL, Mode
from benchmarks.common.lammps import WARM_UP, loop_times, run_script
from benchmarks.common.processes import Finished, Times
from benchmarks.common.rounds import Case
from voxion.engines.lammps import quoted
from voxion.errors import VoxionError

SETUP_FILE = "setup.txt"
_FIX = re.compile(
    r"^Fix voxion/charge \S+: updates: .*, (\d+) during the run, (\S+) s, (\S+) %", re.MULTILINE
)
_BUILDS = re.compile(r"^Neighbor list builds = (\d+)", re.MULTILINE)
_MESH = re.compile(r"^ *grid = (\d+ \d+ \d+)", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Measurement(Times):
    """Times of the measured steps, and what else the log says.

    Attributes
    ----------
    setup : float
        Time from the first `run` to its first step, s: neighbour lists, matrix, first forces.
    memory : float
        Peak of the largest process, GB.
    mesh : str
        Mesh of the long-range solver.
    builds : int
        Number of neighbour list builds in the measured steps.
    updates : int or None
        Number of updates by fix voxion/charge in the measured steps.
    fix_seconds, fix_share : float or None
        Time in fix voxion/charge by its own log line, s and per cent of the loop time.
    """

    setup: float
    memory: float
    mesh: str
    builds: int
    updates: int | None = None
    fix_seconds: float | None = None
    fix_share: float | None = None


def cases(
    modes: Sequence[Mode],
    system: Path,
    work: Path,
    *,
    steps: int,
    ranks: int,
    setup_limit: float | None = None,
) -> list[Case]:
    """Return the cases of one table: all modes on one system and number of ranks; see `measure`."""
    about = {"system": system.name, "ranks": ranks}
    settings: dict[str, Any] = {"steps": steps, "ranks": ranks, "setup_limit": setup_limit}
    return [
        Case(
            mode.name,
            mode.label,
            partial(measure, mode, system, work, **settings),
            {**about, "every": mode.every},
        )
        for mode in modes
    ]


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
        Number of measured steps.
    ranks : int
        Number of MPI processes.
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
    done = run_script(script, ranks, setup=setup, limit=setup_limit)
    if done is None:
        return None
    result = _read(script.with_suffix(".log"), float(setup.read_text()), done, steps, ranks)
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


def _read(log: Path, setup: float, done: Finished, steps: int, ranks: int) -> Measurement:
    text = log.read_text()
    result = Measurement(
        **asdict(loop_times(log, steps, ranks, done)),
        setup=setup,
        memory=done.memory,
        mesh=_MESH.findall(text)[-1],
        builds=int(_BUILDS.findall(text)[-1]),
    )
    lines = _FIX.findall(text)
    if not lines:
        return result
    updates, seconds, share = lines[-1]
    return replace(result, updates=int(updates), fix_seconds=float(seconds), fix_share=float(share))
