"""Scattering amplitudes of particles in a periodic box, at the wave vectors of the box."""

from __future__ import annotations

from dataclasses import dataclass

import finufft
import numpy as np
from numpy.typing import NDArray

from voxion.errors import VoxionError

# of the non-uniform FFT: the error of an amplitude over the root of the number of particles
TOLERANCE = 1e-7
GRID_FACTOR = 1.25  # of its grid over that of the wave vectors; fastest at this tolerance
MOST_MODES = 2e8  # of the grid of wave vectors; 3 GB a set of weights


@dataclass(frozen=True)
class WaveVectors:
    """Wave vectors of a periodic box up to a length, one of each Q and -Q, without zero.

    Attributes
    ----------
    modes : ndarray [3], int64
        Largest whole number along each reciprocal lattice vector.
    indices : ndarray [M, 3], int64
        Q in whole numbers of the reciprocal lattice vectors.
    lengths : ndarray [M], float64
        abs(Q), 1/angstrom.
    """

    modes: NDArray[np.int64]
    indices: NDArray[np.int64]
    lengths: NDArray[np.float64]


def wave_vectors(cell: NDArray[np.float64], largest: float) -> WaveVectors:
    """Find the wave vectors of a box.

    Parameters
    ----------
    cell : ndarray [3, 3], float64
        Rows are the lattice vectors, of any angles, angstrom.
    largest : float
        Largest length of a wave vector, 1/angstrom.

    Raises
    ------
    VoxionError
        The box is flat, shorter than one wave of that length, or has too many waves.
    """
    edges = np.linalg.norm(cell, axis=1)
    if not abs(np.linalg.det(cell)) > 1e-6 * edges.prod():
        raise VoxionError(f"The box has no volume: its vectors are {cell.tolist()} A.")
    # the component of Q along a lattice vector is 2 pi times a whole number over its length
    counts = np.floor(largest * edges / (2 * np.pi) * (1 + 1e-12)).astype(np.int64)
    if np.prod(2.0 * counts + 1) > MOST_MODES:
        raise VoxionError(
            f"A box of {' x '.join(f'{edge:.1f}' for edge in edges)} A has too many wave vectors "
            f"up to {largest:g} 1/A: choose a smaller Q."
        )
    axes = [np.arange(counts[0] + 1), *(np.arange(-n, n + 1) for n in counts[1:])]
    indices = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
    # of Q and -Q the one whose first number that is not zero is positive: of the plane of x = 0,
    # which comes first, what follows the origin
    origin = (len(axes[1]) * len(axes[2])) // 2
    indices = indices[origin + 1 :]
    lengths = np.linalg.norm(indices @ (2 * np.pi * np.linalg.inv(cell).T), axis=1)
    near = lengths <= largest
    if not near.any():
        raise VoxionError(
            f"No wave of the box is as long as {largest:g} 1/A asks for: the largest Q must be "
            f"{2 * np.pi / edges.max():.3g} 1/A at least."
        )
    return WaveVectors(counts, indices[near], lengths[near])


def amplitudes(
    positions: NDArray[np.floating],
    weights: NDArray[np.floating],
    cell: NDArray[np.float64],
    waves: WaveVectors,
) -> NDArray[np.complex128]:
    """Sum weight times exp(i Q r) over particles, by a non-uniform fast Fourier transform.

    Parameters
    ----------
    positions : ndarray [N, 3]
        Angstrom; inside the box or not.
    weights : ndarray [W, N]
        Several sets of weights.
    cell : ndarray [3, 3], float64
        Rows are the lattice vectors, angstrom.
    waves : WaveVectors
        Of this box.

    Returns
    -------
    ndarray [W, M], complex128
        With errors of about 1e-7 of the root of the sum of the squares of the weights.
    """
    phases = _phases(positions, cell)
    x, y, z = waves.modes.tolist()
    shape = (x + 1, 2 * y + 1, 2 * z + 1)
    # the transform has modes on both sides of zero, and those of negative x are not wanted
    middle = (x + 1) // 2
    grid = finufft.nufft3d1(
        *(np.ascontiguousarray(phases[:, d]) for d in range(3)),
        weights * np.exp(1j * middle * phases[:, 0]),
        n_modes=shape,
        eps=TOLERANCE,
        isign=1,
        upsampfac=GRID_FACTOR,
    ).reshape(len(weights), *shape)
    found: NDArray[np.complex128] = grid[(slice(None), *(waves.indices + np.array([0, y, z])).T)]
    return found


def summed_amplitudes(
    positions: NDArray[np.floating],
    weights: NDArray[np.floating],
    cell: NDArray[np.float64],
    waves: WaveVectors,
) -> NDArray[np.complex128]:
    """Return what `amplitudes` does, by the sum over particles: its check."""
    phases = _phases(positions, cell)
    return np.stack([weights @ np.exp(1j * (phases @ index)) for index in waves.indices], axis=1)


def _phases(positions: NDArray[np.floating], cell: NDArray[np.float64]) -> NDArray[np.float64]:
    """Phases [N, 3] along the three reciprocal lattice vectors, within one turn."""
    fractions = np.asarray(positions, np.float64) @ np.linalg.inv(cell)
    return 2 * np.pi * (fractions - np.floor(fractions))
