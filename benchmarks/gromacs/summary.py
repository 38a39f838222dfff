"""From raw measurements to the numbers and the cells of the tables: medians over rounds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import median
from typing import Any

from benchmarks.common import comparison
from benchmarks.common.comparison import NOTE, Compared, Measure, by_mode, by_round, compare
from benchmarks.common.models import UNTRAINED
from benchmarks.common.report import Aim
from benchmarks.gromacs.modes import (
    EVERY,
    MODELS,
    PARTS,
    PLAIN,
    SAMPLES,
    driver_name,
    kernel_name,
)

LIMIT = 1.0  # per cent added at the paper's interval
FACTOR = 20.0  # of the driver's added cost over the plugin's


@dataclass(frozen=True)
class Row:
    """One mode; each number a median over rounds.

    Attributes
    ----------
    times : Compared
        Times of the loop beside those of mdrun alone.
    whole : Compared
        The same of the whole process, or of the driver's whole run.
    outside : float
        Wall time that is not loop time, s.
    updates : int or None
        Number of updates of the charges.
    first, later : float or None
        Time of the plugin's first update and the median of those after it, by its own clock, ms.
    own, own_share : float or None
        Time that the plugin's job measures of itself, s and per cent of the loop.
    plumed, share : float or None
        mdrun's own time in calls of the plugin, without its set-up, s and per cent of the rest of
        the loop.
    """

    times: Compared
    whole: Compared
    outside: float
    updates: int | None
    first: float | None
    later: float | None
    own: float | None
    own_share: float | None
    plumed: float | None
    share: float | None


@dataclass(frozen=True)
class UpdateCost:
    """What an interval between updates costs with one model; medians over rounds.

    Attributes
    ----------
    model : str
        Name of the model.
    plugin_update : float
        Time of an update after the first by the plugin's own clock, ms.
    plugin_step : float
        Time of the plugin's calls at a step without an update, by mdrun's clock, ms.
    plugin : float
        Time of all that the plugin does in an interval by mdrun's clock, without the first update,
        ms.
    parts : dict of str to float
        Times of the driver's parts of an update, of mdrun what is not its loop, ms.
    driver : float
        Sum of the parts: the driver's wall time that is not mdrun's loop, ms.
    plugin_difference, driver_difference : float
        Time of the loop, of the driver that of the whole run, beyond mdrun alone in the same round,
        by the quieter measure of the modes, ms.
    factor : float
        `driver` over `plugin` in the same round.
    factor_update : float
        `driver` over `plugin_update` in the same round.
    """

    model: str
    plugin_update: float
    plugin_step: float
    plugin: float
    parts: dict[str, float]
    driver: float
    plugin_difference: float
    driver_difference: float
    factor: float
    factor_update: float


def summarise(measurements: Sequence[Mapping[str, Any]]) -> list[Row]:
    """Return the rows of the tables of modes."""
    groups = by_mode(measurements)
    times = compare(measurements, PLAIN)
    whole = compare(
        [{**m, "wall": m["whole"], "processor": m["whole_processor"]} for m in measurements], PLAIN
    )
    return [_row(group, times[name], whole[name]) for name, group in groups.items()]


def _row(group: Sequence[Mapping[str, Any]], times: Compared, whole: Compared) -> Row:
    has_plugin = group[0]["plumed"] is not None

    def of_plugin(value: Callable[[Mapping[str, Any]], float]) -> float | None:
        return median(map(value, group)) if has_plugin else None

    return Row(
        times=times,
        whole=whole,
        outside=median(m["whole"] - m["wall"] for m in group),
        updates=group[0]["updates"],
        first=median(m["update_ms"][0] for m in group) if group[0]["update_ms"] else None,
        later=median(median(m["update_ms"][1:]) for m in group)
        if len(group[0]["update_ms"]) > 1
        else None,
        own=of_plugin(lambda m: m["own"]),
        own_share=of_plugin(lambda m: 100 * m["own"] / m["wall"]),
        plumed=of_plugin(lambda m: m["plumed"]),
        share=of_plugin(lambda m: 100 * m["plumed"] / (m["wall"] - m["plumed"])),
    )


def update_costs(
    measurements: Sequence[Mapping[str, Any]], steps: int, interval: int
) -> list[UpdateCost]:
    """Compare the plugin and the driver at one interval, model by model."""
    measure = compare(measurements, PLAIN)[PLAIN].measure
    return [_update_cost(measurements, kind, steps, interval, measure) for kind in MODELS]


def _update_cost(
    measurements: Sequence[Mapping[str, Any]],
    kind: str,
    steps: int,
    interval: int,
    measure: Measure,
) -> UpdateCost:
    base = by_round(measurements, PLAIN)
    plugin = by_round(measurements, kernel_name(kind, interval))
    driver = by_round(measurements, driver_name(kind))
    pieces = steps // interval
    whole = {"wall": "whole", "processor": "whole_processor"}[measure]

    def over_rounds(value: Callable[[int], float]) -> float:
        return median(map(value, base))

    def update(n: int) -> float:
        return median(plugin[n]["update_ms"][1:])

    def in_plugin(n: int) -> float:
        return (1e3 * plugin[n]["plumed"] - plugin[n]["update_ms"][0]) / pieces

    def driven(n: int) -> float:
        return 1e3 * (driver[n]["whole"] - driver[n]["wall"]) / pieces

    def part(n: int, name: str) -> float:
        loop = driver[n]["wall"] if name == "mdrun" else 0.0
        return 1e3 * (driver[n]["parts"][name] - loop) / pieces

    return UpdateCost(
        model=MODELS[kind],
        plugin_update=over_rounds(update),
        plugin_step=over_rounds(lambda n: 1e3 * (plugin[n]["plumed"] - plugin[n]["own"]) / steps),
        plugin=over_rounds(in_plugin),
        parts={name: over_rounds(partial(part, name=name)) for name in PARTS},
        driver=over_rounds(driven),
        plugin_difference=over_rounds(
            lambda n: 1e3 * (plugin[n][measure] - base[n][measure]) / pieces
        ),
        driver_difference=over_rounds(lambda n: 1e3 * (driver[n][whole] - base[n][whole]) / pieces),
        factor=over_rounds(lambda n: driven(n) / in_plugin(n)),
        factor_update=over_rounds(lambda n: driven(n) / update(n)),
    )


def loop_table(rows: Sequence[Row], steps: int) -> tuple[list[str], list[list[str]]]:
    """Return head and cells of the table of the loop's times."""
    times = [row.times for row in rows]
    head = [
        *comparison.head(times),
        "updates",
        "first, ms",
        "later, ms",
        "own, %",
        "in calls, %",
    ]
    return head, [
        [
            *cells,
            _optional(row.updates, "d"),
            _optional(row.first, ".2f"),
            _optional(row.later, ".2f"),
            _optional(row.own_share, ".3f"),
            _optional(row.share, ".3f"),
        ]
        for row, cells in zip(rows, comparison.cells(times, steps), strict=True)
    ]


