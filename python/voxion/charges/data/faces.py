"""Faces and layers of the electrodes of a pair: planes of nuclei across z."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from voxion.errors import VoxionError

# Nuclei of one face lie closer together than this along z (angstrom), and those of one layer
# within half of it from its mean.
FACE_THICKNESS = 0.5


def face_of(heights: NDArray[np.float64], upper: bool) -> NDArray[np.float64]:
    """Heights of the nuclei of an electrode that face the other one, from those of all."""
    outermost = heights.min() if upper else heights.max()
    return heights[np.abs(heights - outermost) < FACE_THICKNESS]


def behind_face(positions: NDArray[np.float64], upper: bool) -> NDArray[np.float64]:
    """Positions of an electrode's nuclei as a model sees them.

    Parameters
    ----------
    positions : ndarray [M, 3]
        Angstrom.
    upper : bool
        The electrode is the upper one of its pair.

    Returns
    -------
    ndarray [M, 3], float64
        With the depth behind the face, into the electrode, in place of z.
    """
    seen = positions.copy()
    above = positions[:, 2] - face_of(positions[:, 2], upper).mean()
    seen[:, 2] = above if upper else -above
    return seen


def find_layers(depths: ArrayLike, name: str) -> NDArray[np.float64]:
    """Find the depths of the layers of an electrode.

    Parameters
    ----------
    depths : array [M]
        Depths of the nuclei behind the face, angstrom.
    name : str
        Name of the electrode in messages.

    Returns
    -------
    ndarray [L], float64
        From 0, ascending, angstrom.

    Raises
    ------
    VoxionError
        The nuclei do not lie in flat layers.
    """
    ordered = np.sort(np.asarray(depths, np.float64))
    layers = np.split(ordered, np.flatnonzero(np.diff(ordered) >= FACE_THICKNESS) + 1)
    for layer in layers:
        if np.ptp(layer) > 0.5 * FACE_THICKNESS:
            raise VoxionError(
                f"{name}: the nuclei {layer.min():.2f} to {layer.max():.2f} A behind the face form "
                f"no flat layer; expected layers of at most {0.5 * FACE_THICKNESS:g} A that are "
                f"{FACE_THICKNESS:g} A apart."
            )
    found = np.array([layer.mean() for layer in layers])
    return found - found[0]


def check_layers(depths: NDArray[np.float64], layers: ArrayLike, name: str) -> None:
    """Make sure that nuclei lie in the layers that a model knows, and in all of them.

    Parameters
    ----------
    depths : ndarray [M]
        Depths of the nuclei behind the face, angstrom.
    layers : array [L]
        Depths of the layers, angstrom.
    name : str
        Name of the electrode in messages.

    Raises
    ------
    VoxionError
    """
    known = np.asarray(layers, np.float64)
    distance = np.abs(depths[:, None] - known)
    listed = ", ".join(f"{depth:g}" for depth in known)
    if distance.min(1).max() >= 0.5 * FACE_THICKNESS:
        depth = depths[distance.min(1).argmax()]
        problem = f"a nucleus lies {depth:.2f} A behind the face"
    elif distance.min(0).max() >= 0.5 * FACE_THICKNESS:
        problem = f"no nucleus lies {known[distance.min(0).argmax()]:.2f} A behind the face"
    else:
        return
    raise VoxionError(
        f"{name}: {problem}; the model knows layers at {listed} A: use a model of this material "
        "and number of layers."
    )
