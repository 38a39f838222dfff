"""Fits and scores the hardness model: charges of least energy, with a learned hardness."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import least_squares

from voxion import __version__
from voxion.charges.data.dataset import ChargeDataset
from voxion.charges.data.splits import split_dataset
from voxion.charges.evaluation.scores import FramesToScore, Predictions, ScoreReport, report
from voxion.charges.models.hardness import (
    HardnessModel,
    constrained_inverse,
    minimising_charges,
    shell_matrices,
)
from voxion.charges.models.shells import shell_edges
from voxion.charges.sampling.sheet_potentials import SheetPotentials, sheet_potentials
from voxion.errors import VoxionError

ETA = 1.979  # 1/angstrom, as ELECTRODE's labels; another one only moves hardness between shells
SHELLS = 16  # 7.7 angstrom in graphene
MOST_FRAMES = 100  # 5 frames already tell a dozen numbers


def train(
    dataset: ChargeDataset,
    electrostatics: SheetPotentials,
    frames: NDArray[np.int64],
    shells: int = SHELLS,
) -> HardnessModel:
    """Fit the hardness of each shell by least squares of the charges.

    Starts from no hardness, where the matrix is positive, and rejects every step that loses that.

    Parameters
    ----------
    dataset : ChargeDataset
        One flat sheet.
    electrostatics : SheetPotentials
        Electrostatics of the data set, with `ETA`.
    frames : ndarray of int
        Frames to fit; of more than 100, that many spread evenly.
    shells : int
        Neighbour shells, the site itself included.

    Raises
    ------
    VoxionError
        The sheet has not that many shells.
    """
    positions, cell = dataset.surface_positions, dataset.cells[0]
    edges = shell_edges(positions, cell, shells)
    chosen = frames[:: -(-len(frames) // MOST_FRAMES)]
    fit = _Fit(
        electrostatics.coulomb,
        shell_matrices(positions, cell, edges),
        electrostatics.potentials[chosen],
        dataset.surface_charges()[chosen],
        dataset.total_charge,
    )
    # the trust region shrinks where residuals are not finite
    result = least_squares(
        fit.residuals, np.zeros(shells), fit.derivatives, method="trf", x_scale="jac"
    )
    return HardnessModel(
        eta=ETA,
        edges=tuple(edges.tolist()),
        hardness=tuple(result.x.tolist()),
        label_source=dataset.label_source,
        data_hash=dataset.fingerprint(),
        voxion_version=__version__,
    )


def predict(
    model: HardnessModel, dataset: ChargeDataset, electrostatics: SheetPotentials
) -> NDArray[np.float64]:
    """Charges of least energy in all frames of a data set.

    Parameters
    ----------
    model : HardnessModel
    dataset : ChargeDataset
    electrostatics : SheetPotentials
        Electrostatics of the data set, with the model's eta.

    Returns
    -------
    ndarray [F, M]
        e.

    Raises
    ------
    VoxionError
        The matrix of this sheet is not positive.
    """
    hardness = model.hardness_matrix(dataset.surface_positions, dataset.cells[0])
    matrix = electrostatics.coulomb + hardness.toarray()
    inverse = constrained_inverse(matrix)
    return minimising_charges(matrix, inverse, electrostatics.potentials, dataset.total_charge)


def score(
    model: HardnessModel,
    path: str | Path,
    dataset: ChargeDataset,
    frames: FramesToScore = "all",
    electrostatics: SheetPotentials | None = None,
    progress: bool = False,
) -> ScoreReport:
    """Score a model on a data set beside a constant and each atom's own mean.

    Parameters
    ----------
    model : HardnessModel
    path : path
        Path of the model, for the report.
    dataset : ChargeDataset
    frames : "all" or "held-out"
        ``held-out``: the last tenth, which training has not used.
    electrostatics : SheetPotentials, optional
        Computed if not given.
    progress : bool
        Show a progress bar.
    """
    if electrostatics is None:
        electrostatics = sheet_potentials(dataset, model.eta, progress=progress)
    parts = split_dataset(dataset)
    wanted = np.arange(dataset.frames) if frames == "all" else parts.held_out
    labels = dataset.surface_charges()
    charges = predict(model, dataset, electrostatics)[wanted]
    predictions = Predictions(
        reference=labels[wanted],
        raw=charges,
        charges=charges,
        constant=np.full_like(charges, dataset.total_charge / dataset.surface_atoms),
        atom_means=labels[parts.seen].mean(0),
        total_charge=dataset.total_charge,
        steps=dataset.steps[wanted],
        bins=None,
        open_total=False,
    )
    return report(predictions, path, dataset.path)


class _Fit:
    """Residuals of the charges and their derivatives by the hardness of each shell.

    q = Q/M - C (phi + (A + U) Q/M) with C the constrained inverse of A + U, so that
    dq/du_s = -C T_s q.
    """

    def __init__(
        self,
        coulomb: NDArray[np.float64],
        shells: list[sparse.csr_array],
        potentials: NDArray[np.float64],
        charges: NDArray[np.float64],
        total_charge: float,
    ) -> None:
        self.coulomb, self.shells = coulomb, shells
        self.potentials, self.charges, self.total_charge = potentials, charges, total_charge

    def residuals(self, hardness: NDArray[np.float64]) -> NDArray[np.float64]:
        try:
            return (self._solve(hardness)[0] - self.charges).ravel()
        except VoxionError:  # not positive
            return np.full(self.charges.size, np.inf)

    def derivatives(self, hardness: NDArray[np.float64]) -> NDArray[np.float64]:
        charges, inverse = self._solve(hardness)
        return np.stack([-((shell @ charges.T).T @ inverse).ravel() for shell in self.shells], 1)

    def _solve(self, hardness: NDArray[np.float64]) -> tuple[NDArray[Any], NDArray[Any]]:
        learned = sum(u * shell for u, shell in zip(hardness, self.shells, strict=True))
        matrix = self.coulomb + learned.toarray()
        inverse = constrained_inverse(matrix)
        charges = minimising_charges(matrix, inverse, self.potentials, self.total_charge)
        return charges, inverse
