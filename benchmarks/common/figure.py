"""Picture of what every mode adds to a step, in per cent of the mode it is compared with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, NullLocator, StrMethodFormatter

from benchmarks.common.comparison import Compared
from voxion.figures import COLOURS, REFERENCE
from voxion.files import replacing

# Above this the axis is logarithmic: one slow mode would push all others together.
LINEAR = 10.0  # per cent
TICKS = (-5.0, 0.0, 5.0, LINEAR, 20.0, 50.0, 100.0, 300.0)


def draw_added(
    tables: Mapping[str, Sequence[Compared]], axes: Axes, *, limit: float, reference: str
) -> None:
    """Draw the rounds and the median of every mode, one colour for each table.

    Parameters
    ----------
    tables : mapping of str to sequence of Compared
        Rows by name of the table, without the reference.
    axes : Axes
    limit : float
        Aim, drawn as a dotted line, per cent.
    reference : str
        What the modes are compared with, in words.
    """
    rows = [row for table in tables.values() for row in table]
    for number, (name, table) in enumerate(tables.items()):
        for place, row in enumerate(table):
            height = place + 0.16 * (2 * number - len(tables) + 1)
            axes.plot(row.added, [height] * len(row.added), "o", ms=3, color=COLOURS[number],
                      alpha=0.4)  # fmt: skip
            label = f"{name}, median of {row.measure} time" if place == 0 else None
            axes.plot(median(row.added), height, "|", ms=13, mew=2.5, color=COLOURS[number],
                      label=label)  # fmt: skip
    axes.axvline(0, color=REFERENCE, lw=0.8)
    axes.axvline(limit, color=REFERENCE, lw=0.9, ls=":", label=f"{limit:g} %")
    if max(max(row.added) for row in rows) > 2 * LINEAR:
        axes.set_xscale("symlog", linthresh=LINEAR, linscale=1.5)
        axes.xaxis.set_major_locator(FixedLocator(TICKS))
        axes.xaxis.set_minor_locator(NullLocator())
        axes.xaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
    labels = [row.label for row in next(iter(tables.values()))]
    axes.set_yticks(range(len(labels)), labels)
    axes.invert_yaxis()
    axes.set_xlabel(f"added time per step, % of {reference}")


def save(figure: Figure, path: Path) -> None:
    """Write a picture whole, and close it.

    Raises
    ------
    VoxionError
        The file cannot be written.
    """
    with replacing(path) as temporary:
        figure.savefig(temporary, format="png", dpi=150)
    plt.close(figure)
