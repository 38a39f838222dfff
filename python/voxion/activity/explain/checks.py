"""Checks whether a saliency map shows what a network has learned.

A map that stays as it is when the weights are shuffled shows the molecule, not the network (Adebayo
et al., Sanity Checks for Saliency Maps, NeurIPS 2018). A map that names the atoms that matter names
those whose removal changes the prediction (Petsiuk, Das and Saenko, BMVC 2018).
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from voxion.activity.data.table import Floats
from voxion.activity.explain.saliency import Membrane, predict_gamma, saliency
from voxion.activity.models.network import ActivityNetwork
from voxion.similarity import similarity

SHUFFLES = 5  # ensembles with shuffled weights
RANDOM_ORDERS = 5
STEPS = 20  # of a deletion curve


@dataclass(frozen=True)
class Deletion:
    """gamma, mean over a membrane's rows, while the features of polymer atoms are set to zero.

    Attributes
    ----------
    share : ndarray [D]
        Share of the atoms of the polymer that are masked, from 0 to 1.
    raising_first : ndarray [D]
        Change of gamma when atoms go in the map's order, from the most positive on.
    lowering_first : ndarray [D]
        The same, masked from the most negative atom on.
    random : ndarray [D]
        In random order; mean over some.
    """

    share: Floats
    raising_first: Floats
    lowering_first: Floats
    random: Floats

    def mean(self, curve: str) -> float:
        """Mean change along a curve."""
        return float(np.trapezoid(getattr(self, curve), self.share))


@dataclass(frozen=True)
class Checks:
    """Checks of the map of one membrane's polymer by one method.

    Attributes
    ----------
    members : list of float
        Rank correlations between maps of the ensemble's networks, each pair of them: how far they
        agree on what matters; none if there is one network.
    shuffled : list of float
        Rank correlations of the ensemble's map with those of `SHUFFLES` ensembles whose weights
        are shuffled.
    deletion : Deletion
    """

    members: list[float]
    shuffled: list[float]
    deletion: Deletion


def check_map(
    networks: Sequence[ActivityNetwork],
    shuffled: Sequence[Sequence[ActivityNetwork]],
    membrane: Membrane,
    method: str,
) -> Checks:
    """Check a method's map of a membrane's polymer; `shuffled` are of `shuffled_ensembles`.

    Salts have too few atoms for ranks.
    """
    found = saliency(networks, membrane, method).polymer
    single = [saliency([one], membrane, method).polymer for one in networks]
    other = [saliency(one, membrane, method).polymer for one in shuffled]
    return Checks(
        members=[similarity(one, two) for one, two in combinations(single, 2)],
        shuffled=[similarity(found, one) for one in other],
        deletion=deletion_curve(networks, membrane, found),
    )


def shuffled_ensembles(
    networks: Sequence[ActivityNetwork], count: int = SHUFFLES
) -> list[list[ActivityNetwork]]:
    """Return copies of an ensemble that have learned nothing; see `shuffle_weights`."""
    return [
        [shuffle_weights(one, len(networks) * number + k) for k, one in enumerate(networks)]
        for number in range(count)
    ]


def shuffle_weights(network: ActivityNetwork, seed: int) -> ActivityNetwork:
    """Copy a network and shuffle the weights, and the biases, within each layer."""
    generator = torch.Generator().manual_seed(seed)
    other = copy.deepcopy(network)
    for module in other.modules():
        if isinstance(module, nn.Linear):
            for weights in module.parameters(recurse=False):
                order = torch.randperm(weights.numel(), generator=generator)
                weights.data = weights.data.flatten()[order].reshape(weights.shape)
    return other


def deletion_curve(
    networks: Sequence[ActivityNetwork], membrane: Membrane, values: Floats, seed: int = 0
) -> Deletion:
    """Mask atoms by setting all their features to zero, and watch gamma.

    Parameters
    ----------
    values : ndarray [n]
        Map of the polymer's atoms.
    seed : int
        Seed of the random orders.
    """
    generator = np.random.default_rng(seed)
    share = np.linspace(0, 1, min(STEPS, len(values)) + 1)
    follow = _follower(networks, membrane, share)
    random = [follow(generator.permutation(len(values))) for _ in range(RANDOM_ORDERS)]
    return Deletion(
        share,
        raising_first=follow(np.argsort(-values, kind="stable")),
        lowering_first=follow(np.argsort(values, kind="stable")),
        random=np.mean(random, axis=0),
    )


def _follower(
    networks: Sequence[ActivityNetwork], membrane: Membrane, share: Floats
) -> Callable[[NDArray[np.int64]], Floats]:
    """Return the function from an order of the atoms to the changes of gamma."""
    features = membrane.polymer.features

    def follow(order: NDArray[np.int64]) -> Floats:
        gamma = []
        with torch.no_grad():
            for part in share:
                masked = features.clone()
                masked[torch.from_numpy(order[: round(part * len(order))].copy())] = 0.0
                gamma.append(float(predict_gamma(networks, membrane, masked).mean()))
        return np.array(gamma) - gamma[0]

    return follow
