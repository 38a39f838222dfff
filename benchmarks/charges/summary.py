"""From raw measurements to the numbers of the tables: medians over rounds, and tables of text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from modes import FIXED, LONG_INTERVAL, MAT_INV
from rich.console import Console
from rich.table import Table


@dataclass(frozen=True)
class Row:
    """One mode on one system and number of ranks; each number a median over rounds.

    Attributes
    ----------
    name, label : str
        Of the mode.
    step : float
        Time per step, ms.
    ratio : float
        Loop time over that of fixed charges in the same round.
    ratios : tuple of float
        The same, round by round.
    added : float
        Time per step beyond fixed charges in the same round, ms.
    relative : float or None
        (ratio - 1) over that of mat_inv; None where mat_inv added nothing measurable.
    amortised : float
        Ratio over a whole interval between updates; the same as `ratio` if that is short.
    share : float or None
        Share of loop time that fix voxion/charge reports, per cent.
    update : float or None
        Time per update that fix voxion/charge reports, ms.
    setup : float
        s.
    memory : float
        GB.
    """

    name: str
    label: str
    step: float
    ratio: float
    ratios: tuple[float, ...]
    added: float
    relative: float | None
    amortised: float
    share: float | None
    update: float | None
    setup: float
    memory: float


def summarise(measurements: Sequence[dict[str, Any]], steps: int) -> list[Row]:
    """Rows of one table from the measurements on one system and number of ranks.

    A mode whose set-up took too long has no row.
    """
    done = [m for m in measurements if m["loop"] is not None]
    fixed = {m["round"]: m["loop"] for m in done if m["mode"] == FIXED}
    done = [m for m in done if m["round"] in fixed]
    groups: dict[str, list[dict[str, Any]]] = {}
    for measurement in sorted(done, key=lambda m: (m["position"], m["round"])):
        groups.setdefault(measurement["mode"], []).append(measurement)
    ratios = {n: tuple(m["loop"] / fixed[m["round"]] for m in g) for n, g in groups.items()}
    reference = median(ratios[MAT_INV]) - 1.0 if MAT_INV in ratios else 0.0
    return [_row(group, ratios[name], reference, fixed, steps) for name, group in groups.items()]


def _row(
    group: list[dict[str, Any]],
    ratios: tuple[float, ...],
    reference: float,
    fixed: dict[int, float],
    steps: int,
) -> Row:
    ratio = median(ratios)
    first = group[0]
    has_fix = first["updates"] is not None
    return Row(
        name=first["mode"],
        label=first["label"],
        step=1e3 * median(m["loop"] for m in group) / steps,
        ratio=ratio,
        ratios=ratios,
        added=1e3 * median(m["loop"] - fixed[m["round"]] for m in group) / steps,
        relative=(ratio - 1.0) / reference if reference > 0 else None,
        amortised=1.0 + (ratio - 1.0) * _window_share(first["every"], steps),
        share=median(m["fix_share"] for m in group) if has_fix else None,
        update=1e3 * median(m["fix_seconds"] / m["updates"] for m in group) if has_fix else None,
        setup=median(m["setup"] for m in group),
        memory=max(m["memory"] for m in group),
    )


def _window_share(every: int | None, steps: int) -> float:
    """Measured steps over the steps that share one update, if the window is the shorter."""
    return steps / every if every is not None and every > steps else 1.0


def comparison_cells(rows: Sequence[Row]) -> tuple[list[str], list[list[str]]]:
    """Head and cells of the comparison's table."""
    head = [
        "mode",
        "ms/step",
        "ratio",
        "rounds",
        "added / mat_inv's",
        "fix, % of loop",
        "fix, ms/update",
        f"amortised over {LONG_INTERVAL}",
    ]
    cells = []
    for row in rows:
        long = row.amortised != row.ratio
        cells.append(
            [
                row.label,
                f"{row.step:.2f}",
                f"{row.ratio:.3f}",
                f"{min(row.ratios):.3f} to {max(row.ratios):.3f}",
                _optional(row.relative, ".2f") if row.name != FIXED else "",
                _optional(row.share, ".2f"),
                _optional(row.update, ".3f"),
                f"{row.amortised:.5f}" if long else "",
            ]
        )
    return head, cells


def scaling_cells(
    sizes: Sequence[tuple[int, Sequence[Row]]], too_long: Sequence[tuple[int, str]], limit: float
) -> tuple[list[str], list[list[str]]]:
    """Head and cells of the scaling table; `too_long` has (atoms, label) of modes given up."""
    head = [
        "electrode atoms",
        "mode",
        "ms/step",
        "ratio",
        "added, ms/step",
        "added / mat_inv's",
        "set-up, s",
        "peak memory, GB",
    ]
    cells = []
    for atoms, rows in sizes:
        for row in rows:
            cells.append(
                [
                    str(atoms),
                    row.label,
                    f"{row.step:.2f}",
                    f"{row.ratio:.3f}",
                    f"{row.added:.2f}" if row.name != FIXED else "",
                    _optional(row.relative, ".3f") if row.name != FIXED else "",
                    f"{row.setup:.2f}",
                    f"{row.memory:.2f}",
                ]
            )
        for size, label in too_long:
            if size == atoms:
                given_up = f"more than {limit:g}"
                cells.append([str(atoms), label, "", "", "", "", given_up, ""])
    return head, cells


def rich_table(title: str, head: Sequence[str], cells: Sequence[Sequence[str]]) -> Table:
    """Table for the terminal."""
    table = Table(title=title, title_justify="left")
    for column in head:
        text = column in ("mode",)
        table.add_column(column, justify="left" if text else "right")
    for row in cells:
        table.add_row(*row)
    return table


def print_table(title: str, head: Sequence[str], cells: Sequence[Sequence[str]]) -> None:
    """Print a table, whole even where the terminal is narrow or none."""
    Console(width=140).print(rich_table(title, head, cells))


def markdown_table(head: Sequence[str], cells: Sequence[Sequence[str]]) -> str:
    """Table for a text file."""
    lines = [head, ["---"] * len(head), *cells]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + "\n"


def _optional(value: float | None, form: str) -> str:
    return "" if value is None else format(value, form)
