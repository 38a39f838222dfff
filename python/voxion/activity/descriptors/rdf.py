"""Radial distribution functions from histograms of pair distances, in boxes of any shape.

Why not `freud.density.RDF`: it works in single precision, so that some 2 pairs in 10,000 are
counted in another bin than by MDAnalysis' InterRDF, and it prepares the second group anew for each
g(r). From some 200 ions on it takes 1.4 to 1.8 times the time of this module, below that about as
long (``python -m benchmarks.descriptors.run``).
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Counts = NDArray[np.int64]

# what a tile costs beside its products, in products: sets how many tiles there are
TILE_OVERHEAD = 50_000
MOST_TILES = 40  # along one edge
BATCH = 100_000  # squared distances at a time: they stay in the processor's cache


class Surroundings:
    """Atoms of a periodic box with their images around it, ready to be counted by distance.

    `count` sorts the atoms of another group into tiles of the box. All atoms and images that lie
    within `r_max` of a tile along each edge meet the tile's atoms in one matrix product:
    (-2 x, -2 y, -2 z, 1, x^2) . (x', y', z', x'^2, 1) = |x - x'|^2. It is in double precision, so
    that distances keep some twelve digits.

    Parameters
    ----------
    positions : ndarray [B, 3]
        Angstrom, in or out of the box.
    cell : ndarray [3, 3]
        Box vectors in rows; the box may be triclinic.
    r_max : float
        At most `largest_radius(cell)`, so that a pair meets once.
    """

    def __init__(self, positions: Floats, cell: Floats, r_max: float) -> None:
        self.atoms, self.cell, self.r_max = len(positions), cell, r_max
        self._widths = widths(cell)
        self._margin = r_max / self._widths
        around = _with_images(_wrapped(positions, cell), self._margin)
        # a tile's atoms are one slice of a column's that is sorted along z; sorting is fast for
        # 16-bit numbers, and they are fine enough to find near atoms by
        self._heights = _rounded(around[:, 2])
        order = np.argsort(self._heights, kind="stable")
        self._heights = self._heights[order]
        self._near = around[order]
        self._rows = _extended((self._near - 0.5) @ cell)[:, [0, 1, 2, 4, 3]]

    def count(self, first: Floats, bins: int) -> Counts:
        """Count the pairs with another group of atoms by their distance.

        Parameters
        ----------
        first : ndarray [A, 3]
            Positions of atoms that are not in the surroundings.
        bins : int
            Number of bins of equal width between 0 and `r_max`.

        Returns
        -------
        ndarray [bins] of int64
        """
        counts = np.zeros(bins, np.int64)
        inside = _wrapped(first, self.cell)
        left = _extended((inside - 0.5) @ self.cell)
        left[:, :3] *= -2.0
        tiles = _tiles_per_edge(len(first), self.atoms, self._widths, self.r_max)
        for atoms, near in self._tiles(inside, tiles):
            rows = max(1, BATCH // max(len(near), 1))
            for start in range(0, len(atoms), rows):
                squares = left[atoms[start : start + rows]] @ near.T
                _add(counts, squares.ravel(), self.r_max)
        return counts

    def _tiles(
        self, inside: Floats, tiles: NDArray[np.int64]
    ) -> Iterator[tuple[NDArray[np.int64], Floats]]:
        """Atoms of each tile that has any, and rows of the surroundings that are near it."""
        home = np.minimum((inside * tiles).astype(np.int64), tiles - 1)
        numbers = (home[:, 0] * tiles[1] + home[:, 1]) * tiles[2] + home[:, 2]
        order = np.argsort(numbers)
        found, starts = np.unique(numbers[order], return_index=True)
        x = y = -1
        for number, atoms in zip(found.tolist(), np.split(order, starts[1:]), strict=True):
            last = (x, y)
            (x, y), z = divmod(number // int(tiles[2]), int(tiles[1])), number % int(tiles[2])
            low = np.array([x, y, z]) / tiles - self._margin
            high = np.array([x + 1, y + 1, z + 1]) / tiles + self._margin
            if x != last[0]:
                slab = _between(self._near[:, 0], low[0], high[0])
                beside = self._near[slab, 1]
            if (x, y) != last:
                column = slab[_between(beside, low[1], high[1])]
                heights, rows = self._heights[column], self._rows[column]
            begin = np.searchsorted(heights, _rounded(low[2]), "left")
            end = np.searchsorted(heights, _rounded(high[2]), "right")
            yield atoms, rows[begin:end]


def widths(cell: Floats) -> Floats:
    """Distances [3] between opposite faces of a box [3, 3]."""
    return 1.0 / np.linalg.norm(np.linalg.inv(cell), axis=0)


def largest_radius(cell: Floats) -> float:
    """Half the smallest width of a box: to there, a pair has one distance, without its images."""
    return float(widths(cell).min()) / 2.0


def shell_volumes(r_max: float, bins: int) -> Floats:
    """Volumes [bins] of the spherical shells."""
    return 4.0 / 3.0 * math.pi * np.diff(np.linspace(0.0, r_max, bins + 1) ** 3)


def radial_distribution(counts: Floats, pairs: int, volume: Floats, r_max: float) -> Floats:
    """Normalise a mean histogram to g(r), 1 where the groups know nothing of each other.

    As MDAnalysis' InterRDF does: the mean number of pairs in a shell over that of pairs spread
    evenly over the mean volume.

    Parameters
    ----------
    counts : ndarray [..., bins]
        Pairs per frame.
    pairs : int
        Number of pairs, A x B.
    volume : ndarray [...]
        Mean volume of the frames, angstrom^3.
    r_max : float

    Returns
    -------
    ndarray [..., bins]
    """
    expected = pairs * shell_volumes(r_max, counts.shape[-1]) / np.asarray(volume)[..., None]
    return np.asarray(counts / expected)


def running_coordination(counts: Floats, first: int) -> Floats:
    """Mean number of neighbours within each bin's outer edge.

    It is 4 pi rho times the integral of g r^2, with the density rho of the second group: the
    shells' volumes fall out, and what is left are counted pairs per atom of the first group.

    Parameters
    ----------
    counts : ndarray [..., bins]
        Pairs per frame.
    first : int
        Atoms of the first group.

    Returns
    -------
    ndarray [..., bins]
    """
    return np.asarray(np.cumsum(counts, axis=-1) / first)


def coordination_at(running: Floats, r_max: float, radius: float) -> float:
    """Return the coordination number [bins] at a radius; within a bin, g is constant.

    Parameters
    ----------
    running : ndarray [bins]
    r_max, radius : float

    Returns
    -------
    float
    """
    edges = np.linspace(0.0, r_max, len(running) + 1)
    return float(np.interp(radius**3, edges**3, np.concatenate([[0.0], running])))


def _wrapped(positions: Floats, cell: Floats) -> Floats:
    """Fractional positions [N, 3], from 0 to 1."""
    fractions = np.asarray(positions, np.float64) @ np.linalg.inv(cell)
    fractions -= np.floor(fractions)
    return fractions


def _rounded(heights: Floats) -> NDArray[np.uint16]:
    """Fractional heights between -1 and 2 as 16-bit numbers in the same order."""
    return np.asarray(np.clip((heights + 1.0) * (65535.0 / 3.0), 0.0, 65535.0)).astype(np.uint16)


def _between(values: Floats, low: float, high: float) -> NDArray[np.int64]:
    return np.flatnonzero((values >= low) & (values <= high))


def _extended(positions: Floats) -> Floats:
    """Rows x, y, z, 1, x^2 + y^2 + z^2."""
    rows = np.ones((len(positions), 5))
    rows[:, :3] = positions
    rows[:, 4] = np.einsum("ij,ij->i", positions, positions)
    return rows


def _with_images(fractions: Floats, margin: Floats) -> Floats:
    """Fractional positions in the box and, outside, within a margin [3] of it."""
    for axis in range(3):
        low = fractions[fractions[:, axis] <= margin[axis]]
        high = fractions[fractions[:, axis] >= 1.0 - margin[axis]]
        low[:, axis] += 1.0
        high[:, axis] -= 1.0
        fractions = np.concatenate([fractions, low, high])
    return fractions


def _tiles_per_edge(first: int, second: int, width: Floats, r_max: float) -> NDArray[np.int64]:
    """Cut the box [3] so that products and tiles together cost least."""
    tiles = np.maximum(1.0, np.rint(width / width.max() * np.arange(1, MOST_TILES + 1)[:, None]))
    reached = np.prod(1.0 / tiles + 2.0 * r_max / width, axis=1)
    cost = TILE_OVERHEAD * np.prod(tiles, axis=1) + first * second * reached
    return tiles[np.argmin(cost)].astype(np.int64)


def _add(counts: Counts, squares: Floats, r_max: float) -> None:
    near = np.compress(squares < r_max * r_max, squares)
    np.maximum(near, 0.0, out=near)  # of coinciding atoms: -1e-13
    np.sqrt(near, out=near)
    near *= len(counts) / r_max
    # rounding may lift the last distance below r_max to it
    counts += np.bincount(near.astype(np.int64), minlength=len(counts) + 1)[: len(counts)]
