"""Gradient descent with Lightning: the two losses, and a loop that stops early and resumes."""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import lightning
import torch
from lightning.pytorch.callbacks import Callback, EarlyStopping, ModelCheckpoint, RichProgressBar
from lightning.pytorch.loggers import CSVLogger
from torch import Tensor, nn
from torch.utils.data import DataLoader, DistributedSampler

from voxion.charges.models.ion_network import constrained_loss
from voxion.checkpoints import load_best, read_resumable
from voxion.errors import VoxionError
from voxion.files import parsing, read_text, refusing, replacing
from voxion.training_folder import quiet_lightning

LAST_EVERY = 10  # epochs between states that a resumed training can start from
LOGS = "logs"  # one log for each start of a training
MetricRow = dict[str, str]
_ADVICE = "train again into another folder"


class IonPositionsTraining(lightning.LightningModule):
    """Training of the ion-positions network: eq. 3 on bin indices, Adam with 2e-4."""

    def __init__(self, network: nn.Module, constraint: float) -> None:
        super().__init__()
        self.network = network
        self.constraint = constraint

    def training_step(self, batch: Sequence[Tensor], index: int) -> Tensor:
        """Return the loss of one batch: inputs [B, 4 N] and bin indices [B, M]."""
        return self._loss(batch, "train_loss")

    def validation_step(self, batch: Sequence[Tensor], index: int) -> None:
        """Log the loss of one batch of the validation part."""
        self._loss(batch, "val_loss")

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Adam."""
        return torch.optim.Adam(self.parameters(), lr=2e-4)

    def _loss(self, batch: Sequence[Tensor], name: str) -> Tensor:
        inputs, labels = batch
        loss = constrained_loss(self.network(inputs), labels, self.constraint)
        self.log(name, loss, on_step=False, on_epoch=True, batch_size=len(inputs), prog_bar=True)
        return loss


class CorrectionTraining(lightning.LightningModule):
    """Training of the correction to the linear response.

    Mean squared error in units of what the linear response leaves, so that a loss of 1 is no gain.
    """

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def training_step(self, batch: Sequence[Tensor], index: int) -> Tensor:
        """Return the loss of one batch, see `stack_frames`."""
        return self._loss(batch, "train_loss")

    def validation_step(self, batch: Sequence[Tensor], index: int) -> None:
        """Log the loss of one batch of the validation part."""
        self._loss(batch, "val_loss")

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Adam."""
        return torch.optim.Adam(self.parameters(), lr=1e-3)

    def _loss(self, batch: Sequence[Tensor], name: str) -> Tensor:
        features, residual, frame, counts = batch
        response = self.network(features).squeeze(1)
        sums = torch.zeros(len(counts), dtype=response.dtype, device=response.device)
        means = sums.index_add(0, frame, response) / counts
        loss = (response - means[frame] - residual).square().mean()
        self.log(name, loss, on_step=False, on_epoch=True, batch_size=len(frame), prog_bar=True)
        return loss


def stack_frames(frames: Sequence[tuple[Tensor, Tensor]]) -> tuple[Tensor, ...]:
    """Sites of several frames, of sheets of any size, one after the other.

    Returns
    -------
    features [B, P], residual [B], frame of each site [B], sites of each frame [frames]
    """
    counts = torch.tensor([len(residual) for _, residual in frames])
    features = torch.cat([f for f, _ in frames])
    residual = torch.cat([r for _, r in frames])
    return features, residual, torch.repeat_interleave(counts), counts


@dataclass(frozen=True)
class LoopResult:
    """Outcome of `run_loop`: the best validation loss and the epochs that were run."""

    best_loss: float
    epochs: int


