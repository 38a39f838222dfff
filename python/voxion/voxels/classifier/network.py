"""The 3-D convolutional network that recognises the phase of a voxel grid."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from voxion.errors import VoxionError

FILTERS = (16, 32, 64, 64, 128, 128, 128, 128)
POOLED = (1, 2, 4, 6, 8)  # convolutions that a pooling follows, from 1
DENSE = 1028  # units in each of the two dense layers
SMALLEST = 16  # voxels along an edge that four poolings leave something of


class C3D(nn.Module):
    """The paper's network: eight convolutions, five poolings, two dense layers.

    Fig. 7 and section "The Convolutional Neural Network" of Dumortier and Mossa, J. Phys. Chem. B
    124, 8918 (2020), after C3D (Tran et al., ICCV 2015, doi:10.1109/ICCV.2015.510). Kernels are
    3 x 3 x 3 with zero padding that keeps the size, max-pooling is 2 x 2 x 2 with stride 2, and
    ReLU follows each convolution and dense layer. As in C3D, the last pooling is preceded by one
    voxel of zeros on each side; with it the paper's 3,857,960 parameters come out, which fixes
    the filters, too.

    Parameters
    ----------
    channels : int
        C, of the grids.
    shape : tuple of 3 ints
        Voxels of the grids, (nz, ny, nx), at least 16 along each edge.
    classes : int
        K.

    Attributes
    ----------
    channels, shape, classes
        As given.
    features : nn.Sequential
        Convolutions, ReLUs, poolings and the padding: [B, C, nz, ny, nx] to [B, 128, z, y, x].
    classifier : nn.Sequential
        The dense part: features to logits [B, K].

    Raises
    ------
    VoxionError
        A grid that is too small, or fewer than 2 classes.
    """

    def __init__(
        self,
        channels: int = 3,
        shape: Sequence[int] = (32, 32, 32),
        classes: int = 16,
    ) -> None:
        super().__init__()
        if len(shape) != 3 or min(shape) < SMALLEST:
            raise VoxionError(
                f"The classifier needs grids of at least {SMALLEST} voxels along each edge, found "
                f"{' x '.join(str(n) for n in shape)}: write finer grids."
            )
        if channels < 1 or classes < 2:
            raise VoxionError(
                f"The classifier needs at least 1 channel and 2 classes, found {channels} and "
                f"{classes}."
            )
        nz, ny, nx = shape
        self.channels, self.shape, self.classes = channels, (nz, ny, nx), classes
        self.features = _features(channels)
        left = [_after_poolings(edge) for edge in self.shape]
        flat = FILTERS[-1] * left[0] * left[1] * left[2]
        self.classifier = nn.Sequential(
            nn.Flatten(),
            nn.Linear(flat, DENSE),
            nn.ReLU(),
            nn.Linear(DENSE, DENSE),
            nn.ReLU(),
            nn.Linear(DENSE, classes),
        )

    def forward(self, grid: Tensor) -> Tensor:
        """Logits [B, K] of normalised grids [B, C, nz, ny, nx]."""
        logits: Tensor = self.classifier(self.features(grid))
        return logits


def parameter_count(network: nn.Module) -> int:
    """Trainable parameters of a network."""
    return sum(value.numel() for value in network.parameters() if value.requires_grad)


def initialise(network: C3D, seed: int) -> None:
    """Draw all weights by He's rule for ReLU; the same for the same seed.

    The variance is 2 over the number of inputs of a unit (He et al., ICCV 2015, eq. 10,
    doi:10.1109/ICCV.2015.123), where voxels of the padding do not count: on the deepest maps, of
    2 voxels along an edge, most of a kernel lies outside. With torch's own, narrower start the
    signal fades over ten layers: logits differ by 1e-5 from grid to grid. Biases are zero but in
    the first layer, which starts as if its inputs, 0 ... 1, were centred: -1 ... 1. The last layer
    starts ten times smaller, so that the loss starts near ln K, as in the paper.
    """
    generator = torch.Generator().manual_seed(seed)
    edges = list(network.shape)
    for module in (*network.features, *network.classifier):
        if isinstance(module, nn.MaxPool3d):
            edges = [edge // 2 for edge in edges]
        elif isinstance(module, nn.Conv3d):
            inside = math.prod((3 * edge - 2) / edge for edge in edges)  # mean over the voxels
            _draw(module, module.in_channels * inside, generator)
        elif isinstance(module, nn.Linear):
            _draw(module, module.in_features, generator)
    first, last = network.features[0], network.classifier[-1]
    assert isinstance(first, nn.Conv3d) and first.bias is not None and isinstance(last, nn.Linear)
    with torch.no_grad():
        last.weight *= 0.1
        first.weight *= 2.0
        first.bias -= first.weight.sum((1, 2, 3, 4)) / 2.0


def _draw(layer: nn.Conv3d | nn.Linear, inputs: float, generator: torch.Generator) -> None:
    nn.init.normal_(layer.weight, std=math.sqrt(2.0 / inputs), generator=generator)
    if layer.bias is not None:
        nn.init.zeros_(layer.bias)


def _features(channels: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for number, filters in enumerate(FILTERS, start=1):
        layers += [nn.Conv3d(channels, filters, kernel_size=3, padding=1), nn.ReLU()]
        channels = filters
        if number == len(FILTERS):
            layers.append(nn.ConstantPad3d(1, 0.0))
        if number in POOLED:
            layers.append(nn.MaxPool3d(kernel_size=2, stride=2))
    return nn.Sequential(*layers)


def _after_poolings(edge: int) -> int:
    for _ in POOLED[:-1]:
        edge //= 2
    return (edge + 2) // 2
