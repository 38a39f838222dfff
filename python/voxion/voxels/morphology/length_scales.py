"""Spatial correlation and structure factor of periodic grids, and the length scales in them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import ArrayLike, NDArray

from voxion.errors import VoxionError

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Correlation:
    """Radial averages of the spatial correlation of a grid and of its structure factor.

    Attributes
    ----------
    r : ndarray [R]
        Mean distance of the lags in each shell; the first is 0. Unit of the box.
    correlation : ndarray [R]
        Autocovariance over variance: 1 at r = 0. Up to half the smallest height of the box.
    q : ndarray [Q]
        Mean wave number of the modes in each shell, 2 pi over the unit of the box.
    structure_factor : ndarray [Q]
        S(q) = V |f_q|^2, with f_q the Fourier coefficients of the grid less its mean.
    mean_wave_number : float
        <q> = int q S(q) dq / int S(q) dq over the radial average. As a sum over the modes, which
        lie as q^2 dq, that is sum S/q over sum S/q^2: no shells are needed.
    variance : float
        Variance of the values of the grid, summed over the channels.
    """

    r: Array
    correlation: Array
    q: Array
    structure_factor: Array
    mean_wave_number: float
    variance: float


@dataclass(frozen=True)
class LengthScales:
    """Lengths read off a correlation function; None where the function does not show one.

    Attributes
    ----------
    zero_crossing : float or None
        Where the correlation first passes through zero: about half a domain's repeat distance.
    first_minimum : float or None
        Where it has its first minimum below zero.
    first_maximum : float or None
        Where it has its first maximum above zero beyond that minimum: the distance of neighbours.
    moment : float
        2 pi over the mean wave number, <q> = int q S(q) dq / int S(q) dq.
    """

    zero_crossing: float | None
    first_minimum: float | None
    first_maximum: float | None
    moment: float


def spatial_correlation(grid: ArrayLike, box: ArrayLike | None = None) -> Correlation:
    r"""Correlate a periodic grid with itself.

    By the Wiener-Khinchin theorem the autocovariance is the transform of the power spectrum,
    :math:`C(\mathbf r) = \sum_{\mathbf q} |f_{\mathbf q}|^2 e^{i \mathbf q \mathbf r}`. Lags are
    averaged over shells of one voxel edge, modes over shells of the smallest wave number. The
    covariances of channels are added: give them a common scale, as the normalised grids have.

    Parameters
    ----------
    grid : array [nz, ny, nx] or [C, nz, ny, nx]
    box : array [3, 3], optional
        Lattice vectors in rows, x, y, z in columns. Without it lengths are in voxels.

    Raises
    ------
    VoxionError
        The grid has another rank, no variation, or values that are not finite.
    """
    values = _checked(grid)
    shape = values.shape[1:]
    lattice = np.diag(shape[::-1]).astype(np.float64) if box is None else np.asarray(box, float)
    volume = abs(float(np.linalg.det(lattice)))
    fluctuation = values - values.mean((1, 2, 3), keepdims=True)
    modes = np.fft.fftn(fluctuation, axes=(1, 2, 3)) / values[0].size
    power = np.square(np.abs(modes)).sum(0)
    covariance = np.fft.ifftn(power).real * power.size
    variance = float(covariance[0, 0, 0])

    heights = 1 / np.linalg.norm(np.linalg.inv(lattice), axis=0)
    edges = np.linalg.norm(lattice, axis=1) / shape[::-1]
    distances = _lag_lengths(shape, lattice)
    r, correlation = _radial(distances, covariance / variance, float(edges.min()))
    kept = r <= heights.min() / 2 * (1 + 1e-9)

    wave_numbers = _wave_numbers(shape, lattice)
    moving = wave_numbers > 0
    smallest = float(wave_numbers[moving].min())
    weights = power[moving] / wave_numbers[moving]
    mean_wave_number = float(weights.sum() / (weights / wave_numbers[moving]).sum())
    q, spectrum = _radial(wave_numbers, volume * power, smallest)
    return Correlation(r[kept], correlation[kept], q[1:], spectrum[1:], mean_wave_number, variance)


def length_scales(correlation: Correlation) -> LengthScales:
    """Read the length scales off a correlation function."""
    r, c = correlation.r, correlation.correlation
    crossing = _first(c <= 0)
    if crossing is None:
        zero, minimum, maximum = None, None, None
    else:
        before, after = c[crossing - 1], c[crossing]
        share = before / (before - after)
        zero = float(r[crossing - 1] + share * (r[crossing] - r[crossing - 1]))
        lowest = _turning(c, crossing)
        highest = None if lowest is None else _turning(-c, lowest + 1)
        if highest is not None and c[highest] <= 0:
            highest = None
        minimum = None if lowest is None else _vertex(r, c, lowest)
        maximum = None if highest is None else _vertex(r, c, highest)
    return LengthScales(zero, minimum, maximum, 2 * np.pi / correlation.mean_wave_number)


def _checked(grid: ArrayLike) -> Array:
    values = np.asarray(grid, np.float64)
    if values.ndim == 3:
        values = values[None]
    if values.ndim != 4 or min(values.shape) < 1 or max(values.shape[1:]) < 2:
        raise VoxionError(
            "A correlation needs a grid [nz, ny, nx] or [channels, nz, ny, nx] of at least two "
            f"voxels, found the shape {list(np.shape(grid))}."
        )
    if not np.isfinite(values).all():
        raise VoxionError("A correlation needs finite values, the grid has some that are not.")
    if not np.ptp(values, axis=(1, 2, 3)).any():
        raise VoxionError(
            "The grid is constant: there is no correlation and no length scale in it."
        )
    return values


def _lag_lengths(shape: tuple[int, ...], lattice: Array) -> Array:
    """Length of each lag's nearest image, [nz, ny, nx]."""
    fractions = [np.fft.fftfreq(n) for n in shape]
    z, y, x = np.meshgrid(*fractions, indexing="ij")
    lags = np.stack([x, y, z], -1)
    # wrapped fractions are the nearest image only where the box is orthogonal
    images = (np.linalg.norm((lags + shift) @ lattice, axis=-1) for shift in _images(lattice))
    return np.minimum.reduce(list(images))


