"""Attributions of networks whose reasons are known, and checks that tell good ones from bad."""

import numpy as np
import pytest
import torch
from torch import nn

from voxion.similarity import similarity
from voxion.voxels.classifier.network import C3D, initialise
from voxion.voxels.explain.attribution import (
    GAP,
    deletion_curve,
    grad_cam,
    integrated_gradients,
    randomised,
    without_structure,
)
from voxion.voxels.explain.layers import cam_layer, convolution_layers


class OneSpot(nn.Module):
    """Class 1 is told by channel 0 in one block of 4^3 voxels alone; class 0 by nothing."""

    def __init__(self) -> None:
        super().__init__()
        self.channels, self.shape = 2, (8, 8, 8)
        convolution = nn.Conv3d(2, 1, 3, padding=1)
        with torch.no_grad():
            convolution.weight.zero_()
            convolution.weight[0, 0, 1, 1, 1] = 1.0
            convolution.bias.zero_()
        self.features = nn.Sequential(convolution, nn.ReLU())

    def forward(self, grid: torch.Tensor) -> torch.Tensor:
        spot = self.features(grid)[:, 0, :4, 4:, :4].mean((1, 2, 3))
        return torch.stack([torch.zeros_like(spot), 10 * spot], 1)


@pytest.fixture
def grid() -> torch.Tensor:
    values = torch.rand(2, 8, 8, 8, generator=torch.Generator().manual_seed(1)) * 0.2
    values[0, :4, 4:, :4] += 0.7
    return values


@pytest.fixture(scope="module")
def network() -> C3D:
    found = C3D(2, (16, 16, 16), 3)
    initialise(found, 2)
    return found.eval().requires_grad_(False)


def _sample(seed: int) -> torch.Tensor:
    return torch.rand(2, 16, 16, 16, generator=torch.Generator().manual_seed(seed))


def test_integrated_gradients_of_a_linear_network_are_its_terms(grid):
    found = integrated_gradients(OneSpot().eval(), grid, 1)
    expected = np.zeros(grid.shape)
    excess = (grid - without_structure(grid)).numpy()
    expected[0, :4, 4:, :4] = 10 * excess[0, :4, 4:, :4] / 64
    np.testing.assert_allclose(found.attribution, expected, atol=1e-6)
    assert found.difference == pytest.approx(expected.sum(), rel=1e-5)
    assert found.gap < 1e-5


@pytest.mark.parametrize("target", [0, 1, 2])
def test_integrated_gradients_are_complete(network, target):
    grid = _sample(3)
    found = integrated_gradients(network, grid, target)
    with torch.no_grad():
        logits = network(torch.stack([grid, without_structure(grid)]))[:, target]
    difference = float(logits[0] - logits[1])
    assert found.difference == pytest.approx(difference, rel=1e-5)
    assert found.attribution.sum() == pytest.approx(difference, rel=2 * GAP)
    assert found.gap == pytest.approx(abs(found.attribution.sum() / difference - 1), abs=1e-6)


def test_grad_cam_finds_the_spot(grid):
    model = OneSpot().eval()
    (layer,) = convolution_layers(model)
    cam = grad_cam(model, grid, 1, layer)
    assert cam.shape == (8, 8, 8)
    inside = np.zeros(cam.shape, bool)
    inside[:4, 4:, :4] = True
    assert cam[inside].min() > cam[~inside].max()
    # nothing in the layer speaks for class 0
    assert not grad_cam(model, grid, 0, layer).any()


def test_grad_cam_is_the_weighted_sum_of_the_maps(network):
    grid = _sample(4)
    layer = cam_layer(convolution_layers(network))
    assert layer.name == "conv4" and layer.map_shape == (4, 4, 4)
    maps = network.features[: layer.index + 2](grid[None]).requires_grad_()
    logit = network.classifier(network.features[layer.index + 2 :](maps))[0, 1]
    (gradient,) = torch.autograd.grad(logit, maps)
    weights = gradient.mean((2, 3, 4), keepdim=True)
    coarse = torch.relu((weights * maps).sum(1, keepdim=True))
    expected = nn.functional.interpolate(coarse, (16, 16, 16), mode="trilinear")[0, 0]
    fine = grad_cam(network, grid, 1, layer)
    assert fine.max() > 0
    np.testing.assert_allclose(fine, expected.detach().numpy(), atol=1e-6 * fine.max())


def test_shuffled_networks_have_other_reasons(network):
    grid = _sample(5)
    found = integrated_gradients(network, grid, 1).attribution
    shuffled = randomised(network, 1)
    assert abs(similarity(found, integrated_gradients(shuffled, grid, 1).attribution)) < 0.3
    assert similarity(found, integrated_gradients(network, grid, 1).attribution) == 1


def test_shuffling_keeps_the_weights_and_the_original(network):
    before = network.features[0].weight.clone()
    shuffled = randomised(network, 0).features[0].weight
    assert torch.equal(network.features[0].weight, before)
    assert not torch.equal(shuffled, before)
    assert torch.equal(shuffled.flatten().sort().values, before.flatten().sort().values)
    assert torch.equal(shuffled, randomised(network, 0).features[0].weight)


def test_deletion_of_what_matters_is_steeper_than_random(grid):
    model = OneSpot().eval()
    importance = integrated_gradients(model, grid, 1).attribution.sum(0)
    found = deletion_curve(model, grid, 1, importance)
    with torch.no_grad():
        whole, flat = model(torch.stack([grid, without_structure(grid)]))[:, 1].tolist()
    for curve in (found.logit, found.random):
        assert curve[0] == pytest.approx(whole)
        assert curve[-1] == pytest.approx(flat, rel=1e-5)
    # the spot is an eighth of the voxels
    gone = np.searchsorted(found.share, 0.15)
    assert found.logit[gone] == pytest.approx(flat, rel=0.02)
    assert found.random[gone] > flat + 0.7 * (whole - flat)
    assert found.mean < found.random_mean
    opposite = deletion_curve(model, grid, 1, -importance)
    assert opposite.mean > found.random_mean


def test_a_constant_map_is_like_nothing():
    assert similarity(np.zeros((4, 4, 4)), np.arange(64.0).reshape(4, 4, 4)) == 0
