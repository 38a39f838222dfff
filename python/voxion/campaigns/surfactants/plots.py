"""Figures of a campaign from surfactants to Nafion."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from matplotlib import colormaps
from matplotlib.figure import Figure

from voxion.figures import COLOURS, REFERENCE, WIDTH, styled
from voxion.scattering.plots import draw_simulated, plain_log_ticks
from voxion.scattering.reconstruction import Curve
from voxion.voxels.classifier.mixture import Mixture


def _shades(count: int) -> list[tuple[float, ...]]:
    """Return colours from dry to wet."""
    return [colormaps["viridis"](x) for x in np.linspace(0.05, 0.9, count)]


@styled
def plot_mixtures(mixtures: Mapping[int, Mixture]) -> Figure:
    """Draw the shares of the surfactants' phases in Nafion at each of its hydrations."""
    figure = Figure((WIDTH, 2.6), layout="constrained")
    panels = figure.subplots(1, len(mixtures), sharey=True, squeeze=False)[0]
    for axes, (hydration, mixture) in zip(panels, mixtures.items(), strict=True):
        axes.bar(
            mixture.labels,
            mixture.fractions,
            yerr=np.nan_to_num(mixture.errors),
            color=_shades(len(mixture.labels)),
            error_kw={"ecolor": REFERENCE, "elinewidth": 1},
        )
        axes.set_title(f"Nafion, {hydration} water")
        axes.set_xlabel("water per head of the surfactant")
    panels[0].set_ylabel("share")
    return figure


@styled
def plot_surfactants(
    curves: Mapping[int, Curve],
    peaks: Mapping[int, tuple[float, float] | None],
    largest: float = 2.0,
) -> Figure:
    """Draw the structure factors of the surfactants, one above the other, and their peaks."""
    figure = Figure((WIDTH / 2 + 2, 4.4), layout="constrained")
    axes = figure.subplots()
    for number, (colour, (hydration, curve)) in enumerate(
        zip(_shades(len(curves)), curves.items(), strict=True)
    ):
        near, shift = curve.q <= largest, 4.0**number
        label = f"{hydration}"
        axes.plot(curve.q[near], shift * curve.s[near], color=colour, lw=1.2, label=label)
        peak = peaks[hydration]
        if peak:
            height = shift * np.interp(peak[0], curve.q, curve.s)
            axes.plot(peak[0], height, "s", mfc="white", mec=colour, ms=6)
    axes.set(xscale="log", yscale="log", xlabel="Q, 1/Å", ylabel="S(Q), shifted by factors of 4")
    plain_log_ticks(axes.xaxis)
    figure.legend(title="water per head", reverse=True, loc="outside right upper", fontsize=8)
    return figure


@styled
def plot_rebuilt(
    simulated: Mapping[int, Curve], rebuilt: Mapping[int, Mapping[str, list[float]]]
) -> Figure:
    """Draw the structure factors of Nafion and what the mixtures make of them."""
    figure = Figure((WIDTH, 3.2), layout="constrained")
    panels = figure.subplots(1, len(simulated), squeeze=False)[0]
    lines = (("classifier", COLOURS[1], 1.8), ("uniform", COLOURS[5], 1.0),
             ("least_squares", COLOURS[2], 1.0))  # fmt: skip
    for axes, (hydration, curve) in zip(panels, simulated.items(), strict=True):
        columns = rebuilt[hydration]
        draw_simulated(axes, curve, columns["q"][0], columns["q"][-1])
        for name, colour, width in lines:
            label = name.replace("_", " ")
            axes.plot(columns["q"], columns[name], color=colour, lw=width, label=label)
        axes.set(xscale="log", yscale="log", xlabel="Q, 1/Å", title=f"Nafion, {hydration} water")
        plain_log_ticks(axes.xaxis)
        plain_log_ticks(axes.yaxis)
    panels[0].set_ylabel("S(Q)")
    panels[0].legend(fontsize=8)
    return figure
