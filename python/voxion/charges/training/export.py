"""From a finished training to a model file of the contract, checked before it gets its name."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

import voxion._core as _core
from voxion.charges.data.dataset import ChargeDataset
from voxion.charges.data.features import ion_indices, model_inputs
from voxion.charges.data.opening import open_dataset
from voxion.charges.models.site_potentials import SitePotentialsModel
from voxion.charges.training.fitted import FittedModel, read_fitted
from voxion.charges.training.settings import read_settings
from voxion.contract.model_file import write_model_file
from voxion.contract.schema import CONTRACT_FILE, load_model
from voxion.errors import VoxionError

# The exported model runs the same operations: only the order of sums may differ.
TOLERANCE = 1e-9  # e


def export_model(folder: str | Path, path: str | Path) -> Path:
    """Write the model of a training folder as TorchScript with its contract.

    The written file is loaded in Python and in C++, as an engine does, and compared with the
    Python module on frames of the training's data sets; only then it gets its name.

    Parameters
    ----------
    folder : str or Path
        Folder of a finished training.
    path : str or Path
        Model file to write.

    Returns
    -------
    Path
        `path`.

    Raises
    ------
    VoxionError
        No finished training, weights that are not finite, or a file that does not predict what
        the Python module predicts.
    """
    folder = Path(folder)
    datasets = [open_dataset(name) for name in read_settings(folder).datasets]
    return write_model(read_fitted(folder), path, datasets)


def write_model(fitted: FittedModel, path: str | Path, datasets: Sequence[ChargeDataset]) -> Path:
    """Write one fitted model; `datasets` give the frames for the check. See `export_model`."""
    if isinstance(fitted.model, SitePotentialsModel):
        fitted.model.forget_neighbours()

    def check(written: Path) -> None:
        for dataset in (one for several in datasets for one in several.single_electrodes()):
            for index in sorted({0, dataset.frames // 2, dataset.frames - 1}):
                _compare(fitted, written, dataset, index)

    return write_model_file(fitted.model, {CONTRACT_FILE: fitted.contract.to_json()}, path, check)


def _compare(fitted: FittedModel, path: Path, dataset: ChargeDataset, index: int) -> None:
    frame = dataset.frame(index)
    total = dataset.total_of(frame)
    inputs = model_inputs(dataset, frame, fitted.contract)
    positions, source_charges = frame.source_positions.astype(np.float64), dataset.source_charges
    if fitted.contract.inputs == "positions":
        ions = ion_indices(dataset)
        positions, source_charges = positions[ions], source_charges[ions]
    module, _ = load_model(path)
    with torch.no_grad():
        expected = fitted.model(*inputs).numpy()
        loaded = module(*inputs).numpy()
    place = f"frame {index} of {dataset.path}"
    _require_equal(loaded, expected, f"TorchScript in Python, {place}")
    engine = _core.ChargePredictor(str(path)).predict(
        positions,
        source_charges,
        dataset.surface_positions,
        frame.cell,
        list(dataset.periodic),
        total,
        dataset.behind_face,
    )
    spread = expected + (total - expected.sum()) / len(expected)
    _require_equal(np.asarray(engine.charges), spread, f"C++, {place}")


def _require_equal(found: NDArray[np.float64], expected: NDArray[np.float64], where: str) -> None:
    largest = float(np.abs(found - expected).max())
    if not largest <= TOLERANCE:  # also when it is not a number
        raise VoxionError(
            f"The exported model differs from the trained one by {largest:.3g} e in {where} "
            f"(allowed: {TOLERANCE:g} e): it was not written."
        )
