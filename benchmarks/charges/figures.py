"""The pictures of the benchmark."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator, StrMethodFormatter
from modes import FIXED, MAT_INV
from summary import Row

COLOURS = {1: "#1b6ca8", 2: "#d1603d"}
# Above this the axis becomes logarithmic: one slow mode would push all others together.
LINEAR = 10.0  # per cent
AIM = 5.0  # per cent over fixed charges, with an update at every step
MARKS = {"local-1": "o", MAT_INV: "s", "cg": "^"}


def plot_comparison(tables: Mapping[int, Sequence[Row]], path: Path) -> None:
    """Draw the added cost of every mode, in per cent of a step with fixed charges."""
    figure, axes = plt.subplots(figsize=(8.0, 4.4), layout="constrained")
    labels: list[str] = []
    for offset, (ranks, rows) in enumerate(tables.items()):
        shown = [row for row in rows if row.name != FIXED]
        labels = [row.label for row in shown]
        colour = COLOURS.get(ranks, f"C{offset}")
        for place, row in enumerate(shown):
            height = place + 0.16 * (2 * offset - len(tables) + 1)
            added = [100 * (ratio - 1) for ratio in row.ratios]
            axes.plot(added, [height] * len(added), "o", ms=3, color=colour, alpha=0.35)
            label = f"{ranks} rank{'s' if ranks > 1 else ''}, median" if place == 0 else None
            middle = 100 * (row.ratio - 1)
            axes.plot(middle, height, "|", ms=13, mew=2.5, color=colour, label=label)
    axes.axvline(0, color="0.4", lw=0.8)
    axes.axvline(AIM, color="0.4", lw=0.8, ls=":", label=f"{AIM:g} % over fixed charges")
    axes.set_xscale("symlog", linthresh=LINEAR, linscale=1.5)
    axes.xaxis.set_major_locator(FixedLocator([-5, 0, 5, 10, 20, 50, 100, 300]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    axes.set_yticks(range(len(labels)), labels)
    axes.invert_yaxis()
    axes.set_xlabel("added time per step, % of fixed charges")
    figure.legend(frameon=False, loc="outside upper right", ncols=len(tables) + 1)
    _save(figure, path)


def plot_scaling(sizes: Sequence[tuple[int, Sequence[Row]]], path: Path) -> None:
    """Draw added time per step, and time of set-up, against the number of electrode atoms."""
    figure, panels = plt.subplots(1, 2, figsize=(8.5, 3.9), layout="constrained")
    names = {row.name: row.label for _, rows in sizes for row in rows if row.name != FIXED}
    for number, (name, label) in enumerate(names.items()):
        for axes, value in zip(panels, ("added", "setup"), strict=True):
            points = [
                (atoms, getattr(row, value)) for atoms, rows in sizes for row in rows
                if row.name == name and getattr(row, value) > 0
            ]  # fmt: skip
            if points:
                axes.loglog(*zip(*points, strict=True), MARKS[name] + "-", color=f"C{number}",
                            label=label)  # fmt: skip
    ticks = sorted({atoms for atoms, _ in sizes})
    for axes, title in zip(panels, ("added time per step, ms", "set-up, s"), strict=True):
        axes.set_xlabel("electrode atoms")
        axes.set_ylabel(title)
        axes.xaxis.set_major_locator(FixedLocator(ticks))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    figure.legend(
        *panels[0].get_legend_handles_labels(), frameon=False, loc="outside upper center", ncols=2
    )
    _save(figure, path)


def _save(figure: Figure, path: Path) -> None:
    figure.savefig(path, dpi=150)
    plt.close(figure)
