"""Morphology of a phase on a periodic grid: how much, how connected, how large, how winding."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from voxion.errors import VoxionError
from voxion.voxels.morphology.length_scales import length_scales, spatial_correlation
from voxion.voxels.morphology.tortuosity import GRID_AXES, tortuosity

AXES = tuple(GRID_AXES)


@dataclass(frozen=True)
class Morphology:
    """Numbers that describe one phase of one grid; lengths in the unit of the box.

    Attributes
    ----------
    threshold : float
        The phase is where the channel is at least this (or below it, if so asked).
    volume_fraction : float
    clusters : int
        Connected parts; voxels are connected through faces, also across the periodic boundaries.
    largest_cluster : float
        Share of the phase that is in its largest cluster.
    percolates : dict of axis to bool
        Whether a cluster meets its own periodic image along the axis.
    tortuosity : dict of axis to float, or None
        Volume fraction times D0 / Deff, infinite where the phase does not percolate. None in a
        triclinic box.
    domain_size : float
        2 pi over the first moment of the structure factor of the phase: repeat distance.
    zero_crossing, first_minimum, first_maximum : float or None
        Features of the correlation function of the phase; see `LengthScales`.
    mean_chord : dict of axis to float
        Mean length of the phase's chords along the lattice vectors; infinite where no line along
        that vector leaves the phase.
    interface_area : float
        Area of the surface where the channel takes the threshold, per volume of the box.
    euler_characteristic : int
        Clusters minus tunnels plus cavities.
    """

    threshold: float
    volume_fraction: float
    clusters: int
    largest_cluster: float
    percolates: dict[str, bool]
    tortuosity: dict[str, float] | None
    domain_size: float
    zero_crossing: float | None
    first_minimum: float | None
    first_maximum: float | None
    mean_chord: dict[str, float]
    interface_area: float
    euler_characteristic: int

    def to_dict(self) -> dict[str, Any]:
        """Return numbers for JSON, which has no infinity: there it is the text ``infinite``."""
        return _without_infinity(asdict(self))


def measure_phase(
    grid: ArrayLike, box: ArrayLike, threshold: float, *, below: bool = False
) -> Morphology:
    """Measure the phase where one channel of a periodic grid is at least the threshold.

    Parameters
    ----------
    grid : array [nz, ny, nx]
    box : array [3, 3]
        Lattice vectors in rows.
    threshold : float
        In the channel's unit; `otsu_threshold` finds one.
    below : bool
        Take the phase below the threshold instead.

    Raises
    ------
    VoxionError
        The grid is not three-dimensional or not finite, or the threshold leaves no phase, or
        nothing but the phase.
    """
    values, lattice = _checked_grid(grid), np.asarray(box, np.float64)
    phase = values < threshold if below else values >= threshold
    if phase.all() or not phase.any():
        raise VoxionError(
            f"The threshold {threshold:g} puts {'every' if phase.all() else 'no'} voxel in the "
            f"phase: choose one inside the channel's range, {values.min():g} to {values.max():g}."
        )
    shape = np.array(phase.shape[::-1])
    labels, percolates = label_clusters(phase)
    sizes = np.bincount(labels[phase])
    scales = length_scales(spatial_correlation(phase, lattice))
    return Morphology(
        threshold=float(threshold),
        volume_fraction=float(phase.mean()),
        clusters=int(labels.max()),
        largest_cluster=float(sizes.max() / phase.sum()),
        percolates=percolates,
        tortuosity=_tortuosities(phase, lattice, percolates),
        domain_size=scales.moment,
        zero_crossing=scales.zero_crossing,
        first_minimum=scales.first_minimum,
        first_maximum=scales.first_maximum,
        mean_chord=mean_chords(phase, np.linalg.norm(lattice, axis=1) / shape),
        interface_area=interface_area(values, lattice, threshold),
        euler_characteristic=euler_characteristic(phase),
    )


def otsu_threshold(grid: ArrayLike) -> float:
    """Threshold that splits the values into the two groups of least variance within (Otsu 1979).

    Raises
    ------
    VoxionError
        The grid is constant or not finite.
    """
    from skimage.filters import threshold_otsu

    values = _checked_grid(grid)
    if not np.ptp(values):
        raise VoxionError("The channel is constant: there is no threshold that splits it.")
    return float(threshold_otsu(values))


def label_clusters(phase: NDArray[np.bool_]) -> tuple[NDArray[np.int64], dict[str, bool]]:
    """Label the connected clusters of a phase in a periodic box; find where they percolate.

    Parts that meet through the boundary are walked through, noting how many boxes were crossed;
    a cluster that comes back to a part with another count winds around the box, and percolates
    along each axis in which the counts differ.

    Returns
    -------
    labels : ndarray of int [nz, ny, nx]
        0 outside, clusters from 1 on.
    percolates : dict of axis to bool
    """
    from scipy.ndimage import label

    parts, count = label(phase)
    links: dict[int, set[tuple[int, int, int]]] = {part: set() for part in range(1, count + 1)}
    for direction, axis in enumerate(GRID_AXES.values()):
        last, first = np.take(parts, -1, axis), np.take(parts, 0, axis)
        both = (last > 0) & (first > 0)
        for one, other in np.unique(np.stack([last[both], first[both]]), axis=1).T.tolist():
            links[one].add((other, direction, 1))
            links[other].add((one, direction, -1))
    cluster, winds = _walk(links)
    lookup = np.array([0, *(cluster[part] for part in range(1, count + 1))])
    return lookup[parts], dict(zip(AXES, winds, strict=True))


def _walk(
    links: dict[int, set[tuple[int, int, int]]],
) -> tuple[dict[int, int], list[bool]]:
    cluster: dict[int, int] = {}
    offsets: dict[int, NDArray[np.int64]] = {}
    winding = np.zeros(3, bool)
    number = 0
    for start in links:
        if start in cluster:
            continue
        number += 1
        cluster[start], offsets[start] = number, np.zeros(3, np.int64)
        waiting = deque([start])
        while waiting:
            part = waiting.popleft()
            for other, direction, sign in links[part]:
                offset = offsets[part].copy()
                offset[direction] += sign
                if other not in cluster:
                    cluster[other], offsets[other] = number, offset
                    waiting.append(other)
                else:
                    winding |= offset != offsets[other]
    return cluster, [bool(axis) for axis in winding]


def mean_chords(phase: NDArray[np.bool_], edges: NDArray[np.float64]) -> dict[str, float]:
    """Mean chord length along x, y, z: the phase's voxels over the number of its chords."""
    chords = {}
    for edge, (name, axis) in zip(edges, GRID_AXES.items(), strict=True):
        ends = int((phase & ~np.roll(phase, -1, axis)).sum())
        chords[name] = float(edge * phase.sum() / ends) if ends else math.inf
    return chords


