"""Figures of what a classifier sees: maximised inputs, length scales, attributions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter
from numpy.typing import NDArray

from voxion.figures import COLOURS, REFERENCE, REFERENCE_FILL, styled
from voxion.voxels.explain.attribution import Deletion
from voxion.voxels.explain.layers import ConvolutionLayer
from voxion.voxels.explain.maximisation import MaximisedInput
from voxion.voxels.morphology.length_scales import LengthScales, spatial_correlation

WIDTH = 10.0  # inches
UNIFORM = 1e-3  # spread below which a grid in 0 ... 1 has no structure
CELL = 1.15  # inches of one picture on a contact sheet


@styled
def plot_filters(
    maximised: Sequence[Sequence[MaximisedInput]],
    layers: Sequence[ConvolutionLayer],
    channels: Sequence[str],
) -> Figure:
    """Contact sheet: a slice of the maximised input of each filter, one row for each layer."""
    names = [f"{layer.name}\nsees {layer.receptive_field}³" for layer in layers]
    titles = [[f"{one.index}{_mark(one)}" for one in group] for group in maximised]
    figure = _sheet([[one.grid for one in group] for group in maximised], names, titles)
    figure.suptitle(_colour_key(channels), x=0.01, ha="left", fontsize=9.5)
    return figure


@styled
def plot_classes(
    maximised: Sequence[MaximisedInput], labels: Sequence[str], channels: Sequence[str]
) -> Figure:
    """Contact sheet: slices of the maximised input of each class, eight in a row."""
    rows = [maximised[i : i + 8] for i in range(0, len(maximised), 8)]
    titles = [[f"{labels[one.index]}{_mark(one)}" for one in row] for row in rows]
    figure = _sheet([[one.grid for one in row] for row in rows], [""] * len(rows), titles)
    figure.suptitle(_colour_key(channels), x=0.01, ha="left", fontsize=9.5)
    return figure


@styled
def plot_length_scales(
    scales: Sequence[Sequence[LengthScales | None]],
    layers: Sequence[ConvolutionLayer],
    own: LengthScales | None,
    shape: Sequence[int],
) -> Figure:
    """Repeat distances of maximised inputs against depth, beside the receptive fields."""
    figure = Figure((WIDTH, 3.8), layout="constrained")
    axes = figure.subplots()
    depth = np.arange(1, len(layers) + 1)
    fields = [layer.receptive_field for layer in layers]
    axes.plot(depth, fields, color=REFERENCE, linestyle="--", label="receptive field")
    if own is not None:
        axes.axhline(own.moment, color=COLOURS[1], linewidth=1.2, label="the frame itself")
    for index, found in zip(depth, scales, strict=True):
        values = [one.moment for one in found if one is not None]
        if values:
            spread = np.linspace(-0.12, 0.12, len(values)) if len(values) > 1 else [0.0]
            axes.plot(index + np.asarray(spread), values, "o", color=COLOURS[0], markersize=4)
            axes.plot([index - 0.25, index + 0.25], [np.median(values)] * 2, color=COLOURS[0])
    axes.plot([], [], "o-", color=COLOURS[0], markersize=4, label="maximised inputs, median")
    axes.axhspan(max(shape), 10 * max(shape), color=REFERENCE_FILL, alpha=0.4, linewidth=0)
    axes.annotate(
        "longer than the box",
        (0.99, max(shape) * 1.06),
        xycoords=("axes fraction", "data"),
        ha="right",
        color=REFERENCE,
    )
    axes.set(
        xticks=depth,
        xticklabels=[layer.name for layer in layers],
        yscale="log",
        ylim=(1.8, max(*fields, max(shape)) * 1.4),
        ylabel="2π / ⟨q⟩ in voxels",
    )
    ticks = [n for n in (2, 4, 8, 16, 32, 64, 128, 256) if n < axes.get_ylim()[1]]
    axes.set_yticks(ticks, [str(n) for n in ticks])
    axes.minorticks_off()
    axes.legend(loc="upper left")
    return figure


@styled
def plot_correlations(
    maximised: Sequence[Sequence[MaximisedInput]],
    layers: Sequence[ConvolutionLayer],
    grid: NDArray[np.float32],
) -> Figure:
    """Correlation functions of the maximised inputs of each layer, and of the frame."""
    rows = -(-len(layers) // 4)
    figure = Figure((WIDTH, 2.3 * rows + 0.3), layout="constrained")
    panels = figure.subplots(rows, 4, sharex=True, sharey=True, squeeze=False).ravel()
    frame = spatial_correlation(grid) if grid.std() > UNIFORM else None
    for axes, layer, group in zip(panels, layers, maximised, strict=False):
        for one in group:
            if one.grid.std(axis=(1, 2, 3)).max() > UNIFORM:
                found = spatial_correlation(one.grid)
                axes.plot(found.r, found.correlation, color=COLOURS[0], linewidth=0.9, alpha=0.6)
        if frame is not None:
            axes.plot(frame.r, frame.correlation, color=COLOURS[1], linewidth=1.4)
        axes.axhline(0, color="#8a9099", linewidth=0.8)
        axes.axvspan(0, layer.receptive_field / 2, color=REFERENCE_FILL, alpha=0.35, linewidth=0)
        axes.set_title(layer.name)
        axes.set(xlim=(0, min(grid.shape[1:]) / 2), ylim=(-0.5, 1.02))
    for axes in panels[len(layers) :]:
        axes.set_visible(False)
    for axes in panels[-4:]:
        axes.set_xlabel("r / voxels")
    for axes in panels[::4]:
        axes.set_ylabel("C(r) / C(0)")
    return figure


@styled
def plot_attribution(
    grid: NDArray[np.float32],
    cam: NDArray[np.float64],
    attribution: NDArray[np.float64],
    channels: Sequence[str],
) -> Figure:
    """Slices through the middle: each channel, its integrated gradients; and Grad-CAM."""
    count = len(channels)
    figure = Figure((2.6 * max(count, 2) + 2.6, 5.2), layout="constrained")
    panels: Any = figure.subplots(2, count + 1, squeeze=False)
    middle = grid.shape[1] // 2
    reach = float(np.quantile(np.abs(attribution), 0.999)) or 1.0
    for index, name in enumerate(channels):
        above, below = panels[:, index]
        above.imshow(grid[index, middle], cmap="gray", origin="lower", vmin=0, vmax=1)
        above.set_title(name)
        shown = below.imshow(
            attribution[index, middle], cmap="RdBu_r", origin="lower", vmin=-reach, vmax=reach
        )
        below.set_title(f"adds {attribution[index].sum():+.3g} to the logit")
    figure.colorbar(shown, ax=panels[1, :count].tolist(), label="integrated gradients", shrink=0.9)
    over, depth = panels[:, -1]
    top = float(cam.max()) or 1.0
    over.imshow(grid[0, middle], cmap="gray", origin="lower", vmin=0, vmax=1)
    map_ = over.imshow(cam[middle], cmap="inferno", origin="lower", alpha=0.6, vmin=0, vmax=top)
    over.set_title(f"Grad-CAM over {channels[0]}")
    figure.colorbar(map_, ax=over, shrink=0.9)
    depth.imshow(cam.max(0), cmap="inferno", origin="lower", vmin=0, vmax=top)
    depth.set_title("Grad-CAM, largest along z")
    for axes in panels.ravel():
        axes.set(xticks=[], yticks=[])
        axes.grid(False)
    return figure


@styled
def plot_deletion(deletions: Mapping[str, Deletion], label: str) -> Figure:
    """Logit of the class while voxels are flattened in the order of each attribution."""
    figure = Figure((WIDTH * 0.7, 3.4), layout="constrained")
    axes = figure.subplots()
    for colour, (name, curve) in zip(COLOURS, deletions.items(), strict=False):
        text = f"{name}: mean {curve.mean:.3g}"
        axes.plot(curve.share, curve.logit, color=colour, label=text)
    curve = next(iter(deletions.values()))
    text = f"random order: mean {curve.random_mean:.3g}"
    axes.plot(curve.share, curve.random, color=REFERENCE, linestyle="--", label=text)
    axes.set(
        xlabel="voxels flattened to the mean",
        ylabel=f"logit of {label}",
        xlim=(0, 1),
    )
    axes.xaxis.set_major_formatter(PercentFormatter(1, decimals=0))
    axes.legend(loc="best")
    return figure


def _sheet(
    rows: Sequence[Sequence[NDArray[np.float32]]],
    names: Sequence[str],
    titles: Sequence[Sequence[str]],
) -> Figure:
    columns = max(len(row) for row in rows)
    size = (CELL * columns + 0.9, (CELL + 0.2) * len(rows) + 0.45)
    figure = Figure(size, layout="constrained")
    panels: Any = figure.subplots(len(rows), columns, squeeze=False)
    for panel, row, name, heads in zip(panels, rows, names, titles, strict=True):
        for axes in panel:
            axes.set_axis_off()
        for axes, grid, head in zip(panel, row, heads, strict=False):
            axes.imshow(_colours(grid[:, grid.shape[1] // 2]), origin="lower")
            axes.set_title(head, fontsize=8, loc="center", pad=2)
        panel[0].text(
            -0.12, 0.5, name, ha="right", va="center", fontsize=8.5, transform=panel[0].transAxes
        )
    return figure


def _colours(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Red, green and blue for the first three channels; grey for a single one."""
    if len(values) == 1:
        values = np.repeat(values, 3, axis=0)
    missing = max(0, 3 - len(values))
    padded = np.concatenate([values[:3], np.zeros((missing, *values.shape[1:]), np.float32)])
    return np.moveaxis(padded, 0, -1)


def _colour_key(channels: Sequence[str]) -> str:
    if len(channels) == 1:
        return f"grey: {channels[0]}"
    colours = zip(("red", "green", "blue"), channels, strict=False)
    return ", ".join(f"{colour}: {name}" for colour, name in colours)


def _mark(one: MaximisedInput) -> str:
    return "" if one.maximised else " *"
