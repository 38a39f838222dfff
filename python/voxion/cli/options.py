"""Options that mean the same in all commands, and what a command does to the path of ``--out``."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from voxion.errors import VoxionError

if TYPE_CHECKING:
    from rich.console import Console


class FramesChoice(str, Enum):
    """Names of choices of frames to score."""

    all = "all"
    held_out = "held-out"


class DeviceChoice(str, Enum):
    """Accelerators, in Lightning's names."""

    auto = "auto"
    cpu = "cpu"
    gpu = "gpu"


class WaterChoice(str, Enum):
    """Models of rigid water."""

    spce = "spce"
    tip3p = "tip3p"


STORE_FILE = "zarr.json"  # in every folder of the Zarr format

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")]
Force = Annotated[bool, typer.Option("--force", help="Replace OUT if it exists.")]
Resume = Annotated[bool, typer.Option("--resume", help="Continue what is in OUT.")]
Seed = Annotated[int, typer.Option(min=0, help="Seed of all random numbers.")]
Workers = Annotated[int, typer.Option(min=1, help="Number of threads.")]
Device = Annotated[DeviceChoice, typer.Option(help="auto: a GPU if there is one.")]
Cutoff = Annotated[float, typer.Option(help="Cutoff of the potentials, angstrom.")]
SelectScored = Annotated[
    FramesChoice,
    typer.Option(
        "--select",
        help="Frames to score. held-out: the last tenth, which a training with a split by time "
        "does not use.",
    ),
]


# of one frame; what it is without the option differs
SELECTED_FRAME = "Frame, counted from 0, or from the end if negative."


def frames_to_score(choice: FramesChoice) -> Literal["all", "held-out"]:
    """Return the choice as the scoring functions take it."""
    return "all" if choice is FramesChoice.all else "held-out"


@contextmanager
def output(out: Path, force: bool, resume: bool | None = None, kind: str = "") -> Iterator[None]:
    """Refuse an existing output, or make way for a new one.

    With `force` what exists is moved aside. It is deleted once its place is taken, and moved back
    if the command fails before that, so that wrong input loses nothing.

    Parameters
    ----------
    out : Path
        File or folder that the command writes.
    force : bool
        Whether it may be replaced.
    resume : bool, optional
        Whether it may be continued; None for a command that continues nothing.
    kind : str
        Name of a file in every folder of this kind. Folders without it are never replaced; the
        empty string stands for a command that writes a file, which replaces no folder.

    Raises
    ------
    VoxionError
        `out` exists and may not be replaced, or both `force` and `resume` are set.
    """
    if force and resume:
        raise VoxionError("--force replaces OUT and --resume continues it: choose one of them.")
    exists = out.exists() or out.is_symlink()
    if kind and out.is_dir() and not any(out.iterdir()):
        out.rmdir()
        exists = False
    if resume or not exists:
        yield
        return
    if not force:
        first = "" if resume is None else "continue it with --resume, "
        raise VoxionError(f"{out} exists: {first}choose another --out, or replace it with --force.")
    if out.is_dir() and not (kind and (out / kind).exists()):
        what = f"has no {kind}, so another program may have made it" if kind else "is a folder"
        raise VoxionError(f"{out} {what}: choose another --out, or remove it first.")
    aside = out.with_name(f".{out.name}.replaced")
    _remove(aside)
    out.rename(aside)
    try:
        yield
    finally:
        if out.exists():
            _remove(aside)
        else:
            aside.rename(out)


def print_json(content: Any) -> None:
    """Print what a command found as JSON; numbers that are not finite become null."""
    from voxion.files import plain_json

    print(json.dumps(plain_json(content), indent=2, allow_nan=False))


def print_path(console: Console, name: str, path: Path) -> None:
    """Print where a command has written, on one line that can be copied."""
    console.print(f"{name}: {path}", soft_wrap=True, highlight=False)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
