"""What a benchmark leaves behind: raw numbers, tables, and where they were measured."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime, timezone
from importlib import metadata
from pathlib import Path
from statistics import median
from typing import Any

import typer
from rich.console import Console
from rich.table import Table

from voxion.errors import VoxionError
from voxion.files import replacing

PACKAGES = ("voxion", "torch")
_TERMINAL = 160  # columns: tables are printed whole even where the terminal is narrow or none


@dataclass(frozen=True)
class Aim:
    """A number that the project aims at, and what was measured."""

    what: str
    aim: str
    found: str
    met: bool


class Page:
    """A text with tables, printed while it is made and written as Markdown at the end.

    Parameters
    ----------
    title : str
    lines : sequence of str
        Paragraphs below the title.
    """

    def __init__(self, title: str, lines: Sequence[str]) -> None:
        self._console = Console(width=_TERMINAL)
        self._text = [f"# {title}\n", *(f"{line}\n" for line in lines)]

    def table(self, title: str, head: Sequence[str], cells: Sequence[Sequence[str]]) -> None:
        """Add a table; words stand left and numbers right."""
        table = Table(title=title, title_justify="left")
        for number, name in enumerate(head):
            words = any(_is_words(row[number]) for row in cells)
            table.add_column(name, justify="left" if words else "right")
        for row in cells:
            table.add_row(*row)
        self._console.print(table)
        lines = [head, ["---"] * len(head), *cells]
        text = "\n".join(f"| {' | '.join(line)} |" for line in lines)
        self._text += [f"## {title}\n", f"{text}\n"]

    def aims(self, title: str, aims: Sequence[Aim]) -> None:
        """Add a table of aims."""
        cells = [[aim.what, aim.aim, aim.found, "yes" if aim.met else "no"] for aim in aims]
        self.table(title, ["", "aim", "measured", "met"], cells)

    def notes(self, notes: Sequence[str]) -> None:
        """Add a list of remarks on the tables."""
        lines = [f"- {note}" for note in notes]
        typer.echo("\n".join(lines))
        self._text.append("\n".join(lines) + "\n")

    def picture(self, name: str, words: str) -> None:
        """Add a picture of the same folder."""
        self._text.append(f"![{words}]({name})\n")

    def write(self, folder: Path, name: str, results: Mapping[str, Any]) -> None:
        """Write NAME.md and NAME.json.

        Raises
        ------
        VoxionError
            A file cannot be written.
        """
        for suffix, text in (
            ("md", "\n".join(self._text)),
            ("json", json.dumps(results, indent=1) + "\n"),
        ):
            with replacing(folder / f"{name}.{suffix}") as temporary:
                temporary.write_text(text)
        typer.echo(f"Written: {name}.json, {name}.md in {folder}")


def environment(*packages: str, **versions: str) -> dict[str, Any]:
    """Return processor, versions, date and load average of this moment.

    Parameters
    ----------
    *packages : str
        Names of installed packages beside those of every benchmark.
    **versions : str
        Versions of other programs.
    """
    names = (*PACKAGES, *packages)
    return {
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "processor": _processor(),
        "processors": os.cpu_count(),
        "load_average_before": _load(),
        "python": platform.python_version(),
        "packages": {**{name: metadata.version(name) for name in names}, **versions},
    }


def finished(results: dict[str, Any]) -> dict[str, Any]:
    """Add the load average at the end."""
    results["environment"]["load_average_after"] = _load()
    return results


def describe(results: Mapping[str, Any], how: str) -> list[str]:
    """Return the lines that say how and where the numbers were measured.

    Parameters
    ----------
    results : mapping
        Results with their environment and, if processes were measured, the measurements.
    how : str
        Rounds, steps and settings, in words.
    """
    env = results["environment"]
    before, after = (
        " ".join(map(str, env[f"load_average_{when}"])) for when in ("before", "after")
    )
    packages = ", ".join(f"{name} {version}" for name, version in env["packages"].items())
    lines = [
        how,
        f"{env['date'][:10]}, {env['processor']}, {env['processors']} processors, load average "
        f"{before} before and {after} after; {packages}.",
    ]
    use = [
        100 * m["processor"] / (m["wall"] * m.get("ranks", 1) * m.get("threads", 1))
        for m in results.get("measurements", [])
        if m["wall"]
    ]
    if use:
        lines.append(
            f"Processor over wall time: {median(use):.0f} % in the median, {min(use):.0f} % at "
            "least. Well below 100 % the machine was not quiet, and wall times say little."
        )
    return lines


def as_dicts(rows: Sequence[Any]) -> list[dict[str, Any]]:
    """Return the attributes of dataclass instances."""
    return [asdict(row) for row in rows]


@contextmanager
def report_errors() -> Iterator[None]:
    """Print a `VoxionError` as one line and end with status 1."""
    try:
        yield
    except VoxionError as error:
        typer.echo(f"Error: {error}", err=True)
        raise typer.Exit(1) from None


def _is_words(cell: str) -> bool:
    return bool(cell) and not cell[0].isdigit() and cell[0] not in "+-"


def _load() -> list[float]:
    return [round(load, 2) for load in os.getloadavg()]


def _processor() -> str:
    """Name of the processor; Linux tells it in /proc, platform often nothing."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()
