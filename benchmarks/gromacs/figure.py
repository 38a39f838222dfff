"""The picture of the benchmark."""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.common.figure import draw_added
from benchmarks.gromacs.summary import FACTOR, LIMIT, Row, UpdateCost
from voxion.figures import COLOURS, REFERENCE, REFERENCE_FILL, styled

CLOCK = COLOURS[1]


@styled
def plot_modes(rows: Sequence[Row], costs: Sequence[UpdateCost]) -> Figure:
    """Draw what the plugin adds to the loop, and an interval by plugin and by driver."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(13.0, 4.2), layout="constrained")
    shown = [row for row in rows if row.share is not None]
    draw_added({"mdrun's loop": [row.times for row in shown]}, left, limit=LIMIT,
               reference="mdrun alone")  # fmt: skip
    left.plot([row.share for row in shown], range(len(shown)), "D", ms=5, color=CLOCK,
              label="mdrun's clock of the plugin")  # fmt: skip
    _draw_intervals(costs, right)
    figure.legend(loc="outside upper center", ncols=4)
    return figure


def _draw_intervals(costs: Sequence[UpdateCost], axes: Axes) -> None:
    axes.grid(False)
    bars = [
        (f"{who}, {cost.model}", value, colour)
        for cost in costs
        for who, value, colour in (
            ("plugin's update", cost.plugin_update, CLOCK),
            ("plugin, all calls", cost.plugin, CLOCK),
            ("driver", cost.driver, REFERENCE_FILL),
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
        label = f"driver / {FACTOR:g}" if number == 0 else ""
        axes.vlines(cost.driver / FACTOR, first - 0.4, first + 1.4, REFERENCE, ":", label=label)
    axes.set_xscale("log")
    axes.set_xlim(0.3 * min(values), 5 * max(values))
    axes.set_yticks(places, [name for name, *_ in bars])
    axes.invert_yaxis()
    axes.set_xlabel("added between two updates, ms")
