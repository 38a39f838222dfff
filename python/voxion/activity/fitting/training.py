"""Training of the graph network: mean squared error, Adam, early stopping on a validation fold."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from voxion.activity.data.graphs import molecule_graphs
from voxion.activity.data.table import ActivityData, Floats
from voxion.activity.models.network import ActivityNetwork, Environments, environments_of
from voxion.errors import VoxionError
from voxion.training_folder import torch_threads

EPOCHS = 1000  # at most, as in the paper
PATIENCE = 100  # epochs without a lower validation loss; the paper does not tell its own
FOLDS = 11
Indices = NDArray[np.int64]


@dataclass(frozen=True)
class Hyperparameters:
    """Hyperparameters that the paper varies.

    These values predict held-out rows of the paper's training part as well as those of its figs. 7
    and 9 (256, 0.005, 10) do, in a third of the time.

    Attributes
    ----------
    hidden : int
        Width of all layers.
    learning_rate : float
        Learning rate of Adam.
    batch : int
        Rows in a step.
    """

    hidden: int = 128
    learning_rate: float = 0.005
    batch: int = 20

    @property
    def name(self) -> str:
        """As in "hidden 256, learning rate 0.005, batch 10"."""
        return f"hidden {self.hidden}, learning rate {self.learning_rate:g}, batch {self.batch}"


class NetworkInputs(NamedTuple):
    """N rows of a data set as tensors: the arguments of `ActivityNetwork.forward`.

    Attributes
    ----------
    polymers, salts : Environments
        The distinct molecules.
    polymer_of, salt_of : Tensor [N]
        Number of each row's molecule.
    numbers : Tensor [N, 14]
        See `ActivityData.numbers`.
    """

    polymers: Environments
    salts: Environments
    polymer_of: Tensor
    salt_of: Tensor
    numbers: Tensor

    def take(self, rows: Tensor) -> NetworkInputs:
        """Return some rows; the molecules stay."""
        return self._replace(
            polymer_of=self.polymer_of[rows],
            salt_of=self.salt_of[rows],
            numbers=self.numbers[rows],
        )


def network_inputs(data: ActivityData) -> NetworkInputs:
    """Make graphs of the molecules that occur.

    Raises
    ------
    VoxionError
        A molecule cannot be read, or has an atom without features.
    """
    polymers, polymer_of = _molecules(data.polymers, data.polymer_smiles, "polymer")
    salts, salt_of = _molecules(data.salts, data.salt_smiles, "salt")
    numbers = torch.tensor(data.numbers, dtype=torch.float32)
    return NetworkInputs(polymers, salts, polymer_of, salt_of, numbers)


def _molecules(
    names: NDArray[np.str_], smiles: dict[str, str], kind: str
) -> tuple[Environments, Tensor]:
    _, number = np.unique(names, return_inverse=True)
    graphs = molecule_graphs(names, smiles, kind)
    return environments_of(list(graphs.values())), torch.from_numpy(number.astype(np.int64))


@dataclass(frozen=True)
class FittedNetwork:
    """One trained network.

    Attributes
    ----------
    network : ActivityNetwork
        With the weights of the epoch of the lowest validation loss.
    losses : ndarray [epochs, 2]
        Mean squared errors of training and validation part, of gamma.
    best_epoch : int
        Its number, from 1.
    """

    network: ActivityNetwork
    losses: Floats
    best_epoch: int


def fit_network(
    inputs: NetworkInputs,
    gamma: Floats,
    training: Indices,
    validation: Indices,
    hyperparameters: Hyperparameters,
    *,
    descriptors: bool,
    seed: int,
    epochs: int = EPOCHS,
) -> FittedNetwork:
    """Train one network; on one machine the same for the same seed of weights and batches.

    Parameters
    ----------
    inputs : NetworkInputs
    gamma : ndarray [N]
    training, validation : ndarray of int
        Rows; scaling is fitted to the training rows, the validation rows tell when to stop.
    hyperparameters : Hyperparameters
    descriptors : bool
        Which architecture, see `ActivityNetwork`.
    seed : int
    epochs : int
        At most.

    Raises
    ------
    VoxionError
        No loss was finite.
    """
    with torch_threads(1):  # such small tensors only wait for each other on more
        return _fit(inputs, gamma, training, validation, hyperparameters, descriptors, seed, epochs)


def _fit(
    inputs: NetworkInputs,
    gamma: Floats,
    training: Indices,
    validation: Indices,
    hyperparameters: Hyperparameters,
    descriptors: bool,
    seed: int,
    epochs: int,
) -> FittedNetwork:
    generator = torch.Generator().manual_seed(seed)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = ActivityNetwork(hyperparameters.hidden, descriptors)
    rows, held = torch.from_numpy(training), torch.from_numpy(validation)
    target = torch.tensor(gamma, dtype=torch.float32)
    network.set_scaling(inputs.numbers[rows], target[rows])
    scaled = (target - network.gamma_mean) / network.gamma_scale
    adam = torch.optim.Adam(network.parameters(), lr=hyperparameters.learning_rate, fused=True)
    losses: list[tuple[float, float]] = []
    best, best_epoch, best_state = math.inf, 0, network.state_dict()
    for epoch in range(1, epochs + 1):
        total = 0.0
        for batch in rows[torch.randperm(len(rows), generator=generator)].split(
            hyperparameters.batch
        ):
            loss = _squared_error(network, inputs, batch, scaled)
            adam.zero_grad()
            loss.backward()
            adam.step()
            total += float(loss.detach()) * len(batch)
        with torch.no_grad():
            held_loss = float(_squared_error(network, inputs, held, scaled))
        losses.append((total / len(rows), held_loss))
        if held_loss < best:
            best, best_epoch = held_loss, epoch
            best_state = {name: value.clone() for name, value in network.state_dict().items()}
        if epoch - best_epoch >= PATIENCE:
            break
    if best_epoch == 0:
        raise VoxionError("The training found no finite loss: take a smaller learning rate.")
    network.load_state_dict(best_state)
    to_gamma = float(network.gamma_scale) ** 2
    return FittedNetwork(network.eval(), np.array(losses) * to_gamma, best_epoch)


def _squared_error(
    network: ActivityNetwork, inputs: NetworkInputs, rows: Tensor, scaled: Tensor
) -> Tensor:
    """Mean squared error of some rows in units of the training part's variance."""
    found = network.scaled(*inputs.take(rows))
    return torch.nn.functional.mse_loss(found, scaled[rows])


def predict(networks: Sequence[ActivityNetwork], inputs: NetworkInputs) -> Floats:
    """Return the coefficients of all rows by each of K networks [K, N]."""
    found = []
    with torch.no_grad():
        for network in networks:
            found.append(network(*inputs).numpy().astype(np.float64))
    return np.stack(found)


def random_folds(rows: Indices, folds: int, seed: int) -> Iterator[tuple[Indices, Indices]]:
    """Split rows into training and validation part so that each row validates once.

    Raises
    ------
    VoxionError
        There are fewer than 2 folds, or fewer rows than folds.
    """
    if not 2 <= folds <= len(rows):
        raise VoxionError(f"{folds} folds of {len(rows)} rows: give 2 folds to {len(rows)}.")
    order = np.random.default_rng(seed).permutation(rows)
    for validation in np.array_split(order, folds):
        yield np.setdiff1d(rows, validation), np.sort(validation)
