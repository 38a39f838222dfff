"""Starting LAMMPS: in this process, or as a program of its own; and reading its atoms."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from voxion.engines.build import built_for, plugin_folder
from voxion.engines.mpi import load_mpi
from voxion.engines.plugin import REGISTRATION, register
from voxion.errors import VoxionError


@contextlib.contextmanager
def lammps_session(
    *,
    log: str | Path | None = None,
    variables: Mapping[str, object] | None = None,
) -> Iterator[Any]:
    """LAMMPS in this process, closed at the end; its errors become `VoxionError`.

    It is that of the Python module lammps, and knows voxion's fixes.

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
    lammps = _module()
    arguments = ["-screen", "none", "-nocite", "-log", str(Path(log).resolve()) if log else "none"]
    for name, value in (variables or {}).items():
        arguments += ["-var", name, str(value)]
    with lammps_errors(log):
        try:
            engine = lammps.lammps(cmdargs=arguments)
        except OSError as error:
            raise VoxionError(f"The library of {lammps.__file__} does not load: {error}.") from None
        try:
            if not engine.has_style("fix", "voxion/charge"):
                register(engine)
            yield engine
        finally:
            engine.close()


def _module() -> ModuleType:
    """Return the Python module of LAMMPS."""
    try:
        return import_module("lammps")
    except ImportError:
        program = built_for().lammps.program
        raise VoxionError(
            "The Python module lammps is missing: "
            + (
                f"install that of {program} into this Python ('make install-python' where it was "
                "built), or put its folder into PYTHONPATH."
                if program
                else "pip install lammps."
            )
        ) from None


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
    try:
        result = subprocess.run(
            command,
            cwd=script.parent,
            env={**os.environ, **lammps_environment()},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
    except OSError as error:
        raise VoxionError(f"{command[0]} cannot be started: {error.strerror}.") from None
    check_finished(script, log_path, result.returncode, result.stderr)
    return log_path


def lammps_program() -> Path:
    """Return the LAMMPS that voxion was built for: a site's, or that of this environment."""
    return Path(built_for().lammps.program or Path(sys.executable).with_name("lmp"))


def mpi_launcher() -> Path:
    """Return the program that starts this LAMMPS on several ranks.

    Raises
    ------
    VoxionError
        The site's MPI has none.
    """
    lammps = built_for().lammps
    if not lammps.program:
        return Path(sys.executable).with_name("mpirun")
    if not lammps.launcher:
        raise VoxionError(f"{lammps.program} has no mpirun beside its compiler: use one process.")
    return Path(lammps.launcher)


def lammps_environment() -> dict[str, str]:
    """Return what LAMMPS needs beside the environment of this process."""
    # the processors are for the ranks
    environment = {"OMP_NUM_THREADS": "1"}
    if built_for().lammps.program:  # that of the lammps package asks for plugins itself
        others = os.environ.get("LAMMPS_PLUGIN_PATH")
        environment["LAMMPS_PLUGIN_PATH"] = os.pathsep.join(filter(None, [plugin_folder(), others]))
    return environment


def lammps_command(
    script: Path,
    log: Path,
    *,
    variables: Mapping[str, object] | None = None,
    processes: int = 1,
) -> list[str]:
    """Return the command that runs an input in its folder, with the LAMMPS of this environment.

    A LAMMPS without the package PLUGIN is told of the fixes by an input that includes this one.
    """
    given, values = script.name, dict(variables or {})
    if not built_for().lammps.plugins:
        folder = Path(plugin_folder())
        given = str(folder / "in.registered")
        values |= {"voxion_register": folder / REGISTRATION, "voxion_input": script.name}
    command = [str(lammps_program()), "-in", given, "-log", str(log), "-screen", "none"]
    for name, value in values.items():
        command += ["-var", name, str(value)]
    if processes > 1:
        command = [str(mpi_launcher()), "-n", str(processes), *command]
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
    lines = lines or error.strip().splitlines()
    reason = lines[-1] if lines else f"exit status {status}"
    raise VoxionError(f"LAMMPS stopped in {script}: {reason} (see {log})")


def gather(engine: Any, name: str) -> NDArray[Any]:
    """Per-atom values of all atoms in ascending atom ID, of a LAMMPS on one rank.

    Parameters
    ----------
    engine : lammps.lammps
    name : str
        ``x``, ``q``, ``type``, ``mask``, ``molecule`` ...

    Returns
    -------
    ndarray [atoms] or [atoms, 3]
    """
    values: NDArray[Any] = _owned(engine, name)[_order(engine)]
    return values


def scatter(engine: Any, name: str, values: NDArray[np.float64]) -> None:
    """Set per-atom values of all atoms, told in ascending atom ID, in a LAMMPS on one rank.

    Parameters
    ----------
    engine : lammps.lammps
    name : str
        ``x`` or ``q``.
    values : ndarray [atoms] or [atoms, 3]
    """
    _owned(engine, name)[_order(engine)] = values


def _order(engine: Any) -> NDArray[np.int64]:
    """Return the indices of the atoms by ID; LAMMPS's own gathering knows no 64-bit IDs."""
    order: NDArray[np.int64] = np.argsort(_owned(engine, "id"))
    return order


def _owned(engine: Any, name: str) -> NDArray[Any]:
    """Return LAMMPS's own array of a property, without the ghost atoms."""
    values: NDArray[Any] = engine.numpy.extract_atom(name)
    return values[: engine.extract_setting("nlocal")]


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