def run_loop(
    module: lightning.LightningModule,
    training: Any,
    validation: Any,
    folder: Path,
    *,
    batch: int,
    epochs: int,
    patience: int,
    seed: int,
    stack: Any = None,
    progress: bool = False,
) -> LoopResult:
    """Train until the validation loss has not fallen for `patience` epochs; keep the best weights.

    A training that was interrupted continues from the state in `folder`: batches are drawn by
    seed and epoch alone, so it goes as it would have gone.

    Parameters
    ----------
    module : LightningModule
        Logs ``train_loss`` and ``val_loss``; has the best epoch's weights afterwards.
    training, validation : datasets of torch.utils.data
    folder : Path
        Gets ``checkpoints/``, ``logs/`` and ``metrics.csv``.
    batch : int
        Frames per step.
    epochs, patience, seed : int
    stack : callable, optional
        Makes one batch of several frames; torch's own by default.
    progress : bool
        Show a progress bar.

    Raises
    ------
    VoxionError
        The validation loss was never finite.
    """
    checkpoints = folder / "checkpoints"
    last = checkpoints / "last.ckpt"
    best = ModelCheckpoint(
        checkpoints,
        "best",
        monitor="val_loss",
        save_weights_only=True,
        enable_version_counter=False,
    )
    callbacks: list[Callback] = [
        best,
        ModelCheckpoint(
            checkpoints, "last", every_n_epochs=LAST_EVERY, enable_version_counter=False
        ),
        EarlyStopping("val_loss", patience=patience),
    ]
    if progress:
        callbacks.append(RichProgressBar(leave=True))
    shuffled: DistributedSampler[Any] = DistributedSampler(
        training, num_replicas=1, rank=0, shuffle=True, seed=seed
    )
    loaders = (
        DataLoader(training, batch, sampler=shuffled, collate_fn=stack),
        DataLoader(validation, batch, collate_fn=stack),
    )
    with quiet_lightning():
        trainer = lightning.Trainer(
            max_epochs=epochs,
            accelerator="auto",
            devices=1,
            deterministic=True,
            logger=CSVLogger(folder, name=LOGS),
            callbacks=callbacks,
            log_every_n_steps=1,
            num_sanity_val_steps=0,
            enable_progress_bar=progress,
            enable_model_summary=False,
        )
        try:
            if last.exists():
                read_resumable(last, module, _ADVICE)
            trainer.fit(
                module, *loaders, ckpt_path=str(last) if last.exists() else None, weights_only=True
            )
        finally:
            _collect_metrics(folder)
    score = best.best_model_score
    if score is None or not torch.isfinite(score):
        raise VoxionError(
            f"The training in {folder} has found no finite validation loss: check the data set's "
            "labels, then train again into another folder."
        )
    load_best(checkpoints / "best.ckpt", module, _ADVICE)
    return LoopResult(float(score), trainer.current_epoch)


def _collect_metrics(folder: Path) -> None:
    """Write `metrics.csv` from the log of every start: a later start replaces what it repeats."""
    rows: list[MetricRow] = []
    logs = {
        int(number.group(1)): log
        for log in (folder / LOGS).glob("version_*/metrics.csv")
        if (number := re.fullmatch("version_([0-9]{1,9})", log.parent.name))
    }
    for _, path in sorted(logs.items()):
        later = _read_log(path)
        first = min((int(row["epoch"]) for row in later), default=None)
        rows = [row for row in rows if first is None or int(row["epoch"]) < first] + later
    with replacing(folder / "metrics.csv") as temporary, temporary.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(dict.fromkeys(name for row in rows for name in row)))
        writer.writeheader()
        writer.writerows(rows)


def _read_log(path: Path) -> list[MetricRow]:
    advice = f"remove {path.parent} to leave it out of metrics.csv"
    text = read_text(path, advice)
    with refusing(path, "log of a training", advice), parsing():
        rows = list(csv.DictReader(text.splitlines(), strict=True))
        for number, row in enumerate(rows):
            if not re.fullmatch("[0-9]{1,9}", row.get("epoch") or "") or None in row:
                raise ValueError(f"row {number} has epoch {row.get('epoch')!r}")
    return rows
