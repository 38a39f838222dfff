"""The Coulomb matrix of a sheet and the electrolyte's potentials at its sites, by LAMMPS itself."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.progress import track

from voxion.charges.data.dataset import ChargeDataset
from voxion.engines.lammps import gather, lammps_session, quoted, scatter
from voxion.errors import VoxionError
from voxion.systems.conditions import CUTOFF

# Ten times tighter than in runs: 1e-4 leaves errors of some 3e-5 e in the charges.
ACCURACY = 1e-5
# Vacuum between periodic images along z, in lateral periods; what is left decays as exp(-2 pi n).
VACUUM = 3.0
MARGIN = 3.0  # from the outermost atoms to the bounds along z, angstrom
# fix electrode reads lines of at most this many characters for each number
NUMBER_WIDTH = 20


@dataclass(frozen=True)
class SheetPotentials:
    """Electrostatics of one sheet in the frames of a data set.

    Attributes
    ----------
    coulomb : ndarray [M, M]
        Interaction of the sheet's Gaussian charges of one unit, 1/angstrom.
    potentials : ndarray [F, M]
        Potentials of the electrolyte at the sites, relative to their mean, e/angstrom.
    """

    coulomb: NDArray[np.float64]
    potentials: NDArray[np.float64]


def sheet_potentials(
    dataset: ChargeDataset, eta: float, *, progress: bool = False
) -> SheetPotentials:
    """Compute what ELECTRODE's charges follow from, for all frames of a data set.

    ``write_mat`` gives the matrix. With the unit matrix in the place of its inverse (``read_inv``)
    the charges of constant sum are the negative potentials, but for a constant.

    Parameters
    ----------
    dataset : ChargeDataset
        One flat sheet, periodic laterally and not along z, in an orthogonal box.
    eta : float
        Reciprocal width of the Gaussian charges, 1/angstrom.
    progress : bool
        Show a progress bar.

    Raises
    ------
    VoxionError
        The data set is none of these, or an error of LAMMPS.
    """
    _check(dataset)
    sites = dataset.surface_atoms
    shown = track(range(dataset.frames), f"Potentials of {dataset.path.name}", disable=not progress)
    with tempfile.TemporaryDirectory() as name, lammps_session() as engine:
        matrix, unit = Path(name) / "matrix", Path(name) / "unit"
        _fill_box(engine, dataset)
        electrode = f"fix electrode surface electrode/conq 0.0 {eta} symm off algo mat_inv"
        engine.command(f"{electrode} write_mat {quoted(matrix)}")
        engine.command("run 0 post no")
        coulomb = read_matrix(matrix)[1]
        write_matrix(unit, np.arange(1, sites + 1), np.eye(sites))
        engine.command("unfix electrode")
        engine.command(f"{electrode} read_inv {quoted(unit)}")
        engine.command("run 0 post no")
        potentials = np.empty((dataset.frames, sites))
        for index in shown:
            potentials[index] = _potentials(engine, dataset, index)
    return SheetPotentials(coulomb, potentials)


def read_matrix(path: Path) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Atom IDs [M] and matrix [M, M], made symmetric, from a file of ``write_mat``."""
    with path.open() as lines:
        identifiers = np.array(lines.readline().split(), np.int64)
        matrix = np.loadtxt(lines, ndmin=2)
    return identifiers, (matrix + matrix.T) / 2


def write_matrix(path: Path, identifiers: NDArray[np.int64], matrix: NDArray[np.float64]) -> None:
    """Write a matrix for fix electrode's ``read_mat`` or ``read_inv``, to 13 digits."""
    with path.open("w") as file:
        file.write(" ".join(map(str, identifiers.tolist())) + "\n")
        np.savetxt(file, matrix, fmt=f"%{NUMBER_WIDTH - 1}.12e")


def _potentials(engine: Any, dataset: ChargeDataset, index: int) -> NDArray[np.float64]:
    if np.abs(dataset.cells[index] - dataset.cells[0]).max() > 1e-6:
        raise VoxionError(
            f"The cell of frame {index} of {dataset.path} is not that of the first: expected one "
            "cell throughout."
        )
    positions = np.vstack([dataset.surface_positions, dataset.source_positions(index)])
    scatter(engine, "x", positions)
    # nothing moves in this step; it sorts the atoms into the box anew and sets the charges
    engine.command("run 1 pre no post no")
    charges: NDArray[np.float64] = gather(engine, "q")[: dataset.surface_atoms]
    return charges.mean() - charges


def _fill_box(engine: Any, dataset: ChargeDataset) -> None:
    """Set the charges of a data set in LAMMPS, without any force field."""
    (x0, y0, _), (lx, ly, _) = dataset.cell_origin, np.diag(dataset.cells[0])
    low, high = _heights(dataset)
    slab = max(2.0, 1.0 + VACUUM * max(lx, ly) / (high - low))
    for command in (
        "units real",
        "atom_style charge",
        "atom_modify map array",
        "boundary p p f",
        f"region box block {x0} {x0 + lx} {y0} {y0 + ly} {low} {high}",
        "create_box 2 box",
        "mass * 1.0",
        f"pair_style coul/long {CUTOFF}",
        "pair_coeff * *",
        f"kspace_style pppm/electrode {ACCURACY}",
        f"kspace_modify slab {slab}",
        "neigh_modify every 1 delay 0 check no",
    ):
        engine.command(command)
    positions = np.vstack([dataset.surface_positions, dataset.source_positions(0)])
    types = np.repeat([1, 2], [dataset.surface_atoms, dataset.sources])
    engine.create_atoms(
        len(types),
        np.arange(1, len(types) + 1).tolist(),
        types.tolist(),
        positions.astype(np.float64).ravel().tolist(),
    )
    charges = np.concatenate([np.zeros(dataset.surface_atoms), dataset.source_charges])
    scatter(engine, "q", charges)
    engine.command("group surface type 1")


def _heights(dataset: ChargeDataset) -> tuple[float, float]:
    heights = [dataset.source_positions(index)[:, 2] for index in range(dataset.frames)]
    low = min(dataset.surface_positions[:, 2].min(), *(z.min() for z in heights))
    high = max(dataset.surface_positions[:, 2].max(), *(z.max() for z in heights))
    return float(low) - MARGIN, float(high) + MARGIN


def _check(dataset: ChargeDataset) -> None:
    if tuple(dataset.periodic) != (True, True, False):
        raise VoxionError(
            f"{dataset.path} is periodic along {dataset.periodic}: the hardness model needs a "
            "sheet that is periodic along x and y and not along z (boundary ppf)."
        )
    cell = dataset.cells[0]
    if np.abs(cell - np.diag(np.diag(cell))).max() > 1e-6:
        raise VoxionError(f"{dataset.path} has a tilted cell: expected an orthogonal one.")
    if np.ptp(dataset.surface_positions[:, 2]) > 0.5:
        raise VoxionError(
            f"The surface atoms of {dataset.path} lie up to "
            f"{np.ptp(dataset.surface_positions[:, 2]):.1f} A apart along z: expected one flat "
            "sheet."
        )
