"""Pictures of the benchmark."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator, StrMethodFormatter

from benchmarks.charges.modes import FIXED, MAT_INV
from benchmarks.charges.summary import Row
from benchmarks.common.figure import draw_added
from voxion.figures import COLOURS, styled

AIM = 5.0  # per cent over fixed charges, with an update at every step
MARKS = {"local-1": "o", MAT_INV: "s", "cg": "^"}


@styled
def plot_comparison(tables: Mapping[str, Sequence[Row]]) -> Figure:
    """Draw the added cost of every mode, in per cent of a step with fixed charges."""
    figure, axes = plt.subplots(figsize=(8.5, 4.4), layout="constrained")
    shown = {
        name: [row.times for row in rows if row.times.name != FIXED]
        for name, rows in tables.items()
    }
    draw_added(shown, axes, limit=AIM, reference="fixed charges")
    figure.legend(loc="outside upper right", ncols=len(tables) + 1)
    return figure


@styled
def plot_scaling(sizes: Sequence[tuple[int, Sequence[Row]]]) -> Figure:
    """Draw added time per step, and time of set-up, against the number of electrode atoms."""
    figure, panels = plt.subplots(1, 2, figsize=(8.5, 3.9), layout="constrained")
    names = {
        row.times.name: row.times.label
        for _, rows in sizes for row in rows if row.times.name != FIXED
    }  # fmt: skip
    for number, (name, label) in enumerate(names.items()):
        for axes, value in zip(panels, ("added", "setup"), strict=True):
            points = [
                (atoms, getattr(row, value)) for atoms, rows in sizes for row in rows
                if row.times.name == name and getattr(row, value) > 0
            ]  # fmt: skip
            if points:
                axes.loglog(*zip(*points, strict=True), MARKS[name] + "-", color=COLOURS[number],
                            label=label)  # fmt: skip
    ticks = sorted({atoms for atoms, _ in sizes})
    for axes, title in zip(panels, ("added time per step, ms", "set-up, s"), strict=True):
        axes.set_xlabel("electrode atoms")
        axes.set_ylabel(title)
        axes.xaxis.set_major_locator(FixedLocator(ticks))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper center", ncols=2)
    return figure
