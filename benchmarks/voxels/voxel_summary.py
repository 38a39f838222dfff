"""From raw measurements to the numbers of the tables, and what the aims say about them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from voxel_modes import (
    EVERY,
    GRID,
    NONE,
    STRESS_ALONE,
    VOXION,
    VOXION_CLASSIFY,
    VOXION_STRESS,
    WINDOW,
)

# 20 ps at the 2 fs of the electrolyte
PAPER_WINDOW = 10_000


@dataclass(frozen=True)
class Row:
    """One mode on one number of ranks; each number a median over rounds.

    Attributes
    ----------
    name, label : str
    step : float
        Time per step, ms.
    ratio : float
        Loop time over that without voxels in the same round.
    ratios : tuple of float
        The same, round by round.
    sample : float
        Time in fixes beyond that without voxels, per sample, ms; it includes what a frame costs.
    frame : float
        Time in output beyond that without voxels, per frame, ms.
    written : int
        Bytes per frame.
    own : dict
        What fix voxion/voxels says of itself: grid, compute, store, classify (ms), share (%).
    """

    name: str
    label: str
    step: float
    ratio: float
    ratios: tuple[float, ...]
    sample: float
    frame: float
    written: int
    own: dict[str, float]


@dataclass(frozen=True)
class Aim:
    """A number that the project aims at, and what was measured."""

    what: str
    aim: str
    found: str
    met: bool


def summarise(measurements: Sequence[dict[str, Any]], steps: int) -> list[Row]:
    """Rows from the measurements on one number of ranks."""
    base = {m["round"]: m for m in measurements if m["mode"] == NONE}
    groups: dict[str, list[dict[str, Any]]] = {}
    for measurement in sorted(measurements, key=lambda m: (m["position"], m["round"])):
        groups.setdefault(measurement["mode"], []).append(measurement)
    return [_row(group, base, steps) for group in groups.values()]


def _row(group: list[dict[str, Any]], base: dict[int, dict[str, Any]], steps: int) -> Row:
    def beyond(section: str, count: int) -> float:
        return 1e3 * median(m[section] - base[m["round"]][section] for m in group) / count

    ratios = tuple(m["loop"] / base[m["round"]]["loop"] for m in group)
    own = ("grid", "compute", "store", "classify", "share")
    return Row(
        name=group[0]["mode"],
        label=group[0]["label"],
        step=1e3 * median(m["loop"] for m in group) / steps,
        ratio=median(ratios),
        ratios=ratios,
        sample=beyond("modify", steps // EVERY),
        frame=beyond("output", steps // WINDOW),
        written=round(median(m["written"] for m in group)),
        own={n: median(m[n] for m in group) for n in own if group[0][n] is not None},
    )


def cells(rows: Sequence[Row]) -> tuple[list[str], list[list[str]]]:
    """Head and cells of the table of modes."""
    head = [
        "mode",
        "ms/step",
        "ratio",
        "rounds",
        "in fixes, ms/sample",
        "in output, ms/frame",
        "kB/frame",
        "own: grid, ms/sample",
        "own: computes, ms/sample",
        "own: store, ms/frame",
        "own: classify, ms/frame",
    ]
    table = []
    for row in rows:
        beyond = row.name != NONE
        table.append(
            [
                row.label,
                f"{row.step:.2f}",
                f"{row.ratio:.4f}",
                f"{min(row.ratios):.3f} to {max(row.ratios):.3f}",
                f"{row.sample:.2f}" if beyond else "",
                f"{row.frame:.2f}" if beyond else "",
                f"{row.written / 1e3:.0f}" if row.written else "",
                *(f"{row.own[n]:.3f}" if n in row.own else "" for n in
                  ("grid", "compute", "store", "classify")),
            ]
        )  # fmt: skip
    return head, table


def size_cells(sizes: Sequence[dict[str, Any]]) -> tuple[list[str], list[list[str]]]:
    """Head and cells of the table of sizes."""
    head = ["values", "text, kB/frame", "store, kB/frame", "packed, kB/frame", "store / text",
            "store / packed"]  # fmt: skip
    return head, [
        [
            size["values"],
            *(f"{size[n] / 1e3:.0f}" for n in ("text", "store", "packed")),
            f"{size['store'] / size['text']:.2f}",
            f"{size['store'] / size['packed']:.2f}",
        ]
        for size in sizes
    ]


def aims(
    rows: Sequence[Row],
    gridding: Sequence[dict[str, Any]],
    sizes: Sequence[dict[str, Any]],
) -> list[Aim]:
    """Put what was aimed at beside what was measured."""
    by = {row.name: row for row in rows}
    voxion = by[VOXION]
    theirs, ours = ([g[name] for g in gridding] for name in (GRID, VOXION))
    faster = median(a / b for a, b in zip(theirs, ours, strict=True))
    stress = median(
        a / b for a, b in zip(by[VOXION_STRESS].ratios, by[STRESS_ALONE].ratios, strict=True)
    )
    classified = by[VOXION_CLASSIFY]
    share = 100 * classified.own["classify"] / (PAPER_WINDOW * by[NONE].step)
    packed = min(size["store"] / size["packed"] for size in sizes)
    text = max(size["store"] / size["text"] for size in sizes)
    written = max(by[name].own["store"] for name in (VOXION, VOXION_STRESS))
    return [
        Aim(
            f"mass and charge every {EVERY} steps, over no voxels",
            "at most 1.01",
            f"{voxion.ratio:.4f} (own log: {1 + voxion.own['share'] / 100:.4f})",
            voxion.ratio <= 1.01,
        ),
        Aim(
            "gridding of a sample: fix ave/grid over voxion",
            "at least 5",
            f"{faster:.1f} ({median(theirs):.2f} ms over {median(ours):.2f} ms)",
            faster >= 5,
        ),
        Aim(
            "with 6 stress, over compute stress/atom alone",
            "at most 1",
            f"{stress:.4f}",
            stress <= 1.0,
        ),
        Aim("store over text grid, size", "below 1", f"{text:.2f}", text < 1),
        Aim("store over packed store, size", "at least 2", f"{packed:.2f}", packed >= 2),
        Aim("storing a frame", "below 2 ms", f"{written:.2f} ms", written < 2),
        Aim(
            f"classification, one window in {PAPER_WINDOW} steps",
            "below 1 %",
            f"{share:.4f} %",
            share < 1,
        ),
    ]


def notes(rows: Sequence[Row]) -> list[str]:
    """Say what the numbers mean, and at which interval stress costs one per cent."""
    by = {row.name: row for row in rows}
    sample = EVERY * by[NONE].step * (by[STRESS_ALONE].ratio - 1)
    interval = max(0.0, sample / (0.01 * by[NONE].step))
    return [
        "ratio: loop time over that without voxels in the same round, median over rounds, and the "
        "smallest and largest of them.",
        f"Sampled every {EVERY} steps, a frame of 32^3 every {WINDOW}: a hundred times more frames "
        f"than one in {PAPER_WINDOW} steps.",
        "in fixes, in output: LAMMPS's own Modify and Output times beyond those without voxels; "
        "they are steadier than the difference of loop times. own: what fix voxion/voxels logs.",
        f"compute stress/atom costs {sample:.1f} ms a sample here (from its ratio): sampled every "
        f"{interval:.0f} steps it adds 1 %.",
        "gridding of a sample: each fix alone, a sample at every step, on the same atoms at rest; "
        "in it is one frame in a hundred samples, which voxion also writes.",
        "fix ave/grid has sums per voxel (norm none), written as text by dump grid. Sizes are "
        "those of the grids; the rest of a store is some 50 kB for up to 256 frames.",
    ]
