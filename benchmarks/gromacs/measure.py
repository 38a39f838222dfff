"""One measurement: a run of mdrun, or of the outside driver, and what the logs say."""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import numpy as np

from benchmarks.common.processes import Finished, Times, run_process
from benchmarks.common.systems import ROOT
from benchmarks.gromacs.modes import NSTLIST, TABLE, Mode, jobs_file
from voxion.engines.gromacs import Gromacs
from voxion.engines.mdrun import prepare
from voxion.errors import VoxionError
from voxion.systems.description import load_system

JOBS = "voxion.dat"
_LOOP = re.compile(r"^ +Time: +(\S+) +(\S+)", re.MULTILINE)  # processor and wall time
# GROMACS 2025 writes Plumed, 2026 plumed
_PLUMED = re.compile(r"^ [Pp]lumed +\d+ +\d+ +\d+ +(\S+)", re.MULTILINE)
_CHARGES = re.compile(r"^charges of group \S+: (\d+) updates, (\S+) s$", re.MULTILINE)
_SETUP = re.compile(r"^set up in (\S+) s$", re.MULTILINE)
_VOXELS = re.compile(r"^voxels of group \S+: (\d+) samples, .* (\S+) s$", re.MULTILINE)


@dataclass(frozen=True)
class Bench:
    """Program, system and models of all measurements.

    Attributes
    ----------
    gromacs : Gromacs
    system : Path
        Folder of the equilibrated system.
    start : Path
        Run input that every measurement starts from.
    models : dict
        Model files by kind.
    work : Path
        Folder for those of the modes.
    threads : int
        Number of OpenMP threads of mdrun.
    """

    gromacs: Gromacs
    system: Path
    start: Path
    models: dict[str, Path]
    work: Path
    threads: int

    def options(self, steps: int) -> list[str]:
        """Return the options of mdrun, the same in all modes."""
        words = f"-ntmpi 1 -ntomp {self.threads} -nstlist {NSTLIST} -pme cpu -update cpu -nov"
        return [*words.split(), "-nsteps", str(steps)]

    @property
    def environment(self) -> dict[str, str]:
        """Environment of mdrun, the same in all modes."""
        # mdrun refuses to be told of threads twice and differently
        threads = str(self.threads)
        return {"GMX_DD_SINGLE_RANK": "0", "GMX_MAXBACKUP": "-1", "OMP_NUM_THREADS": threads}

    def folder(self, mode: Mode) -> Path:
        """Return the folder of a mode's last measurement."""
        return self.work / f"{self.system.name}-{mode.name}"


@dataclass(frozen=True, kw_only=True)
class Measurement(Times):
    """Times of mdrun's steps, of all pieces together, and what else was measured.

    Attributes
    ----------
    whole : float
        Wall time from start to end of the process, s; that of the driver from the first
        prediction on.
    whole_processor : float
        Processor time of the same, s.
    plumed : float or None
        mdrun's own wall time in calls of the plugin, without its set-up in the first of them, s.
    setup : float or None
        Time of that set-up, once in a run: reading of groups, opening of files, a first
        prediction, s.
    updates : int or None
        Number of updates of the charges.
    update_ms : list of float
        Time of each of the plugin's updates, by its own clock.
    own : float or None
        Time that the plugin's job measures of itself, s.
    parts : dict
        Wall times of the driver's parts, s.
    """

    whole: float
    whole_processor: float
    plumed: float | None = None
    setup: float | None = None
    updates: int | None = None
    update_ms: list[float] = field(default_factory=list)
    own: float | None = None
    parts: dict[str, float] = field(default_factory=dict)


def measure(mode: Mode, bench: Bench, steps: int) -> Measurement:
    """Measure one mode.

    Raises
    ------
    VoxionError
        mdrun stopped, or the charges were not updated as often as they should have been.
    """
    folder = bench.folder(mode)
    # a voxel store is continued, not overwritten: leave nothing of an earlier round
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    measured = _drive if mode.driver else _run
    result = measured(mode, bench, folder, steps)
    if result.updates != mode.updates(steps):
        raise VoxionError(
            f"{mode.label} made {result.updates} updates in {steps} steps instead of "
            f"{mode.updates(steps)}; see {folder}."
        )
    return result


