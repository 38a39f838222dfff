"""Commands as processes of their own: wall and processor time, instructions, peak memory."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from voxion.errors import VoxionError

INSTRUCTIONS = "instructions:u"  # event of perf; those of the kernel depend on the machine's load
# Without site-packages: the less memory it has, the better.
_MEASURED = (sys.executable, "-I", "-S", str(Path(__file__).with_name("measured.py")))


@dataclass(frozen=True, kw_only=True)
class Times:
    """Times of the work that is compared.

    Attributes
    ----------
    wall : float
        Wall time, s.
    processor : float
        Processor time of all its processes and threads together, s.
    instructions : int, optional
        Instructions in user mode of the whole process, its set-up included; None where perf
        cannot count them.
    """

    wall: float
    processor: float
    instructions: int | None = None


@dataclass(frozen=True, kw_only=True)
class Finished(Times):
    """A process that has ended.

    Attributes
    ----------
    status : int
        Exit status.
    output, error : str
        What it wrote to standard output and standard error.
    memory : float
        Peak of the largest of its processes, GB.
    """

    status: int
    output: str
    error: str
    memory: float


def run_process(
    command: Sequence[str],
    folder: Path,
    *,
    environment: Mapping[str, str] | None = None,
    setup: Path | None = None,
    limit: float | None = None,
) -> Finished | None:
    """Run a command in a folder and measure it, its children included.

    Parameters
    ----------
    command : sequence of str
    folder : Path
    environment : mapping, optional
        Variables beyond those of this process.
    setup : Path, optional
        File that the command writes when its set-up is over.
    limit : float, optional
        Seconds after which a command without the file `setup` is ended.

    Returns
    -------
    Finished, or None if the set-up took longer than the limit
    """
    with tempfile.TemporaryDirectory() as scratch:
        figures, counts = Path(scratch) / "figures.json", Path(scratch) / "counts"
        process = subprocess.Popen(
            [*_MEASURED, str(figures), *_counting(counts), *command],
            cwd=folder,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        try:
            output, error = process.communicate(timeout=limit)
        except subprocess.TimeoutExpired:
            if setup is None or not setup.exists():
                return None
            output, error = process.communicate()
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
                process.communicate()
        if not figures.exists():
            raise VoxionError(f"{command[0]} did not start: {error.strip()}")
        return Finished(
            **json.loads(figures.read_text()),
            instructions=read_count(counts.read_text()) if counts.exists() else None,
            output=output,
            error=error,
        )


def read_count(text: str) -> int | None:
    """Return the number in the output of ``perf stat -x,``; None if the event was not counted.

    Raises
    ------
    VoxionError
        The text is not of that form.
    """
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    if len(lines) != 1 or len(lines[0].split(",")) < 5:
        raise VoxionError(f"perf wrote {text!r}: expected one line of comma-separated values.")
    value, _, _, _, share, *_ = lines[0].split(",")
    # below 100 % of the time perf estimates the rest
    return int(value) if value.isdigit() and float(share) == 100.0 else None


@cache
def perf_command() -> tuple[str, ...]:
    """Return the words before a command that count its instructions; none where perf cannot."""
    perf = shutil.which("perf")
    if perf is None:
        return ()
    words = (perf, "stat", "-x,", "-e", INSTRUCTIONS, "-o")
    with tempfile.TemporaryDirectory() as scratch:
        counts = Path(scratch) / "counts"
        done = subprocess.run([*words, str(counts), "true"], capture_output=True, check=False)
        if done.returncode != 0 or read_count(counts.read_text()) is None:
            return ()
    return words


def _counting(counts: Path) -> list[str]:
    words = perf_command()
    return [*words, str(counts)] if words else []
