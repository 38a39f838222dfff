"""Activation maximisation: filters whose best input is known, and layers of the paper's network."""

import numpy as np
import pytest
import torch
from torch import nn

from voxion.voxels.classifier.network import C3D, initialise
from voxion.voxels.explain.layers import cam_layer, convolution_layers
from voxion.voxels.explain.maximisation import (
    activations,
    largest_activations,
    maximise,
    maximised_inputs,
    noise,
)
from voxion.voxels.morphology.length_scales import length_scales, spatial_correlation


@pytest.fixture
def network() -> C3D:
    """Two channels of 16^3; filter 0 of conv1 finds steps of channel 0 along x, 1 channel 1."""
    found = C3D(2, (16, 16, 16), 3)
    initialise(found, 1)
    first = found.features[0]
    with torch.no_grad():
        first.weight[:2] = 0.0
        first.weight[0, 0, 1, 1, :] = torch.tensor([-1.0, 2.0, -1.0])
        first.weight[1, 1, 1, 1, 1] = 1.0
        first.bias[:2] = 0.0
    return found.eval().requires_grad_(False)


def test_layers_of_the_papers_network():
    layers = convolution_layers(C3D())
    assert [layer.name for layer in layers] == [f"conv{i}" for i in range(1, 9)]
    assert [layer.filters for layer in layers] == [16, 32, 64, 64, 128, 128, 128, 128]
    assert [layer.map_shape[0] for layer in layers] == [32, 16, 8, 8, 4, 4, 2, 2]
    assert [layer.stride for layer in layers] == [1, 2, 4, 4, 8, 8, 16, 16]
    assert [layer.receptive_field for layer in layers] == [3, 8, 18, 26, 46, 62, 102, 134]
    assert cam_layer(layers).name == "conv6"


@pytest.mark.parametrize("index", [0, 1, 2])
def test_receptive_field_is_what_a_voxel_reaches(index):
    """All weights 1: the input voxels with a gradient are the receptive field."""
    network = C3D(1, (64, 64, 64), 2)
    for weights in network.features.parameters():
        weights.data.fill_(1.0 if weights.ndim > 1 else 0.0)
    layer = convolution_layers(network)[index]
    generator = torch.Generator().manual_seed(0)
    reached = torch.zeros(64, dtype=torch.bool)
    # a pooling passes the gradient of its largest value alone: many grids show all
    for _ in range(40 if index else 1):
        grid = torch.rand(1, 1, 64, 64, 64, generator=generator).requires_grad_()
        maps = network.features[: layer.index + 1](grid)
        middle = maps.shape[-1] // 2
        (gradient,) = torch.autograd.grad(maps[0, 0, middle, middle, middle], grid)
        reached |= gradient[0, 0].abs().amax((0, 1)) > 0
        if int(reached.sum()) == layer.receptive_field:
            break
    assert int(reached.sum()) == layer.receptive_field


def test_best_inputs_of_known_filters(network):
    layer = convolution_layers(network)[0]
    steps, level = maximise(network, layer, [0, 1], steps=100)
    assert steps.shape == (2, 16, 16, 16)
    assert steps.min() >= 0 and steps.max() <= 1
    # a second difference is largest for voxels that alternate along x, in channel 0
    wave = np.fft.fft(steps[0] - steps[0].mean(), axis=2)
    power = np.square(np.abs(wave)).sum((0, 1))
    assert power.argmax() in (7, 8, 9)
    assert steps[0].std() > 5 * steps[1].std()
    # the value itself is largest where it is 1 everywhere
    assert level[1].min() > 0.9
    assert level[1].mean() - level[0].mean() > 0.3


@pytest.mark.training
def test_maximised_beats_noise_and_frames(network):
    layer = convolution_layers(network)[2]
    frames = list(torch.rand(4, 2, 16, 16, 16, generator=torch.Generator().manual_seed(2)))
    (on_frames,) = largest_activations(network, [layer], frames)
    (on_noise,) = largest_activations(network, [layer], noise(network))
    chosen = np.argsort(on_noise)[-2:].tolist()  # some filters of a random network are dead
    found = maximised_inputs(network, layer, chosen, on_frames, steps=60)
    for one, index in zip(found, chosen, strict=True):
        grid = torch.from_numpy(one.grid)[None]
        assert one.activation == pytest.approx(float(activations(network, layer, grid)[0, index]))
        assert one.on_frames == on_frames[index]
        assert one.on_noise == on_noise[index]
        assert one.maximised
        # at least 1.36 of it, of ten networks under two instruction sets
        assert one.activation > 1.1 * one.on_noise


@pytest.mark.training
def test_opposite_classes_have_opposite_inputs(network):
    # a trained network, unlike random dense layers, cares little for places
    torch.manual_seed(0)
    network.classifier = nn.Sequential(nn.AdaptiveAvgPool3d(1), nn.Flatten(), nn.Linear(128, 2))
    network.classifier.requires_grad_(False)
    network.classifier[2].weight[1] = -network.classifier[2].weight[0]
    grids = maximise(network, None, [0, 1], steps=60)
    with torch.no_grad():
        found = network(torch.from_numpy(grids))
    # by at least 0.34, of ten networks under two instruction sets
    assert found[0, 0] > found[1, 0] + 0.1
    assert found[1, 1] > found[0, 1] + 0.1


@pytest.mark.training
def test_seeds_are_kept_whatever_stands_beside(network):
    layer = convolution_layers(network)[1]
    alone = maximise(network, layer, [5], steps=10, seed=3)
    beside = maximise(network, layer, [1, 5], steps=10, seed=3)
    other = maximise(network, layer, [5], steps=10, seed=4)
    # rounding differs with the batch: at most 0.02 of it, of ten networks
    assert abs(alone[0] - beside[1]).max() < 0.1 * abs(other - alone).max()


def test_the_network_is_not_changed(network):
    before = {name: value.clone() for name, value in network.state_dict().items()}
    maximise(network, None, [0], steps=3)
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())


def test_length_scale_of_a_maximised_filter(network):
    """Alternating voxels have a repeat of two voxels along x: far below that of the start."""
    layer = convolution_layers(network)[0]
    grid = maximise(network, layer, [0], steps=100)[0]
    assert length_scales(spatial_correlation(grid[:1])).moment < 5