def _images(lattice: Array) -> list[Array]:
    if np.allclose(lattice, np.diag(np.diag(lattice))):
        return [np.zeros(3)]
    return [np.array(shift) for shift in product((-1, 0, 1), repeat=3)]


def _wave_numbers(shape: tuple[int, ...], lattice: Array) -> Array:
    """Length of the wave vector of each mode, [nz, ny, nx]."""
    z, y, x = np.meshgrid(*(np.fft.fftfreq(n, 1 / n) for n in shape), indexing="ij")
    reciprocal = 2 * np.pi * np.linalg.inv(lattice).T
    return np.linalg.norm(np.stack([x, y, z], -1) @ reciprocal, axis=-1)


def _radial(lengths: Array, values: Array, width: float) -> tuple[Array, Array]:
    """Mean length and mean value in shells around the multiples of `width`; empty ones left out."""
    shells = np.floor(lengths / width + 0.5 + 1e-9).astype(np.int64).ravel()
    counts = np.bincount(shells)
    filled = counts > 0
    mean_length = np.bincount(shells, lengths.ravel())[filled] / counts[filled]
    mean_value = np.bincount(shells, values.ravel())[filled] / counts[filled]
    return mean_length, mean_value


def _first(condition: NDArray[np.bool_]) -> int | None:
    found = np.flatnonzero(condition)
    return int(found[0]) if len(found) else None


def _turning(values: Array, start: int) -> int | None:
    """Index of the first local minimum from `start` on, not at the end."""
    for index in range(max(start, 1), len(values) - 1):
        if values[index] <= values[index - 1] and values[index] < values[index + 1]:
            return index
    return None


def _vertex(x: Array, y: Array, index: int) -> float:
    """Place of the extremum of the parabola through a point and its two neighbours."""
    near = slice(index - 1, index + 2)
    a, b, _ = np.polyfit(x[near] - x[index], y[near], 2)
    return float(x[index] - b / (2 * a))
