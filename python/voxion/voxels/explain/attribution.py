"""Attribution of a class to voxels: Grad-CAM, integrated gradients, and checks of both."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from voxion.voxels.explain.layers import ConvolutionLayer

if TYPE_CHECKING:
    from voxion.voxels.classifier.network import C3D

# Doubled from the first to the last until the attributions sum to the difference of the logits
STEPS = (32, 64, 128, 256)
GAP = 0.01
BATCH = 8  # grids of a path in one forward pass
DELETIONS = 20
RANDOM_ORDERS = 5

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Integrated:
    """Integrated gradients of a logit.

    Attributes
    ----------
    attribution : ndarray [C, nz, ny, nx]
        What each value adds to the logit, against the grid without structure.
    difference : float
        Logit of the grid less that of the grid without structure.
    gap : float
        What the attributions miss of `difference`, relative to it.
    steps : int
        Points on the path.
    """

    attribution: Array
    difference: float
    gap: float
    steps: int


@dataclass(frozen=True)
class Deletion:
    """Logit of a class while voxels are flattened, most important first.

    Attributes
    ----------
    share : ndarray [D]
        Share of the voxels that are flattened, from 0 to 1.
    logit : ndarray [D]
    random : ndarray [D]
        When voxels are taken at random; mean over some orders.
    """

    share: Array
    logit: Array
    random: Array

    @property
    def mean(self) -> float:
        """Mean logit along the curve: small when the attribution found what matters."""
        return float(np.trapezoid(self.logit, self.share))

    @property
    def random_mean(self) -> float:
        """Mean logit along the curve of random orders."""
        return float(np.trapezoid(self.random, self.share))


def without_structure(grid: Tensor) -> Tensor:
    """Mean of each channel in all voxels: the mixture with the same composition, but no phases."""
    return grid.mean((-3, -2, -1), keepdim=True).expand_as(grid)


def grad_cam(network: C3D, grid: Tensor, target: int, layer: ConvolutionLayer) -> Array:
    """Grad-CAM of a class (Selvaraju et al., ICCV 2017, eqs. 1 and 2).

    The layer's maps after ReLU, each weighted by the mean gradient of the logit in it, summed, cut
    below zero and interpolated to the grid.

    Parameters
    ----------
    grid : Tensor [C, nz, ny, nx]
        Normalised.
    target : int
        Class.

    Returns
    -------
    ndarray [nz, ny, nx]
        Zero everywhere when nothing in the layer speaks for the class.
    """
    from captum.attr import LayerAttribution, LayerGradCam

    cam = LayerGradCam(network, network.features[layer.index + 1])
    coarse = cam.attribute(grid[None], target=target, relu_attributions=True)
    fine = LayerAttribution.interpolate(coarse, tuple(grid.shape[1:]), "trilinear")
    return fine.detach()[0, 0].double().numpy()


def integrated_gradients(network: C3D, grid: Tensor, target: int) -> Integrated:
    """Integrate the gradients of a logit from the grid without structure to the grid.

    Sundararajan, Taly and Yan, ICML 2017, eq. 1. The attributions sum to the difference of the
    logits (their completeness); the number of points is doubled until they do to `GAP`.

    Parameters
    ----------
    grid : Tensor [C, nz, ny, nx]
    target : int
        Class.
    """
    from captum.attr import IntegratedGradients

    baseline = without_structure(grid)
    with torch.no_grad():
        both = network(torch.stack([grid, baseline]))[:, target].double()
    difference = float(both[0] - both[1])
    method = IntegratedGradients(network)
    for steps in STEPS:
        found = method.attribute(
            grid[None],
            baselines=baseline[None],
            target=target,
            n_steps=steps,
            method="gausslegendre",
            internal_batch_size=BATCH,
        )
        attribution = found.detach()[0].double().numpy()
        gap = abs(float(attribution.sum()) - difference) / max(abs(difference), 1e-12)
        if gap <= GAP:
            break
    return Integrated(attribution, difference, gap, steps)


def randomised(network: C3D, seed: int = 0) -> C3D:
    """Copy of a network whose weights are shuffled in each layer: it has learned nothing."""
    generator = torch.Generator().manual_seed(seed)
    other = copy.deepcopy(network)
    for module in other.modules():
        if isinstance(module, nn.Conv3d | nn.Linear):
            for weights in module.parameters(recurse=False):
                order = torch.randperm(weights.numel(), generator=generator)
                weights.data = weights.data.flatten()[order].reshape(weights.shape)
    return other


def deletion_curve(
    network: C3D, grid: Tensor, target: int, importance: Array, seed: int = 0
) -> Deletion:
    """Flatten voxels to the mean of their channel, most important first, and watch the class.

    The deletion metric of Petsiuk, Das and Saenko, BMVC 2018, with the grid without structure in
    place of a grey picture, and the logit, which does not saturate, in place of the probability.

    Parameters
    ----------
    grid : Tensor [C, nz, ny, nx]
    target : int
        Class.
    importance : ndarray [nz, ny, nx]
        Importance of the voxels.
    seed : int
        Seed of the random orders.
    """
    random = np.random.default_rng(seed)
    share = np.linspace(0, 1, DELETIONS + 1)
    ours = _delete(network, grid, target, np.argsort(-importance, axis=None, kind="stable"), share)
    others = [
        _delete(network, grid, target, random.permutation(importance.size), share)
        for _ in range(RANDOM_ORDERS)
    ]
    return Deletion(share, ours, np.mean(others, axis=0))


def _delete(
    network: C3D, grid: Tensor, target: int, order: NDArray[np.intp], share: Array
) -> Array:
    rank = np.empty(order.size, np.int64)
    rank[order] = np.arange(order.size)
    ranks = torch.from_numpy(rank.reshape(tuple(grid.shape[1:])))
    flat = without_structure(grid)
    logits = []
    with torch.no_grad():
        for part in share:
            shown = torch.where(ranks < round(part * order.size), flat, grid)
            logits.append(float(network(shown[None])[0, target]))
    return np.array(logits)
