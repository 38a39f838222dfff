"""What a build has to know of a site's LAMMPS, as JSON: from its own help, its headers, its MPI.

python site_lammps.py PROGRAM [--source FOLDER] [--compiler MPICXX]
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import NoReturn

# Kinds of MPI that share an ABI, with what their mpi.h defines and what they say of themselves.
MPI_KINDS = {
    "Open MPI": ("OMPI_MAJOR_VERSION", r"Open MPI"),
    "MPICH": ("MPICH_VERSION", r"MPICH|Intel\(R\) MPI|MVAPICH"),
    "MPI STUBS": ("MPI_STUBS", r"MPI STUBS"),
}
WRAPPERS = ("mpicxx", "mpic++", "mpiCC", "CC")
# Variables by which a launcher tells a rank that it is one: the program asked here is none.
RANK = re.compile("(OMPI|PMIX|PMI|PRTE|SLURM|MPI)_")
LAMMPS_HEADERS = ("include/lammps", "include")


def refuse(reason: str) -> NoReturn:
    """Stop the build in words."""
    sys.exit(f"voxion: {reason}")


def ask(program: str) -> str:
    """Return what ``lmp -h`` prints."""
    found = shutil.which(program)
    if not found:
        refuse(f"VOXION_LAMMPS_PROGRAM: there is no program {program}; put it on the PATH.")
    environment = {k: v for k, v in os.environ.items() if not RANK.match(k)}
    run = subprocess.run(
        [found, "-h"],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if run.returncode or "Installed packages" not in run.stdout:
        lines = (run.stderr or run.stdout).strip().splitlines()
        refuse(f"'{found} -h' does not answer as LAMMPS does: {lines[-1] if lines else 'nothing'}")
    return run.stdout


def match(pattern: str, text: str, what: str) -> str:
    """Return the first group of a pattern in the help."""
    found = re.search(pattern, text, re.MULTILINE)
    if not found:
        refuse(f"'lmp -h' does not state its {what}; it is expected of LAMMPS 2020 and newer.")
    return found[1]


def headers(program: str, source: str, version: str) -> str:
    """Return the folder of LAMMPS's headers: a source folder, or that of its installation."""
    prefix = Path(shutil.which(program) or program).resolve().parents[1]
    folders = [Path(source)] if source else [prefix / folder for folder in LAMMPS_HEADERS]
    folder = next((f for f in folders if (f / "modify.h").is_file()), None)
    if folder is None:
        refuse(
            f"no headers of LAMMPS in {' or '.join(map(str, folders))}: name the folder that has "
            "modify.h, such as the src of the sources that this LAMMPS was built from, by "
            "-C cmake.define.VOXION_LAMMPS_SOURCE=FOLDER"
        )
    stated = _stated_version(folder, None if source else prefix)
    if stated not in (None, version):
        refuse(f"the headers in {folder} are of LAMMPS {stated}, {program} is {version}")
    return str(folder)


def _stated_version(folder: Path, prefix: Path | None) -> str | None:
    """Read the version of headers: sources state it, installations in their CMake package."""
    if (folder / "version.h").is_file():
        return release(match('"(.+)"', (folder / "version.h").read_text(), "version"))
    for file in prefix.glob("lib*/**/cmake/LAMMPS/LAMMPSConfigVersion.cmake") if prefix else ():
        if stated := re.search('PACKAGE_VERSION "([0-9]+)"', file.read_text()):
            return stated[1]
    return None


def release(date: str) -> str:
    """Return a version such as 22 Jul 2025 as LAMMPS counts it, 20250722."""
    return datetime.strptime(date, "%d %b %Y").strftime("%Y%m%d")


def mpi_headers(kind: str, told: str, compiler: str, source: str) -> tuple[str, str | None]:
    """Return the folder of mpi.h and the wrapper that knows it, of the MPI that LAMMPS has."""
    if kind == "MPI STUBS":
        if not source:
            refuse("a LAMMPS without MPI needs its sources: -C cmake.define.VOXION_LAMMPS_SOURCE=")
        return str(Path(source) / "STUBS"), None
    looked_at = []
    for wrapper in [compiler] if compiler else _wrappers():
        run = subprocess.run(
            [wrapper, "-E", "-dD", "-x", "c++", "-"],
            input="#include <mpi.h>\n",
            capture_output=True,
            text=True,
            check=False,
        )
        line = re.search('^# 1 "(.*/mpi.h)"', run.stdout, re.MULTILINE)
        found = [
            name for name, (macro, _) in MPI_KINDS.items() if f"#define {macro} " in run.stdout
        ]
        if run.returncode == 0 and line and kind in found:
            return str(Path(line[1]).parent), wrapper
        looked_at.append(f"{wrapper} ({', '.join(found) or 'does not compile with mpi.h'})")
    refuse(
        f"the MPI of this LAMMPS is {told}, and no compiler of it was found"
        f"{', but ' + '; '.join(looked_at) if looked_at else ' on the PATH'}: load its module, or "
        "name its mpicxx by -C cmake.define.MPI_CXX_COMPILER=PATH"
    )


def _wrappers() -> Iterator[str]:
    for folder in os.environ.get("PATH", "").split(os.pathsep):
        for name in WRAPPERS:
            if path := shutil.which(name, path=folder):
                yield path


def main() -> None:
    """Print the facts."""
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--source", default="")
    parser.add_argument("--compiler", default="")
    given = parser.parse_args()

    text = ask(given.program)
    version = release(match(r"Simulator - (\d+ \w+ \d{4})", text, "version"))
    told = match(r"^MPI v[\d.]+: +(.*\S)", text, "MPI")
    kind = next((k for k, (_, pattern) in MPI_KINDS.items() if re.search(pattern, told)), None)
    if kind is None:
        refuse(f"the MPI of {given.program} is {told}; known are {', '.join(MPI_KINDS)}")
    packages = match(r"Installed packages:\s+([\w\s-]+?)\n\n", text, "packages").split()
    include, wrapper = mpi_headers(kind, told, given.compiler, given.source)
    launchers = (
        [Path(wrapper).with_name(n) for n in ("mpirun", "mpiexec", "srun")] if wrapper else []
    )
    print(
        json.dumps(
            {
                "program": str(Path(shutil.which(given.program) or "").absolute()),
                "version": version,
                "integers": match(r"-DLAMMPS_(\w+BIG|SMALLSMALL)\b", text, "integer sizes"),
                "mpi": kind,
                "plugins": "PLUGIN" in packages,
                "launcher": next((str(p) for p in launchers if p.exists()), ""),
                "include": headers(given.program, given.source, version),
                "mpi_include": include,
            }
        )
    )


if __name__ == "__main__":
    main()
