"""The graph convolutional network that predicts activity coefficients, and what it is fed.

Section 2 of Naghshnejad et al. (chemrxiv-2024-jcjg3): two graph convolutions (Kipf and Welling,
ICLR 2017) with ReLU on the graph of the polymer and on that of the salt, pooling, and three hidden
layers that see both beside salt concentration, water per ion and, in the second architecture, the
12 descriptors. The paper does not tell how atoms are pooled, whether polymer and salt share weights
and how wide the hidden layers are. Here a molecule is the mean of its atoms, each kind of molecule
has its own weights, and all layers are as wide as the convolutions.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch_geometric.data import Data

from voxion.activity.data.graphs import FEATURES, normalised_adjacency
from voxion.activity.data.table import DESCRIPTORS

NUMBERS = len(DESCRIPTORS) + 2  # descriptors, salt concentration, water per ion
_DIGITS = 5  # atoms whose inputs agree to so many decimals are one environment


class Environments(NamedTuple):
    """Molecules as two rounds of graph convolution see them.

    Atoms with the same neighbours, as all methyl groups of a chain, are alike to the network, in
    whatever molecule they are. Each environment is convolved once; the result is that of the whole
    graphs. The 13 polymers of Naghshnejad et al. have 1021 atoms, and 66 environments of the first
    round, 152 of the second.

    Attributes
    ----------
    features : Tensor [E1, 69]
        Propagated features of the first round: rows of D^-1/2 (A + 1) D^-1/2 X.
    propagation : Tensor [E2, E1]
        Weights of the first round's results in the second: rows of D^-1/2 (A + 1) D^-1/2.
    pooling : Tensor [M, E2]
        Share of each environment in each molecule.
    """

    features: Tensor
    propagation: Tensor
    pooling: Tensor


def graph_environments(features: Tensor, edges: Tensor) -> Environments:
    """Return one molecule, each atom an environment of its own: features [n, 69], edges [2, E]."""
    atoms = features.shape[0]
    adjacency = normalised_adjacency(edges, atoms)
    pooling = torch.ones([1, atoms], device=features.device) / atoms
    return Environments(adjacency @ features, adjacency, pooling)


def environments_of(graphs: Sequence[Data]) -> Environments:
    """Merge the atoms of molecules that are alike."""
    single = [graph_environments(graph.x, graph.edge_index) for graph in graphs]
    first, first_of = _distinct(torch.cat([one.features for one in single]))
    own = torch.block_diag(*[one.propagation for one in single])
    merged = torch.zeros(len(own), len(first)).index_add_(1, first_of, own)
    second, second_of = _distinct(merged)
    shares = torch.block_diag(*[one.pooling for one in single])
    pooling = torch.zeros(len(graphs), len(second)).index_add_(1, second_of, shares)
    return Environments(first, second, pooling)


def _distinct(rows: Tensor) -> tuple[Tensor, Tensor]:
    """Return the distinct rows, and the number of the one that each row is."""
    _, numbers = torch.unique((rows * 10**_DIGITS).round(), dim=0, return_inverse=True)
    order = torch.argsort(numbers, stable=True)
    counts = torch.bincount(numbers)
    return rows[order[counts.cumsum(0) - counts]], numbers


class MoleculeEncoder(nn.Module):
    """Two graph convolutions with ReLU, and the mean over the atoms: vectors [M, hidden].

    The same as torch-geometric's `GCNConv`, twice, and `global_mean_pool` with these weights;
    written out since TorchScript, torch-geometric 2.8, saves `GCNConv` but cannot load it again.
    """

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.first = nn.Linear(len(FEATURES), hidden)
        self.second = nn.Linear(hidden, hidden)
        for layer in (self.first, self.second):  # as GCNConv starts
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(self, molecules: Environments) -> Tensor:
        """Return a vector [M, hidden] for each molecule."""
        inner = torch.relu(self.first(molecules.features))
        outer = torch.relu(self.second(molecules.propagation @ inner))
        return molecules.pooling @ outer


class ActivityNetwork(nn.Module):
    """Polymer, salt and numbers to activity coefficients.

    Parameters
    ----------
    hidden : int
        Width of all layers.
    descriptors : bool
        Whether the 12 descriptors are seen; the first architecture of the paper does not.

    Attributes
    ----------
    number_mean, number_scale : Tensor [14]
        Mean and standard deviation of the numbers in the training part.
    gamma_mean, gamma_scale : Tensor []
        The same of the activity coefficients.
    """

    def __init__(self, hidden: int, descriptors: bool) -> None:
        super().__init__()
        self.hidden, self.descriptors = hidden, descriptors
        self.first_number = 0 if descriptors else len(DESCRIPTORS)
        self.polymer = MoleculeEncoder(hidden)
        self.salt = MoleculeEncoder(hidden)
        inputs = 2 * hidden + NUMBERS - self.first_number
        self.head = nn.Sequential(
            nn.Linear(inputs, hidden),
            nn.ReLU(),
            nn.Linear(hidden, hidden),
            nn.ReLU(),
            nn.Linear(hidden, hidden),
            nn.ReLU(),
            nn.Linear(hidden, 1),
        )
        self.number_mean = nn.Buffer(torch.zeros(NUMBERS))
        self.number_scale = nn.Buffer(torch.ones(NUMBERS))
        self.gamma_mean = nn.Buffer(torch.zeros([]))
        self.gamma_scale = nn.Buffer(torch.ones([]))

    def set_scaling(self, numbers: Tensor, gamma: Tensor) -> None:
        """Take mean and standard deviation from the training part's numbers [N, 14], gamma [N]."""
        self.number_mean.copy_(numbers.mean(0))
        self.number_scale.copy_(_spread(numbers))
        self.gamma_mean.copy_(gamma.mean())
        self.gamma_scale.copy_(_spread(gamma))

    def scaled(
        self,
        polymers: Environments,
        salts: Environments,
        polymer_of: Tensor,
        salt_of: Tensor,
        numbers: Tensor,
    ) -> Tensor:
        """Return (gamma - mean) / scale [N]; the loss is that of these, so that it is of order 1.

        Arguments are those of `forward`.
        """
        seen = ((numbers - self.number_mean) / self.number_scale)[:, self.first_number :]
        molecules = [self.polymer(polymers)[polymer_of], self.salt(salts)[salt_of]]
        return self.head(torch.cat([molecules[0], molecules[1], seen], dim=1)).squeeze(1)

    def forward(
        self,
        polymers: Environments,
        salts: Environments,
        polymer_of: Tensor,
        salt_of: Tensor,
        numbers: Tensor,
    ) -> Tensor:
        """Return gamma [N].

        Parameters
        ----------
        polymers, salts : Environments
            The distinct molecules.
        polymer_of, salt_of : Tensor [N]
            Number of each row's molecule.
        numbers : Tensor [N, 14]
            See `ActivityData.numbers`.
        """
        scaled = self.scaled(polymers, salts, polymer_of, salt_of, numbers)
        return scaled * self.gamma_scale + self.gamma_mean


