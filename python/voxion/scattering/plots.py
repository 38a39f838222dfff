"""Figures of structure factors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter, ScalarFormatter
from numpy.typing import NDArray

from voxion.figures import COLOURS, REFERENCE, WIDTH, colours_of, styled
from voxion.scattering.reconstruction import Curve, Reconstruction


@styled
def plot_structure_factor(
    results: Any, values: NDArray[np.float64], errors: NDArray[np.float64] | None, unit: str
) -> Figure:
    """Draw a structure factor, as it is and in logarithmic scales.

    Parameters
    ----------
    results : Results
        Of a `StructureFactor`.
    values : ndarray [B], float64
    errors : ndarray [B], float64 or None
        Standard errors.
    unit : str
        Of the values.
    """
    figure = Figure((WIDTH, 3.8), layout="constrained")
    for axes, scale in zip(figure.subplots(1, 2), ("linear", "log"), strict=True):
        axes.plot(results.wave_vector, values, color=COLOURS[0], lw=1.2)
        if errors is not None:
            low, high = values - errors, values + errors
            axes.fill_between(results.wave_vector, low, high, color=COLOURS[0], alpha=0.25, lw=0)
        axes.axvline(
            results.smallest_valid, color=REFERENCE, lw=0.8, ls="--", label="smallest valid Q"
        )
        axes.set_xlabel("Q, 1/Å")
        axes.set_ylabel(f"S(Q), {unit.replace('^2', '²')}")
        axes.set_xscale(scale)
        axes.set_yscale(scale)
    plain_log_ticks(axes.xaxis)
    axes.legend()
    return figure


@styled
def plot_reconstruction(
    q: NDArray[np.float64], measured: Curve, results: Mapping[str, Reconstruction]
) -> Figure:
    """Draw a structure factor and what mixtures make of it, and their residuals.

    Parameters
    ----------
    q : ndarray [B], float64
        Of the reconstructions, 1/angstrom.
    measured : Curve
    results : mapping of name to Reconstruction
    """
    figure = Figure((WIDTH, 3.8), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(3, 2))
    draw_simulated(left, measured, q[0], q[-1])
    for colour, (name, one) in zip(colours_of(results), results.items(), strict=True):
        left.plot(q, one.s, color=colour, lw=1.6 if name == "classifier" else 0.9, label=name)
    left.set(xlabel="Q, 1/Å", ylabel="S(Q)", xscale="log", yscale="log")
    plain_log_ticks(left.xaxis)
    left.legend(fontsize=8)
    names = list(results)
    right.barh(
        names,
        [results[name].residual for name in names],
        xerr=[results[name].error for name in names],
        color=colours_of(results),
        error_kw={"ecolor": REFERENCE, "elinewidth": 1},
    )
    right.invert_yaxis()
    right.set_xlabel("residual")
    return figure


def draw_simulated(axes: Axes, curve: Curve, low: float, high: float) -> None:
    """Draw the points of a simulated structure factor between two Q, with their errors."""
    near = (curve.q >= low) & (curve.q <= high)
    points = curve.q[near], curve.s[near], curve.error[near]
    axes.errorbar(*points, fmt="o", ms=3, lw=0.8, color=REFERENCE, label="simulated")


def plain_log_ticks(axis: Axis) -> None:
    """Label a logarithmic axis with plain numbers."""
    axis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axis.set_major_formatter(ScalarFormatter())
    axis.set_minor_formatter(NullFormatter())
