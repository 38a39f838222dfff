"""Tortuosity of a phase on a periodic grid: diffusion through its voxels and past nothing else."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from voxion.errors import VoxionError

RESIDUAL = 1e-8  # of the linear system, relative to its right side
ITERATIONS = 20_000
GRID_AXES = {"x": 2, "y": 1, "z": 0}  # of a grid [nz, ny, nx]


def tortuosity(phase: NDArray[np.bool_], edges: NDArray[np.float64], axis: str) -> float:
    r"""Tortuosity factor of a percolating phase along one axis.

    The phase conducts with diffusivity D0, the rest not at all. Under a mean gradient of 1 along
    the axis the steady concentration is c = x + u, with u periodic, and obeys

    .. math:: \nabla \cdot D (\mathbf e + \nabla u) = 0.

    The mean flux is the effective diffusivity, and :math:`\tau = \varphi D_0 / D_\mathrm{eff}` with
    the volume fraction :math:`\varphi`: 1 for straight channels along the axis. Finite volumes on
    the voxels: neighbours in the phase exchange through their common face. All directions are
    periodic.

    Parameters
    ----------
    phase : ndarray of bool [nz, ny, nx]
        Must percolate along the axis.
    edges : ndarray [3]
        Edges of a voxel of an orthogonal box, x, y, z.
    axis : "x", "y" or "z"

    Raises
    ------
    VoxionError
        The linear system did not converge.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.linalg import cg

    numbers = np.full(phase.shape, -1)
    count = int(phase.sum())
    numbers[phase] = np.arange(count)
    rows, columns, weights = [], [], []
    source = np.zeros(count)
    along: tuple[NDArray[np.int64], NDArray[np.int64]] | None = None
    for edge, (name, grid_axis) in zip(edges, GRID_AXES.items(), strict=True):
        here, there = _open_faces(numbers, phase, grid_axis)
        weight = np.full(len(here), 1 / edge**2)
        rows += [here, there]
        columns += [there, here]
        weights += [weight, weight]
        if name == axis:
            along = here, there
            # what the mean gradient alone drives through each face
            source += (np.bincount(here, minlength=count) - np.bincount(there, minlength=count)) / (
                edge
            )
    i, j, w = (np.concatenate(parts) for parts in (rows, columns, weights))
    diagonal = np.bincount(i, w, count)
    diagonal[diagonal == 0] = 1.0  # a voxel without neighbours in the phase
    every = np.arange(count)
    matrix = coo_array(
        (np.concatenate([diagonal, -w]), (np.concatenate([every, i]), np.concatenate([every, j]))),
        shape=(count, count),
    ).tocsr()
    step = edges["xyz".index(axis)]
    if np.any(source):
        inverse_diagonal = coo_array((1 / diagonal, (every, every))).tocsr()
        u, failed = cg(matrix, source, rtol=RESIDUAL, maxiter=ITERATIONS, M=inverse_diagonal)
        if failed:
            raise VoxionError(
                f"The diffusion equation along {axis} did not converge in {ITERATIONS} iterations: "
                "use a coarser grid or another threshold."
            )
    else:
        u = np.zeros(count)
    assert along is not None
    here, there = along
    effective = float((1 + (u[there] - u[here]) / step).sum() / phase.size)
    return count / phase.size / effective


def _open_faces(
    numbers: NDArray[np.int64], phase: NDArray[np.bool_], grid_axis: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Numbers of the voxels on both sides of the faces inside the phase, lower and upper."""
    neighbour = np.roll(numbers, -1, grid_axis)
    inside = phase & (neighbour >= 0)
    return numbers[inside], neighbour[inside]
