"""What a classifier sees in grids that belong to none of its classes: a mixture of them.

Dumortier and Mossa (J. Phys. Chem. B 124, 8918 (2020), equation 1 and figure 4) let a network that
was trained on surfactants look at Nafion, without training it again: the class probabilities,
averaged over the configurations of one hydration, are the shares of the surfactants' phases in it.
"""

from __future__ import annotations

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from voxion.contract.schema import ClassifierContract, load_model
from voxion.errors import VoxionError
from voxion.files import parsing, read_text, refusing, write_csv
from voxion.voxels.classifier.dataset import open_labelled
from voxion.voxels.classifier.export import ExportedClassifier
from voxion.voxels.classifier.network import C3D, initialise
from voxion.voxels.classifier.scores import check_grid, class_probabilities

BLOCKS = 5  # contiguous, for standard errors
UNTRAINED_SEEDS = 5
COLUMNS = ("label", "fraction", "error")
_ADVICE = "write it again with 'voxion voxels classify'"


@dataclass(frozen=True)
class Mixture:
    """Mean class probabilities of frames.

    Attributes
    ----------
    labels : tuple of K str
    fractions : ndarray [K]
        Their sum is 1.
    errors : ndarray [K]
        Standard errors of the means over five contiguous blocks of frames; not a number for fewer
        frames.
    """

    labels: tuple[str, ...]
    fractions: NDArray[np.float64]
    errors: NDArray[np.float64]

    def write(self, path: Path) -> None:
        """Write a table (.csv)."""
        rows = zip(self.labels, self.fractions, self.errors, strict=True)
        write_csv(path, COLUMNS, ([label, f"{c:.6g}", f"{error:.6g}"] for label, c, error in rows))


def read_mixture(path: Path) -> Mixture:
    """Read a table that `Mixture.write` wrote.

    Raises
    ------
    VoxionError
        It is another table, a share is not from 0 to 1, or their sum is not 1.
    """
    rows = list(csv.reader(read_text(path, _ADVICE).splitlines()))
    with refusing(path, "mixture", _ADVICE), parsing():
        if not rows or tuple(rows[0]) != COLUMNS or len(rows) < 2:
            raise ValueError(f"its columns are not {', '.join(COLUMNS)}")
        labels, fractions, errors = zip(*rows[1:], strict=True)
        values = np.array(fractions, np.float64)
        if not (values >= 0).all() or abs(values.sum() - 1) > 1e-3:
            raise ValueError("its fractions are not shares of one whole")
        return Mixture(labels, values, np.array(errors, np.float64))


def mixture(
    model_path: str | Path,
    stores: Sequence[str | Path],
    *,
    untrained: bool = False,
    progress: bool = False,
) -> Mixture:
    """Average the class probabilities of all frames of voxel stores.

    Parameters
    ----------
    model_path : str or Path
        Exported classifier.
    stores : sequence of path
        Voxel stores of one system, of any phase.
    untrained : bool
        Take the network with random weights in place of the trained ones, the mean of five draws:
        what the shares are without training.
    progress : bool
        Show a progress bar.

    Raises
    ------
    VoxionError
        The model is no voxel classifier, the stores do not fit it or each other, or a probability
        is not finite.
    """
    trained, contract = load_model(model_path, ClassifierContract)
    opened = open_labelled([("unknown", str(path)) for path in stores])
    check_grid(contract, opened.stores[0], model_path)
    modules: list[Callable[..., Any]] = [trained]
    if untrained:
        modules = [_untrained(contract, seed) for seed in range(UNTRAINED_SEEDS)]
    bar = f"Classes by {Path(model_path).name}" if progress else ""
    samples = opened.everything()
    found = np.mean(
        [
            class_probabilities(module, contract, opened.stores, samples, bar)[0]
            for module in modules
        ],
        axis=0,
    )
    if not np.isfinite(found).all():
        raise VoxionError(f"Model {model_path} gives logits that are not finite: train it again.")
    errors = np.full(found.shape[1], np.nan)
    if len(found) >= BLOCKS:
        means = [block.mean(0) for block in np.array_split(found, BLOCKS)]
        errors = np.std(means, 0, ddof=1) / np.sqrt(BLOCKS)
    return Mixture(contract.labels, found.mean(0), errors)


def _untrained(contract: ClassifierContract, seed: int) -> ExportedClassifier:
    network = C3D(len(contract.channels), contract.grid, len(contract.labels))
    initialise(network, seed)
    return ExportedClassifier(network.eval())
