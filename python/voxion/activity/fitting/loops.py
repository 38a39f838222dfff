"""Gradient descent of an activity network with Lightning, which stops early."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import lightning
import torch
from lightning.pytorch.callbacks import Callback, EarlyStopping
from torch import Tensor, nn
from torch.utils.data import DataLoader

from voxion.training_folder import quiet_lightning

VALIDATION_LOSS = "val_loss"


@dataclass(frozen=True)
class Descent:
    """What a training found.

    Attributes
    ----------
    losses : list of (float, float)
        Loss of training and validation part in each epoch.
    best_epoch : int
        Epoch of the lowest validation loss, from 1; 0 if none was finite.
    best_state : dict
        State of the network at its end.
    """

    losses: list[tuple[float, float]]
    best_epoch: int
    best_state: dict[str, Tensor]


def descend(
    network: nn.Module,
    loss_of: Callable[[Tensor], Tensor],
    training: ShuffledRows,
    validation: Tensor,
    *,
    learning_rate: float,
    epochs: int,
    patience: int,
) -> Descent:
    """Train a network by Adam until the validation loss no longer falls.

    Parameters
    ----------
    network : Module
    loss_of : callable
        Mean loss of the network on rows of these numbers [B].
    training : ShuffledRows
        Batches of the training rows.
    validation : Tensor [V]
        Numbers of the validation rows.
    learning_rate : float
    epochs : int
        Largest number of epochs.
    patience : int
        Epochs without a lower validation loss after which the training ends.
    """
    module, best = RowsTraining(network, loss_of, learning_rate), BestState()
    with quiet_lightning():
        trainer = lightning.Trainer(
            accelerator="cpu",  # a step is too small to be worth a copy to another device
            max_epochs=epochs,
            callbacks=[best, EarlyStopping(VALIDATION_LOSS, patience=patience)],
            num_sanity_val_steps=0,
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
        )
        one_batch: Any = [validation]  # any sequence is a data set
        trainer.fit(module, training, DataLoader(one_batch, batch_size=None))
    return Descent(module.losses, best.epoch, best.state)


class ShuffledRows:
    """Batches of row numbers, in another order in each epoch.

    A `DataLoader` would collate them row by row.
    """

    def __init__(self, rows: Tensor, batch: int, seed: int) -> None:
        self.rows, self.batch = rows, batch
        self.generator = torch.Generator().manual_seed(seed)

    def __len__(self) -> int:
        return math.ceil(len(self.rows) / self.batch)

    def __iter__(self) -> Iterator[Tensor]:
        order = torch.randperm(len(self.rows), generator=self.generator)
        yield from self.rows[order].split(self.batch)


class RowsTraining(lightning.LightningModule):
    """Training on rows of a data set that stays in memory.

    Attributes
    ----------
    losses : list of (float, float)
        Loss of training and validation part in each epoch.
    """

    def __init__(
        self, network: nn.Module, loss_of: Callable[[Tensor], Tensor], learning_rate: float
    ) -> None:
        super().__init__()
        self.network = network
        self.loss_of = loss_of
        self.learning_rate = learning_rate
        self.losses: list[tuple[float, float]] = []
        self._sum, self._rows = 0.0, 0

    def training_step(self, batch: Tensor, index: int) -> Tensor:
        """Return the loss of a batch of row numbers [B]."""
        loss = self.loss_of(batch)
        self._sum += float(loss.detach()) * len(batch)
        self._rows += len(batch)
        return loss

    def validation_step(self, batch: Tensor, index: int) -> None:
        """Log the loss of the validation rows [V]."""
        loss = self.loss_of(batch)
        self.log(VALIDATION_LOSS, loss, batch_size=len(batch))
        self.losses.append((self._sum / self._rows, float(loss)))
        self._sum, self._rows = 0.0, 0

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Adam."""
        return torch.optim.Adam(self.parameters(), lr=self.learning_rate, fused=True)


class BestState(Callback):
    """State of the network at the lowest validation loss, in memory: trainings are short and many.

    Attributes
    ----------
    epoch : int
        Number of its epoch, from 1; 0 if no loss was finite.
    state : dict
    """

    def __init__(self) -> None:
        self.loss, self.epoch = math.inf, 0
        self.state: dict[str, Tensor] = {}

    def on_validation_end(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> None:
        """Copy the state where the loss is the lowest so far."""
        loss = float(trainer.callback_metrics[VALIDATION_LOSS])
        if loss < self.loss:
            assert isinstance(pl_module, RowsTraining)
            self.loss, self.epoch = loss, trainer.current_epoch + 1
            state = pl_module.network.state_dict()
            self.state = {name: value.clone() for name, value in state.items()}
