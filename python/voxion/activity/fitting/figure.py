"""The parity plot of a fitted model, of rows that it was fitted to and of rows held out."""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

from voxion.activity.data.table import ActivityData
from voxion.activity.models.estimator import Prediction
from voxion.figures import COLOURS, REFERENCE, WIDTH, styled


@styled
def plot_parity(
    data: ActivityData, fitted: Prediction, held_out: dict[str, Prediction], model: str
) -> Figure:
    """Draw predicted against measured coefficients on logarithmic axes.

    Parameters
    ----------
    data : ActivityData
        N rows.
    fitted : Prediction
        By the model that has seen all rows.
    held_out : dict of str to Prediction
        By models that have not seen the row's fold.
    model : str
        For the title.
    """
    panels = {"fitted to all rows": fitted} | {
        f"{name}, held out": found for name, found in held_out.items()
    }
    figure = Figure(figsize=(WIDTH, 4.2), layout="constrained")
    every = np.concatenate([data.measured, *[found.gamma for found in panels.values()]])
    ends = [0.8 * every.min(), 1.25 * every.max()]
    marks = (1.0, 2.0, 5.0) if ends[1] < 30 * ends[0] else (1.0,)  # more would overlap
    for axes, (title, found) in zip(
        figure.subplots(1, len(panels), sharex=True, sharey=True, squeeze=False)[0],
        panels.items(),
        strict=True,
    ):
        axes.plot(ends, ends, color=REFERENCE, lw=1)
        for number, polymer in enumerate(dict.fromkeys(data.polymers.tolist())):
            rows = data.polymers == polymer
            axes.plot(
                data.measured[rows],
                found.gamma[rows],
                "osD^v"[number // len(COLOURS) % 5],
                ms=5,
                mew=0,
                alpha=0.8,
                color=COLOURS[number % len(COLOURS)],
                label=polymer,
            )
        error = np.abs(found.gamma - data.measured).mean()
        axes.set(xscale="log", yscale="log", xlim=ends, ylim=ends, aspect="equal")
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_locator(LogLocator(subs=marks))
            axis.set_major_formatter(StrMethodFormatter("{x:g}"))
            axis.set_minor_formatter(NullFormatter())
        axes.set_title(f"{title}: MAE {error:.3f}")
        axes.set_xlabel("measured gamma")
    figure.axes[0].set_ylabel(f"predicted gamma, {model}")
    handles, labels = figure.axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=6)
    return figure
