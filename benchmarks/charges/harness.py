"""Interleaved rounds over systems, ranks and modes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, fields
from pathlib import Path
from typing import Any

import typer
from measure import Measurement, measure
from modes import Mode, rotated
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from voxion.contract.schema import read_contract
from voxion.errors import VoxionError


def run_rounds(
    systems: Sequence[tuple[Path, Sequence[Mode]]],
    work: Path,
    *,
    rounds: int,
    steps: int,
    ranks: Sequence[int],
    setup_limit: float | None = None,
) -> list[dict[str, Any]]:
    """Measure every mode once per round, number of ranks and system, in rotating order.

    Parameters
    ----------
    systems : sequence of (folder, modes)
    work : Path
        Gets inputs and logs.
    rounds, steps : int
    ranks : sequence of int
    setup_limit : float, optional
        s; a mode whose set-up takes longer is not tried again, and its numbers are None.

    Returns
    -------
    list of dict
        One per measurement: system, ranks, mode, label, every, position in the table, round, and
        the attributes of `Measurement`.
    """
    total = rounds * len(ranks) * sum(len(modes) for _, modes in systems)
    given_up: set[tuple[str, int, str]] = set()
    found = []
    with _progress() as progress:
        task = progress.add_task("", total=total)
        for number in range(rounds):
            for system, modes in systems:
                for processes in ranks:
                    for mode in rotated(modes, number):
                        title = f"{system.name}, {processes} rank(s), {mode.label}"
                        progress.update(task, description=title)
                        key = (system.name, processes, mode.name)
                        result = None
                        if key not in given_up:
                            result = measure(
                                mode,
                                system,
                                work,
                                steps=steps,
                                ranks=processes,
                                setup_limit=setup_limit,
                            )
                        if result is None:
                            given_up.add(key)
                        found.append(
                            {
                                "system": system.name,
                                "ranks": processes,
                                "mode": mode.name,
                                "label": mode.label,
                                "every": mode.every,
                                "position": modes.index(mode),
                                "round": number,
                                **_numbers(result),
                            }
                        )
                        progress.advance(task)
    return found


def check_local(model: Path) -> None:
    """Refuse a model that is not a local one.

    Raises
    ------
    VoxionError
    """
    inputs = read_contract(model).inputs
    if inputs != "site-potentials":
        raise VoxionError(
            f"{model} is not a local model: expected inputs 'site-potentials', found {inputs!r}; "
            "export one from a training of that kind."
        )


@contextmanager
def report_errors() -> Iterator[None]:
    """Print a `VoxionError` as one line and end with status 1."""
    try:
        yield
    except VoxionError as error:
        typer.echo(f"Error: {error}", err=True)
        raise typer.Exit(1) from None


def _numbers(result: Measurement | None) -> dict[str, Any]:
    if result is None:
        return dict.fromkeys(field.name for field in fields(Measurement))
    return asdict(result)


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=20),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )
