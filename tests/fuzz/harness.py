"""Runs damaged files through a reader in child processes, and counts what comes out.

A child reports each case before and after it, so that a crash, a hang or a memory that explodes is
one case's fault and the others go on. A case is made from the seed and its number alone.
"""

from __future__ import annotations

import json
import resource
import select
import shutil
import subprocess
import sys
import tempfile
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from voxion.errors import VoxionError

TIME_LIMIT = 60.0  # seconds a case may take, on a busy machine too
MEMORY_LIMIT = 2 * 2**30  # bytes by which a case may raise the peak of the process
LONGEST_MESSAGE = 1000  # characters


@dataclass(frozen=True)
class Target:
    """One kind of input.

    Attributes
    ----------
    name : str
        Name on the command line.
    prepare : callable
        Writes good files into a folder, once.
    damage : callable
        Gets that folder, a new empty one and a random generator; writes a damaged copy into the
        second and returns its path.
    read : callable
        What a command does with the file; `VoxionError` means that it was refused.
    """

    name: str
    prepare: Callable[[Path], None]
    damage: Callable[[Path, Path, np.random.Generator], Path]
    read: Callable[[Path], object]


@dataclass
class Outcome:
    """Numbers of cases accepted and refused, and the faults by case number."""

    accepted: int = 0
    refused: int = 0
    faults: dict[int, str] = field(default_factory=dict)

    def summary(self, name: str) -> str:
        """Return one line of counts, and the kinds of faults with the first case of each."""
        lines = [
            f"{name}: {self.accepted} accepted, {self.refused} refused, {len(self.faults)} faults"
        ]
        kinds = Counter(fault.splitlines()[0] for fault in self.faults.values())
        for kind, count in kinds.most_common():
            first = next(n for n, fault in self.faults.items() if fault.splitlines()[0] == kind)
            lines.append(f"  {count} x {kind} (first: case {first})")
        return "\n".join(lines)


def fuzz(name: str, seed: int, cases: int, first: int = 0) -> Outcome:
    """Run cases `first` to `first + cases - 1` of a target.

    Parameters
    ----------
    name : str
        Name of the target, see `tests.fuzz.targets`.
    seed, cases, first : int

    Returns
    -------
    Outcome
    """
    outcome = Outcome()
    following, last = first, first + cases
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        while following < last:
            for case, verdict, text in _child(name, seed, following, last, Path(folder)):
                following = case + 1
                if verdict == "fault":
                    outcome.faults[case] = text
                else:
                    setattr(outcome, verdict, getattr(outcome, verdict) + 1)
    return outcome


def run_case(target: Target, good: Path, folder: Path, seed: int, case: int) -> tuple[str, str]:
    """Run one case; returns "accepted", "refused" or "fault", and the message or traceback."""
    before = _peak_memory()
    try:
        path = target.damage(good, folder, np.random.default_rng([seed, case]))
        target.read(path)
        verdict, text = "accepted", ""
    except VoxionError as error:
        verdict, text = "refused", str(error)
        if not text or "\n" in text or len(text) > LONGEST_MESSAGE:
            verdict, text = "fault", f"message that is not one short line: {text[:300]!r}"
    except BaseException as error:
        verdict = "fault"
        text = f"{type(error).__name__} at {_place(error)}\n{traceback.format_exc()}"
    grown = _peak_memory() - before
    if verdict != "fault" and grown > MEMORY_LIMIT:
        verdict, text = "fault", f"memory: more than {MEMORY_LIMIT >> 20} MiB"
    return verdict, text


def _place(error: BaseException) -> str:
    """Name the innermost line of voxion's own code, which is where the fault is to be put right."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if "/voxion/" in frame.filename] or frames
    return f"{Path(own[-1].filename).name}:{own[-1].lineno}"


def _peak_memory() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _child(
    name: str, seed: int, first: int, last: int, folder: Path
) -> Iterator[tuple[int, str, str]]:
    """Yield number, verdict and text of each case, up to one that ends the child."""
    command = [sys.executable, "-m", "tests.fuzz.child", name, *map(str, (seed, first, last))]
    with (
        tempfile.TemporaryFile() as errors,
        subprocess.Popen(
            [*command, str(folder)], stdout=subprocess.PIPE, stderr=errors, text=True
        ) as child,
    ):
        assert child.stdout is not None
        case = first
        while True:
            ready, _, _ = select.select([child.stdout], [], [], TIME_LIMIT)
            line = child.stdout.readline() if ready else ""
            if not line:
                break
            report = json.loads(line)
            if report["verdict"] == "begun":
                case = report["case"]
            else:
                yield report["case"], report["verdict"], report["text"]
                case += 1
        if case == last:
            return
        if child.poll() is None and not ready:
            child.kill()
            yield case, "fault", f"no answer within {TIME_LIMIT:g} s"
            return
        child.wait()
        errors.seek(0)
        tail = errors.read().decode(errors="replace")[-2000:]
        yield case, "fault", f"the process ended with code {child.returncode}\n{tail}"


def run_child(target: Target, seed: int, first: int, last: int, folder: Path) -> None:
    """Run cases in this process and report each on the standard output."""
    reports = sys.stdout
    sys.stdout = sys.stderr  # what a reader prints must not look like a report
    good = folder / "good"
    if not good.is_dir():
        good.mkdir()
        target.prepare(good)
    for case in range(first, last):
        print(json.dumps({"case": case, "verdict": "begun"}), file=reports, flush=True)
        damaged = folder / "damaged"
        damaged.mkdir()
        verdict, text = run_case(target, good, damaged, seed, case)
        shutil.rmtree(damaged)
        report = {"case": case, "verdict": verdict, "text": text}
        print(json.dumps(report), file=reports, flush=True)
