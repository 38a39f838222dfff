"""The hardness model: charges that minimise an energy, with a learned hardness of the sheet.

The energy of a sheet's charges q in the electrolyte's potential phi is

    E(q; r) = 1/2 q (A + U) q + q phi(r),    sum q = Q,

in e^2/angstrom. A is the Coulomb interaction of the sheet's Gaussian charges, as LAMMPS's ELECTRODE
has it (Ahrens-Iwers et al., J. Chem. Phys. 157, 084801 (2022), 10.1063/5.0099239). U is learned:
one number for each neighbour shell of the sheet, so it is symmetric and does not change under the
sheet's translations, rotations and mirrors. At the charges that minimise E, its total derivative by
the electrolyte's positions is that at fixed charges: the forces that an engine computes anyway.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from pydantic import BaseModel, ConfigDict, Field, model_validator
from scipy import sparse
from scipy.linalg import LinAlgError, cho_factor, cho_solve

from voxion.charges.models.shells import neighbour_table
from voxion.errors import VoxionError
from voxion.files import read_json, replacing

_ADVICE = "give a file that 'voxion charges hardness train' wrote"
_Edge = Annotated[float, Field(gt=0, le=1000)]
COULOMB = 332.06371  # kcal/mol angstrom/e^2, LAMMPS's qqrd2e in units real


class HardnessModel(BaseModel):
    """A learned hardness; one JSON file.

    Attributes
    ----------
    eta : float
        Reciprocal width of the Gaussian charges of the Coulomb part, 1/angstrom.
    edges : tuple of S floats
        Outer boundaries of the neighbour shells, angstrom; the first shell is the site itself.
    hardness : tuple of S floats
        What two sites of a shell add to the Coulomb interaction of their charges, 1/angstrom.
    label_source : dict
        What computed the charges of the training data.
    data_hash : str
        Hash of the training data.
    voxion_version : str
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["hardness-model"] = "hardness-model"
    eta: Annotated[float, Field(gt=0, le=100)]
    edges: Annotated[tuple[_Edge, ...], Field(min_length=1, max_length=1000)]
    hardness: tuple[Annotated[float, Field(ge=-1e6, le=1e6)], ...]
    label_source: dict[str, Any]
    data_hash: Annotated[str, Field(max_length=1000)]
    voxion_version: Annotated[str, Field(max_length=100)]

    @model_validator(mode="after")
    def _same_length(self) -> HardnessModel:
        if len(self.edges) != len(self.hardness):
            raise ValueError(f"{len(self.edges)} edges and {len(self.hardness)} hardnesses")
        if any(outer <= inner for inner, outer in pairwise(self.edges)):
            raise ValueError(f"the edges {self.edges} do not ascend")
        return self

    def write(self, path: str | Path) -> None:
        """Write the file."""
        with replacing(Path(path)) as temporary:
            temporary.write_text(self.model_dump_json(indent=2) + "\n")

    def hardness_matrix(self, positions: ArrayLike, cell: ArrayLike) -> sparse.csr_array:
        """U of a sheet, or of several further apart than the shells reach.

        Parameters
        ----------
        positions : array [M, 3]
            Angstrom.
        cell : array [3, 3]
            Rows are the lattice vectors, angstrom.

        Returns
        -------
        csr_array [M, M]
            1/angstrom.
        """
        parts = shell_matrices(positions, cell, self.edges)
        return sum(u * part for u, part in zip(self.hardness, parts, strict=True))

    def hardness_energy(
        self, charges: ArrayLike, positions: ArrayLike, cell: ArrayLike
    ) -> NDArray[np.float64]:
        """Energy 1/2 q U q: what LAMMPS, which knows the Coulomb part, leaves out of its own.

        Parameters
        ----------
        charges : array [..., M]
            e.
        positions, cell : arrays [M, 3], [3, 3]
            Angstrom.

        Returns
        -------
        ndarray [...]
            kcal/mol.
        """
        q = np.asarray(charges, np.float64)
        matrix = self.hardness_matrix(positions, cell)
        products = (matrix @ q.reshape(-1, q.shape[-1]).T).T.reshape(q.shape)
        energy: NDArray[np.float64] = 0.5 * COULOMB * (q * products).sum(-1)
        return energy


def read_model(path: str | Path) -> HardnessModel:
    """Read the file of a model.

    Raises
    ------
    VoxionError
        No such file, or not one of these.
    """
    return read_json(Path(path), HardnessModel, _ADVICE)


def shell_matrices(
    positions: ArrayLike, cell: ArrayLike, edges: ArrayLike
) -> list[sparse.csr_array]:
    """Count site j, with its periodic images, in each shell of site i; S arrays [M, M]."""
    atoms, vectors, boundaries = (
        torch.as_tensor(np.asarray(a, np.float64)) for a in (positions, cell, edges)
    )
    one_layer = torch.zeros(len(atoms), dtype=torch.int64)
    table, sizes = neighbour_table(atoms, vectors, boundaries[None, None], one_layer)
    sites = table.shape[1]
    matrices = []
    for shell in torch.split(table, sizes):
        rows = np.tile(np.arange(sites), len(shell))
        columns = shell.numpy().ravel()
        there = columns < sites  # the table's filling is not
        pairs = (rows[there], columns[there])
        matrices.append(sparse.csr_array((np.ones(there.sum()), pairs), shape=(sites, sites)))
    return matrices


def constrained_inverse(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    """Response of charges of fixed sum: the pseudo-inverse of a matrix on sum-free vectors.

    Parameters
    ----------
    matrix : ndarray [M, M]
        Symmetric. It need be positive for charges that sum to zero only: with them the potential
        of a uniformly charged sheet, which depends on the boundary along z, drops out.

    Returns
    -------
    ndarray [M, M]
        Rows and columns sum to zero.

    Raises
    ------
    VoxionError
        The matrix is not positive: some charges would lower the energy without bound.
    """
    means = matrix.mean(0)
    projected = matrix - means - means[:, None] + means.mean()
    uniform = np.abs(np.diag(matrix)).mean() / len(matrix)  # any positive stiffness for the mean
    try:
        factor = cho_factor(projected + uniform, lower=True)
    except LinAlgError:
        raise VoxionError(
            "The matrix of the charges' energy is not positive, so it has no minimum: train with "
            "fewer shells or on more frames."
        ) from None
    inverse: NDArray[np.float64] = cho_solve(factor, np.eye(len(matrix)))
    return inverse - 1.0 / (uniform * len(matrix) ** 2)


def minimising_charges(
    matrix: NDArray[np.float64],
    inverse: NDArray[np.float64],
    potentials: NDArray[np.float64],
    total_charge: float,
) -> NDArray[np.float64]:
    """Charges of least energy.

    Parameters
    ----------
    matrix : ndarray [M, M]
        A + U, 1/angstrom.
    inverse : ndarray [M, M]
        Its `constrained_inverse`.
    potentials : ndarray [F, M]
        Potentials of the electrolyte at the sites, e/angstrom; a constant does not matter.
    total_charge : float
        e.

    Returns
    -------
    ndarray [F, M]
        e.
    """
    mean = total_charge / len(matrix)
    charges: NDArray[np.float64] = mean - (potentials + mean * matrix.sum(0)) @ inverse
    return charges
