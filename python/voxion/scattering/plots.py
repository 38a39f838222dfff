"""Figures of structure factors."""

from __future__ import annotations

from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter, ScalarFormatter
from numpy.typing import NDArray

from voxion.figures import COLOURS, REFERENCE, WIDTH, styled


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
    axes.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    axes.xaxis.set_major_formatter(ScalarFormatter())
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.legend()
    return figure
