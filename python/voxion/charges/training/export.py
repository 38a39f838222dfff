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
from voxion.charges.models.ion_network import IonPositionsModel
from voxion.charges.models.packaged import (
    Electrode,
    package_ion_positions,
    package_site_potentials,
)
from voxion.charges.models.site_potentials import SitePotentialsModel
from voxion.charges.training.fitted import FittedModel, read_fitted, restored
from voxion.charges.training.settings import read_settings
from voxion.contract.model_file import write_model_file
from voxion.contract.package import Package
from voxion.contract.schema import CONTRACT_FILE, load_model
from voxion.errors import VoxionError

# The exported model runs the same operations: only the order of sums may differ.
TOLERANCE = 1e-9  # e


def export_model(folder: str | Path, path: str | Path) -> Path:
    """Write the model of a training folder with its contract.

    A name that ends on .pt2 makes an AOTInductor package, any other TorchScript. The written file
    is loaded in Python and in C++, as an engine does, and compared with the Python module on frames
    of the training's data sets; only then it gets its name.

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


def convert_model(source: str | Path, path: str | Path, datasets: Sequence[str | Path]) -> Path:
    """Write the model of a TorchScript archive again, in the format that its new name tells.

    Parameters
    ----------
    source : str or Path
        Model file, TorchScript.
    path : str or Path
        Model file to write, as in `export_model`.
    datasets : sequence of str or Path
        Data sets with the electrodes that the model is for; their frames give the check.

    Returns
    -------
    Path
        `path`.

    Raises
    ------
    VoxionError
        As `export_model`, or the archive holds a model that this version cannot build.
    """
    return write_model(restored(source), path, [open_dataset(name) for name in datasets])


def write_model(fitted: FittedModel, path: str | Path, datasets: Sequence[ChargeDataset]) -> Path:
    """Write one fitted model; `datasets` give the frames for the check. See `export_model`."""
    if isinstance(fitted.model, SitePotentialsModel):
        fitted.model.forget_neighbours()

    def check(written: Path) -> None:
        for dataset in (one for several in datasets for one in several.single_electrodes()):
            for index in sorted({0, dataset.frames // 2, dataset.frames - 1}):
                _compare(fitted, written, dataset, index)

    return write_model_file(
        fitted.model,
        {CONTRACT_FILE: fitted.contract.to_json()},
        path,
        check,
        lambda: _package(fitted, datasets),
    )


def _package(fitted: FittedModel, datasets: Sequence[ChargeDataset]) -> Package:
    model = fitted.model
    if isinstance(model, IonPositionsModel):
        frame = datasets[0].frame(0)
        return package_ion_positions(
            model, tuple(model_inputs(datasets[0], frame, fitted.contract))
        )
    assert isinstance(model, SitePotentialsModel)
    electrodes = [_electrode(one) for dataset in datasets for one in dataset.single_electrodes()]
    if model.electrons is not None and any(not electrodes[0].is_same(e) for e in electrodes):
        raise VoxionError(
            "The data sets have several sheets, or one with several total charges, and a package "
            "(.pt2) of a model with electrons is for one: choose the data sets of one sheet, or "
            "write TorchScript, a name that ends on .pt."
        )
    return package_site_potentials(model, electrodes[0], fitted.contract.total_charge_input)


def _electrode(dataset: ChargeDataset) -> Electrode:
    frame = dataset.frame(0)
    return Electrode(
        torch.from_numpy(dataset.seen_positions.astype(np.float64)),
        torch.from_numpy(frame.cell.astype(np.float64)),
        dataset.total_of(frame),
    )


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
    _require_equal(loaded, expected, f"Python, {place}")
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
