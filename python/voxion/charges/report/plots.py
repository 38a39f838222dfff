"""Figures of surface charges, from arrays: what was predicted against what is right.

They show what figs. 4, 5, 7 and 8 of Di Pasquale et al., J. Chem. Theory Comput. 17, 4477 (2021),
show, beside baselines; `voxion.charges.report.sheet_map` draws fig. 6.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, PercentFormatter
from numpy.typing import ArrayLike, NDArray

from voxion.charges.analysis.density import DensityProfile
from voxion.charges.analysis.pair_capacitance import MICROFARAD, PairCapacitance
from voxion.charges.analysis.potential_profile import PotentialProfile
from voxion.charges.data.bins import BIN_WIDTH, EPSILON
from voxion.errors import VoxionError
from voxion.figures import COLOURS, REFERENCE, REFERENCE_FILL, WIDTH, colours_of, styled

NEAR = 15.0  # angstrom; beyond, profiles are flat
COARSE = 1.0  # angstrom; bins of the whole box


@dataclass(frozen=True)
class ChargeHistogram:
    """Mean numbers of surface atoms in bins of their charge.

    Attributes
    ----------
    edges : ndarray [B + 1]
        e.
    reference, raw : ndarray [B]
        Counts of the reference and of the predicted charges; each sums to the number of surface
        atoms.
    within_one : ndarray [B]
        Counts of the predicted charges, where one that is at most a bin off counts in the right
        bin.
    """

    edges: NDArray[np.float64]
    reference: NDArray[np.float64]
    raw: NDArray[np.float64]
    within_one: NDArray[np.float64]


def charge_histogram(
    reference: ArrayLike, predicted: ArrayLike, minimum: float, width: float = BIN_WIDTH
) -> ChargeHistogram:
    """Count charges in the paper's bins: bin n holds (minimum + (n - 1) width, minimum + n width].

    Parameters
    ----------
    reference, predicted : array [F, M]
        e.
    minimum : float
        Where the bins start, e; bins go on beyond it as far as there are charges.
    width : float
        e.

    Raises
    ------
    VoxionError
        The arrays differ in shape, hold nothing, or values that are not finite.
    """
    true, guess = pair(reference, predicted)
    right = np.ceil((true - minimum) / width).astype(np.int64)
    said = np.ceil((guess - minimum) / width).astype(np.int64)
    forgiven = np.where(np.abs(said - right) <= 1, right, said)
    first, last = min(right.min(), said.min()), max(right.max(), said.max())

    def per_frame(labels: NDArray[np.int64]) -> NDArray[np.float64]:
        return np.bincount(labels.ravel() - first, minlength=last - first + 1) / len(true)

    edges = minimum + width * np.arange(first - 1, last + 1)
    return ChargeHistogram(edges, per_frame(right), per_frame(said), per_frame(forgiven))


@styled
def plot_histograms(histogram: ChargeHistogram, name: str) -> Figure:
    """Histograms of reference and predicted charges, raw and within one bin (fig. 4)."""
    figure = Figure((WIDTH, 3.5), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    for axes, counts, title in (
        (left, histogram.raw, "as predicted"),
        (right, histogram.within_one, "within one bin"),
    ):
        axes.stairs(
            histogram.reference,
            histogram.edges,
            fill=True,
            color=REFERENCE_FILL,
            label="reference",
        )
        axes.stairs(counts, histogram.edges, color=COLOURS[0], linewidth=1.6, label=name)
        axes.set(title=title, xlabel="charge / e")
        axes.grid(axis="x", visible=False)
    left.set_ylabel(f"atoms in a bin of {np.diff(histogram.edges)[0]:.3g} e")
    left.legend(loc="upper left")
    return figure


@styled
def plot_total_charges(times: ArrayLike, sums: Mapping[str, ArrayLike], total: float) -> Figure:
    """Sum of the charges in each frame, as models give it, against the total charge (fig. 5).

    Parameters
    ----------
    times : array [F]
        ps.
    sums : mapping of str to array [F]
        Sum of each model's charges before the correction, e.
    total : float
        What it should be, e.
    """
    when = np.asarray(times, np.float64)
    figure = Figure((WIDTH, 3.3), layout="constrained")
    line, spread = figure.subplots(1, 2, sharey=True, width_ratios=(4, 1))
    deviations = {name: _series(when, values, name) - total for name, values in sums.items()}
    # a sum exact to rounding is a line, not noise blown up to the height of the figure
    reach = max([1.15 * np.abs(d).max() for d in deviations.values()] + [0.02])
    edges = np.linspace(-reach, reach, 42) + total  # one bin in the middle, on the target
    for colour, (name, deviation) in zip(colours_of(sums), deviations.items(), strict=True):
        rms = np.sqrt(np.square(deviation).mean())
        off = f"off by {rms:.2g} e (rms)" if rms > 1e-9 else "exact"
        line.plot(when, total + deviation, color=colour, label=f"{name}: {off}", linewidth=1.3)
        spread.hist(
            total + deviation,
            edges,
            orientation="horizontal",
            color=colour,
            alpha=0.55,
            weights=np.full(len(when), 1 / len(when)),
        )
    line.axhline(total, color=REFERENCE, linestyle="--", linewidth=1.1, label=f"target {total:g} e")
    spread.axhline(total, color=REFERENCE, linestyle="--", linewidth=1.1)
    line.set(xlabel="time / ps", ylabel="sum of charges / e", ylim=(total - reach, total + reach))
    line.ticklabel_format(axis="y", useOffset=False)
    spread.set(xlabel="share of frames")
    spread.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    spread.xaxis.set_major_locator(MaxNLocator(3))
    figure.legend(*line.get_legend_handles_labels(), loc="outside upper left", ncols=3)
    return figure


def share_below(errors: ArrayLike, thresholds: ArrayLike) -> NDArray[np.float64]:
    """Share of absolute errors below each threshold."""
    ascending = np.sort(np.abs(np.asarray(errors, np.float64)).ravel())
    return np.searchsorted(ascending, np.asarray(thresholds, np.float64)) / len(ascending)


@styled
def plot_s_curves(errors: Mapping[str, ArrayLike], baselines: Mapping[str, ArrayLike]) -> Figure:
    """Share of charges whose error is below a threshold (fig. 7), models and baselines.

    Parameters
    ----------
    errors, baselines : mapping of str to array of any shape
        Errors of models and of baselines, e.
    """
    figure = Figure((WIDTH, 4.2), layout="constrained")
    axes = figure.subplots()
    curves = {name: _errors(values, name) for name, values in {**errors, **baselines}.items()}
    # from where the best curve has a tenth of its charges to where the worst has all
    lowest = min(np.quantile(values, 0.02) for values in curves.values())
    low = min(max(lowest, 1e-7), EPSILON / 10)
    high = max(max(values.max() for values in curves.values()), 2 * EPSILON) * 1.1
    thresholds = np.geomspace(low, high, 400)
    looks: list[dict[str, Any]] = [
        {"color": colour, "linewidth": 2.0} for colour in colours_of(errors)
    ]
    looks += [
        {"color": "#7a818c", "linestyle": style, "linewidth": 1.4}
        for style in ("--", ":", "-.")[: len(baselines)]
    ]
    for look, (name, values) in zip(looks, curves.items(), strict=True):
        share = float(share_below(values, EPSILON))
        axes.plot(thresholds, share_below(values, thresholds), label=f"{name}: {share:.1%}", **look)
        axes.plot([EPSILON], [share], "o", color=look["color"], markersize=4.5)
    axes.axvline(EPSILON, color=REFERENCE, linewidth=1.0)
    axes.annotate(
        rf"$\epsilon$ = {EPSILON} e",
        (EPSILON, 0.02),
        xytext=(5, 0),
        textcoords="offset points",
        color=REFERENCE,
    )
    axes.set(
        xscale="log",
        xlim=(low, high),
        ylim=(0, 1.03),
        xlabel="x: absolute error / e",
        ylabel="charges with an error below x",
    )
    axes.yaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.legend(loc="upper left", title=r"share within $\epsilon$", alignment="left")
    return figure


@styled
def plot_profiles(
    profiles: Mapping[str, Mapping[str, DensityProfile]], labels: Mapping[str, str]
) -> Figure:
    """Densities against the distance from the sheet, of several runs, with errors (fig. 8).

    Parameters
    ----------
    profiles : mapping of run to mapping of species to DensityProfile
        The first run is the reference.
    labels : mapping of species to str
        One row of panels for each, in this order.
    """
    figure = Figure((WIDTH, 2.5 * len(labels) + 0.4), layout="constrained")
    panels = figure.subplots(
        len(labels), 2, sharex="col", sharey="row", width_ratios=(1.5, 1), squeeze=False
    )
    colours = dict(zip(profiles, (REFERENCE, *colours_of(list(profiles)[1:])), strict=True))
    for row, (species, label) in zip(panels, labels.items(), strict=True):
        for run, of_run in profiles.items():
            if species in of_run:
                _draw_profile(row, of_run[species], colours[run], run)
        for axes in row:
            axes.axhline(1.0, color="#8a9099", linewidth=0.8, linestyle=":")
        row[0].set(xlim=(0, NEAR), ylabel="density / bulk")
        row[0].set_title(label)
        row[0].set_ylim(bottom=0)
    panels[0, 1].set_title(f"whole box, means over {COARSE:g} Å")
    for axes in panels[-1]:
        axes.set_xlabel("distance from the sheet / Å")
    handles, names = panels[0, 0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside upper right", ncols=max(1, len(names)))
    return figure


@styled
def plot_potentials(profiles: Mapping[str, PotentialProfile]) -> Figure:
    """Potentials against the distance from the sheet, with standard errors.

    Parameters
    ----------
    profiles : mapping of path to PotentialProfile
    """
    figure = Figure((7.0, 3.8), layout="constrained")
    axes = figure.subplots()
    for (name, profile), colour in zip(profiles.items(), colours_of(profiles), strict=True):
        charge = 100 * profile.surface_charge
        axes.plot(
            profile.distance,
            profile.potential,
            color=colour,
            label=f"{Path(name).name}, {charge:.1f} µC/cm²",
        )
        low, high = profile.potential - profile.error, profile.potential + profile.error
        axes.fill_between(profile.distance, low, high, color=colour, alpha=0.25, linewidth=0)
    axes.axhline(0.0, color="#8a9099", linewidth=0.8, linestyle=":")
    axes.set(
        xlabel="distance from the sheet / Å",
        ylabel="potential against the bulk / V",
        xlim=(0, max(p.bulk_range[1] for p in profiles.values())),
    )
    axes.legend()
    return figure


@styled
def plot_charging(found: PairCapacitance) -> Figure:
    """Charge of the upper electrode against time, and its mean against the voltage.

    The short lines have the slope that the fluctuations tell.
    """
    figure = Figure((WIDTH, 3.6), layout="constrained")
    over_time, charging = figure.subplots(1, 2, width_ratios=[1.6, 1.0])
    voltages = [one.voltage for one in found.voltages]
    reach = 0.12 * max(np.ptp(voltages), 1.0)
    per_volt = found.area / MICROFARAD  # e/V for each uF/cm^2
    for one, colour in zip(found.voltages, colours_of(found.voltages), strict=True):
        over_time.plot(one.times, one.charges, color=colour, lw=1.0, label=f"{one.voltage:g} V")
        over_time.axhline(one.mean, color=colour, lw=0.8, ls=":")
        charging.errorbar(
            one.voltage, one.mean, one.mean_error, fmt="o", ms=4, capsize=3, color=colour
        )
        ends = np.array([-reach, reach])
        charging.plot(
            one.voltage + ends, one.mean + per_volt * one.capacitance * ends, color=colour
        )
    if found.slope is not None:
        ends, mean = np.array([min(voltages), max(voltages)]), np.mean(voltages)
        line = np.mean([one.mean for one in found.voltages]) + per_volt * found.slope * (
            ends - mean
        )
        label = f"slope, {found.slope:.2f} µF/cm²"
        charging.plot(ends, line, color=REFERENCE, lw=1.0, ls="--", zorder=0, label=label)
        charging.legend()
    over_time.set(xlabel="time / ps", ylabel="charge of the upper electrode / e")
    over_time.legend(ncols=len(voltages), loc="best")
    charging.set(xlabel="voltage / V", ylabel="mean charge / e")
    return figure


@styled
def plot_parity(reference: ArrayLike, predicted: ArrayLike, name: str) -> Figure:
    """Predicted against reference charges, counted in hexagons, and how the errors scatter.

    Parameters
    ----------
    reference, predicted : array [F, M]
        e.
    name : str
        Name of the model.
    """
    true, guess = pair(reference, predicted)
    figure = Figure((WIDTH, 4.0), layout="constrained")
    left, right = figure.subplots(1, 2)
    low, high = min(true.min(), guess.min()), max(true.max(), guess.max())
    margin = 0.03 * (high - low) or EPSILON
    limits = low - margin, high + margin
    error = guess - true
    reach = 1.05 * float(np.abs(error).max()) or EPSILON
    for axes, values, extent in (
        (left, guess, (*limits, *limits)),
        (right, error, (*limits, -reach, reach)),
    ):
        grid = axes.hexbin(
            true.ravel(),
            values.ravel(),
            gridsize=60,
            extent=extent,
            bins="log",
            mincnt=1,
            cmap="viridis",
            linewidths=0.1,
        )
        axes.set_box_aspect(1)
        axes.set(xlabel="reference charge / e", xlim=limits, ylim=extent[2:])
        figure.colorbar(grid, ax=axes, label="charges", pad=0.02, shrink=0.95)
    left.axline((low, low), slope=1, color=REFERENCE, linewidth=0.9)
    left.fill_between(
        limits,
        np.subtract(limits, EPSILON),
        np.add(limits, EPSILON),
        color="#8a9099",
        alpha=0.15,
        linewidth=0,
        zorder=0,
    )
    left.set(ylabel="predicted charge / e", title=rf"{name}; band: $\pm\epsilon$")
    right.axhline(0, color=REFERENCE, linewidth=0.9)
    right.set(ylabel="error / e", title="error, on its own scale")
    return figure


@styled
def plot_series(
    times: ArrayLike, reference: ArrayLike, predicted: Mapping[str, ArrayLike]
) -> Figure:
    """Charges in time of the atoms whose charge varies least, as most do, and most.

    Parameters
    ----------
    times : array [F]
        ps.
    reference : array [F, M]
        e.
    predicted : mapping of str to array [F, M]
        Charges predicted by each model, e.
    """
    when, true = np.asarray(times, np.float64), np.asarray(reference, np.float64)
    guesses = {name: pair(true, values)[1] for name, values in predicted.items()}
    order = np.argsort(true.std(0))
    chosen = {
        "least varying": order[0],
        "median": order[len(order) // 2],
        "most varying": order[-1],
    }
    figure = Figure((WIDTH, 5.4), layout="constrained")
    panels = figure.subplots(len(chosen), 1, sharex=True, sharey=True)
    for axes, (which, atom) in zip(panels, chosen.items(), strict=True):
        axes.plot(when, true[:, atom], color=REFERENCE_FILL, linewidth=4.5, label="reference")
        for colour, (name, guess) in zip(colours_of(guesses), guesses.items(), strict=True):
            axes.plot(when, guess[:, atom], color=colour, linewidth=1.3, label=name)
        axes.set_title(f"atom {atom + 1} ({which})")
        axes.set_ylabel("charge / e")
    panels[-1].set_xlabel("time / ps")
    handles, names = panels[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside upper right", ncols=len(names))
    return figure


def _draw_profile(row: Any, profile: DensityProfile, colour: str, run: str) -> None:
    near, whole = row
    low, high = profile.relative - profile.error, profile.relative + profile.error
    near.fill_between(profile.distance, low, high, color=colour, alpha=0.22, linewidth=0)
    near.plot(profile.distance, profile.relative, color=colour, linewidth=1.3, label=run)
    bins = np.floor(profile.distance / COARSE).astype(np.int64)
    first = bins[0]
    # bins at the ends are not full: there is nothing beyond the profile
    coarse = np.bincount(bins - first, profile.relative) / np.bincount(bins - first).max()
    distance = (first + 0.5 + np.arange(len(coarse))) * COARSE
    whole.plot(distance, coarse, color=colour, linewidth=1.2)


def pair(
    reference: ArrayLike, predicted: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Check reference and predicted charges, [F, M], and make them arrays.

    Raises
    ------
    VoxionError
        They differ in shape, hold nothing, or values that are not finite.
    """
    true, guess = np.asarray(reference, np.float64), np.asarray(predicted, np.float64)
    if true.shape != guess.shape or true.ndim != 2 or not true.size:
        raise VoxionError(
            "Reference and predicted charges must have one shape [frames, surface atoms], found "
            f"{list(true.shape)} and {list(guess.shape)}."
        )
    for name, values in (("reference", true), ("predicted", guess)):
        if not np.isfinite(values).all():
            raise VoxionError(f"The {name} charges have values that are not finite.")
    return true, guess


def _series(times: NDArray[np.float64], values: ArrayLike, name: str) -> NDArray[np.float64]:
    series = np.asarray(values, np.float64)
    if series.shape != times.shape or not np.isfinite(series).all():
        raise VoxionError(
            f"The sums of {name} must be one finite number for each of {len(times)} frames."
        )
    return series


def _errors(values: ArrayLike, name: str) -> NDArray[np.float64]:
    errors = np.abs(np.asarray(values, np.float64)).ravel()
    if not errors.size or not np.isfinite(errors).all():
        raise VoxionError(f"An S-curve needs finite errors, those of {name} are not or are none.")
    return errors
