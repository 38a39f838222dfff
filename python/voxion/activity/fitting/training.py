"""Training of the graph network: mean squared error, Adam, early stopping on a validation fold."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.model_selection import KFold
from torch import Tensor

from voxion.activity.data.graphs import molecule_graphs
from voxion.activity.data.table import ActivityData, Floats
from voxion.activity.models.network import ActivityNetwork, Environments, environments_of
from voxion.errors import VoxionError
from voxion.training_folder import torch_threads

EPOCHS = 1000  # largest number, the paper's
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
        Network with the weights of the epoch of the lowest validation loss.
    losses : ndarray [epochs, 2]
        Mean squared errors of training and validation part, of gamma.
    best_epoch : int
        Number of that epoch, from 1.
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
        Whether the network sees the descriptors, see `ActivityNetwork`.
    seed : int
    epochs : int
        Largest number of epochs.

    Raises
    ------
    VoxionError
        No loss was finite.
    """
    # such small tensors only wait for each other on more than one thread
    with torch_threads(1), torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        network = ActivityNetwork(hyperparameters.hidden, descriptors)
        return _fit(network, inputs, gamma, training, validation, hyperparameters, seed, epochs)


def _fit(
    network: ActivityNetwork,
    inputs: NetworkInputs,
    gamma: Floats,
    training: Indices,
    validation: Indices,
    hyperparameters: Hyperparameters,
    seed: int,
    epochs: int,
) -> FittedNetwork:
    rows, held = torch.from_numpy(training), torch.from_numpy(validation)
    target = torch.tensor(gamma, dtype=torch.float32)
    network.set_scaling(inputs.numbers[rows], target[rows])
    scaled = (target - network.gamma_mean) / network.gamma_scale

    def squared_error(numbers: Tensor) -> Tensor:
        """Mean squared error of some rows in units of the training part's variance."""
        found = network.scaled(*inputs.take(numbers))
        return torch.nn.functional.mse_loss(found, scaled[numbers])

    # here, so that a prediction need not wait for Lightning
    from voxion.activity.fitting.loops import ShuffledRows, descend

    found = descend(
        network,
        squared_error,
        ShuffledRows(rows, hyperparameters.batch, seed),
        held,
        learning_rate=hyperparameters.learning_rate,
        epochs=epochs,
        patience=PATIENCE,
    )
    if found.best_epoch == 0:
        raise VoxionError("The training found no finite loss: take a smaller learning rate.")
    network.load_state_dict(found.best_state)
    losses = np.array(found.losses) * float(network.gamma_scale) ** 2
    return FittedNetwork(network.eval(), losses, found.best_epoch)


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
    for kept, held in KFold(folds).split(order):
        yield np.sort(order[kept]), np.sort(order[held])
