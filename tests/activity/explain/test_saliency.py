"""Saliency maps and their checks against finite differences and networks that are known."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from rdkit import Chem
from torch import nn
from torch_geometric.data import Data

from voxion.activity.data.graphs import FEATURES
from voxion.activity.data.table import ActivityData
from voxion.activity.explain.charged_groups import charged_groups, colour_name, fixed_group
from voxion.activity.explain.checks import (
    check_map,
    deletion_curve,
    shuffle_weights,
    shuffled_ensembles,
)
from voxion.activity.explain.saliency import (
    METHODS,
    Membrane,
    Molecule,
    SaliencyMap,
    atom_types,
    load_networks,
    membranes_of,
    normalised,
    predict_gamma,
    saliency,
    type_sums,
)
from voxion.activity.fitting.export import activity_contract, write_model
from voxion.activity.fitting.training import network_inputs, predict
from voxion.activity.models.estimator import Prediction
from voxion.activity.models.network import ActivityNetwork, NetworkEnsemble

SLOPE = 0.5


def random_network(seed: int, hidden: int = 16) -> ActivityNetwork:
    torch.manual_seed(seed)
    network = ActivityNetwork(hidden, True)
    for layer in network.modules():
        if isinstance(layer, nn.Linear):
            nn.init.normal_(layer.bias, std=0.3)
    return network.eval().requires_grad_(False)


def element_counter(element: str) -> ActivityNetwork:
    """gamma = constant + SLOPE times the mean over a polymer's atoms of A A x.

    x is 1 for an element, A the normalised adjacency; nothing else is seen.
    """
    network = ActivityNetwork(1, False)
    for value in network.parameters():
        nn.init.zeros_(value)
    network.polymer.first.weight[0, FEATURES.index(element)] = 1.0
    network.polymer.first.bias[0] = 1.0  # no ReLU is at its kink
    network.polymer.second.weight[0, 0] = 1.0
    network.head[0].weight[0, 0] = 1.0  # polymer, salt, concentration, water
    network.head[2].weight[0, 0] = 1.0
    network.head[4].weight[0, 0] = 1.0
    network.head[6].weight[0, 0] = SLOPE
    network.gamma_mean.fill_(1.0)
    return network


@pytest.fixture(autouse=True)
def no_gradients() -> Iterator[None]:
    """Weights are set by hand."""
    with torch.no_grad():
        yield


@pytest.fixture(scope="module")
def membranes(demo: ActivityData) -> list[Membrane]:
    return membranes_of(demo)


def map_of(networks, membrane: Membrane, method: str) -> SaliencyMap:
    with torch.enable_grad():
        return saliency(networks, membrane, method)


def propagated(molecule: Molecule) -> np.ndarray:
    """Column sums of A A over the number of atoms, A by NumPy from RDKit's bonds."""
    own = Chem.GetAdjacencyMatrix(molecule.structure) + np.eye(molecule.structure.GetNumAtoms())
    scale = 1 / np.sqrt(own.sum(axis=1))
    adjacency = scale[:, None] * own * scale[None, :]
    return (adjacency @ adjacency).mean(axis=0)


def is_oxygen(molecule: Molecule) -> np.ndarray:
    return np.array([atom.GetSymbol() == "O" for atom in molecule.structure.GetAtoms()])


def test_a_network_that_counts_oxygen_marks_oxygen(membranes: list[Membrane]) -> None:
    membrane = next(one for one in membranes if one.polymer_name == "AMPS60-random")
    oxygen, weights = is_oxygen(membrane.polymer), propagated(membrane.polymer)
    assert 0 < oxygen.sum() < len(oxygen)
    times_input = map_of([element_counter("O")], membrane, "gradient x input")
    np.testing.assert_allclose(times_input.polymer, SLOPE * weights * oxygen, rtol=1e-5)
    # a bare gradient tells what an oxygen at the place of any atom would do
    gradient = map_of([element_counter("O")], membrane, "gradient")
    np.testing.assert_allclose(gradient.polymer, SLOPE * weights, rtol=1e-5)
    assert not times_input.salt.any() and not gradient.salt.any()


