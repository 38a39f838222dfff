"""Figures of two electrodes at a voltage: their charges over time, and what is between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray

from voxion.charges.analysis.pair_density import PairDensities
from voxion.charges.evaluation.scores import ElectrodeCharges
from voxion.figures import REFERENCE, REFERENCE_FILL, WIDTH, colours_of, styled


@styled
def plot_electrode_charges(
    times: ArrayLike, electrode: ElectrodeCharges, predicted: Mapping[str, NDArray[np.float64]]
) -> Figure:
    """Total charge of an electrode in each frame, its potential, and the errors of models.

    Parameters
    ----------
    times : array [F]
        ps.
    electrode : ElectrodeCharges
        Reference and potentials.
    predicted : mapping of str to ndarray [F]
        Total charges by each model, e.
    """
    when = np.asarray(times, np.float64)
    figure = Figure((WIDTH, 4.6), layout="constrained")
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(2.0, 1.0))
    starts = np.flatnonzero(np.diff(electrode.potentials, prepend=np.nan) != 0)

    def draw(axes: Axes, values: NDArray[np.float64], **look: Any) -> None:
        # no line from one potential to the next
        axes.plot(np.insert(when, starts, np.nan), np.insert(values, starts, np.nan), **look)

    reference = electrode.reference
    draw(above, reference, color=REFERENCE_FILL, marker="o", ms=6, lw=3, label="reference")
    for colour, (name, charges) in zip(colours_of(predicted), predicted.items(), strict=True):
        draw(above, charges, color=colour, marker=".", ms=4, lw=1.0, label=name)
        draw(below, charges - reference, color=colour, marker=".", ms=4, lw=1.0)
    below.axhline(0.0, color=REFERENCE, linewidth=0.9)
    for start in starts:
        above.annotate(
            f"at {electrode.potentials[start] + 0.0:g} V",
            (when[start], 1.0),
            xycoords=("data", "axes fraction"),
            xytext=(3, -11),
            textcoords="offset points",
            color=REFERENCE,
        )
        for axes in (above, below):
            axes.axvline(when[start], color="#8a9099", linewidth=0.8, linestyle=":")
    above.set(ylabel=f"charge of {electrode.name} / e")
    above.margins(y=0.15)
    below.set(xlabel="time / ps", ylabel="error / e")
    below.ticklabel_format(axis="y", scilimits=(-3, 3))
    handles, names = above.get_legend_handles_labels()
    figure.legend(handles, names, loc="outside upper right", ncols=len(names))
    return figure


@styled
def plot_pair_densities(found: Sequence[PairDensities], labels: Mapping[str, str]) -> Figure:
    """Densities between two electrodes at each voltage, with standard errors.

    Parameters
    ----------
    found : sequence of PairDensities
    labels : mapping of species to str
        One panel for each, in this order.
    """
    figure = Figure((WIDTH, 2.1 * len(labels) + 0.6), layout="constrained")
    panels = figure.subplots(len(labels), 1, sharex=True, squeeze=False)[:, 0]
    for axes, (species, label) in zip(panels, labels.items(), strict=True):
        for one, colour in zip(found, colours_of(found), strict=True):
            density, error = one.density[species], one.error[species]
            axes.fill_between(
                one.distance, density - error, density + error, color=colour, alpha=0.2, lw=0
            )
            axes.plot(one.distance, density, color=colour, lw=1.3, label=f"{one.voltage:g} V")
        axes.set(title=label, ylabel="density / (mol/l)")
        axes.set_ylim(bottom=0)
    panels[-1].set_xlabel("distance from the lower electrode / Å")
    handles, names = panels[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside upper right", ncols=len(names))
    return figure