def whole_table(rows: Sequence[Row]) -> tuple[list[str], list[list[str]]]:
    """Return head and cells of the table of whole processes."""
    head = ["mode", "wall, s", "processor, s", f"ratio ({rows[0].whole.measure})", "wall - loop, s"]
    return head, [
        [
            row.whole.label,
            f"{row.whole.wall:.2f}",
            f"{row.whole.processor:.2f}",
            f"{row.whole.ratio:.4f}",
            f"{row.outside:.2f}",
        ]
        for row in rows
    ]


def update_table(costs: Sequence[UpdateCost]) -> tuple[list[str], list[list[str]]]:
    """Return head and cells of the table of updates."""
    head = ["ms per interval", *(cost.model for cost in costs)]
    lines: list[tuple[str, Callable[[UpdateCost], str]]] = [
        ("plugin: an update, its own clock", lambda c: f"{c.plugin_update:.2f}"),
        ("plugin: calls at a step without an update", lambda c: f"{c.plugin_step:.4f}"),
        ("plugin: all of the interval, mdrun's clock", lambda c: f"{c.plugin:.1f}"),
        ("plugin: loop beyond mdrun alone", lambda c: f"{c.plugin_difference:.0f}"),
        ("driver: reading the last frame", lambda c: f"{c.parts['read']:.1f}"),
        ("driver: prediction", lambda c: f"{c.parts['predict']:.1f}"),
        ("driver: writing the topology", lambda c: f"{c.parts['write']:.1f}"),
        ("driver: gmx grompp", lambda c: f"{c.parts['grompp']:.1f}"),
        ("driver: mdrun before and after its loop", lambda c: f"{c.parts['mdrun']:.1f}"),
        ("driver: all of these", lambda c: f"{c.driver:.1f}"),
        ("driver: run beyond mdrun alone", lambda c: f"{c.driver_difference:.0f}"),
        ("driver / plugin, all of the interval", lambda c: f"{c.factor:.1f}"),
        ("driver / plugin, the update", lambda c: f"{c.factor_update:.0f}"),
    ]
    return head, [[label, *(show(cost) for cost in costs)] for label, show in lines]


