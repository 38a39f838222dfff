"""The picture of the benchmark."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from mdrun_summary import FACTOR, LIMIT, Row, UpdateCost

LOOPS, CLOCK = "#1b6ca8", "#d1603d"


def plot_modes(rows: Sequence[Row], costs: Sequence[UpdateCost], path: Path) -> None:
    """Draw what the plugin adds to the loop, and an interval by plugin and by driver."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(12.0, 4.0), layout="constrained")
    _draw_added([row for row in rows if row.share is not None], left)
    _draw_intervals(costs, right)
    figure.legend(frameon=False, loc="outside upper center", ncols=4)
    figure.savefig(path, dpi=150)
    plt.close(figure)


def _draw_added(rows: Sequence[Row], axes: Axes) -> None:
    for place, row in enumerate(rows):
        added = [100 * (ratio - 1) for ratio in row.ratios]
        axes.plot(added, [place] * len(added), "o", ms=3, color=LOOPS, alpha=0.35)
        label = "loop times, median of rounds" if place == 0 else None
        axes.plot(100 * (row.ratio - 1), place, "|", ms=13, mew=2.5, color=LOOPS, label=label)
        label = "mdrun's clock of the plugin" if place == 0 else None
        axes.plot(row.share, place, "D", ms=5, color=CLOCK, label=label)
    axes.axvline(0, color="0.4", lw=0.8)
    axes.axvline(LIMIT, color="0.4", lw=0.8, ls=":", label=f"{LIMIT:g} %")
    axes.set_yticks(range(len(rows)), [row.label.removeprefix("plugin, ") for row in rows])
    axes.invert_yaxis()
    axes.set_xlabel("added time per step, % of mdrun alone")


def _draw_intervals(costs: Sequence[UpdateCost], axes: Axes) -> None:
    bars = [
        (f"{who}, {cost.model}", value, colour)
        for cost in costs
        for who, value, colour in (
            ("plugin's update", cost.plugin_update, CLOCK),
            ("plugin, all calls", cost.plugin, CLOCK),
            ("driver", cost.driver, "0.6"),
        )
    ]
    places = range(len(bars))
    values = [value for _, value, _ in bars]
    shown = axes.barh(places, values, color=[colour for *_, colour in bars], height=0.6)
    # the dotted lines go behind the numbers
    axes.bar_label(shown, [f"{value:.3g} ms" for value in values], padding=6, zorder=3,
                   bbox={"color": "white", "pad": 1})  # fmt: skip
    for number, cost in enumerate(costs):
        first = number * len(bars) / len(costs)
        label = f"driver / {FACTOR:g}" if number == 0 else None
        axes.vlines(cost.driver / FACTOR, first - 0.4, first + 1.4, "0.2", ":", label=label)
    axes.set_xscale("log")
    axes.set_xlim(0.3 * min(values), 5 * max(values))
    axes.set_yticks(places, [name for name, *_ in bars])
    axes.invert_yaxis()
    axes.set_xlabel("added between two updates, ms")
