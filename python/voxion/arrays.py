"""Checks of arrays that come from files: shapes that fit together, units, values that can be."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Bounds far beyond any real system, so that a damaged number is not computed or allocated with.
MAX_FRAMES = 1_000_000
MAX_ATOMS = 10_000_000
MAX_LENGTH = 1e9  # any coordinate or edge, in whatever unit of length
# Volume of a cell over the product of its edges: LAMMPS and GROMACS allow none below some 0.3.
LEAST_SKEWNESS = 1e-3


def check_shapes(
    found: Mapping[str, Sequence[int]],
    wanted: Mapping[str, Sequence[str | int]],
    limits: Mapping[str, int],
) -> dict[str, int]:
    """Check that the shapes of arrays fit each other.

    Parameters
    ----------
    found : mapping of name to shape
    wanted : mapping of name to dimensions
        A number, or the symbol of a size that is the same in all arrays.
    limits : mapping of symbol to largest size

    Returns
    -------
    dict of symbol to size

    Raises
    ------
    ValueError
        One of them does not fit, or is larger than its limit.
    """
    sizes: dict[str, int] = {}
    for name, dimensions in wanted.items():
        shape = tuple(found[name])
        if len(shape) == len(dimensions):
            for dimension, size in zip(dimensions, shape, strict=True):
                if isinstance(dimension, str):
                    sizes.setdefault(dimension, size)
        if shape != tuple(sizes.get(d, -1) if isinstance(d, str) else d for d in dimensions):
            text = ", ".join(f"{d} = {sizes[d]}" if d in sizes else str(d) for d in dimensions)
            raise ValueError(f"{name} must be [{text}], found {list(shape)}")
    for symbol, size in sizes.items():
        if size > limits[symbol]:
            raise ValueError(f"its size {symbol} is {size}; expected {limits[symbol]} at most")
    return sizes


def check_steps(steps: NDArray[np.int64], times: NDArray[np.float64]) -> None:
    """Check that MD steps [F] ascend from 0 on, none twice, and that the times [F] do not descend.

    Raises
    ------
    ValueError
        They do not.
    """
    if len(steps) and steps[0] < 0:
        raise ValueError(f"frame 0 has step {steps[0]}; expected none below 0")
    if (wrong := np.flatnonzero(steps[1:] <= steps[:-1])).size:
        n = int(wrong[0]) + 1
        raise ValueError(
            f"frame {n} has step {steps[n]} after step {steps[n - 1]}; expected ascending steps"
        )
    check_finite("time", times)
    if (wrong := np.flatnonzero(times[1:] < times[:-1])).size:
        n = int(wrong[0]) + 1
        raise ValueError(
            f"frame {n} has time {times[n]:g} after time {times[n - 1]:g}; expected ascending times"
        )


def check_cells(cells: NDArray[np.float64]) -> None:
    """Check that cells [F, 3, 3], lattice vectors in rows, have a positive volume.

    Raises
    ------
    ValueError
        A value that is not finite or not possible, a flat cell, or a left-handed one.
    """
    check_finite("cell", cells, MAX_LENGTH)
    lengths = np.linalg.norm(cells, axis=2)
    scaled = cells / np.where(lengths > 0, lengths, 1.0)[:, :, None]
    # lengths of lj, angstrom or metre: the determinant of unit vectors knows no unit
    if (wrong := np.flatnonzero(~(np.linalg.det(scaled) >= LEAST_SKEWNESS))).size:
        n = int(wrong[0])
        raise ValueError(
            f"the cell of frame {n} has no volume or is left-handed, {cells[n].tolist()}; expected "
            "three lattice vectors in rows"
        )


def check_finite(name: str, values: NDArray[Any], largest: float = np.inf) -> None:
    """Check that values are finite and of a possible size; the first axis counts frames or atoms.

    Raises
    ------
    ValueError
        One is not.
    """
    # comparing is false for NaN; infinity is no finite number
    right = np.isfinite(values) if np.isinf(largest) else np.abs(values) <= largest
    if not right.all():
        place = np.argwhere(~right)[0].tolist()
        bound = "" if np.isinf(largest) else f" between -{largest:g} and {largest:g}"
        raise ValueError(
            f"{name}{place} is {values[tuple(place)]}; expected a finite number{bound}"
        )
