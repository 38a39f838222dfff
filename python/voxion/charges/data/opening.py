"""Opens data sets of surface charges, whatever their format, and checks them."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np

from voxion.arrays import check_cells, check_finite, check_steps
from voxion.charges.data.dataset import (
    ADVICE,
    KIND,
    MAX_ANGSTROM,
    MAX_CHARGE,
    ChargeDataset,
)
from voxion.charges.data.dataset_hdf5 import read_hdf5
from voxion.charges.data.dataset_zarr import read_zarr
from voxion.errors import VoxionError
from voxion.files import refusing


def open_dataset(path: str | Path) -> ChargeDataset:
    """Open a data set of surface charges for reading.

    Parameters
    ----------
    path : str or Path
        A Zarr folder as `ChargeDatasetWriter` writes it, or an HDF5 file with the datasets
        ``surface_positions``, ``source_positions``, ``source_types``,
        ``surface_charges``, ``cell`` and ``step`` and the attribute ``total_charge_e``.

    Raises
    ------
    VoxionError
        Nothing is there, it is not such a data set, or a damaged one.
    """
    path = Path(path)
    if path.is_dir():
        read = read_zarr
    elif path.is_file() and h5py.is_hdf5(path):
        read = read_hdf5
    else:
        raise VoxionError(
            f"{path} is not a {KIND}: expected a Zarr folder or an HDF5 file, found "
            f"{'another kind of file' if path.exists() else 'nothing'}."
        )
    with refusing(path, KIND, ADVICE):
        dataset = read(path)
        _check(dataset)
    return dataset


def _check(dataset: ChargeDataset) -> None:
    """Check all but the frames.

    Raises
    ------
    ValueError
        Something cannot be.
    """
    if not dataset.surface_atoms or not dataset.sources:
        raise ValueError(
            f"it has {dataset.surface_atoms} surface atoms and {dataset.sources} sources; "
            "expected some of both"
        )
    check_finite("surface_positions", dataset.surface_positions, MAX_ANGSTROM)
    if len(np.unique(dataset.surface_positions, axis=0)) < dataset.surface_atoms:
        raise ValueError("two surface atoms have the same position")
    check_finite("source_charges", dataset.source_charges, MAX_CHARGE)
    used = np.unique(dataset.source_species).tolist()
    if used != list(range(len(dataset.species))) or len(set(dataset.species)) < len(used):
        raise ValueError(
            f"source_species has the numbers {used[:10]} for the species "
            f"{', '.join(dataset.species[:10])}; expected each species by its place in the list"
        )
    check_steps(dataset.steps, dataset.times)
    check_cells(dataset.cells)
    check_finite("cell", dataset.cells, MAX_ANGSTROM)
