"""Graphs with the 69 atom features."""

import pytest
import torch
from rdkit import Chem
from torch_geometric.nn.conv.gcn_conv import gcn_norm
from torch_geometric.utils import to_dense_adj

from voxion.activity.data.graphs import ELEMENTS, FEATURES, molecule_graph, normalised_adjacency
from voxion.activity.data.table import ActivityData
from voxion.errors import VoxionError


def names(row: torch.Tensor) -> dict[str, float]:
    return {FEATURES[i]: float(row[i]) for i in torch.nonzero(row).ravel()}


def test_there_are_as_many_features_as_in_table_1() -> None:
    assert len(FEATURES) == len(set(FEATURES)) == 69
    assert len(ELEMENTS) == 43
    # the sizes of table 1: 43, 44-54, 55-61, 62, 63, 64-68, 69
    assert FEATURES[43:54] == tuple(f"degree {n}" for n in range(11))
    assert FEATURES[54:61] == tuple(f"{n} implicit H" for n in range(7))
    assert FEATURES[61:] == (
        "formal charge",
        "radical electrons",
        *("sp", "sp2", "sp3", "sp3d", "sp3d2"),
        "aromatic",
    )


def test_features_of_atoms_worked_out_by_hand() -> None:
    graph = molecule_graph("C[n+]1ccccc1S(=O)(=O)[O-]", "pyridinium")
    assert names(graph.x[0]) == {"C": 1, "degree 1": 1, "3 implicit H": 1, "sp3": 1}
    assert names(graph.x[1]) == {
        **{"N": 1, "degree 3": 1, "0 implicit H": 1, "formal charge": 1},
        **{"sp2": 1, "aromatic": 1},
    }
    acetate = molecule_graph("[O-]C(=O)C", "acetate")
    assert names(acetate.x[0]) == {
        **{"O": 1, "degree 1": 1, "0 implicit H": 1, "formal charge": -1, "sp2": 1}
    }
    ion = molecule_graph("[Mg+2]", "ion")
    assert names(ion.x[0]) == {"Mg": 1, "degree 0": 1, "0 implicit H": 1, "formal charge": 2}
    assert ion.edge_index.shape == (2, 0)
    assert names(molecule_graph("[CH3]", "methyl").x[0])["radical electrons"] == 1


def test_each_bond_goes_both_ways() -> None:
    graph = molecule_graph("CC(=O)OC", "ester")
    bonds = {tuple(pair) for pair in graph.edge_index.T.tolist()}
    assert bonds == {(0, 1), (1, 0), (1, 2), (2, 1), (1, 3), (3, 1), (3, 4), (4, 3)}


def test_published_molecules_have_graphs(published: ActivityData) -> None:
    groups = [(0, 43), (43, 54), (54, 61)]
    for name, text in {**published.polymer_smiles, **published.salt_smiles}.items():
        graph = molecule_graph(text, name)
        assert graph.num_nodes == Chem.MolFromSmiles(text).GetNumAtoms()
        for first, last in groups:
            assert torch.equal(graph.x[:, first:last].sum(1), torch.ones(graph.num_nodes))


def test_adjacency_is_normalised_as_torch_geometric_does() -> None:
    graph = molecule_graph("CC(C)c1ccccc1.[Na+]", "both")
    edges, weights = gcn_norm(graph.edge_index, num_nodes=graph.num_nodes)
    expected = to_dense_adj(edges, edge_attr=weights, max_num_nodes=graph.num_nodes)[0]
    found = normalised_adjacency(graph.edge_index, graph.num_nodes)
    torch.testing.assert_close(found, expected)


def test_an_element_without_a_feature_is_refused_by_name() -> None:
    with pytest.raises(VoxionError, match=r"salt CsCl: the element Cs .* none of those"):
        molecule_graph("[Cs+].[Cl-]", "salt CsCl")
