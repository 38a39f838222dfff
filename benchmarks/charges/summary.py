"""From raw measurements to the numbers and the cells of the tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from benchmarks.charges.modes import FIXED, LONG_INTERVAL, MAT_INV
from benchmarks.common import comparison
from benchmarks.common.comparison import Compared, by_mode, by_round, compare


@dataclass(frozen=True)
class Row:
    """One mode on one system and number of ranks; each number a median over rounds.

    Attributes
    ----------
    times : Compared
        Times beside those of fixed charges.
    added : float
        Time per step beyond fixed charges in the same round, ms, by the quieter measure.
    relative : float or None
        (ratio - 1) over that of mat_inv; None where mat_inv added nothing measurable.
    amortised : float
        Ratio over a whole interval between updates; the same as the ratio if that is short.
    share : float or None
        Share of loop time that fix voxion/charge reports, per cent.
    update : float or None
        Time per update that fix voxion/charge reports, ms.
    setup : float
        Time of the set-up, s.
    memory : float
        Peak memory, GB.
    """

    times: Compared
    added: float
    relative: float | None
    amortised: float
    share: float | None
    update: float | None
    setup: float
    memory: float


def summarise(measurements: Sequence[Mapping[str, Any]], steps: int) -> list[Row]:
    """Return the rows of one table from the measurements on one system and number of ranks.

    A mode whose set-up took too long has no row.
    """
    groups = by_mode(measurements)
    compared = compare(measurements, FIXED)
    reference = compared[MAT_INV].ratio - 1.0 if MAT_INV in compared else 0.0
    fixed = by_round(measurements, FIXED)
    return [_row(times, groups[name], fixed, reference, steps) for name, times in compared.items()]


def _row(
    times: Compared,
    group: Sequence[Mapping[str, Any]],
    fixed: Mapping[int, Mapping[str, Any]],
    reference: float,
    steps: int,
) -> Row:
    measure = times.measure
    has_fix = group[0]["updates"] is not None
    return Row(
        times=times,
        added=1e3 * median(m[measure] - fixed[m["round"]][measure] for m in group) / steps,
        relative=(times.ratio - 1.0) / reference if reference > 0 else None,
        amortised=1.0 + (times.ratio - 1.0) * _window_share(group[0]["every"], steps),
        share=median(m["fix_share"] for m in group) if has_fix else None,
        update=1e3 * median(m["fix_seconds"] / m["updates"] for m in group) if has_fix else None,
        setup=median(m["setup"] for m in group),
        memory=max(m["memory"] for m in group),
    )


def _window_share(every: int | None, steps: int) -> float:
    """Return measured steps over the steps that share one update, if the window is the shorter."""
    return steps / every if every is not None and every > steps else 1.0


def comparison_table(rows: Sequence[Row], steps: int) -> tuple[list[str], list[list[str]]]:
    """Return head and cells of the comparison's table."""
    times = [row.times for row in rows]
    head = [
        *comparison.head(times),
        "added / mat_inv's",
        "fix, % of loop",
        "fix, ms/update",
        f"amortised over {LONG_INTERVAL}",
    ]
    return head, [
        [
            *cells,
            _optional(row.relative, ".2f") if row.times.name != FIXED else "",
            _optional(row.share, ".2f"),
            _optional(row.update, ".3f"),
            f"{row.amortised:.5f}" if row.amortised != row.times.ratio else "",
        ]
        for row, cells in zip(rows, comparison.cells(times, steps), strict=True)
    ]


def scaling_table(
    sizes: Sequence[tuple[int, Sequence[Row]]],
    too_long: Sequence[tuple[int, str]],
    limit: float,
    steps: int,
) -> tuple[list[str], list[list[str]]]:
    """Return head and cells of the scaling table.

    Parameters
    ----------
    sizes : sequence of (electrode atoms, rows)
    too_long : sequence of (electrode atoms, label)
        Modes that were given up.
    limit : float
        Longest set-up, s.
    steps : int
        Number of measured steps.
    """
    head = [
        "electrode atoms",
        "mode",
        "wall, ms/step",
        "processor, ms/step",
        "ratio",
        "by",
        "added, ms/step",
        "added / mat_inv's",
        "set-up, s",
        "peak memory, GB",
    ]
    cells = []
    for atoms, rows in sizes:
        for row in rows:
            others = row.times.name != FIXED
            cells.append(
                [
                    str(atoms),
                    row.times.label,
                    f"{1e3 * row.times.wall / steps:.2f}",
                    f"{1e3 * row.times.processor / steps:.2f}",
                    f"{row.times.ratio:.3f}",
                    row.times.measure,
                    f"{row.added:.2f}" if others else "",
                    _optional(row.relative, ".3f") if others else "",
                    f"{row.setup:.2f}",
                    f"{row.memory:.2f}",
                ]
            )
        for size, label in too_long:
            if size == atoms:
                cells.append([str(atoms), label, *[""] * 6, f"more than {limit:g}", ""])
    return head, cells


def _optional(value: float | None, form: str) -> str:
    return "" if value is None else format(value, form)