class NetworkEnsemble(nn.Module):
    """The mean of K networks for one membrane, as an exported model is called.

    Parameters
    ----------
    networks : sequence of K ActivityNetwork
        They are copied.
    floor : float
        The smallest gamma that comes out.
    """

    def __init__(self, networks: Sequence[ActivityNetwork], floor: float) -> None:
        super().__init__()
        self.networks = nn.ModuleList(copy.deepcopy(list(networks)))
        self.floor = floor

    def forward(
        self,
        polymer_features: Tensor,
        polymer_edges: Tensor,
        salt_features: Tensor,
        salt_edges: Tensor,
        numbers: Tensor,
    ) -> Tensor:
        """Return gamma [] of one membrane.

        Parameters
        ----------
        polymer_features, salt_features : Tensor [n, 69]
        polymer_edges, salt_edges : Tensor [2, E] of int64
            Each bond in both directions.
        numbers : Tensor [14]
        """
        polymer = graph_environments(polymer_features.to(torch.float32), polymer_edges)
        salt = graph_environments(salt_features.to(torch.float32), salt_edges)
        row = numbers.to(torch.float32)[None]
        only = torch.zeros([1], dtype=torch.int64)
        total = torch.zeros([1])
        for network in self.networks:
            total = total + network(polymer, salt, only, only, row)
        return (total[0] / len(self.networks)).clamp_min(self.floor)


def _spread(values: Tensor) -> Tensor:
    """Return the standard deviation of each column; 1 where all are the same."""
    spread = values.std(0, correction=0)
    return torch.where(spread > 1e-6 * values.abs().mean(0), spread, torch.ones_like(spread))
