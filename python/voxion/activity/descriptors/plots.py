"""Figures of radial distribution functions and of cluster sizes."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from voxion.activity.descriptors.clusters import ClusterSizes
from voxion.activity.descriptors.solvation import PAIRS, PairDistribution
from voxion.figures import COLOURS, REFERENCE, REFERENCE_FILL, styled

ERRORS = 2.0  # standard errors that a band shows to either side
NAMES = {
    "ion_water": "counter-ion, water oxygen",
    "fixed_water": "tethered charge, water oxygen",
    "fixed_ion": "tethered charge, counter-ion",
}


@styled
def plot_distributions(pairs: dict[str, PairDistribution]) -> Figure:
    """Radial distribution functions with the first shell marked; coordination numbers beside.

    Parameters
    ----------
    pairs : dict of str to PairDistribution
        As in the results of `SolvationDescriptors`.
    """
    figure = Figure((12.0, 3.9), layout="constrained")
    panels = figure.subplots(1, len(PAIRS))
    for axes, pair in zip(panels, PAIRS, strict=True):
        _draw(axes, pairs[pair])
        axes.set_title(NAMES[pair])
    handles, labels = panels[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels))
    return figure


@styled
def plot_clusters(clusters: ClusterSizes) -> Figure:
    """Distribution of cluster sizes, by number and by weight.

    Parameters
    ----------
    clusters : ClusterSizes
    """
    figure = Figure((5.4, 3.8), layout="constrained")
    axes = figure.subplots()
    sizes = np.arange(1, len(clusters.by_number) + 1)
    shares = (clusters.by_number, clusters.by_weight)
    labels = ("of the clusters", "of the molecules")
    for values, label, colour, marker in zip(shares, labels, COLOURS, "os", strict=False):
        there = values > 0
        axes.plot(sizes[there], values[there], marker, color=colour, label=label, alpha=0.75)
    error = "" if clusters.largest_error is None else f" ± {100 * clusters.largest_error:.1f}"
    axes.set(
        xscale="log",
        yscale="log",
        xlabel="water molecules in the cluster",
        ylabel="share",
        title=f"largest cluster: {100 * clusters.largest:.1f}{error} % of the molecules",
    )
    axes.legend()
    return figure


def _draw(axes: Axes, pair: PairDistribution) -> None:
    blue, orange, green = COLOURS[:3]
    if pair.g_error is not None:
        low, high = pair.g - ERRORS * pair.g_error, pair.g + ERRORS * pair.g_error
        label = f"± {ERRORS:g} standard errors"
        axes.fill_between(pair.radii, low, high, color=blue, alpha=0.25, linewidth=0, label=label)
    axes.plot(pair.radii, pair.g, color=blue, linewidth=1.1, label="g(r)")
    axes.axhline(1.0, color=REFERENCE_FILL, linewidth=0.8, zorder=1)
    values = pair.values
    top = max(1.5, values.get("g_peak", float(pair.smooth.max())))
    if "g_peak" in values:
        axes.plot(
            values["r_peak"],
            values["g_peak"],
            "v",
            color=REFERENCE,
            clip_on=False,
            label="first peak",
        )
    if "r_min" in values:
        at = float(np.interp(values["r_min"], pair.radii, pair.smooth))
        axes.plot(values["r_min"], at, "^", color=orange, clip_on=False, label="first minimum")
        axes.axvline(values["r_min"], color=orange, linewidth=0.9, linestyle=":")
    axes.set(xlabel="r / Å", ylabel="g(r)", xlim=(0, pair.radii[-1]), ylim=(0, 1.15 * top))
    beside = axes.twinx()
    beside.plot(pair.radii, pair.coordination, color=green, linewidth=1.1, linestyle="--")
    axes.plot([], [], color=green, linewidth=1.1, linestyle="--", label="neighbours within r")
    # the number at the minimum lies a third up the panel
    most = 3.0 * values["cn"] if values.get("cn", 0.0) > 0 else None
    beside.set_ylim(0, most)
    beside.set_ylabel("neighbours within r", color=green)
    beside.tick_params(axis="y", colors=green)
    beside.grid(visible=False)
    beside.spines["right"].set_visible(True)
