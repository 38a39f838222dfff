"""Interleaved rounds: every case once per round, in an order that rotates from round to round."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from benchmarks.common.processes import Times

Item = TypeVar("Item")


@dataclass(frozen=True)
class BaseMode:
    """One of the ways that a benchmark compares.

    Attributes
    ----------
    name : str
        Name in results and file names.
    label : str
        Name in tables.
    """

    name: str
    label: str


@dataclass(frozen=True)
class Case:
    """One way of doing the work of a group.

    Attributes
    ----------
    name : str
        Name in the results, unique in its group.
    label : str
        Name in tables.
    measure : callable
        Do the work once and return its times; None if it was given up.
    about : mapping
        What else the record of a measurement says, such as the system and the number of ranks.
    """

    name: str
    label: str
    measure: Callable[[], Times | None]
    about: Mapping[str, Any] = field(default_factory=dict)


def run_rounds(groups: Sequence[Sequence[Case]], rounds: int) -> list[dict[str, Any]]:
    """Measure every case of every group once per round.

    Parameters
    ----------
    groups : sequence of sequences of Case
        Cases of one group are compared with each other, and measured one after the other.
    rounds : int

    Returns
    -------
    list of dict
        One per measurement: mode, label, position in the group, round, the case's `about` and the
        attributes of its times. A case that was given up is not tried again, and its wall and
        processor times are None.
    """
    given_up: set[int] = set()
    found = []
    with _progress() as progress:
        task = progress.add_task("", total=rounds * sum(map(len, groups)))
        for number in range(rounds):
            for group in groups:
                for case in rotated(group, number):
                    progress.update(task, description=case.label)
                    times = None if id(case) in given_up else case.measure()
                    if times is None:
                        given_up.add(id(case))
                    found.append(
                        {
                            "mode": case.name,
                            "label": case.label,
                            "position": group.index(case),
                            "round": number,
                            **case.about,
                            **(asdict(times) if times else {"wall": None, "processor": None}),
                        }
                    )
                    progress.advance(task)
    return found


def rotated(items: Sequence[Item], by: int) -> list[Item]:
    """Return the items in another order: each comes first once in as many rounds."""
    start = by % len(items)
    return [*items[start:], *items[:start]]


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=20),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )
