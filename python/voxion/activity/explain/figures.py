"""Figures of the page: errors of held-out rows, and the checks of the saliency maps."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter

from voxion.activity.data.table import ActivityData, Floats
from voxion.activity.explain.checks import Checks
from voxion.figures import COLOURS, REFERENCE, WIDTH, styled

ORDERS = {
    "raising_first": ("atoms that raise γ first", COLOURS[1]),
    "random": ("random order", REFERENCE),
    "lowering_first": ("atoms that lower γ first", COLOURS[0]),
}


@styled
def plot_fold_errors(data: ActivityData, held_out: Mapping[str, Floats]) -> Figure:
    """Draw the absolute errors of held-out rows for each membrane, and their medians.

    Parameters
    ----------
    data : ActivityData
        N measured rows.
    held_out : dict of str to ndarray [N]
        What was predicted for rows that were left out, by the kind of fold.
    """
    names = list(dict.fromkeys(data.pairs.tolist()))
    figure = Figure(figsize=(WIDTH, 1.3 + 0.24 * len(names)), layout="constrained")
    panels = np.atleast_1d(figure.subplots(1, len(held_out), sharex=True, sharey=True))
    for axes, (kind, predicted) in zip(panels, held_out.items(), strict=True):
        errors = np.abs(predicted - data.measured)
        groups = [errors[data.pairs == name] for name in names]
        boxes = axes.boxplot(
            groups,
            orientation="horizontal",
            positions=range(len(names)),
            widths=0.6,
            showfliers=False,
            patch_artist=True,
            medianprops={"color": COLOURS[1], "lw": 1.6},
            whiskerprops={"color": "#8a9099"},
            capprops={"color": "#8a9099"},
        )
        for box in boxes["boxes"]:
            box.set(facecolor="#eef1f4", edgecolor="#8a9099", linewidth=0.8)
        for place, group in enumerate(groups):
            axes.plot(group, np.full(len(group), place), "o", ms=3.5, mew=0, color=COLOURS[0])
        axes.set_title(f"{kind}: MAE {errors.mean():.3f}")
        axes.set_xlabel("|predicted − measured γ|")
    panels[0].set_yticks(range(len(names)), names)
    panels[0].invert_yaxis()
    panels[0].set_xlim(left=0)
    return figure


@styled
def plot_checks(checks: Mapping[str, Sequence[Checks]]) -> Figure:
    """Draw rank correlations and deletion curves.

    Parameters
    ----------
    checks : dict of method to list of M Checks
        Checks of the maps of M membranes.
    """
    figure = Figure(figsize=(WIDTH, 7.0), layout="constrained")
    grid = figure.subplots(2, len(checks), sharex="row", sharey="row", squeeze=False)
    for column, (method, found) in enumerate(checks.items()):
        _draw_correlations(grid[0, column], found)
        grid[0, column].set_title(f"{method}: rank correlation of maps")
        _draw_deletion(grid[1, column], found)
        grid[1, column].set_title(f"{method}: polymer atoms masked, {len(found)} membranes")
    grid[1, 0].set_ylabel("change of predicted γ")
    grid[1, -1].legend(loc="best", fontsize=8.5)
    return figure


def _draw_correlations(axes: Axes, found: Sequence[Checks]) -> None:
    kinds = {
        "trained networks\nwith each other": [r for one in found for r in one.members],
        "trained ensemble with\nshuffled weights": [r for one in found for r in one.shuffled],
    }
    random = np.random.default_rng(0)
    for place, values in enumerate(kinds.values()):
        heights = place + random.uniform(-0.28, 0.28, len(values))
        axes.plot(values, heights, "o", ms=3, mew=0, alpha=0.45, color=COLOURS[2 * place])
        if values:
            axes.plot([np.mean(values)] * 2, [place - 0.38, place + 0.38], color="black", lw=1.8)
    axes.set_yticks(range(len(kinds)), list(kinds))
    axes.grid(axis="y", visible=False)
    axes.axvline(0, color=REFERENCE, lw=0.8)
    axes.set(
        xlim=(-1.03, 1.03), ylim=(len(kinds) - 0.5, -0.5), xlabel="Spearman's rank correlation"
    )


def _draw_deletion(axes: Axes, found: Sequence[Checks]) -> None:
    share = np.linspace(0, 1, 51)
    for name, (label, colour) in ORDERS.items():
        curves = np.array(
            [np.interp(share, one.deletion.share, getattr(one.deletion, name)) for one in found]
        )
        axes.plot(share, curves.mean(axis=0), color=colour, label=label)
        low, high = np.quantile(curves, (0.25, 0.75), axis=0)
        axes.fill_between(share, low, high, color=colour, alpha=0.13, lw=0)
    axes.axhline(0, color=REFERENCE, lw=0.8)
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.set(xlim=(0, 1), xlabel="share of the polymer's atoms masked")
