"""Fits the tight binding of a sheet: three constants, from the bare potential at the sites."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import least_squares

from voxion.charges.data.dataset import ChargeDataset
from voxion.charges.data.splits import Parts
from voxion.charges.models.electrons import SheetElectrons
from voxion.charges.sampling.sheet_potentials import sheet_potentials

# Of each data set; the constants hardly change after one frame.
FRAMES = 10
# Electrode charges this narrow (1/angstrom) are points for an electrolyte 1.5 angstrom away.
ETA = 3.0
TEMPERATURE = 300.0  # K, of the labels' electrons
# Hopping and Hubbard's U in hartree, response of a bond in e/hartree: where the search begins, and
# its bounds.
START = (0.1, 1.0, 0.35)
LOWEST, HIGHEST = (0.01, 0.0, 0.1), (0.5, 10.0, 1.0)


def fit_electrons(
    datasets: Sequence[ChargeDataset],
    parts: Sequence[Parts],
    edges: NDArray[np.float64],
    progress: bool = False,
) -> SheetElectrons:
    """Fit the constants of a sheet's electrons to labels.

    The potential is the bare, periodic one of all electrolyte atoms, by LAMMPS: through smeared
    potentials within a cutoff the constants would have to make up for what these miss.

    Parameters
    ----------
    datasets, parts
        Data sets and their frames for training, in the same order; contiguous training frames of
        each are used.
    edges : ndarray [S]
        Boundaries of the sheet's shells, angstrom.
    progress : bool
        Show a progress bar.

    Raises
    ------
    VoxionError
        A data set is not one of a flat sheet in an orthogonal box that is not periodic along z.
    """
    systems = [
        (dataset, sheet_potentials(dataset, ETA, progress=progress).potentials)
        for dataset in (_few(d, part) for d, part in zip(datasets, parts, strict=True))
    ]

    def errors(constants: NDArray[np.float64]) -> NDArray[np.float64]:
        electrons = _electrons(edges, constants)
        return np.concatenate([_errors(electrons, *system).ravel() for system in systems])

    # steps far above rounding: the residuals come through a search for the Fermi level
    result = least_squares(
        errors, START, bounds=(LOWEST, HIGHEST), x_scale=START, diff_step=1e-4, xtol=1e-6
    )
    return _electrons(edges, result.x)


def _few(dataset: ChargeDataset, part: Parts) -> ChargeDataset:
    """Take the longest run of consecutive training frames, or a part of it."""
    runs = np.split(part.training, np.flatnonzero(np.diff(part.training) > 1) + 1)
    longest = max(runs, key=len)[:FRAMES]
    return dataset.subset(int(longest[0]), int(longest[-1]) + 1)


def _electrons(edges: NDArray[np.float64], constants: NDArray[np.float64]) -> SheetElectrons:
    hopping, bond_response, hubbard = constants.tolist()
    neighbours = torch.from_numpy(edges[:2].copy())
    return SheetElectrons(neighbours, hopping, bond_response, hubbard, TEMPERATURE)


def _errors(
    electrons: SheetElectrons, dataset: ChargeDataset, potentials: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Compute what is missed of the labels, [F, M], in units of their spread."""
    positions = torch.from_numpy(dataset.surface_positions)
    electrons.prepare(positions, torch.from_numpy(dataset.cells[0]), dataset.total_charge)
    answers = electrons(torch.from_numpy(potentials.T.copy())).numpy().T
    charges = dataset.surface_charges() - dataset.total_charge / dataset.surface_atoms
    errors: NDArray[np.float64] = (answers - charges) / charges.std()
    return errors
