"""Neighbour shells of a periodic sheet, or of a crystal's layers: who is in which shell of whom.

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


def neighbour_table(
    positions: Tensor, cell: Tensor, edges: Tensor, layer: Tensor
) -> tuple[Tensor, list[int]]:
    """Neighbours of every site, layer by layer and shell by shell.

    Parameters
    ----------
    positions : Tensor [M, 3]
        Angstrom.
    cell : Tensor [3, 3]
        Rows are the lattice vectors, angstrom.
    edges : Tensor [L, L, S], ascending
        Outer boundary of each shell that the sites of a layer (second index) form around a site of
        a layer (first index), angstrom; the first shell of a site in its own layer is the site
        itself.
    layer : Tensor [M], int64
        Layer of each site.

    Returns
    -------
    table : Tensor [n, M], int64
        Column i lists the neighbours of site i: those in layer 0, first of shell 0, then shell 1,
        ...; then those in layer 1; ...; M stands where a site has fewer neighbours in a shell than
        others have.
    sizes : list of L S ints
        Rows of `table` that belong to each shell of each layer.
    """
    sites, shells = positions.size(0), edges.size(0) * edges.size(2)
    i, j, distance = pairs_within(positions, cell, float(edges.max()))
    shell = (edges[layer[i], layer[j]] <= distance.unsqueeze(1)).sum(1)
    inside = shell < edges.size(2)
    i, j = i[inside], j[inside]
    group = (layer[j] * edges.size(2) + shell[inside]) * sites + i
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
    for number in range(shells):
        sizes.append(int(largest[number]))
    return table, sizes


def shell_edges(positions: ArrayLike, cell: ArrayLike, shells: int) -> NDArray[np.float64]:
    """Outer boundaries [shells] of a sheet's shells; see `layer_shell_edges`."""
    return layer_shell_edges(positions, cell, shells, np.zeros(len(np.asarray(positions)), int))[
        0, 0
    ]


def layer_shell_edges(
    positions: ArrayLike, cell: ArrayLike, shells: int, layer: ArrayLike
) -> NDArray[np.float64]:
    """Outer boundaries of the first shells, midway between neighbouring shell distances.

    Midway boundaries let another sheet of the same material, or the same under a few per cent of
    strain, fall into the same shells.

    Parameters
    ----------
    positions : array [M, 3]
        Sites of the sheet or crystal, angstrom.
    cell : array [3, 3]
        Rows are the lattice vectors, angstrom.
    shells : int
        How many; in its own layer the site itself is the first.
    layer : array [M] of int
        Layer of each site.

    Returns
    -------
    ndarray [L, L, shells], float64
        Of the shells that sites of a layer (second index) form around a site of a layer (first
        index), angstrom.

    Raises
    ------
    VoxionError
        The distances in a layer, or between two, do not fall into that many separate shells.
    """
    sites = torch.as_tensor(np.asarray(positions, np.float64))
    vectors = torch.as_tensor(np.asarray(cell, np.float64))
    of_site = np.asarray(layer)
    layers = int(of_site.max()) + 1
    reach = 8.0
    while reach < _LARGEST_REACH:
        i, j, distance = (found.numpy() for found in pairs_within(sites, vectors, reach))
        pair = of_site[i] * layers + of_site[j]
        found = [_boundaries(distance[pair == number], shells) for number in range(layers**2)]
        if all(len(edges) == shells for edges in found):
            return np.array(found).reshape(layers, layers, shells)
        reach *= 1.5
    raise VoxionError(
        f"The distances in the electrode of {len(sites)} atoms form no {shells} separate shells "
        f"({SHELL_GAP} A apart) within {_LARGEST_REACH:g} A: use fewer shells or an ordered one."
    )


def _boundaries(distances: NDArray[np.float64], shells: int) -> NDArray[np.float64]:
    """Boundaries of the first shells among some distances, or fewer if these show no more."""
    ordered = np.sort(distances)
    gaps = np.flatnonzero(np.diff(ordered) > SHELL_GAP)
    # the outermost shell may be cut by the reach: one more than needed must be complete
    gaps = gaps[: min(shells, len(gaps) - 1)]
    edges: NDArray[np.float64] = (ordered[gaps] + ordered[gaps + 1]) / 2
    return edges
