"""Inputs that excite a filter or a class most: activation maximisation on voxel grids.

Gradient ascent on the input, as Erhan et al., Univ. Montreal report 1341 (2009), with what later
work found needed for inputs that look like something (Olah, Mordvintsev and Schubert, Distill 2017,
doi:10.23915/distill.00007): steps in Fourier space, random shifts, a penalty on roughness. Grids
are periodic, so a shift by any vector leaves the system the same, and all vectors are drawn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from voxion.voxels.explain.layers import ConvolutionLayer

if TYPE_CHECKING:
    from voxion.voxels.classifier.network import C3D

STEPS = 128
RATE = 0.5  # of Adam, on the modes
# Adam alone blows modes of no consequence up to the size of the others; gradients are about 1
NEGLIGIBLE = 1.0
START = 0.1  # spread of the modes at the start: grids of 0.5 with a faint noise
# Weight of the penalty against a gradient of unit mean square; 1 leaves classes below the frames
ROUGHNESS = 0.1
# A filter that is silent at the start must still show the way up
LEAK = 0.01
BATCH = 8
NOISE_GRIDS = 16
AXES = (2, 3, 4)  # z, y, x of grids [B, C, nz, ny, nx]


@dataclass(frozen=True)
class MaximisedInput:
    """The grid that excites one filter or class most, and how much it does.

    Attributes
    ----------
    layer : str or None
        None for a class.
    index : int
        Index of the filter or class.
    grid : ndarray [C, nz, ny, nx], float32
        Values in 0 ... 1, as normalised grids have.
    activation : float
        Mean of the filter's map after ReLU, or the logit of the class.
    on_noise : float
        Largest activation on grids of uniform noise.
    on_frames : float
        Largest activation on the frames that were given.
    """

    layer: str | None
    index: int
    grid: NDArray[np.float32]
    activation: float
    on_noise: float
    on_frames: float

    @property
    def maximised(self) -> bool:
        """True if the grid excites more than noise and all frames do."""
        return self.activation > max(self.on_noise, self.on_frames)


def activations(network: C3D, layer: ConvolutionLayer | None, grids: Tensor) -> Tensor:
    """Activation of each filter of a layer, or of each class, by each grid.

    Parameters
    ----------
    grids : Tensor [B, C, nz, ny, nx]

    Returns
    -------
    Tensor [B, filters or classes]
        Mean over a filter's map after ReLU; logits when `layer` is None.
    """
    return _activations(network, layer, grids, leak=0.0)


def largest_activations(
    network: C3D, layers: Sequence[ConvolutionLayer | None], grids: Iterable[Tensor]
) -> list[NDArray[np.float64]]:
    """Largest activation of each filter (or class, for None) of each layer over single grids."""
    largest: list[NDArray[np.float64]] | None = None
    with torch.no_grad():
        for grid in grids:
            found = [
                activations(network, layer, grid[None])[0].double().numpy() for layer in layers
            ]
            largest = found if largest is None else list(map(np.maximum, largest, found))
    return largest or []


def noise(network: C3D, seed: int = 0) -> Iterable[Tensor]:
    """Grids of uniform noise in 0 ... 1, to compare with."""
    shape = network.channels, *network.shape
    generator = torch.Generator().manual_seed(seed)
    return (torch.rand(*shape, generator=generator) for _ in range(NOISE_GRIDS))


def maximise(
    network: C3D,
    layer: ConvolutionLayer | None,
    indices: Sequence[int],
    *,
    steps: int = STEPS,
    seed: int = 0,
    on_done: Callable[[int], object] = lambda count: None,
) -> NDArray[np.float32]:
    """Find the grids that excite filters of a layer, or classes, most.

    A grid is the logistic function of a sum of free modes, each weighted with 1 / q, so it stays in
    0 ... 1. Each step of Adam follows the gradient of the activation, scaled to unit mean square,
    less `ROUGHNESS` times that of half the summed squares of the differences between neighbours.

    Parameters
    ----------
    network : C3D
        Without gradients of its weights; it is not changed.
    layer : ConvolutionLayer or None
        None for classes.
    indices : sequence of int
        Filters or classes.
    steps, seed : int
        On one machine the same seed gives the same grids, whatever else is maximised beside them.
    on_done : function
        Called with the number of grids finished since the last call.

    Returns
    -------
    ndarray [len(indices), C, nz, ny, nx], float32
    """
    found = []
    for first in range(0, len(indices), BATCH):
        batch = list(indices[first : first + BATCH])
        found.append(_ascend(network, layer, batch, steps, seed))
        on_done(len(batch))
    return np.concatenate(found)


def maximised_inputs(
    network: C3D,
    layer: ConvolutionLayer | None,
    indices: Sequence[int],
    on_frames: NDArray[np.float64],
    *,
    steps: int = STEPS,
    seed: int = 0,
    on_done: Callable[[int], object] = lambda count: None,
) -> list[MaximisedInput]:
    """Maximise filters or classes, and compare with noise and with frames.

    Parameters
    ----------
    on_frames : ndarray
        Largest activation of every filter of the layer, or class, on frames, from
        `largest_activations`. The others are those of `maximise`.
    """
    grids = maximise(network, layer, indices, steps=steps, seed=seed, on_done=on_done)
    (on_noise,) = largest_activations(network, [layer], noise(network, seed))
    found = []
    for index, grid in zip(indices, grids, strict=True):
        (reached,) = largest_activations(network, [layer], [torch.from_numpy(grid)])
        found.append(
            MaximisedInput(
                None if layer is None else layer.name,
                index,
                grid,
                float(reached[index]),
                float(on_noise[index]),
                float(on_frames[index]),
            )
        )
    return found


def _activations(
    network: C3D, layer: ConvolutionLayer | None, grids: Tensor, leak: float
) -> Tensor:
    if layer is None:
        logits: Tensor = network(grids)
        return logits
    maps = network.features[: layer.index + 1](grids)
    return functional.leaky_relu(maps, leak).mean((2, 3, 4))


def _ascend(
    network: C3D,
    layer: ConvolutionLayer | None,
    indices: list[int],
    steps: int,
    seed: int,
) -> NDArray[np.float32]:
    shape = network.channels, *network.shape
    starts = [
        START * torch.randn(shape, generator=torch.Generator().manual_seed(_mixed(seed, index)))
        for index in indices
    ]
    modes = torch.view_as_real(torch.fft.rfftn(torch.stack(starts), dim=AXES, norm="ortho"))
    modes = modes.clone().requires_grad_()
    weights = _mode_weights(network.shape)
    optimiser = torch.optim.Adam([modes], lr=RATE, eps=NEGLIGIBLE)
    shifts = torch.Generator().manual_seed(seed)
    rows = torch.arange(len(indices))
    best = torch.full((len(indices),), -torch.inf)
    kept = torch.empty(len(indices), *shape)
    for _ in range(steps):
        grids = _grids(modes, weights, network.shape)
        shift = [int(torch.randint(edge, (1,), generator=shifts)) for edge in network.shape]
        excited = _activations(network, layer, grids.roll(shift, AXES), LEAK)
        reached = excited[rows, indices]
        # an ascent on a narrow ridge can end below where it has been
        higher = reached.detach() > best
        best[higher], kept[higher] = reached.detach()[higher], grids.detach()[higher]
        (uphill,) = torch.autograd.grad(reached.sum(), grids, retain_graph=True)
        scale = uphill.square().mean((1, 2, 3, 4), keepdim=True).sqrt().clamp(min=1e-30)
        optimiser.zero_grad()
        (ROUGHNESS * _roughness(grids) - (uphill / scale * grids).sum()).backward()
        optimiser.step()
    return kept.numpy()


def _grids(modes: Tensor, weights: Tensor, shape: Sequence[int]) -> Tensor:
    weighted = torch.view_as_complex(modes) * weights
    return torch.sigmoid(torch.fft.irfftn(weighted, s=tuple(shape), dim=AXES, norm="ortho"))


def _mode_weights(shape: Sequence[int]) -> Tensor:
    """1 / q of each mode, that of the mean as of the longest wave; mean square 1."""
    nz, ny, nx = shape
    frequencies = torch.fft.fftfreq(nz), torch.fft.fftfreq(ny), torch.fft.rfftfreq(nx)
    q = torch.stack(torch.meshgrid(*frequencies, indexing="ij")).norm(dim=0)
    weights = 1 / q.clamp(min=1 / max(shape))
    return weights / weights.square().mean().sqrt()


def _roughness(grids: Tensor) -> Tensor:
    differences = [(grids - grids.roll(1, axis)).square().sum() for axis in AXES]
    return torch.stack(differences).sum() / 2


def _mixed(seed: int, index: int) -> int:
    """One seed from two, so that neighbours have nothing in common."""
    return int(np.random.SeedSequence([seed, index]).generate_state(1)[0])
