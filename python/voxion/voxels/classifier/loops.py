"""Gradient descent of a voxel classifier with Lightning: on one device or several, resumable."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import lightning
import torch
from lightning.fabric.utilities.exceptions import MisconfigurationException
from lightning.pytorch.callbacks import Callback, ModelCheckpoint, RichProgressBar
from torch import Tensor, nn
from torch.optim.lr_scheduler import ReduceLROnPlateau
from torch.utils.data import DataLoader, DistributedSampler, SequentialSampler, Subset
from torchmetrics import MeanMetric

from voxion.checkpoints import load_best, read_resumable
from voxion.errors import VoxionError
from voxion.files import parsing, read_text, refusing, replacing
from voxion.training_folder import quiet_lightning
from voxion.voxels.classifier.dataset import VoxelDataset

METRICS_FILE = "metrics.csv"
_ADVICE = "train again into another folder"
METRICS = ("train_loss", "train_accuracy", "val_loss", "val_accuracy")
Accelerator = Literal["auto", "cpu", "gpu"]


@dataclass(frozen=True)
class Devices:
    """Hardware that a training runs on; its result depends on it by rounding alone.

    Attributes
    ----------
    count : int
        Processes, one on each device; they share each batch (DDP).
    accelerator : "auto", "cpu" or "gpu"
    threads : int
        Number of threads of torch in each process.
    workers : int
        Processes that read grids ahead for each training process; 0 reads in that process.
    """

    count: int = 1
    accelerator: Accelerator = "auto"
    threads: int = 1
    workers: int = 0


class ClassifierTraining(lightning.LightningModule):
    """Cross-entropy and Adam; the learning rate is halved when the validation loss stands still.

    The paper (see `network`) divides it by 2 after 2 epochs without improvement, with
    Keras, which counts the second such epoch as the last: patience 1 in torch's own count.
    """

    def __init__(self, network: nn.Module, learning_rate: float, threads: int = 1) -> None:
        super().__init__()
        self.network = network
        self.learning_rate = learning_rate
        self.threads = threads
        # exact over processes with shares of different sizes, which Lightning's own means are not
        self.means: Any = nn.ModuleDict({name: MeanMetric() for name in METRICS})
        self._schedule_state: dict[str, Any] | None = None

    def training_step(self, batch: list[Tensor], index: int) -> Tensor:
        """Return the loss of one batch: grids [B, C, nz, ny, nx] and classes [B]."""
        return self._loss(batch, "train")

    def validation_step(self, batch: list[Tensor], index: int) -> None:
        """Log the loss of one batch of the validation part."""
        self._loss(batch, "val")

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """Adam; the schedule is kept here.

        Lightning would step it after the state is saved, and a resumed training would forget the
        last epoch.
        """
        optimizer = torch.optim.Adam(self.parameters(), lr=self.learning_rate)
        self.schedule = ReduceLROnPlateau(optimizer, factor=0.5, patience=1, eps=0.0)
        if self._schedule_state is not None:
            self.schedule.load_state_dict(self._schedule_state)
        return optimizer

    def on_fit_start(self) -> None:
        """Take the threads of this process."""
        torch.set_num_threads(self.threads)

    def on_train_epoch_end(self) -> None:
        """Let the schedule see the validation loss."""
        self.schedule.step(float(self.trainer.callback_metrics["val_loss"]))

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep the state of the schedule."""
        checkpoint["schedule"] = self.schedule.state_dict()

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Take the state of the schedule for `configure_optimizers`, which comes later."""
        self._schedule_state = checkpoint["schedule"]

    def _loss(self, batch: list[Tensor], part: str) -> Tensor:
        grids, classes = batch
        logits = self.network(grids)
        loss = nn.functional.cross_entropy(logits, classes)
        accuracy = (logits.argmax(1) == classes).float().mean()
        for name, value in ((f"{part}_loss", loss), (f"{part}_accuracy", accuracy)):
            self.means[name].update(value.detach(), len(classes))
            self.log(name, self.means[name], on_step=False, on_epoch=True, prog_bar=True)
        return loss


class EpochSampler(DistributedSampler[Any]):
    """Shuffles by seed and epoch alone, and tells the data set which epoch it is."""

    def set_epoch(self, epoch: int) -> None:
        """Take the number of the epoch; Lightning calls this before each."""
        super().set_epoch(epoch)
        if isinstance(self.dataset, VoxelDataset):
            self.dataset.epoch = epoch


class GridData(lightning.LightningDataModule):
    """Batches of a training: the same ones, however many processes share them.

    Parameters
    ----------
    training, validation : VoxelDataset
    batch : int
        Samples in a step, over all processes together.
    seed, workers : int
    """

    def __init__(
        self, training: VoxelDataset, validation: VoxelDataset, batch: int, seed: int, workers: int
    ) -> None:
        super().__init__()
        self.training, self.validation = training, validation
        self.batch, self.seed, self.workers = batch, seed, workers

    def train_dataloader(self) -> DataLoader[Any]:
        """Return this process's share of each batch."""
        rank, world = self._place()
        sampler = EpochSampler(
            self.training, num_replicas=world, rank=rank, shuffle=True, seed=self.seed
        )
        return self._loader(self.training, self.batch // world, sampler)

    def val_dataloader(self) -> DataLoader[Any]:
        """Return this process's share of the validation part, no sample twice."""
        rank, world = self._place()
        share: Any = Subset(self.validation, range(rank, len(self.validation), world))
        return self._loader(share, self.batch // world, SequentialSampler(share))

    def _place(self) -> tuple[int, int]:
        assert self.trainer is not None
        return self.trainer.global_rank, self.trainer.world_size

    def _loader(self, data: Any, batch: int, sampler: Any) -> DataLoader[Any]:
        return DataLoader(data, batch, sampler=sampler, num_workers=self.workers)


class EpochLog(Callback):
    """Writes `metrics.csv`, one row an epoch; a resumed training replaces what it repeats."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def on_train_epoch_end(
        self, trainer: lightning.Trainer, pl_module: lightning.LightningModule
    ) -> None:
        """Add the row of this epoch."""
        if not trainer.is_global_zero:
            return
        epoch = trainer.current_epoch
        rows = [row for row in read_metrics(self.path) if row["epoch"] < epoch]
        rate = trainer.optimizers[0].param_groups[0]["lr"]
        found = {name: float(trainer.callback_metrics[name]) for name in METRICS}
        rows.append({"epoch": epoch, "learning_rate": rate, **found})
        with replacing(self.path) as temporary, temporary.open("w", newline="") as file:
            writer = csv.DictWriter(file, list(rows[-1]))
            writer.writeheader()
            writer.writerows(rows)


def read_metrics(path: Path) -> list[dict[str, float]]:
    """Rows of a `metrics.csv`; none when there is no such file yet.

    Raises
    ------
    VoxionError
        The file is damaged.
    """
    if not path.exists():
        return []
    text = read_text(path, _ADVICE)
    with refusing(path, "table of the epochs", _ADVICE), parsing():
        rows = [
            {name: int(value) if name == "epoch" else float(value) for name, value in row.items()}
            for row in csv.DictReader(text.splitlines(), strict=True)
        ]
        names = {"epoch", "learning_rate", *METRICS}
        for number, row in enumerate(rows):
            if set(row) != names or row["epoch"] != number:
                raise ValueError(
                    f"row {number} has the columns {', '.join(row)} and epoch {row.get('epoch')}; "
                    f"expected {', '.join(sorted(names))} and epoch {number}"
                )
        return rows


def run_loop(
    network: nn.Module,
    training: VoxelDataset,
    validation: VoxelDataset,
    folder: Path,
    *,
    batch: int,
    epochs: int,
    learning_rate: float,
    seed: int,
    devices: Devices,
    progress: bool = False,
) -> list[dict[str, float]]:
    """Train for `epochs` epochs; the network has the weights of the best one afterwards.

    A training that was interrupted continues from the last finished epoch in `folder`: batches and
    augmentation are drawn by seed and epoch alone, so it goes as it would have gone.

    Parameters
    ----------
    network : nn.Module
    training, validation : VoxelDataset
    folder : Path
        Gets ``checkpoints/best.ckpt``, ``checkpoints/last.ckpt`` and ``metrics.csv``.
    batch, epochs, learning_rate, seed
        See `TrainingSettings`.
    devices : Devices
    progress : bool
        Show a progress bar.

    Returns
    -------
    list of dict
        Rows of ``metrics.csv``.

    Raises
    ------
    VoxionError
        Devices that are not there, or do not share the batch evenly; a grid that cannot be read;
        a validation loss that was never finite.
    """
    _check_share(devices, batch, len(validation))
    checkpoints = folder / "checkpoints"
    best = ModelCheckpoint(
        checkpoints,
        "best",
        monitor="val_loss",
        save_weights_only=True,
        enable_version_counter=False,
    )
    last = ModelCheckpoint(
        checkpoints, "last", save_on_train_epoch_end=True, enable_version_counter=False
    )
    callbacks: list[Callback] = [EpochLog(folder / METRICS_FILE), best, last]
    if progress:
        callbacks.append(RichProgressBar(leave=True))
    module = ClassifierTraining(network, learning_rate, devices.threads)
    data = GridData(training, validation, batch, seed, devices.workers)
    resumed = checkpoints / "last.ckpt"
    with quiet_lightning(), _in_words():
        trainer = lightning.Trainer(
            max_epochs=epochs,
            accelerator=devices.accelerator,
            devices=devices.count,
            # spawned: the script that starts the training is not run again in each process
            strategy="ddp_spawn" if devices.count > 1 else "auto",
            use_distributed_sampler=False,
            deterministic="warn",  # the gradient of a 3-D pooling is not, on a GPU
            logger=False,
            callbacks=callbacks,
            num_sanity_val_steps=0,
            enable_progress_bar=progress,
            enable_model_summary=False,
        )
        if resumed.exists():
            read_resumable(resumed, module, _ADVICE)
        trainer.fit(
            module,
            data,
            ckpt_path=str(resumed) if resumed.exists() else None,
            weights_only=True,
        )
    rows = read_metrics(folder / METRICS_FILE)
    if not any(math.isfinite(row["val_loss"]) for row in rows):
        raise VoxionError(
            f"The training in {folder} has found no finite validation loss: train with a smaller "
            "learning rate into another folder."
        )
    load_best(checkpoints / "best.ckpt", module.cpu(), _ADVICE)
    return rows


def _check_share(devices: Devices, batch: int, validation: int) -> None:
    if devices.count < 1 or batch % devices.count:
        raise VoxionError(
            f"{devices.count} devices cannot share batches of {batch} samples evenly: give a "
            f"number that divides {batch}, or another batch."
        )
    if validation < devices.count:
        raise VoxionError(
            f"{devices.count} devices cannot share {validation} validation samples: give more "
            "frames or fewer devices."
        )


@contextmanager
def _in_words() -> Iterator[None]:
    """Turn errors of Lightning and of other processes into one sentence."""
    try:
        yield
    except MisconfigurationException as error:
        raise VoxionError(f"The training cannot start: {str(error).splitlines()[0]}") from None
    except Exception as error:
        # raised in another process, a VoxionError arrives inside that process's traceback
        name = f"{VoxionError.__module__}.{VoxionError.__name__}: "
        lines = [line for line in str(error).splitlines() if line.startswith(name)]
        if not lines:
            raise
        raise VoxionError(lines[-1].removeprefix(name)) from None
