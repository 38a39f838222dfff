"""Sizes of the clusters that water molecules form."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from MDAnalysis.lib.distances import self_capped_distance
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

BOND = 3.5  # angstrom between the oxygens of neighbouring molecules


@dataclass(frozen=True)
class ClusterSizes:
    """Distribution of cluster sizes 1 ... N over frames.

    Attributes
    ----------
    by_number : ndarray [N]
        Share of the clusters that have 1 ... N molecules.
    by_weight : ndarray [N]
        Share of the molecules that are in such a cluster.
    mean : float
        Molecules per cluster.
    weight_mean : float
        Molecules in the cluster of a molecule that is drawn at random.
    largest : float
        Share of the molecules in the largest cluster, mean over the frames.
    largest_error : float or None
        Its standard error, from blocks; None for one frame.
    """

    by_number: NDArray[np.float64]
    by_weight: NDArray[np.float64]
    mean: float
    weight_mean: float
    largest: float
    largest_error: float | None


def cluster_sizes(
    oxygens: NDArray[np.float32], dimensions: NDArray[np.float32]
) -> NDArray[np.int64]:
    """Return the sizes of the clusters of one frame.

    Molecules belong to one cluster when a chain of oxygens joins them, each within 3.5 angstrom of
    the next: the reach of the first minimum of g(r) of oxygen and oxygen in water.

    Parameters
    ----------
    oxygens : ndarray [N, 3]
        Positions, angstrom.
    dimensions : ndarray [6]
        Edges and angles of the box.

    Returns
    -------
    ndarray [clusters]
    """
    number = len(oxygens)
    pairs = self_capped_distance(oxygens, BOND, box=dimensions, return_distances=False)
    bonds = coo_array((np.ones(len(pairs), bool), (pairs[:, 0], pairs[:, 1])), (number, number))
    _, labels = connected_components(bonds.tocsr(), directed=False)
    return np.asarray(np.bincount(labels))


def summarise_clusters(
    histogram: NDArray[np.int64], largest: NDArray[np.float64], error: float | None
) -> ClusterSizes:
    """Make distributions of counted clusters.

    Parameters
    ----------
    histogram : ndarray [N]
        Clusters of 1 ... N molecules, of all frames.
    largest : ndarray [frames]
        Share of the molecules in the largest cluster.
    error : float or None
        Standard error of its mean.
    """
    sizes = np.arange(1, len(histogram) + 1)
    molecules = histogram * sizes
    return ClusterSizes(
        by_number=histogram / histogram.sum(),
        by_weight=molecules / molecules.sum(),
        mean=float(molecules.sum() / histogram.sum()),
        weight_mean=float((molecules * sizes).sum() / molecules.sum()),
        largest=float(largest.mean()),
        largest_error=error,
    )
