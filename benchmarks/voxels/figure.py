"""Picture of the benchmark."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from benchmarks.common.figure import draw_added
from benchmarks.voxels.modes import NONE
from benchmarks.voxels.summary import Row
from voxion.figures import styled

AIM = 1.0  # per cent over a step without voxels


@styled
def plot_modes(tables: Mapping[str, Sequence[Row]]) -> Figure:
    """Draw the added time of every mode, in per cent of a step without voxels."""
    figure, axes = plt.subplots(figsize=(8.5, 3.4), layout="constrained")
    shown = {
        name: [row.times for row in rows if row.times.name != NONE] for name, rows in tables.items()
    }
    draw_added(shown, axes, limit=AIM, reference="a step without voxels")
    figure.legend(loc="outside upper right", ncols=len(tables) + 1)
    return figure