def aims(rows: Sequence[Row], costs: Sequence[UpdateCost], interval: int) -> list[Aim]:
    """Put what was aimed at beside what was measured."""
    by = {row.times.name: row for row in rows}
    found = []
    for kind, model in MODELS.items():
        row = by[kernel_name(kind, interval)]
        assert row.share is not None
        found.append(
            Aim(
                f"added by the plugin every {interval} steps, {model}",
                f"below {LIMIT:g} %",
                f"{row.share:.3f} % by mdrun's clock, {100 * (row.times.ratio - 1):+.2f} % by "
                f"{row.times.measure} times of the loop",
                row.share < LIMIT,
            )
        )
    for cost in costs:
        found.append(
            Aim(
                f"added by the driver over added by the plugin, {cost.model}",
                f"at least {FACTOR:g}",
                f"{cost.factor:.1f} ({cost.driver:.0f} ms over {cost.plugin:.1f} ms); of the "
                f"update alone {cost.factor_update:.0f}",
                cost.factor >= FACTOR,
            )
        )
    return found


def notes(steps: int) -> list[str]:
    """Return remarks on what the numbers mean."""
    return [
        NOTE,
        "loop: mdrun's own times of its steps (md.log), of the driver's pieces together.",
        "first, later: the plugin's updates by its own clock; the first one comes once, at the "
        "first pair search after the start. "
        f"{steps} steps hold it and those of the interval, and where the interval is longer, it "
        "alone.",
        "own: all that the plugin's job tells at its end, over the loop. in calls: mdrun's row "
        "'Plumed', which has the calls at all steps, without the plugin's set-up (a first "
        "prediction, files; once in a run), over the rest of the loop. Both are steadier than the "
        "ratio.",
        "wall - loop: start and end of mdrun; with the plugin the loading of torch and the model, "
        "once in a run; with the driver all that it adds.",
        "driver: stop, read the last frame, predict, write the topology, gmx grompp -t, start "
        "mdrun anew. Python, torch, the model and the topology are loaded, and a first prediction "
        "is made, before the clock starts.",
        "driver / plugin: the driver's wall time that is not mdrun's loop, over mdrun's clock of "
        "the plugin's calls in the same number of steps, without the first update.",
        UNTRAINED,
        f"voxels: mass and charge of all atoms, a sample every {EVERY} steps, a frame every "
        f"{EVERY * SAMPLES}.",
    ]


def _optional(value: float | None, form: str) -> str:
    return "" if value is None else format(value, form)
