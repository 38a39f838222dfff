"""Equivalent forms of a voxel grid: symmetries of its box and periodic shifts."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import permutations, product

import numpy as np
from numpy.typing import NDArray

from voxion.errors import VoxionError
from voxion.voxels.stores.store import VoxelStore

STRESS = {
    (0, 0): "stress_xx", (1, 1): "stress_yy", (2, 2): "stress_zz",
    (0, 1): "stress_xy", (0, 2): "stress_xz", (1, 2): "stress_yz",
}  # fmt: skip
DIAGONAL = ("stress_xx", "stress_yy", "stress_zz")
OFF_DIAGONAL = ("stress_xy", "stress_xz", "stress_yz")
# Boxes under NPT fluctuate: edges whose squares and scalar products agree within this share of
# the longest edge's square count as the same.
TOLERANCE = 0.1


@dataclass(frozen=True)
class Symmetry:
    """A signed permutation of the axes: new axis i is the old axis ``axes[i]``, times ``signs[i]``.

    Attributes
    ----------
    axes : tuple of 3 ints
        0, 1, 2 for x, y, z.
    signs : tuple of 3 ints
        1 or -1.
    """

    axes: tuple[int, int, int]
    signs: tuple[int, int, int]

    @property
    def matrix(self) -> NDArray[np.float64]:
        """The 3 x 3 matrix that takes old to new coordinates."""
        matrix = np.zeros((3, 3))
        matrix[range(3), self.axes] = self.signs
        return matrix


@dataclass(frozen=True)
class Augmentation:
    """The forms that grids of one store may take.

    Scalars (mass, charge, number, shear, and values of computes, fixes and variables, which are
    taken for scalars) move with their voxels. Stress components are also permuted and change
    sign, as components of a tensor.

    Attributes
    ----------
    channels : tuple of str
    symmetries : tuple of Symmetry
        Those of the cube's 48 that keep the grid's shape, the box and its periodic directions:
        axes mix only where edges and numbers of voxels are the same.
    periodic : tuple of 3 bools
        Directions x, y, z along which grids are shifted.
    """

    channels: tuple[str, ...]
    symmetries: tuple[Symmetry, ...]
    periodic: tuple[bool, bool, bool]

    @classmethod
    def of_store(cls, store: VoxelStore) -> Augmentation:
        """Find the symmetries of a store's grid and mean box.

        Raises
        ------
        VoxionError
            Some stress components are there and others that they turn into are not.
        """
        for partners in (DIAGONAL, OFF_DIAGONAL):
            there = [name for name in partners if name in store.channels]
            if there and len(there) < len(partners):
                raise VoxionError(
                    f"{store.path} has {', '.join(there)} of {', '.join(partners)}, which turn "
                    "into one another: train without augmentation, or on all three or the shear."
                )
        box = store.boxes.mean(0)
        box /= np.linalg.norm(box, axis=1).max()  # its form matters, not its size
        kept = [s for s in cube_symmetries() if _keeps_grid(s, store) and _keeps_box(s, box)]
        if set(store.channels) & set(STRESS.values()):
            kept = [s for s in kept if _keeps_directions(s, box)]
        return cls(store.channels, tuple(kept), store.periodic)

    def draw(self, grid: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
        """Return a raw grid [C, nz, ny, nx] in one of its equivalent forms, all equally likely."""
        symmetry = self.symmetries[rng.integers(len(self.symmetries))]
        grid = apply_symmetry(grid, self.channels, symmetry)
        edges = grid.shape[:0:-1]  # nx, ny, nz
        directions = zip(edges, self.periodic, strict=True)
        shifts = [int(rng.integers(edge)) if periodic else 0 for edge, periodic in directions]
        return np.roll(grid, shifts[::-1], axis=(1, 2, 3))


def cube_symmetries() -> list[Symmetry]:
    """All 48 symmetries of the cube, the identity first."""
    return [
        Symmetry((a, b, c), (i, j, k))
        for (a, b, c), (i, j, k) in product(permutations(range(3)), product((1, -1), repeat=3))
    ]


def apply_symmetry(
    grid: NDArray[np.float32], channels: tuple[str, ...], symmetry: Symmetry
) -> NDArray[np.float32]:
    """Turn a raw grid [C, nz, ny, nx] and, where it is a stress, what it holds.

    The field f becomes f'(R r) = f(r) for a scalar and S'(R r) = R S(r) R^T for the stress.
    """
    # array axes are z, y, x: array axis 3 - i belongs to direction i
    order = [0] + [3 - symmetry.axes[2 - k] for k in range(3)]
    turned = np.transpose(grid, order)
    flipped = tuple(3 - i for i in range(3) if symmetry.signs[i] < 0)
    turned = np.flip(turned, flipped)
    result = turned.copy()
    for (i, j), name in STRESS.items():
        if name in channels:
            a, b = sorted((symmetry.axes[i], symmetry.axes[j]))
            sign = symmetry.signs[i] * symmetry.signs[j]
            result[channels.index(name)] = sign * turned[channels.index(STRESS[a, b])]
    return result


def _keeps_grid(symmetry: Symmetry, store: VoxelStore) -> bool:
    edges = store.shape[::-1]
    return all(
        edges[old] == edges[new] and store.periodic[old] == store.periodic[new]
        for new, old in enumerate(symmetry.axes)
    )


def _keeps_box(symmetry: Symmetry, box: NDArray[np.float64]) -> bool:
    metric = box @ box.T
    turned = symmetry.matrix @ metric @ symmetry.matrix.T
    return bool(np.abs(turned - metric).max() <= TOLERANCE)


def _keeps_directions(symmetry: Symmetry, box: NDArray[np.float64]) -> bool:
    """Return True if x, y, z turn as the lattice vectors do, which triclinic boxes forbid."""
    cartesian = box.T @ symmetry.matrix @ np.linalg.inv(box.T)
    return bool(np.abs(cartesian - symmetry.matrix).max() <= TOLERANCE)
