"""Neighbour shells of a periodic sheet: who is how many shells away from whom.

The functions on tensors are TorchScript as well as Python, since exported models call them; that
is why this file has no postponed annotations.
"""

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from voxion.errors import VoxionError

# Distances closer together than this are one shell (angstrom); graphene's nearest two lie 0.12 A
# apart among its first 20 shells.
SHELL_GAP = 0.1
_LARGEST_REACH = 40.0  # angstrom; no ordered sheet needs more to show some ten shells


def pairs_within(positions: Tensor, cell: Tensor, reach: float) -> tuple[Tensor, Tensor, Tensor]:
    """All pairs of sites closer than `reach`, periodic images and the site itself included.

    Works through blocks of rows, so that memory grows linearly with the number of sites.

    Parameters
    ----------
    positions : Tensor [M, 3]
        Angstrom.
    cell : Tensor [3, 3]
        Rows are the lattice vectors, angstrom.
    reach : float
        Angstrom.

    Returns
    -------
    i, j : Tensor [P], int64
    distance : Tensor [P]
        Angstrom.
    """
    sites = positions.size(0)
    inverse = torch.linalg.inv(cell)
    fractional = positions @ inverse
    # images needed beyond the nearest one along each lattice vector, from the cell's heights
    images = torch.floor(reach * torch.linalg.norm(inverse, dim=0) + 0.5)
    images_a, images_b, images_c = int(images[0]), int(images[1]), int(images[2])
    block = max(1, 1000000 // max(1, sites))
    firsts: list[Tensor] = []
    seconds: list[Tensor] = []
    distances: list[Tensor] = []
    for start in range(0, sites, block):
        stop = min(start + block, sites)
        delta = fractional.unsqueeze(0) - fractional[start:stop].unsqueeze(1)
        nearest = (delta - torch.round(delta)) @ cell
        for a in range(-images_a, images_a + 1):
            for b in range(-images_b, images_b + 1):
                for c in range(-images_c, images_c + 1):
                    shift = a * cell[0] + b * cell[1] + c * cell[2]
                    distance = torch.linalg.norm(nearest + shift, dim=2)
                    found = torch.nonzero(distance < reach)
                    firsts.append(found[:, 0] + start)
                    seconds.append(found[:, 1])
                    distances.append(distance[found[:, 0], found[:, 1]])
    return torch.cat(firsts), torch.cat(seconds), torch.cat(distances)


def neighbour_table(positions: Tensor, cell: Tensor, edges: Tensor) -> tuple[Tensor, list[int]]:
    """Neighbours of every site, shell by shell.

    Parameters
    ----------
    positions : Tensor [M, 3]
        Angstrom.
    cell : Tensor [3, 3]
        Rows are the lattice vectors, angstrom.
    edges : Tensor [S], ascending
        Outer boundary of each shell, angstrom; the first shell is the site itself.

    Returns
    -------
    table : Tensor [n, M], int64
        Column i lists the neighbours of site i: first those of shell 0, then shell 1, ...; M
        stands where a site has fewer neighbours in a shell than others have.
    sizes : list of S ints
        Rows of `table` that belong to each shell.
    """
    sites, shells = positions.size(0), edges.size(0)
    i, j, distance = pairs_within(positions, cell, float(edges[-1]))
    group = torch.bucketize(distance, edges, right=True) * sites + i
    order = torch.argsort(group, stable=True)
    group, i, j = group[order], i[order], j[order]
    counts = torch.bincount(group, minlength=shells * sites)
    rank = (
        torch.arange(group.size(0), device=group.device) - (torch.cumsum(counts, 0) - counts)[group]
    )
    largest = counts.view(shells, sites).amax(dim=1)
    row = (torch.cumsum(largest, 0) - largest)[torch.div(group, sites, rounding_mode="floor")]
    rows = int(largest.sum())
    table = torch.full((rows, sites), sites, dtype=torch.int64, device=positions.device)
    table[row + rank, i] = j
    sizes: list[int] = []
    for shell in range(shells):
        sizes.append(int(largest[shell]))
    return table, sizes


def shell_edges(positions: ArrayLike, cell: ArrayLike, shells: int) -> NDArray[np.float64]:
    """Outer boundaries of a sheet's first shells, midway between neighbouring shell distances.

    Midway boundaries let another sheet of the same material, or the same under a few per cent of
    strain, fall into the same shells.

    Parameters
    ----------
    positions : array [M, 3]
        Sites of the sheet, angstrom.
    cell : array [3, 3]
        Rows are the lattice vectors, angstrom.
    shells : int
        How many, the site itself being the first.

    Returns
    -------
    ndarray [shells], float64
        Angstrom.

    Raises
    ------
    VoxionError
        The distances in the sheet do not fall into that many separate shells.
    """
    sites = torch.as_tensor(np.asarray(positions, np.float64))
    vectors = torch.as_tensor(np.asarray(cell, np.float64))
    reach = 8.0
    while reach < _LARGEST_REACH:
        distances = np.sort(pairs_within(sites, vectors, reach)[2].numpy())
        gaps = np.flatnonzero(np.diff(distances) > SHELL_GAP)
        # the outermost shell may be cut by the reach: one more than needed must be complete
        if len(gaps) > shells:
            return (distances[gaps[:shells]] + distances[gaps[:shells] + 1]) / 2
        reach *= 1.5
    raise VoxionError(
        f"The distances in the sheet of {len(sites)} atoms form no {shells} separate shells "
        f"({SHELL_GAP} A apart) within {_LARGEST_REACH:g} A: use fewer shells or an ordered sheet."
    )