def _run(mode: Mode, bench: Bench, folder: Path, steps: int) -> Measurement:
    """Run mdrun once, with the plugin where the mode has a job for it."""
    options = ["-s", str(bench.start), "-deffnm", str(folder / "md"), *bench.options(steps)]
    command = [bench.gromacs.program, "mdrun", *options]
    environment = bench.environment
    if mode.job:
        jobs = folder / JOBS
        index = bench.system / "index.ndx"
        jobs.write_text(jobs_file(mode, load_system(bench.system, "gromacs"), index))
        launch = prepare(jobs, options, program=bench.gromacs.program)
        command, environment = launch.command, environment | launch.environment
    done = _finished(command, folder, environment)
    (folder / "md.out").write_text(done.output)
    log = (folder / "md.log").read_text()
    processor, wall = map(float, _found(_LOOP, log, folder))
    result = Measurement(
        wall=wall,
        processor=processor,
        instructions=done.instructions,
        whole=done.wall,
        whole_processor=done.processor,
    )
    if not mode.job:
        return result
    own = (folder / f"{JOBS}.log").read_text()
    setup = float(_found(_SETUP, own, folder)[0])
    plumed = float(_found(_PLUMED, log, folder)[0]) - setup
    result = replace(result, plumed=plumed, setup=setup)
    if mode.every is None:
        return replace(result, own=float(_found(_VOXELS, own, folder)[1]))
    updates, seconds = _found(_CHARGES, own, folder)
    table = np.loadtxt(folder / TABLE, comments=("#", "@"), ndmin=2)
    return replace(
        result, updates=int(updates), update_ms=table[:, -1].tolist(), own=float(seconds)
    )


def _drive(mode: Mode, bench: Bench, folder: Path, steps: int) -> Measurement:
    """Let the outside driver run its pieces."""
    assert mode.every is not None and mode.driver is not None
    pieces = steps // mode.every
    settings = folder / "settings.json"
    values = {
        "gromacs": asdict(bench.gromacs),
        "system": str(bench.system),
        "start": str(bench.start),
        "folder": str(folder),
        "model": str(bench.models[mode.driver]),
        "kind": mode.driver,
        "mdrun": bench.options(mode.every),
        "pieces": pieces,
    }
    settings.write_text(json.dumps(values, indent=1))
    # the module is found from the project's folder
    command = [sys.executable, "-m", "benchmarks.gromacs.outside_driver", str(settings)]
    done = _finished(command, ROOT, bench.environment)
    logs = [(folder / f"piece-{n}.log").read_text() for n in range(pieces)]
    loops = np.array([_found(_LOOP, log, folder) for log in logs], float)
    times = json.loads(done.output)
    return Measurement(
        processor=float(loops[:, 0].sum()),
        wall=float(loops[:, 1].sum()),
        instructions=done.instructions,
        whole=times["wall"],
        whole_processor=times["processor"],
        updates=pieces,
        parts=times["parts"],
    )


def _finished(command: Sequence[str], folder: Path, environment: Mapping[str, str]) -> Finished:
    done = run_process(command, folder, environment=environment)
    assert done is not None  # without a limit
    if done.status != 0:
        tail = " ".join((done.error or done.output).strip().splitlines()[-12:])
        raise VoxionError(f"{' '.join(command[:3])} stopped: {tail}")
    return done


def _found(pattern: re.Pattern[str], text: str, folder: Path) -> tuple[str, ...]:
    matches = list(pattern.finditer(text))
    if not matches:
        raise VoxionError(f"The logs in {folder} lack the line {pattern.pattern!r}.")
    return matches[-1].groups()
