"""The models themselves: layout, loss, shells, and the symmetries of what is exported."""

import numpy as np
import pytest
import torch

from tests.charges.reference import (
    BOND,
    CUTOFF,
    TOTAL,
    WIDTHS,
    LinearSystem,
    brute_force_potentials,
    brute_force_shells,
    graphene,
)
from voxion import _core
from voxion.charges.data.bins import ChargeBins
from voxion.charges.models.ion_network import IonPositionsModel, constrained_loss, dense_network
from voxion.charges.models.shells import neighbour_table, pairs_within, shell_edges
from voxion.charges.models.site_potentials import SitePotentialsModel
from voxion.contract.schema import load_model
from voxion.errors import VoxionError

PERIODIC = (True, True, False)


# --- the paper's network


def test_network_has_the_papers_size():
    network = dense_network(ions=176, surface_atoms=336)
    expected = 704 * 1024 + 1024 + 3 * (1024 * 1024 + 1024) + 1024 * 336 + 336
    assert sum(p.numel() for p in network.parameters()) == expected == 4_215_120
    assert [type(layer).__name__ for layer in network] == ["Linear", "ReLU"] * 4 + ["Linear"]
    assert network(torch.zeros(2, 704)).shape == (2, 336)


def test_loss_is_equation_3():
    predicted = torch.tensor([[1.0, 2.0, 4.0], [0.0, 0.0, 3.0]])
    true = torch.tensor([[1.0, 3.0, 1.0], [1.0, 1.0, 1.0]])
    # frame 1: |errors| 0 + 1 + 3, sums 7 and 5; frame 2: 1 + 1 + 2, sums 3 and 3
    assert constrained_loss(predicted, true).item() == pytest.approx(((4 + 2) / 3 + 4 / 3) / 2)
    assert constrained_loss(predicted, true, 0.0).item() == pytest.approx(4 / 3)
    assert constrained_loss(predicted, true, 2.0).item() == pytest.approx(((4 + 4) / 3 + 4 / 3) / 2)


class _Fixed(torch.nn.Module):
    def __init__(self, output: list[float]) -> None:
        super().__init__()
        self.output = torch.nn.Parameter(torch.tensor([output]))

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        return self.output


def _paper_model(output: list[float]) -> IonPositionsModel:
    bins = ChargeBins(-0.1, 0.007, np.array([-0.1, -0.09, 0.5]))
    return IonPositionsModel(_Fixed(output), bins, torch.tensor([0.0, 0.0, -2.0]), PERIODIC)


def test_outputs_are_rounded_clamped_and_decoded():
    model = _paper_model([0.4, 1.4, 9.0, -5.0])
    cell = torch.eye(3, dtype=torch.float64)
    ions = torch.zeros(1, 3, dtype=torch.float64), torch.ones(1, dtype=torch.float64)
    charges = model(*ions, torch.zeros(4, 3), cell)
    np.testing.assert_allclose(charges.detach(), [-0.1, -0.09, 0.5, -0.1])
    assert charges.dtype == torch.float64


def test_a_failed_network_is_not_hidden_by_decoding():
    charges = _paper_model([0.4, float("nan")])(
        torch.zeros(1, 3, dtype=torch.float64),
        torch.ones(1, dtype=torch.float64),
        torch.zeros(2, 3),
        torch.eye(3, dtype=torch.float64),
    )
    assert not torch.isfinite(charges[1])


def test_inputs_are_wrapped_coordinates_in_nanometres_and_charge():
    cell = torch.diag(torch.tensor([10.0, 20.0, 86.0], dtype=torch.float64))
    ions = torch.tensor([[11.0, -1.0, 40.0], [2.0, 3.0, 99.0]], dtype=torch.float64)
    charges = torch.tensor([1.0, -1.0], dtype=torch.float64)
    features = _paper_model([0.0]).features(ions, charges, cell)
    np.testing.assert_allclose(features, [0.1, 1.9, 4, 1, 0.2, 0.3, 9.9, -1], rtol=1e-6)


# --- neighbour shells


def test_edges_lie_midway_between_graphenes_shells():
    sites, cell = graphene(5, 3)
    distances = 1.42 * np.sqrt([0, 1, 3, 4, 7, 9, 12, 13, 16])
    expected = (distances[1:] + distances[:-1]) / 2
    np.testing.assert_allclose(shell_edges(sites, cell, 8), expected, atol=1e-9)


def test_disordered_sites_have_no_shells():
    sites = np.random.default_rng(0).uniform(size=(200, 3)) * [20, 20, 0]
    with pytest.raises(VoxionError, match="separate shells"):
        shell_edges(sites, np.diag([20.0, 20.0, 20.0]), 8)


@pytest.mark.parametrize(("nx", "ny", "tilt"), [(5, 3, 0), (4, 2, 0), (3, 2, 0), (5, 3, 2)])
def test_table_lists_every_neighbour_and_image_once(nx, ny, tilt):
    sites, cell = graphene(nx, ny)
    cell[1, 0] = tilt * BOND * np.sqrt(3)  # whole periods: the same sheet in a tilted cell
    edges = shell_edges(sites, np.asarray(cell), 6)
    table, sizes = neighbour_table(
        torch.from_numpy(sites),
        torch.from_numpy(cell),
        torch.from_numpy(edges)[None, None],
        torch.zeros(len(sites), dtype=torch.int64),
    )
    expected = brute_force_shells(sites, cell, edges)
    found = np.zeros_like(expected)
    row = 0
    for shell, size in enumerate(sizes):
        for neighbours in table[row : row + size]:
            found[shell, np.arange(len(sites)), neighbours] += 1
        row += size
    assert sizes == [1, 3, 6, 3, 6, 6]
    np.testing.assert_array_equal(found, expected)


