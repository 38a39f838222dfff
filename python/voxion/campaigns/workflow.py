"""Runs a workflow of Snakemake in a folder of its own."""

from __future__ import annotations

import fcntl
import importlib.util
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from voxion.errors import VoxionError

LOCK_FILE = ".lock"
# Runs are not begun again because another version of voxion has other commands. The lock that a
# killed Snakemake leaves would have to be removed by hand: there is one of the system instead.
_SNAKEMAKE = (
    *("--rerun-triggers", "mtime", "params", "input"),
    "--rerun-incomplete",
    "--nolock",
    "--keep-going",
    "--printshellcmds",
)


def check_snakemake() -> None:
    """Refuse an environment without Snakemake.

    Raises
    ------
    VoxionError
        It is not installed; with the command that installs it.
    """
    if importlib.util.find_spec("snakemake") is None:
        raise VoxionError(
            "Campaigns need Snakemake, for Python 3.11 or newer: pip install 'voxion[campaigns]'."
        )


def run_workflow(snakefile: Path, folder: Path, jobs: int = 1, options: Sequence[str] = ()) -> None:
    """Run what is missing of a workflow.

    Parameters
    ----------
    snakefile : Path
    folder : Path
        Exists; the workflow's files are in it.
    jobs : int
        Number of processors, or of jobs at a time with an executor.
    options : sequence of str
        Further options of Snakemake, such as ``--executor slurm``.

    Raises
    ------
    VoxionError
        Another process works on the folder, or a step failed.
    """
    with _alone(folder):
        command = [sys.executable, "-m", "snakemake", "--snakefile", str(snakefile)]
        command += ["--directory", str(folder), "--jobs", str(jobs), *_SNAKEMAKE, *options]
        # of LAMMPS, whose threads would take the processors of other runs
        environment = {"OMP_NUM_THREADS": "1", **os.environ}
        status = subprocess.run(command, env=environment, check=False).returncode
    if status != 0:
        raise VoxionError(
            f"A step of the campaign in {folder} failed; its output is above and in "
            f"{folder / '.snakemake' / 'log'}. Correct it and run the same command again: it "
            "continues."
        )


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Keep other processes away; a lock of the system ends with the process, even if killed."""
    with (folder / LOCK_FILE).open("w") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise VoxionError(
                f"Another process runs the campaign in {folder}: wait for it, or stop it first."
            ) from None
        yield