@pytest.fixture
def double() -> Iterator[None]:
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


@pytest.mark.parametrize("method", METHODS)
def test_maps_are_finite_differences(demo: ActivityData, double: None, method: str) -> None:
    membrane = membranes_of(demo)[3]  # MgCl2
    for molecule in (membrane.polymer, membrane.salt):
        molecule.graph.x = molecule.graph.x.double()
    networks = [random_network(seed) for seed in (0, 1)]
    found = map_of(networks, membrane, method)
    assert len(found.salt) == 3
    step = 1e-6
    for kind in ("polymer", "salt"):
        features = getattr(membrane, kind).features
        expected = []
        for atom in range(len(features)):
            change = torch.zeros_like(features)
            change[atom] = features[atom] if method == "gradient x input" else 1.0
            ends = [
                predict_gamma(
                    networks, membrane, **{f"{kind}_features": features + s * step * change}
                ).mean()
                for s in (1, -1)
            ]
            expected.append(float(ends[0] - ends[1]) / (2 * step))
        values = getattr(found, kind)
        assert np.ptp(values) > 0
        np.testing.assert_allclose(values, expected, rtol=1e-5, atol=1e-9)


def test_renumbered_atoms_have_the_same_map(membranes: list[Membrane]) -> None:
    membrane = membranes[0]
    structure, graph = membrane.polymer.structure, membrane.polymer.graph
    order = np.random.default_rng(0).permutation(structure.GetNumAtoms())
    place = torch.from_numpy(np.argsort(order))
    renumbered = Molecule(
        Chem.RenumberAtoms(structure, order.tolist()),
        Data(x=graph.x[order.tolist()], edge_index=place[graph.edge_index]),
    )
    for method in METHODS:
        one = map_of([random_network(2)], membrane, method).polymer
        other = map_of([random_network(2)], replace(membrane, polymer=renumbered), method).polymer
        np.testing.assert_allclose(other, one[order], rtol=1e-3, atol=1e-6)
        sums = type_sums(one, atom_types(structure))
        assert type_sums(other, atom_types(renumbered.structure)) == pytest.approx(sums, abs=1e-5)


def test_maps_are_means_over_networks_and_rows(demo: ActivityData) -> None:
    pair = demo.take(np.flatnonzero(demo.pairs == demo.pairs[0]))
    networks = [random_network(seed) for seed in (3, 4)]
    (whole,) = membranes_of(pair)
    assert whole.rows.tolist() == [0, 1, 2, 3]
    parts = [
        map_of([network], membranes_of(pair.take([row]))[0], METHODS[1]).polymer
        for row in range(4)
        for network in networks
    ]
    found = map_of(networks, whole, METHODS[1]).polymer
    np.testing.assert_allclose(found, np.mean(parts, axis=0), rtol=1e-4, atol=1e-7)


def test_atom_types_name_element_and_environment() -> None:
    sulfonate = atom_types(Chem.MolFromSmiles("CC(N)CS(=O)(=O)[O-]"))
    assert sulfonate == [
        *("CH3(C)", "CH(C,C,N)", "NH2(C)", "CH2(C,S)", "S(C,O,O,O-)"),
        *("O(S)", "O(S)", "O-(S)"),
    ]
    assert atom_types(Chem.MolFromSmiles("C[n+]1ccccc1"))[:3] == [
        *("CH3(n+)", "n+(C,c,c)", "cH(c,n+)"),
    ]
    assert atom_types(Chem.MolFromSmiles("[Mg+2].[Cl-].[NH4+]")) == ["Mg2+", "Cl-", "NH4+"]


