"""The network: the paper's number of parameters, its shapes, and wrong sizes."""

import math

import pytest
import torch
from torch import nn

from voxion.errors import VoxionError
from voxion.voxels.classifier.network import C3D, initialise, parameter_count


def test_it_has_the_parameters_of_the_paper():
    assert parameter_count(C3D()) == 3_857_960


def test_layers_are_those_of_the_paper():
    network = C3D()
    convolutions = [m for m in network.features if isinstance(m, nn.Conv3d)]
    poolings = [m for m in network.features if isinstance(m, nn.MaxPool3d)]
    dense = [m for m in network.classifier if isinstance(m, nn.Linear)]
    assert (len(convolutions), len(poolings)) == (8, 5)
    assert [layer.out_features for layer in dense] == [1028, 1028, 16]
    # each convolution keeps the edge, each pooling halves it, C3D's padding acts before the last
    edges, values = [], torch.zeros(1, 3, 32, 32, 32)
    for module in network.features:
        values = module(values)
        if isinstance(module, nn.Conv3d | nn.MaxPool3d):
            edges.append(values.shape[-1])
    assert edges == [32, 16, 16, 8, 8, 8, 4, 4, 4, 2, 2, 2, 2]
    assert values.flatten(1).shape == (1, 1024)


@pytest.mark.parametrize("shape", [(16, 16, 16), (17, 33, 24), (48, 32, 64)])
def test_any_size_from_16_gives_logits(shape):
    network = C3D(channels=2, shape=shape, classes=3)
    with torch.no_grad():
        assert network(torch.rand(2, 2, *shape)).shape == (2, 3)


@pytest.mark.parametrize("shape", [(15, 16, 16), (32, 32, 8), (32, 32)])
def test_smaller_grids_are_refused(shape):
    with pytest.raises(VoxionError, match="at least 16 voxels"):
        C3D(shape=shape)


def test_one_class_is_refused():
    with pytest.raises(VoxionError, match="2 classes"):
        C3D(classes=1)


@pytest.mark.parametrize("edge", [16, 32, 40])
def test_start_keeps_the_signal(edge):
    network = C3D(shape=(edge,) * 3)
    initialise(network, seed=3)
    grids = torch.rand(4, 3, edge, edge, edge, generator=torch.Generator().manual_seed(0))
    grids *= torch.linspace(0.2, 1.0, 4)[:, None, None, None, None]
    with torch.no_grad():
        logits = network(grids)
    # with torch's own initial weights: below 1e-5, the logits hardly depend on the input
    assert 0.005 < float(logits.std(0).mean()) < 0.5
    loss = nn.functional.cross_entropy(logits, torch.tensor([0, 1, 2, 3]))
    assert float(loss) == pytest.approx(math.log(16), abs=0.3)


def test_start_depends_on_the_seed_alone():
    networks = [C3D(shape=(16, 16, 16)) for _ in range(3)]
    for network, seed in zip(networks, (1, 1, 2), strict=True):
        initialise(network, seed)
    first, second, other = (list(network.parameters()) for network in networks)
    for one, two in zip(first, second, strict=True):
        torch.testing.assert_close(one, two, rtol=0, atol=0)
    assert not torch.equal(first[0], other[0])


def test_first_layer_starts_centred():
    network = C3D(shape=(16, 16, 16))
    initialise(network, seed=0)
    with torch.no_grad():
        maps = network.features[0](torch.full((1, 3, 16, 16, 16), 0.5))
        varied = network.features[0](torch.rand(1, 3, 16, 16, 16))
    inside = maps[0, :, 1:-1, 1:-1, 1:-1]
    assert float(inside.abs().max()) < 1e-5
    assert float(varied.std()) > 0.5
