"""One measurement: a short MD run in a LAMMPS process of its own, and what its log says."""

from __future__ import annotations

import re
import shutil
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.common.lammps import WARM_UP, loop_times, run_script
from benchmarks.common.processes import Finished, Times
from benchmarks.common.rounds import Case
from benchmarks.voxels.modes import (
    EVERY,
    GRID,
    STORE,
    TEXT,
    VOXION,
    WINDOW,
    Mode,
    sampled_every_step,
)
from voxion.engines.lammps import quoted
from voxion.errors import VoxionError
from voxion.voxels.stores.store import open_store

RUN, ALONE = "run", "gridding alone"  # parts of the benchmark
_NUMBER = r"([-+.\deE]+)"
_SECTION = re.compile(rf"^(Modify|Output) *\| *\S+ *\| *{_NUMBER}", re.MULTILINE)
_FIX = re.compile(
    rf"^Fix voxion/voxels \S+: (\d+) samples, {_NUMBER} ms each to grid, {_NUMBER} ms each for "
    rf"computes; (\d+) frames, {_NUMBER} ms each to store(?:, {_NUMBER} ms each to classify)?; "
    rf"{_NUMBER} % of loop time",
    re.MULTILINE,
)
_ATOMS = re.compile(r"with (\d+) atoms$", re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class Measurement(Times):
    """Times of the measured steps, and what else the log says.

    Attributes
    ----------
    modify, output : float
        LAMMPS's own times in fixes and in output, mean over ranks, s.
    atoms : int
        Number of atoms.
    written : int
        Bytes of grids per frame on disk; 0 if nothing was written.
    grid, compute, store, classify, share : float or None
        What fix voxion/voxels measures of itself: ms per sample to grid and for computes, ms per
        frame to store and to classify, per cent of the loop time.
    """

    modify: float
    output: float
    atoms: int
    written: int = 0
    grid: float | None = None
    compute: float | None = None
    store: float | None = None
    classify: float | None = None
    share: float | None = None


def cases(
    modes: Sequence[Mode], system: Path, work: Path, *, steps: int, ranks: int
) -> tuple[list[Case], list[Case]]:
    """Return the cases of all modes in a run, and of the gridding alone; see `measure`."""

    def about(part: str) -> dict[str, Any]:
        return {"part": part, "ranks": ranks}

    run = [
        Case(
            mode.name,
            mode.label,
            partial(measure, mode, system, work, steps=steps, ranks=ranks),
            about(RUN),
        )
        for mode in modes
    ]
    alone = [
        Case(
            mode.name,
            f"{mode.label}, alone",
            partial(gridding_alone, mode, system, work, ranks=ranks),
            about(ALONE),
        )
        for mode in modes
        if mode.name in (VOXION, GRID)
    ]
    return run, alone


def measure(mode: Mode, system: Path, work: Path, *, steps: int, ranks: int = 1) -> Measurement:
    """Measure one mode on an equilibrated system.

    Parameters
    ----------
    mode : Mode
    system : Path
        Folder; every measurement starts from its ``equilibrated.data``.
    work : Path
        Folder that gets the input, the log and what the mode writes.
    steps : int
        Number of measured steps, a multiple of the window.
    ranks : int
        Number of MPI processes.

    Raises
    ------
    VoxionError
        LAMMPS stopped, or the mode did not sample or write as often as it should have.
    """
    folder = run_folder(system, mode, work, ranks)
    # a voxel store is continued, not overwritten: leave nothing of an earlier round
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    script = folder / "in.lammps"
    script.write_text(_script(mode, system.resolve(), steps))
    result = _read(script.with_suffix(".log"), mode, steps, ranks, _run(script, ranks))
    if not mode.values:
        return result
    frames = _frames(folder)
    if frames != steps // WINDOW:
        raise VoxionError(f"{mode.label} wrote {frames} frames in {steps} steps; see {folder}.")
    return replace(result, written=round(bytes_of_grids(folder) / frames))


def gridding_alone(mode: Mode, system: Path, work: Path, *, ranks: int = 1) -> Times:
    """Measure a window in the fix of a mode, on atoms that rest and feel nothing.

    With no other fix, LAMMPS's "Modify" is the fix's own time, undisturbed by the rest of a step.
    The window has one sample a step, and one frame. The processor time is that share of the loop's.
    """
    folder = run_folder(system, mode, work, ranks)
    folder = folder.with_name(f"{folder.name}-alone")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    lines = [
        f"include {quoted(system.resolve() / 'in.init')}",
        f"read_data {quoted(system.resolve() / 'equilibrated.data')}",
        "pair_style zero 3.0",
        "pair_coeff * *",
        "comm_modify cutoff 6.0",
        f"reset_timestep {WINDOW}",
        "thermo 0",
        *sampled_every_step(mode).commands,
        f"run {WINDOW}",  # a window that is not measured
        f"run {WINDOW}",
    ]
    script = folder / "in.lammps"
    script.write_text("\n".join(lines) + "\n")
    log = script.with_suffix(".log")
    loop = loop_times(log, WINDOW, ranks, _run(script, ranks))
    modify = float(dict(_SECTION.findall(log.read_text()))["Modify"])
    return replace(loop, wall=modify, processor=modify * loop.processor / loop.wall)


def run_folder(system: Path, mode: Mode, work: Path, ranks: int) -> Path:
    """Return the folder of the last measurement of a mode."""
    return work / f"voxels-{system.name}-{mode.name}-{ranks}"


def _script(mode: Mode, system: Path, steps: int) -> str:
    """Write an input whose measured steps hold whole windows, and no frame before them."""
    lines = [
        f"include {quoted(system / 'in.init')}",
        f"read_data {quoted(system / 'equilibrated.data')}",
        f"include {quoted(system / 'in.settings')}",
        f"include {quoted(system / 'in.dynamics')}",
        f"reset_timestep {WINDOW - WARM_UP}",
        "thermo 0",
        f"run {WARM_UP} post no",
        *mode.commands,
        f"run {steps}",
    ]
    return "\n".join(lines) + "\n"


def bytes_of_grids(folder: Path, store: str = STORE) -> int:
    """Return the bytes of all grids that a mode wrote: the chunks of a store, or the text files."""
    grids = folder / store / "grid"
    files = list(grids.rglob("*")) if grids.is_dir() else _texts(folder)
    return sum(f.stat().st_size for f in files if f.is_file() and f.name != "zarr.json")


def _frames(folder: Path) -> int:
    store = folder / STORE
    return open_store(store).frames if store.is_dir() else len(_texts(folder))


def _texts(folder: Path) -> list[Path]:
    """Return the text grids but that of the first step, which holds only zeros."""
    return [f for f in folder.glob(TEXT) if f.name.split(".")[1] != str(WINDOW)]


def _run(script: Path, ranks: int) -> Finished:
    done = run_script(script, ranks)
    assert done is not None  # without a limit
    return done


def _read(log: Path, mode: Mode, steps: int, ranks: int, done: Finished) -> Measurement:
    text = log.read_text()
    sections = {name: float(seconds) for name, seconds in _SECTION.findall(text)}
    result = Measurement(
        **asdict(loop_times(log, steps, ranks, done)),
        modify=sections["Modify"],
        output=sections["Output"],
        atoms=int(_ATOMS.findall(text)[-1]),
    )
    if not mode.name.startswith("voxion"):
        return result
    lines = _FIX.findall(text)
    if not lines:
        raise VoxionError(f"{log} has no line of fix voxion/voxels: expected its times at the end.")
    samples, grid, compute, _, store, classify, share = lines[-1]
    if int(samples) != steps // EVERY:
        raise VoxionError(f"{mode.label} took {samples} samples in {steps} steps; see {log}.")
    return replace(
        result,
        grid=float(grid),
        compute=float(compute),
        store=float(store),
        classify=float(classify) if classify else None,
        share=float(share),
    )