def interface_area(
    values: NDArray[np.float64], box: NDArray[np.float64], threshold: float
) -> float:
    """Area of the isosurface by marching cubes over one period, per volume of the box."""
    from skimage.measure import marching_cubes, mesh_surface_area

    closed = np.pad(values, [(0, 1)] * 3, mode="wrap")
    corners, faces, _, _ = marching_cubes(closed, threshold)
    fractions = corners[:, ::-1] / values.shape[::-1]
    return float(mesh_surface_area(fractions @ box, faces) / abs(np.linalg.det(box)))


def euler_characteristic(phase: NDArray[np.bool_]) -> int:
    """Euler characteristic of the complex of voxels that are connected through faces.

    Voxels are points, pairs of neighbours edges, 2 x 2 blocks squares, 2 x 2 x 2 blocks cubes:
    points - edges + squares - cubes, in a periodic box.
    """
    total = 0
    cells: list[tuple[int, NDArray[np.bool_]]] = [(1, phase)]
    for axis in range(3):
        # a block with its neighbour along the axis is a cell of one dimension more
        cells += [(-sign, block & np.roll(block, -1, axis)) for sign, block in cells]
    for sign, block in cells:
        total += sign * int(block.sum())
    return total


def _tortuosities(
    phase: NDArray[np.bool_], lattice: NDArray[np.float64], percolates: dict[str, bool]
) -> dict[str, float] | None:
    edges = np.diag(lattice) / phase.shape[::-1]
    if not np.allclose(lattice, np.diag(np.diag(lattice)), atol=1e-6 * np.abs(lattice).max()):
        return None
    return {axis: tortuosity(phase, edges, axis) if percolates[axis] else math.inf for axis in AXES}


def _checked_grid(grid: ArrayLike) -> NDArray[np.float64]:
    values = np.asarray(grid, np.float64)
    if values.ndim != 3 or min(values.shape) < 2:
        raise VoxionError(
            "Morphology needs one channel of a grid, [nz, ny, nx] with at least 2 voxels each, "
            f"found the shape {list(values.shape)}."
        )
    if not np.isfinite(values).all():
        raise VoxionError("Morphology needs finite values, the grid has some that are not.")
    return values


def _without_infinity(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_infinity(item) for key, item in value.items()}
    return "infinite" if value == math.inf else value
