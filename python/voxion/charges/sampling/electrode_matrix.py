"""The hardness model in LAMMPS: its matrix for fix electrode, and runs with it."""

from __future__ import annotations

import hashlib
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from voxion.charges.models.hardness import HardnessModel, constrained_inverse
from voxion.charges.models.shells import shell_edges
from voxion.charges.sampling.electrode import ElectrodeLabels, ElectrodeSettings
from voxion.charges.sampling.run import ChargeMethod, load_configuration
from voxion.charges.sampling.sheet_potentials import read_matrix, write_matrix
from voxion.engines.lammps import cell_of, gather, lammps_session, quoted
from voxion.errors import VoxionError
from voxion.files import replacing
from voxion.systems.description import SystemDescription

# Boundaries of the same shells under a few per cent of strain lie this close (angstrom).
SHELL_TOLERANCE = 0.1


@dataclass(frozen=True)
class MatrixSettings(ElectrodeSettings):
    """Settings of ``fix electrode/conq`` with a matrix from a file.

    Attributes
    ----------
    matrix : str
        File for ``read_mat``, as `export_matrix` writes it.
    """

    matrix: str = ""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not Path(self.matrix).is_file():
            raise VoxionError(
                f"{self.matrix or 'The matrix'} is not a file: write one with 'voxion charges "
                "hardness export'."
            )

    def method(self, system: SystemDescription) -> ChargeMethod:
        """Commands that give a system the charges of least energy at every step."""
        path = Path(self.matrix).resolve()
        own = ElectrodeSettings(eta=self.eta).method(system)
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        return replace(
            own,
            commands=[f"{own.commands[0]} read_mat {quoted(path)}"],
            settings={**own.settings, "matrix": f"sha256:{digest}"},
        )


def export_matrix(model: HardnessModel, system: str | Path, output: str | Path) -> str:
    """Write the matrix A + U of a system's sheets as a file for fix electrode's ``read_mat``.

    A comes from LAMMPS itself with the system's own long-range solver, so that the energy that
    LAMMPS computes has the same A. Any number of atoms, and capacitors, will do.

    Parameters
    ----------
    model : HardnessModel
    system : path
        Folder of a built system, bounded along z.
    output : path

    Returns
    -------
    str
        The ``fix electrode/conq`` command that reads the file.

    Raises
    ------
    VoxionError
        No such system, its sheets have other neighbour shells than the model's, or the matrix is
        not positive.
    """
    output = Path(output).resolve()
    source = ElectrodeLabels(system, ElectrodeSettings(eta=model.eta))
    with tempfile.TemporaryDirectory() as folder:
        written = Path(folder) / "matrix"
        with lammps_session(variables={"kspace": source.method.kspace_style}) as engine:
            load_configuration(engine, source.folder, source.folder / "system.data")
            engine.command(f"{source.method.commands[0]} write_mat {quoted(written)}")
            engine.command("run 0 post no")
            positions, cell = gather(engine, "x"), cell_of(engine)[0]
        identifiers, coulomb = read_matrix(written)
    sheet = positions[identifiers - 1]
    edges = shell_edges(sheet, cell, len(model.edges))
    if np.abs(edges - model.edges).max() > SHELL_TOLERANCE:
        raise VoxionError(
            f"The sheet of {source.folder} has other neighbour shells, {np.round(edges, 2)} A, "
            f"than that of the model, {np.round(model.edges, 2)} A: train on this material."
        )
    matrix = coulomb + model.hardness_matrix(sheet, cell).toarray()
    constrained_inverse(matrix)  # refuses a matrix that is not positive
    with replacing(output) as temporary:
        write_matrix(temporary, identifiers, matrix)
    return MatrixSettings(eta=model.eta, matrix=str(output)).method(source.description).commands[0]
