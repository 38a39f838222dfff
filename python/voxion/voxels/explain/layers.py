"""The convolution layers of a voxel classifier, what each can see, and its weights from a file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from voxion.contract.package import PackagedModel
from voxion.contract.schema import ClassifierContract, load_model
from voxion.errors import VoxionError
from voxion.voxels.classifier.network import C3D

MAP_EDGE = 4  # voxels; a coarser map tells no places apart


@dataclass(frozen=True)
class ConvolutionLayer:
    """One convolution of a network's `features`.

    Attributes
    ----------
    name : str
        ``conv1``, ``conv2``, ... from the input on.
    index : int
        Index of the convolution in `features`.
    filters : int
    receptive_field : int
        Edge of the cube of input voxels that one output value depends on.
    stride : int
        Input voxels from one output value to the next.
    map_shape : tuple of 3 ints
        Voxels of the layer's output, z, y, x.
    """

    name: str
    index: int
    filters: int
    receptive_field: int
    stride: int
    map_shape: tuple[int, int, int]


def convolution_layers(network: C3D) -> list[ConvolutionLayer]:
    """List the convolution layers of a network, with what each can see.

    A kernel of k widens the field by (k - 1) strides; a pooling multiplies the stride by its own
    (Araujo, Norris and Sim, Distill 2019, doi:10.23915/distill.00021).
    """
    layers: list[ConvolutionLayer] = []
    field, stride = 1, 1
    values = torch.zeros(1, network.channels, *network.shape)
    with torch.no_grad():
        for index, module in enumerate(network.features):
            values = module(values)
            if not isinstance(module, nn.Conv3d | nn.MaxPool3d):
                continue
            field += (_edge(module.kernel_size) - 1) * stride
            stride *= _edge(module.stride)
            if isinstance(module, nn.Conv3d):
                z, y, x = values.shape[2:]
                name, filters = f"conv{len(layers) + 1}", module.out_channels
                layers.append(ConvolutionLayer(name, index, filters, field, stride, (z, y, x)))
    return layers


def cam_layer(layers: Sequence[ConvolutionLayer]) -> ConvolutionLayer:
    """Deepest layer whose map still tells places apart, with `MAP_EDGE` voxels along each edge."""
    fine = [layer for layer in layers if min(layer.map_shape) >= MAP_EDGE]
    return (fine or list(layers))[-1]


def load_network(path: str | Path) -> tuple[C3D, ClassifierContract]:
    """Read an exported classifier back into a Python network, whose layers can be looked into.

    Raises
    ------
    VoxionError
        As `load_model`, or the model holds another network than this version's.
    """
    module, contract = load_model(path, ClassifierContract)
    if isinstance(module, PackagedModel):
        raise VoxionError(
            f"Model {path} is a package of compiled code, whose layers cannot be looked into: "
            "export the classifier as TorchScript, a name that ends on .pt."
        )
    prefix = "network."
    weights = {
        name.removeprefix(prefix): value
        for name, value in module.state_dict().items()
        if name.startswith(prefix)
    }
    network = C3D(len(contract.channels), contract.grid, len(contract.labels))
    try:
        network.load_state_dict(weights)
    except RuntimeError:
        raise VoxionError(
            f"Model {path} holds another network than this voxion's C3D: only its own can be "
            "explained, export it again with this version."
        ) from None
    return network.eval().requires_grad_(False), contract


def _edge(size: int | tuple[int, ...]) -> int:
    return size if isinstance(size, int) else size[0]
