"""The graph network against torch-geometric's own layers, and its export."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch_geometric.data import Batch, Data
from torch_geometric.nn import GCNConv, global_mean_pool
from typer.testing import CliRunner

from voxion.activity.data.domain import familiarity
from voxion.activity.data.graphs import FEATURES, molecule_graph
from voxion.activity.data.table import ActivityData
from voxion.activity.fitting.export import activity_contract, run_model, write_model
from voxion.activity.fitting.training import network_inputs, predict
from voxion.activity.models.estimator import Prediction
from voxion.activity.models.network import (
    ActivityNetwork,
    MoleculeEncoder,
    NetworkEnsemble,
    environments_of,
    graph_environments,
)
from voxion.cli.app import app
from voxion.contract.schema import ActivityContract, load_model, parse_contract
from voxion.errors import VoxionError


def by_torch_geometric(encoder: MoleculeEncoder, graphs: list[Data]) -> torch.Tensor:
    first = GCNConv(len(FEATURES), encoder.first.out_features)
    second = GCNConv(encoder.first.out_features, encoder.second.out_features)
    for layer, own in ((first, encoder.first), (second, encoder.second)):
        layer.load_state_dict({"bias": own.bias.data, "lin.weight": own.weight.data})
    batch = Batch.from_data_list(graphs)
    inner = torch.relu(first(batch.x, batch.edge_index))
    outer = torch.relu(second(inner, batch.edge_index))
    return global_mean_pool(outer, batch.batch)


@pytest.fixture
def graphs(demo: ActivityData) -> list[Data]:
    molecules = {**demo.polymer_smiles, **demo.salt_smiles}
    return [molecule_graph(text, name) for name, text in molecules.items()]


@pytest.fixture
def encoder() -> MoleculeEncoder:
    torch.manual_seed(1)
    encoder = MoleculeEncoder(32)
    torch.nn.init.normal_(encoder.first.bias)
    torch.nn.init.normal_(encoder.second.bias)
    return encoder


def test_merged_environments_give_what_torch_geometric_gives(
    graphs: list[Data], encoder: MoleculeEncoder
) -> None:
    environments = environments_of(graphs)
    torch.testing.assert_close(
        encoder(environments), by_torch_geometric(encoder, graphs), rtol=1e-4, atol=1e-5
    )
    atoms = sum(graph.num_nodes for graph in graphs)
    assert environments.features.shape[0] < environments.propagation.shape[0] < atoms / 4


def test_one_graph_gives_what_torch_geometric_gives(
    graphs: list[Data], encoder: MoleculeEncoder
) -> None:
    for graph in graphs:
        found = encoder(graph_environments(graph.x, graph.edge_index))
        expected = by_torch_geometric(encoder, [graph])
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-5)


def test_published_polymers_have_152_environments(published: ActivityData) -> None:
    graphs = [molecule_graph(text, name) for name, text in published.polymer_smiles.items()]
    environments = environments_of(graphs)
    assert sum(graph.num_nodes for graph in graphs) == 1021
    assert environments.pooling.shape == (13, 152)
    torch.testing.assert_close(environments.pooling.sum(1), torch.ones(13))


def test_only_one_architecture_sees_descriptors(demo: ActivityData) -> None:
    inputs = network_inputs(demo)
    for descriptors in (True, False):
        torch.manual_seed(0)
        network = ActivityNetwork(16, descriptors)
        numbers = inputs.numbers.clone().requires_grad_(True)
        network(*inputs._replace(numbers=numbers)).sum().backward()
        assert numbers.grad is not None
        seen = numbers.grad.abs().sum(0) > 0
        assert seen[12:].all()
        assert seen[:12].all() == descriptors and seen[:12].any() == descriptors


def test_scaling_is_that_of_the_rows_given(demo: ActivityData) -> None:
    network = ActivityNetwork(8, True)
    numbers = torch.tensor(demo.numbers[:20], dtype=torch.float32)
    numbers[:, 3] = 7.0  # always the same
    network.set_scaling(numbers, torch.tensor(demo.measured[:20], dtype=torch.float32))
    scaled = (numbers - network.number_mean) / network.number_scale
    assert torch.isfinite(scaled).all() and (scaled[:, 3].abs() < 1e-5).all()
    expected = np.delete(demo.numbers[:20].std(axis=0), 3)
    np.testing.assert_allclose(np.delete(network.number_scale.numpy(), 3), expected, rtol=1e-4)
    assert float(network.gamma_mean) == pytest.approx(demo.measured[:20].mean())


def wide(gamma: np.ndarray) -> Prediction:
    """The intervals of the contracts below."""
    return Prediction(gamma, gamma * np.exp(-0.1), gamma * np.exp(0.1))


@pytest.fixture
def networks(demo: ActivityData) -> list[ActivityNetwork]:
    made = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        network = ActivityNetwork(16, True)
        inputs = network_inputs(demo)
        network.set_scaling(inputs.numbers, torch.tensor(demo.measured, dtype=torch.float32))
        made.append(network.eval())
    return made


def test_an_exported_model_says_what_the_networks_say(
    tmp_path: Path, demo: ActivityData, networks: list[ActivityNetwork]
) -> None:
    unbounded = predict(networks, network_inputs(demo)).mean(axis=0)
    floor = float(np.median(unbounded))
    expected = np.maximum(unbounded, floor)
    contract = activity_contract(demo, "graph-descriptors", "graphs", (0.1, 0.5))
    module = NetworkEnsemble(networks, floor)
    path = write_model(module, contract, tmp_path / "model.pt", demo, wide(expected))
    loaded, found = load_model(path, ActivityContract)
    assert found == contract
    again = run_model(loaded, contract, demo, familiarity(demo, contract))
    np.testing.assert_allclose(again.gamma, expected, rtol=1e-4)
    np.testing.assert_allclose(again.upper, expected * np.exp(0.1), rtol=1e-4)
    assert expected.min() == floor < expected.max()


def test_an_export_that_says_something_else_is_not_written(
    tmp_path: Path, demo: ActivityData, networks: list[ActivityNetwork]
) -> None:
    contract = activity_contract(demo, "graph-descriptors", "graphs", (0.1, 0.5))
    wrong = wide(np.maximum(predict(networks[:1], network_inputs(demo))[0], 0.01))
    with pytest.raises(VoxionError, match="differs from the fitted one"):
        write_model(NetworkEnsemble(networks, 0.01), contract, tmp_path / "m.pt", demo, wrong)
    assert not list(tmp_path.iterdir())


def test_inspect_prints_the_contract(
    tmp_path: Path, demo: ActivityData, networks: list[ActivityNetwork]
) -> None:
    expected = np.maximum(predict(networks, network_inputs(demo)).mean(axis=0), 0.01)
    contract = activity_contract(demo, "graph-descriptors", "graphs", (0.1, 0.5))
    path = write_model(
        NetworkEnsemble(networks, 0.01), contract, tmp_path / "m.pt", demo, wide(expected)
    )
    result = CliRunner().invoke(app, ["inspect", str(path)])
    assert result.exit_code == 0
    for text in ("ion-activity", "SS50-random", "MgCl2", "salt_conc_M [0.01, 1] mol/L"):
        assert text in " ".join(result.output.replace("│", " ").split())


def test_a_contract_without_a_unit_for_each_number_is_refused(demo: ActivityData) -> None:
    contract = activity_contract(demo, "graph", "graphs", (0.1, 0.5))
    text = contract.model_copy(update={"number_units": ("angstrom",)}).to_json()
    with pytest.raises(VoxionError, match="'number_units' must have one unit"):
        parse_contract(text, "m.pt", ActivityContract)


@pytest.mark.parametrize("key", ["atom_features", "log_interval_known", "log_interval_new"])
def test_a_contract_of_graphs_needs_their_keys(demo: ActivityData, key: str) -> None:
    contract = activity_contract(demo, "graph", "graphs", (0.1, 0.5))
    text = contract.model_copy(update={key: None}).to_json()
    with pytest.raises(VoxionError, match=f"'{key}' must go with its 'inputs'"):
        parse_contract(text, "m.pt", ActivityContract)
