"""Bonds that run through rings, which no dynamics gets out again."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

# A bond whose middle is farther from the centre of a ring of eight atoms cannot cross it, angstrom.
_REACH = 4.0


def speared_rings(
    positions: NDArray[np.float64],
    edge: float,
    bonds: NDArray[np.int64],
    rings: Sequence[Sequence[int]],
) -> list[tuple[int, int]]:
    """Find bonds that cross the faces of rings in a periodic cube.

    Parameters
    ----------
    positions : ndarray [atoms, 3]
        Angstrom.
    edge : float
        Of the cube, angstrom.
    bonds : ndarray [bonds, 2], int
        Atoms of each bond, from 0.
    rings : sequence of sequences of int
        Atoms of each ring, in order, from 0.

    Returns
    -------
    list of (ring, bond)
        Their numbers in `rings` and `bonds`.
    """
    if not len(bonds) or not len(rings):
        return []
    starts = positions[bonds[:, 0]]
    ends = starts + _nearest(positions[bonds[:, 1]] - starts, edge)
    middles = np.mod(0.5 * (starts + ends), edge)
    tree = cKDTree(np.minimum(middles, np.nextafter(edge, 0.0)), boxsize=edge)
    found = []
    for number, ring in enumerate(rings):
        first = positions[ring[0]]
        corners = first + _nearest(positions[list(ring)] - first, edge)
        centre = corners.mean(axis=0)
        for bond in tree.query_ball_point(np.mod(centre, edge), _REACH):
            if set(ring) & set(bonds[bond].tolist()):
                continue
            shift = _nearest(0.5 * (starts[bond] + ends[bond]) - centre, edge)
            shift += centre - 0.5 * (starts[bond] + ends[bond])
            if _crosses(starts[bond] + shift, ends[bond] + shift, corners, centre):
                found.append((number, bond))
    return found


def _nearest(difference: NDArray[np.float64], edge: float) -> NDArray[np.float64]:
    nearest: NDArray[np.float64] = difference - edge * np.round(difference / edge)
    return nearest


def _crosses(
    start: NDArray[np.float64],
    end: NDArray[np.float64],
    corners: NDArray[np.float64],
    centre: NDArray[np.float64],
) -> bool:
    """Tell if a segment crosses one of the triangles from the centre to two neighbouring corners.

    Moeller and Trumbore, J. Graphics Tools 2, 21 (1997).
    """
    one, other = corners - centre, np.roll(corners, -1, axis=0) - centre
    along = end - start
    normal = np.cross(along, other)
    determinant = np.einsum("ij,ij->i", one, normal)
    safe = np.where(np.abs(determinant) > 1e-12, determinant, np.inf)
    from_centre = start - centre
    u = normal @ from_centre / safe
    crossed = np.cross(from_centre, one)
    v = crossed @ along / safe
    t = np.einsum("ij,ij->i", other, crossed) / safe
    inside = (u >= 0) & (v >= 0) & (u + v <= 1) & (t >= 0) & (t <= 1) & np.isfinite(safe)
    return bool(inside.any())