def test_type_sums_and_normalisation_keep_signs() -> None:
    sums = type_sums(np.array([0.1, -0.5, 0.1, 0.05]), ["a", "b", "a", "c"])
    assert sums == pytest.approx({"a": 0.2, "b": -0.5, "c": 0.05})
    assert normalised(sums) == pytest.approx({"a": 0.4, "b": -1.0, "c": 0.1})
    assert normalised({"a": 0.0, "b": 0.0}) == {"a": 0.0, "b": 0.0}


def test_deletion_of_oxygens_first_takes_all_that_they_count(membranes: list[Membrane]) -> None:
    membrane = next(one for one in membranes if one.polymer_name == "AMPS60-random")
    networks = [element_counter("O")]
    values = map_of(networks, membrane, METHODS[1]).polymer
    curve = deletion_curve(networks, membrane, values)
    total = -SLOPE * (propagated(membrane.polymer) * is_oxygen(membrane.polymer)).sum()
    assert curve.raising_first[-1] == pytest.approx(total, rel=1e-4)
    done = curve.share >= is_oxygen(membrane.polymer).mean()
    np.testing.assert_allclose(curve.raising_first[done], total, rtol=1e-4)
    # nothing lowers gamma: the others go first, and change nothing
    np.testing.assert_allclose(curve.lowering_first[curve.share <= 0.5], 0, atol=1e-6)
    assert curve.mean("raising_first") < curve.mean("random") < curve.mean("lowering_first")
    # a wrong map is found out
    wrong = deletion_curve(networks, membrane, -values)
    assert wrong.mean("raising_first") > wrong.mean("random") > wrong.mean("lowering_first")


def test_shuffling_keeps_weights_and_loses_what_was_learnt(membranes: list[Membrane]) -> None:
    network = random_network(5)
    other = shuffle_weights(network, 0)
    for (name, one), two in zip(
        network.state_dict().items(), other.state_dict().values(), strict=True
    ):
        torch.testing.assert_close(one.flatten().sort()[0], two.flatten().sort()[0])
        is_layer = name.endswith(("weight", "bias")) and one.numel() > 1
        assert torch.equal(one, two) != is_layer
    membrane = next(one for one in membranes if one.polymer_name == "AMPS60-random")
    networks = [element_counter("O"), element_counter("O")]
    with torch.enable_grad():
        checks = check_map(networks, shuffled_ensembles(networks), membrane, METHODS[1])
    assert checks.members == pytest.approx([1.0])
    assert max(np.abs(checks.shuffled)) < 0.6


def test_maps_that_do_not_depend_on_what_was_learnt_are_found_out(
    membranes: list[Membrane],
) -> None:
    """With the same weight everywhere, shuffling changes nothing."""
    network = ActivityNetwork(4, True)
    for value in network.parameters():
        nn.init.constant_(value, 0.1)
    with torch.enable_grad():
        checks = check_map([network], shuffled_ensembles([network]), membranes[0], METHODS[1])
    assert checks.members == []
    assert checks.shuffled == pytest.approx([1.0] * 5)


def test_networks_come_back_from_a_model_file(demo: ActivityData, tmp_path: Path) -> None:
    networks = [random_network(6), random_network(7)]
    numbers = torch.tensor(demo.numbers, dtype=torch.float32)
    for network in networks:
        network.set_scaling(numbers, torch.tensor(demo.measured, dtype=torch.float32))
    plain = predict(networks, network_inputs(demo)).mean(axis=0)
    floor = float(np.median(plain))
    gamma = np.maximum(plain, floor)
    contract = activity_contract(demo, "graph-descriptors", "graphs", (0.0, 0.0))
    module = NetworkEnsemble(networks, floor)
    expected = Prediction(gamma, gamma, gamma)
    path = write_model(module, contract, tmp_path / "m.pt", demo, expected)
    loaded, found = load_networks(path)
    assert found == contract
    for membrane in membranes_of(demo):
        # without the floor, where no gradient would be left
        np.testing.assert_allclose(
            predict_gamma(loaded, membrane).numpy(), plain[membrane.rows], rtol=1e-4, atol=1e-5
        )


