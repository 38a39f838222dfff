"""Map of a sheet: the charges of its atoms in one frame, and the errors of a model.

Fig. 6 of Di Pasquale et al., J. Chem. Theory Comput. 17, 4477 (2021), with the charges beside it
and with the errors also where they are far below the paper's threshold.
"""

from __future__ import annotations

from itertools import product

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from numpy.typing import ArrayLike, NDArray
from scipy.spatial import Voronoi

from voxion.charges.data.bins import EPSILON
from voxion.charges.report.plots import pair
from voxion.errors import VoxionError
from voxion.figures import WIDTH, styled


@styled
def plot_error_map(
    positions: ArrayLike, cell: ArrayLike, reference: ArrayLike, predicted: ArrayLike, name: str
) -> Figure:
    """Charges of one frame on the sheet, and their errors in units of epsilon (fig. 6).

    Each atom is the patch of the sheet nearest to it, periodic images included.

    Parameters
    ----------
    positions : array [M, 3]
        Surface atoms of a sheet across z, angstrom.
    cell : array [3, 3]
        Angstrom; the first two rows span the sheet.
    reference, predicted : array [M]
        e.
    name : str
        Name of the model.
    """
    true, guess = pair(np.atleast_2d(reference), np.atleast_2d(predicted))
    patches = sheet_patches(positions, cell)
    error = (guess - true)[0] / EPSILON
    beyond = np.where(np.abs(error) < 1, 0.0, error)
    count = int(np.count_nonzero(beyond))
    largest = float(np.abs(error).max())
    scale = Normalize(min(true.min(), guess.min()), max(true.max(), guess.max()))
    figure = Figure((WIDTH, 8.6), layout="constrained")
    axes = figure.subplots(2, 2, sharex=True, sharey=True)
    panels = (
        (axes[0, 0], true[0], "reference", "charge / e", "viridis", scale),
        (axes[0, 1], guess[0], name, "charge / e", "viridis", scale),
        (
            axes[1, 0],
            error,
            "error, on its own scale",
            r"error / $\epsilon$",
            "RdBu_r",
            Normalize(-largest or -1.0, largest or 1.0),
        ),
        (
            axes[1, 1],
            beyond,
            rf"error, zero below $\epsilon$ ({count} of {len(error)} atoms beyond)",
            r"error / $\epsilon$",
            "RdBu_r",
            Normalize(-max(largest, 2.0), max(largest, 2.0)),
        ),
    )
    for panel, values, title, label, colours, norm in panels:
        _draw_patches(panel, patches, values, colours, norm)
        panel.set(title=title)
        figure.colorbar(panel.collections[0], ax=panel, label=label, shrink=0.85, pad=0.02)
    for panel in axes[1]:
        panel.set_xlabel("x / Å")
    for panel in axes[:, 0]:
        panel.set_ylabel("y / Å")
    return figure


def sheet_patches(positions: ArrayLike, cell: ArrayLike) -> list[NDArray[np.float64]]:
    """Voronoi polygon of each atom of a laterally periodic sheet, M arrays [corners, 2], angstrom.

    Raises
    ------
    VoxionError
        The positions are not [M, 3], or the cell is not [3, 3].
    """
    sites, vectors = np.asarray(positions, np.float64), np.asarray(cell, np.float64)
    if sites.ndim != 2 or sites.shape[1] != 3 or vectors.shape != (3, 3) or not len(sites):
        raise VoxionError(
            "A map of the sheet needs positions [M, 3] and a cell [3, 3], found "
            f"{list(sites.shape)} and {list(vectors.shape)}."
        )
    # the atoms themselves come first
    images = sorted(product((-1, 0, 1), repeat=2), key=lambda image: image != (0, 0))
    flat = np.concatenate([sites[:, :2] + np.array(i) @ vectors[:2, :2] for i in images])
    diagram = Voronoi(flat)
    regions = (diagram.regions[diagram.point_region[atom]] for atom in range(len(sites)))
    return [diagram.vertices[region] for region in regions]


def _draw_patches(
    axes: Axes,
    patches: list[NDArray[np.float64]],
    values: NDArray[np.float64],
    colours: str,
    norm: Normalize,
) -> None:
    drawn = PolyCollection(patches, array=values, cmap=colours, norm=norm, linewidths=0.25)
    drawn.set_edgecolor("face")  # no seams between patches
    axes.add_collection(drawn)
    axes.set_aspect("equal")
    corners = np.concatenate(patches)
    axes.set(xlim=np.sort(corners[:, 0])[[0, -1]], ylim=np.sort(corners[:, 1])[[0, -1]])
    axes.grid(False)
