"""Models of crystals: layers of sites, each with an answer of its own."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from voxion.charges.data.faces import behind_face, check_layers, find_layers
from voxion.charges.models.shells import layer_shell_edges
from voxion.charges.models.site_potentials import SitePotentialsModel, layer_of
from voxion.errors import VoxionError
from voxion.systems.crystals import Crystal, CrystalCapacitor

GOLD = CrystalCapacitor(crystal=Crystal("gold", "100", layers=2), cells=(6, 5), thickness=20.0)
NEAREST = 4.0782 / np.sqrt(2)  # distance of nuclei in gold, angstrom
SHELLS, WIDTHS = 3, 2


@pytest.fixture
def crystal() -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Positions with the depth for z, the cell, and the depths of the layers."""
    positions = GOLD.lower.behind_face
    cell = torch.from_numpy(np.diag([*GOLD.edges, 60.0]))
    return torch.from_numpy(positions), cell, torch.from_numpy(find_layers(positions[:, 2], "gold"))


@pytest.fixture
def model(crystal) -> SitePotentialsModel:
    """Random weights, and layers that bear unequal shares of the charge."""
    positions, cell, depths = crystal
    edges = layer_shell_edges(positions, cell, SHELLS, layer_of(positions, depths))
    model = SitePotentialsModel(torch.from_numpy(edges), WIDTHS, 0.0, depths=depths)
    torch.manual_seed(0)
    model.weights.copy_(torch.randn_like(model.weights))
    model.mean_weights.copy_(0.01 * torch.randn_like(model.mean_weights))
    model.shares.copy_(torch.tensor([0.9, 0.1], dtype=torch.float64))
    return model


def test_shells_of_each_pair_of_layers(crystal):
    positions, cell, depths = crystal
    edges = layer_shell_edges(positions, cell, SHELLS, layer_of(positions, depths))
    # multiples of the nearest distance, squared: in a layer, and to the one below or above
    for pair, squares in {(0, 0): [0, 1, 2, 4], (0, 1): [1, 3, 5, 7], (1, 0): [1, 3, 5, 7]}.items():
        distances = NEAREST * np.sqrt(squares)
        np.testing.assert_allclose(edges[pair], (distances[1:] + distances[:-1]) / 2, atol=1e-9)


def test_charges_are_the_sums_over_shells_of_each_layer(crystal, model):
    positions, cell, depths = crystal
    potentials = torch.randn(len(positions), WIDTHS, dtype=torch.float64)
    total = torch.tensor([2.5], dtype=torch.float64)
    charges = model(potentials, positions, cell, total).numpy()
    sites, box = positions.numpy(), np.diag(cell.numpy())
    delta = sites[:, None] - sites
    layer = np.rint(sites[:, 2] / float(depths[1])).astype(int)
    answer = np.zeros(len(sites))
    for image in np.ndindex(3, 3):
        shift = (np.array(image) - 1) * box[:2]
        distance = np.linalg.norm((delta - box * np.rint(delta / box)) + [*shift, 0.0], axis=2)
        for i, j in zip(*np.nonzero(distance < NEAREST * 3), strict=True):
            edges = model.edges[layer[i], layer[j]].numpy()
            shell = int((edges <= distance[i, j]).sum())
            if shell < SHELLS:
                weights = model.weights[layer[j], :, layer[i], shell].numpy()
                answer[i] += weights @ potentials[j].numpy()
    shares, counts = np.array([0.9, 0.1]), np.bincount(layer)
    means = np.array([potentials.numpy()[layer == number].mean(0) for number in range(2)])
    of_layer = 2.5 * shares + counts * np.einsum("bk,bka->a", means, model.mean_weights.numpy())
    of_layer += shares * (2.5 - of_layer.sum())
    for number in range(2):
        inside = layer == number
        expected = answer[inside] - answer[inside].mean() + of_layer[number] / counts[number]
        np.testing.assert_allclose(charges[inside], expected, atol=1e-12)
    assert charges.sum() == pytest.approx(2.5, abs=1e-12)


def test_coefficients_are_those_of_the_shell_sums(crystal, model):
    """What the fit multiplies with its features is what the model does."""
    positions, cell, _ = crystal
    potentials = torch.randn(len(positions), WIDTHS, dtype=torch.float64)
    model.find_neighbours(positions, cell)
    response = model.linear_response(potentials)
    for layer in range(2):
        coefficients = model.coefficients(layer)
        sites = torch.nonzero(model.members[:, layer]).flatten()
        answer = model.shell_sums(potentials, sites) @ coefficients
        torch.testing.assert_close(response[sites], answer)
        model.set_coefficients(coefficients.clone(), layer)
    torch.testing.assert_close(model.linear_response(potentials), response)


def test_numbering_of_the_sites_does_not_matter(crystal, model):
    positions, cell, _ = crystal
    potentials = torch.randn(len(positions), WIDTHS, dtype=torch.float64)
    charges = model(potentials, positions, cell)
    order = torch.randperm(len(positions))
    shuffled = model(potentials[order], positions[order], cell)
    torch.testing.assert_close(shuffled, charges[order])


def test_both_electrodes_look_alike_from_the_electrolyte():
    seen = GOLD.lower.behind_face
    lower, upper = seen * [1, 1, -1], seen + np.array([0, 0, 20.0])
    np.testing.assert_allclose(behind_face(lower, upper=False), seen, atol=1e-12)
    np.testing.assert_allclose(behind_face(upper, upper=True), seen, atol=1e-12)


def test_layers_are_found_and_checked():
    depths = GOLD.lower.behind_face[:, 2]
    layers = find_layers(depths, "gold")
    np.testing.assert_allclose(layers, [0.0, 4.0782 / 2])
    check_layers(depths + 0.1, layers, "gold")
    with pytest.raises(VoxionError, match=r"a nucleus lies 2\.04 A behind .* layers at 0 A"):
        check_layers(depths, [0.0], "gold")
    three = replace(GOLD, crystal=Crystal("gold", "100")).lower.behind_face[:, 2]
    with pytest.raises(VoxionError, match=r"no nucleus lies 4\.08 A behind"):
        check_layers(depths, find_layers(three, "gold"), "gold")
    with pytest.raises(VoxionError, match=r"0\.00 to 0\.40 A behind the face form no flat layer"):
        find_layers([0.0, 0.2, 0.4], "rough")
