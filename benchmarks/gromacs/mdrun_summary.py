"""From raw measurements to the numbers of the tables: medians over rounds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import median
from typing import Any

from mdrun_modes import EVERY, MODELS, PARTS, PLAIN, SAMPLES, driver_name, kernel_name

LIMIT = 1.0  # per cent added at the paper's interval
FACTOR = 20.0  # of the driver's added cost over the plugin's


@dataclass(frozen=True)
class Row:
    """One mode; each number a median over rounds.

    Attributes
    ----------
    name, label : str
        Of the mode.
    step : float
        Loop time per step, ms.
    ratio : float
        Loop time over that of mdrun alone in the same round.
    ratios : tuple of float
        The same, round by round.
    wall : float
        Of the whole process, or of the driver's whole run, s.
    wall_ratio : float
        The same over that of mdrun alone in the same round.
    outside : float
        Wall time that is not loop time, s.
    updates : int or None
    first, later : float or None
        The plugin's first update and the median of those after it, by its own clock, ms.
    own, own_share : float or None
        What the plugin's job measures of itself, s and per cent of the loop.
    plumed, share : float or None
        mdrun's own time in calls of the plugin, without its set-up, s and per cent of the rest of
        the loop.
    """

    name: str
    label: str
    step: float
    ratio: float
    ratios: tuple[float, ...]
    wall: float
    wall_ratio: float
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
    plugin_update : float
        An update after the first by the plugin's own clock, ms.
    plugin_step : float
        The plugin's calls at a step without an update, by mdrun's clock, ms.
    plugin : float
        Everything that the plugin does in an interval by mdrun's clock, without the first update,
        ms.
    parts : dict of str to float
        An update by the driver, ms: its parts, of mdrun what is not its loop.
    driver : float
        Sum of the parts: the driver's wall time that is not mdrun's loop, ms.
    plugin_difference, driver_difference : float
        Loop time, of the driver wall time, beyond mdrun alone in the same round, ms.
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


@dataclass(frozen=True)
class Aim:
    """Something aimed at, and what was measured."""

    what: str
    aim: str
    found: str
    met: bool


def summarise(measurements: Sequence[dict[str, Any]], steps: int) -> list[Row]:
    """Rows of the table of modes."""
    base = _rounds(measurements, PLAIN)
    names = {m["mode"]: None for m in sorted(measurements, key=lambda m: m["position"])}
    return [_row(list(_rounds(measurements, name).values()), base, steps) for name in names]


def _row(group: list[dict[str, Any]], base: Mapping[int, dict[str, Any]], steps: int) -> Row:
    ratios = tuple(m["loop"] / base[m["round"]]["loop"] for m in group)
    has_plugin = group[0]["plumed"] is not None

    def of_plugin(value: Callable[[dict[str, Any]], float]) -> float | None:
        return median(map(value, group)) if has_plugin else None

    return Row(
        name=group[0]["mode"],
        label=group[0]["label"],
        step=1e3 * median(m["loop"] for m in group) / steps,
        ratio=median(ratios),
        ratios=ratios,
        wall=median(m["wall"] for m in group),
        wall_ratio=median(m["wall"] / base[m["round"]]["wall"] for m in group),
        outside=median(m["wall"] - m["loop"] for m in group),
        updates=group[0]["updates"],
        first=median(m["update_ms"][0] for m in group) if group[0]["update_ms"] else None,
        later=median(median(m["update_ms"][1:]) for m in group)
        if len(group[0]["update_ms"]) > 1
        else None,
        own=of_plugin(lambda m: m["own"]),
        own_share=of_plugin(lambda m: 100 * m["own"] / m["loop"]),
        plumed=of_plugin(lambda m: m["plumed"]),
        share=of_plugin(lambda m: 100 * m["plumed"] / (m["loop"] - m["plumed"])),
    )


def update_costs(
    measurements: Sequence[dict[str, Any]], steps: int, interval: int
) -> list[UpdateCost]:
    """Compare the plugin and the driver at one interval, model by model."""
    return [_update_cost(measurements, kind, steps, interval) for kind in MODELS]


def _update_cost(
    measurements: Sequence[dict[str, Any]], kind: str, steps: int, interval: int
) -> UpdateCost:
    base = _rounds(measurements, PLAIN)
    plugin = _rounds(measurements, kernel_name(kind, interval))
    driver = _rounds(measurements, driver_name(kind))
    pieces = steps // interval

    def over_rounds(value: Callable[[int], float]) -> float:
        return median(map(value, base))

    def update(n: int) -> float:
        return median(plugin[n]["update_ms"][1:])

    def in_plugin(n: int) -> float:
        return (1e3 * plugin[n]["plumed"] - plugin[n]["update_ms"][0]) / pieces

    def driven(n: int) -> float:
        return 1e3 * (driver[n]["wall"] - driver[n]["loop"]) / pieces

    def part(n: int, name: str) -> float:
        loop = driver[n]["loop"] if name == "mdrun" else 0.0
        return 1e3 * (driver[n]["parts"][name] - loop) / pieces

    return UpdateCost(
        model=MODELS[kind],
        plugin_update=over_rounds(update),
        plugin_step=over_rounds(lambda n: 1e3 * (plugin[n]["plumed"] - plugin[n]["own"]) / steps),
        plugin=over_rounds(in_plugin),
        parts={name: over_rounds(partial(part, name=name)) for name in PARTS},
        driver=over_rounds(driven),
        plugin_difference=over_rounds(
            lambda n: 1e3 * (plugin[n]["loop"] - base[n]["loop"]) / pieces
        ),
        driver_difference=over_rounds(
            lambda n: 1e3 * (driver[n]["wall"] - base[n]["wall"]) / pieces
        ),
        factor=over_rounds(lambda n: driven(n) / in_plugin(n)),
        factor_update=over_rounds(lambda n: driven(n) / update(n)),
    )


def _rounds(measurements: Sequence[dict[str, Any]], name: str) -> dict[int, dict[str, Any]]:
    """Measurements of one mode by round."""
    return {m["round"]: m for m in measurements if m["mode"] == name}


def loop_cells(rows: Sequence[Row]) -> tuple[list[str], list[list[str]]]:
    """Head and cells of the table of loop times."""
    head = [
        "mode",
        "ms/step",
        "ratio",
        "rounds",
        "updates",
        "first, ms",
        "later, ms",
        "own, %",
        "in calls, %",
    ]
    table = [
        [
            row.label,
            f"{row.step:.3f}",
            f"{row.ratio:.4f}",
            f"{min(row.ratios):.3f} to {max(row.ratios):.3f}",
            _optional(row.updates, "d"),
            _optional(row.first, ".2f"),
            _optional(row.later, ".2f"),
            _optional(row.own_share, ".3f"),
            _optional(row.share, ".3f"),
        ]
        for row in rows
    ]
    return head, table


def wall_cells(rows: Sequence[Row]) -> tuple[list[str], list[list[str]]]:
    """Head and cells of the table of whole processes."""
    head = ["mode", "wall, s", "ratio", "wall - loop, s"]
    return head, [
        [row.label, f"{row.wall:.2f}", f"{row.wall_ratio:.4f}", f"{row.outside:.2f}"]
        for row in rows
    ]


def update_cells(costs: Sequence[UpdateCost]) -> tuple[list[str], list[list[str]]]:
    """Head and cells of the table of updates."""
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
        ("driver: wall beyond mdrun alone", lambda c: f"{c.driver_difference:.0f}"),
        ("driver / plugin, all of the interval", lambda c: f"{c.factor:.1f}"),
        ("driver / plugin, the update", lambda c: f"{c.factor_update:.0f}"),
    ]
    return head, [[label, *(show(cost) for cost in costs)] for label, show in lines]


def aims(rows: Sequence[Row], costs: Sequence[UpdateCost], interval: int) -> list[Aim]:
    """Put what was aimed at beside what was measured."""
    by = {row.name: row for row in rows}
    found = []
    for kind, model in MODELS.items():
        row = by[kernel_name(kind, interval)]
        assert row.share is not None
        found.append(
            Aim(
                f"added by the plugin every {interval} steps, {model}",
                f"below {LIMIT:g} %",
                f"{row.share:.3f} % by mdrun's clock, {100 * (row.ratio - 1):+.2f} % by loop times",
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
    """Say what the numbers mean."""
    return [
        "loop: mdrun's own wall time of its steps (md.log), of the driver's pieces together. "
        "ratio: over that of mdrun alone in the same round, median over rounds, and the smallest "
        "and largest of them.",
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
        "The paper's network has not been trained: 4 inputs per ion, 4 layers of 1024, one output "
        "per electrode atom, random weights. Its cost does not depend on them.",
        f"voxels: mass and charge of all atoms, a sample every {EVERY} steps, a frame every "
        f"{EVERY * SAMPLES}.",
    ]


def _optional(value: float | None, form: str) -> str:
    return "" if value is None else format(value, form)