def test_table_pads_the_rim_of_a_flake():
    sites = torch.tensor([[0.0, 0, 0], [1, 0, 0], [2, 0, 0]], dtype=torch.float64)
    cell = torch.eye(3, dtype=torch.float64) * 30
    edges = torch.tensor([[[0.5, 1.5]]], dtype=torch.float64)
    table, sizes = neighbour_table(sites, cell, edges, torch.zeros(3, dtype=torch.int64))
    assert sizes == [1, 2]
    assert table.T.sort(1)[0].tolist() == [[0, 1, 3], [0, 1, 2], [1, 2, 3]]


def test_large_sheets_are_searched_in_blocks():
    sites, cell = graphene(24, 14)  # 1344 atoms: more than one block of rows
    i, _, distance = pairs_within(torch.from_numpy(sites), torch.from_numpy(cell), 1.5)
    assert len(i) == 1344 * 4
    assert torch.bincount(i).unique().tolist() == [4]
    assert distance.max() < 1.5 and (distance > 1.4).sum() == 1344 * 3


# --- the exported site-potentials model, through the compiled core


class Exported:
    """The model trained on a linear system, as a function of a configuration."""

    def __init__(self, path):
        self.module, self.contract = load_model(path)

    def __call__(self, sites, sources, charges, cell):
        potentials = _core.site_potentials(
            sites, sources, charges, cell, list(PERIODIC), list(WIDTHS), CUTOFF
        )
        with torch.no_grad():
            return self.module(
                *(torch.from_numpy(np.ascontiguousarray(x)) for x in (potentials, sites, cell))
            ).numpy()


@pytest.fixture
def exported(linear_training):
    return Exported(linear_training[0].model_path)


@pytest.fixture
def configuration():
    system = LinearSystem(seed=9)
    sources = system.sources(np.random.default_rng(9)).astype(np.float64)
    return system.sites, sources, system.charges, system.cell


def test_core_and_brute_force_agree_on_potentials(configuration):
    found = _core.site_potentials(*configuration, list(PERIODIC), list(WIDTHS), CUTOFF)
    expected = brute_force_potentials(*configuration, PERIODIC, WIDTHS, CUTOFF)
    np.testing.assert_allclose(found, expected, atol=1e-7)


def test_response_is_recovered(exported, configuration):
    expected = LinearSystem().response(configuration[1])
    assert np.std(expected) > 1e-3
    np.testing.assert_allclose(exported(*configuration), expected, atol=1e-6)


def test_charge_is_conserved(exported, configuration):
    assert exported(*configuration).sum() == pytest.approx(TOTAL, abs=1e-12)


def test_numbering_of_sites_and_sources_does_not_matter(exported, configuration):
    sites, sources, charges, cell = configuration
    before = exported(*configuration)
    rng = np.random.default_rng(3)
    i, j = rng.permutation(len(sites)), rng.permutation(len(sources))
    after = exported(sites[i], sources[j], charges[j], cell)
    np.testing.assert_allclose(after, before[i], atol=1e-12)


def test_translation_rotation_and_reflection_change_nothing(exported, configuration):
    sites, sources, charges, cell = configuration
    before = exported(*configuration)
    shift = np.array([3.3, -1.7, 0.4])
    np.testing.assert_allclose(
        exported(sites + shift, sources + shift, charges, cell), before, atol=1e-9
    )
    angle = 0.7
    turn = np.array(
        [[np.cos(angle), np.sin(angle), 0], [-np.sin(angle), np.cos(angle), 0], [0, 0, 1]]
    )
    np.testing.assert_allclose(
        exported(sites @ turn, sources @ turn, charges, cell @ turn), before, atol=1e-9
    )
    mirror = np.diag([1.0, -1.0, 1.0])
    np.testing.assert_allclose(
        exported(sites @ mirror, sources @ mirror, charges, cell), before, atol=1e-9
    )


def test_moving_the_electrolyte_by_a_period_of_the_sheet_moves_the_charges(exported, configuration):
    sites, sources, charges, cell = configuration
    before = exported(*configuration)
    period = np.array([BOND * np.sqrt(3), 0.0, 0.0])
    delta = (sites + period)[:, None] - sites[None]
    delta -= np.rint(delta @ np.linalg.inv(cell)) @ cell
    moved_to = np.linalg.norm(delta, axis=2).argmin(1)
    after = exported(sites, sources + period, charges, cell)
    np.testing.assert_allclose(after[moved_to], before, atol=1e-9)
    assert np.abs(after - before).max() > 1e-4


def test_another_sheet_size_works_unchanged(exported, configuration):
    sites, sources, charges, cell = configuration
    before = exported(*configuration)
    twice = exported(
        np.concatenate([sites, sites + cell[0]]),
        np.concatenate([sources, sources + cell[0]]),
        np.tile(charges, 2),
        cell * [[2], [1], [1]],
    )
    np.testing.assert_allclose(twice, np.tile(before, 2), atol=1e-9)
    # and back: the neighbours of the smaller sheet are looked up again
    np.testing.assert_allclose(exported(*configuration), before, atol=1e-12)


def test_neighbours_are_kept_while_the_sites_stay(configuration):
    sites, _, _, cell = configuration
    model = SitePotentialsModel(torch.tensor([0.5, 2.0]), 1, 0.0)
    model.find_neighbours(torch.from_numpy(sites), torch.from_numpy(cell))
    table = model.neighbours
    model.find_neighbours(torch.from_numpy(sites + 0.05), torch.from_numpy(cell))
    assert model.neighbours is table
    model.find_neighbours(torch.from_numpy(sites + 0.2), torch.from_numpy(cell))
    assert model.neighbours is not table
