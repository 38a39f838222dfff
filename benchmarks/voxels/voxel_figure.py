"""The picture of the benchmark."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
from voxel_modes import NONE
from voxel_summary import Row

COLOURS = {1: "#1b6ca8", 2: "#d1603d"}


def plot_modes(tables: Mapping[int, Sequence[Row]], path: Path) -> None:
    """Draw the added time of every mode, in per cent of a step without voxels."""
    figure, axes = plt.subplots(figsize=(7.5, 3.4), layout="constrained")
    labels: list[str] = []
    for offset, (ranks, rows) in enumerate(tables.items()):
        shown = [row for row in rows if row.name != NONE]
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
    axes.axvline(1, color="0.4", lw=0.8, ls=":", label="1 %")
    axes.set_yticks(range(len(labels)), labels)
    axes.invert_yaxis()
    axes.set_xlabel("added time per step, % of a step without voxels")
    figure.legend(frameon=False, loc="outside upper right", ncols=len(tables) + 1)
    figure.savefig(path, dpi=150)
    plt.close(figure)
