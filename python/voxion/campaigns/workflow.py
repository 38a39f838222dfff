"""Runs a workflow of Snakemake in a folder of its own."""

from __future__ import annotations

import fcntl
import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel

from voxion.engines.lammps import lammps_environment
from voxion.errors import VoxionError
from voxion.files import replacing

Campaign = TypeVar("Campaign", bound=BaseModel)
CONFIG_FILE = "config.yaml"
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


def claim_folder(
    folder: Path,
    campaign: Campaign,
    read: Callable[[Path], Campaign],
    fixed: Callable[[Campaign], dict[str, Any]],
) -> None:
    """Write the configuration of a campaign into a folder, which continues one like it.

    Parameters
    ----------
    folder : Path
        New or empty, or of a campaign.
    campaign : pydantic.BaseModel
        Its configuration.
    read : callable
        Reads the configuration of the campaign that is there.
    fixed : callable
        Returns by name what runs that were begun depend on; what both have must be the same.

    Raises
    ------
    VoxionError
        The folder has a campaign with other systems or runs, or something else.
    """
    path = folder / CONFIG_FILE
    if path.exists():
        before, now = fixed(read(path)), fixed(campaign)
        for name in now:
            if name in before and before[name] != now[name]:
                raise VoxionError(
                    f"{folder} was begun with {name} {before[name]}, now it is {now[name]}: keep "
                    "it, or give another folder."
                )
    elif folder.exists() and any(folder.iterdir()):
        raise VoxionError(f"{folder} has no {CONFIG_FILE} and is not empty: give a new folder.")
    folder.mkdir(parents=True, exist_ok=True)
    with replacing(path) as temporary:
        temporary.write_text(yaml.safe_dump(campaign.model_dump(mode="json")))


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
        environment = {**os.environ, **lammps_environment()}
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
