"""One measurement: a run of mdrun, or of the outside driver, and what the logs say."""

from __future__ import annotations

import json
import os
import re
import resource
import shutil
import subprocess
import sys
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from time import perf_counter

import numpy as np
from mdrun_modes import NSTLIST, TABLE, Mode, jobs_file

from voxion.engines.gromacs import Gromacs
from voxion.engines.mdrun import prepare
from voxion.errors import VoxionError
from voxion.systems.description import load_system

JOBS = "voxion.dat"
_LOOP = re.compile(r"^ +Time: +\S+ +(\S+)", re.MULTILINE)
_PLUMED = re.compile(r"^ Plumed +\d+ +\d+ +\d+ +(\S+)", re.MULTILINE)
_CHARGES = re.compile(r"^charges of group \S+: (\d+) updates, (\S+) s$", re.MULTILINE)
_SETUP = re.compile(r"^set up in (\S+) s$", re.MULTILINE)
_VOXELS = re.compile(r"^voxels of group \S+: (\d+) samples, .* (\S+) s$", re.MULTILINE)


@dataclass(frozen=True)
class Bench:
    """What all measurements share.

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
        Gets a folder of every mode.
    threads : int
        OpenMP threads of mdrun.
    """

    gromacs: Gromacs
    system: Path
    start: Path
    models: dict[str, Path]
    work: Path
    threads: int

    def options(self, steps: int) -> list[str]:
        """Options of mdrun, the same in all modes."""
        words = f"-ntmpi 1 -ntomp {self.threads} -nstlist {NSTLIST} -pme cpu -update cpu -nov"
        return [*words.split(), "-nsteps", str(steps)]

    @property
    def environment(self) -> dict[str, str]:
        """Environment of mdrun, the same in all modes."""
        # mdrun refuses to be told of threads twice and differently
        threads = str(self.threads)
        return {"GMX_DD_SINGLE_RANK": "0", "GMX_MAXBACKUP": "-1", "OMP_NUM_THREADS": threads}

    def folder(self, mode: Mode) -> Path:
        """Folder of a mode's last measurement."""
        return self.work / f"{self.system.name}-{mode.name}"


@dataclass(frozen=True)
class Measurement:
    """What one run took.

    Attributes
    ----------
    loop : float
        mdrun's own wall time of its steps, of all pieces together, s.
    wall : float
        From start to end of the process, s; of the driver, from the first prediction on.
    cpu_use : float
        Processor time over wall time and threads, per cent: below 100 on a busy machine.
    plumed : float or None
        mdrun's own wall time in calls of the plugin, without its set-up in the first of them, s.
    setup : float or None
        That set-up, once in a run: reading of groups, opening of files, a first prediction, s.
    updates : int or None
        Of the charges.
    update_ms : list of float
        Each of the plugin's updates, by its own clock.
    own : float or None
        What the plugin's job measures of itself, s.
    parts : dict
        Wall times of the driver's parts, s.
    """

    loop: float
    wall: float
    cpu_use: float
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
    output, wall, processor = _timed(command, folder, environment)
    (folder / "md.out").write_text(output)
    log = (folder / "md.log").read_text()
    cpu_use = 100 * processor / (wall * bench.threads)
    result = Measurement(float(_found(_LOOP, log, folder)[0]), wall, cpu_use)
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
    command = [sys.executable, str(Path(__file__).with_name("outside_driver.py")), str(settings)]
    output, wall, processor = _timed(command, folder, bench.environment)
    logs = [(folder / f"piece-{n}.log").read_text() for n in range(pieces)]
    loops = [float(_found(_LOOP, log, folder)[0]) for log in logs]
    times = json.loads(output)
    cpu_use = 100 * processor / (wall * bench.threads)
    return Measurement(sum(loops), times["wall"], cpu_use, updates=pieces, parts=times["parts"])


def _timed(
    command: list[str], folder: Path, environment: dict[str, str]
) -> tuple[str, float, float]:
    """Run a command in a folder; its output, and its wall and processor time, s."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    begin = perf_counter()
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    wall = perf_counter() - begin
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode != 0:
        tail = " ".join((done.stderr or done.stdout).strip().splitlines()[-12:])
        raise VoxionError(f"{' '.join(command[:2])} stopped in {folder}: {tail}")
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return done.stdout, wall, processor


def _found(pattern: re.Pattern[str], text: str, folder: Path) -> tuple[str, ...]:
    matches = list(pattern.finditer(text))
    if not matches:
        raise VoxionError(f"The logs in {folder} lack the line {pattern.pattern!r}.")
    return matches[-1].groups()