@pytest.mark.parametrize(
    ("smiles", "members"),
    [
        ("CCS(=O)(=O)[O-]", [2, 3, 4, 5]),
        ("COS(=O)(=O)[O-]", [2, 3, 4, 5]),  # the ester's oxygen is not at an end
        ("CC(=O)[O-]", [1, 2, 3]),
        ("C[N+](C)(C)C", [1]),
        ("C[n+]1ccccc1", [1]),
        ("CCO", []),
    ],
)
def test_fixed_groups(smiles: str, members: list[int]) -> None:
    assert fixed_group(Chem.MolFromSmiles(smiles)) == members


def test_the_table_of_charged_groups(demo: ActivityData) -> None:
    rows = {}
    for membrane in membranes_of(demo):
        polymer, salt = membrane.polymer.structure, membrane.salt.structure
        marks = {"S": 0.3, "O": -0.1, "N": 1.0, "Cl": -0.5}
        found = [
            np.array([marks.get(atom.GetSymbol(), 0.0) for atom in one.GetAtoms()])
            for one in (polymer, salt)
        ]
        one, other = SaliencyMap(*found), SaliencyMap(-found[0], found[1])
        rows[membrane.name] = charged_groups(demo, membrane, one, [one, one, other], demo.measured)
    cation = rows["SS50-random/MgCl2"]
    # three S of 0.3; the O at each, two O= and one O-, add up to -0.2 and -0.1
    assert (cation.kind, cation.fixed, cation.fixed_colour) == ("CEM", "SO3-", "blue/red")
    assert cation.fixed_values == "S(O,O,O-,c) +1.00 O(S) -0.67 O-(S) -0.33"
    assert (cation.counter_ion, cation.counter_ion_values) == ("Mg2+", "+0.00")
    assert cation.counter_ion_colour == "nothing"
    anion = rows["VP50-block/NaCl"]
    assert (anion.kind, anion.fixed, anion.fixed_values) == ("AEM", "N+", "+1.00")
    assert (anion.fixed_colour, anion.counter_ion) == ("red", "Cl-")
    assert (anion.fixed_networks, anion.counter_ion_networks) == ("2/3", "3/3")
    assert (anion.counter_ion_values, anion.counter_ion_colour) == ("-1.00", "blue")
    assert anion.measured == anion.predicted
    low, high = (float(part) for part in anion.measured.split("-"))
    measured = demo.measured[demo.pairs == "VP50-block/NaCl"]
    assert (low, high) == pytest.approx((measured.min(), measured.max()), rel=5e-3)


@pytest.mark.parametrize(
    ("values", "colour"),
    [
        ([0.1, -0.1], "nothing"),
        ([0.3, -0.1], "lighter red"),
        ([-0.41, 0.05], "blue"),
        ([0.9, -0.11], "blue/red"),
        ([], "nothing"),
    ],
)
def test_colours_are_named(values: list[float], colour: str) -> None:
    assert colour_name(values) == colour


def test_published_membranes(published: ActivityData) -> None:
    found = {one.name: one for one in membranes_of(published)}
    assert len(found) == 18
    zeros = {
        name: charged_groups(
            published,
            one,
            SaliencyMap(
                np.zeros(one.polymer.structure.GetNumAtoms()),
                np.zeros(one.salt.structure.GetNumAtoms()),
            ),
            [],
            published.measured,
        )
        for name, one in found.items()
    }
    assert {name.split("/")[0] for name, row in zeros.items() if row.kind == "AEM"} == {
        *("AR103", "AR204", "PSbNMP_RCE", "PSbNMP_BCE"),
    }
    assert {row.fixed for row in zeros.values()} == {"SO3-", "N+"}
    sulfate = zeros["NAFION/Na2SO4"]
    assert (sulfate.counter_ion, sulfate.measured) == ("Na+", "0.0012-0.0027")
