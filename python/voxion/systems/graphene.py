"""Graphene in contact with aqueous NaCl: one charged sheet, or a capacitor of two.

The defaults are the system of Di Pasquale et al., J. Chem. Theory Comput. 17, 4477 (2021),
section 2.1: 336 C with -4 e, 2065 water, 90 Na+ and 86 Cl- in a slab of 8 nm.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from voxion.errors import VoxionError
from voxion.systems import forcefields as ff
from voxion.systems.electrode_cell import Electrode, ElectrodeCell

BOND_LENGTH = 1.42  # C-C, angstrom


@dataclass(frozen=True)
class GrapheneSystem(ElectrodeCell):
    """A graphene sheet (or two) in contact with NaCl in SPC/E water.

    Attributes
    ----------
    cells : (int, int)
        Orthogonal cells of 4 C along x (2.46 A each) and y (4.26 A each).
    """

    cells: tuple[int, int] = (12, 7)

    @property
    def edges(self) -> tuple[float, float]:
        """Lateral periodic edges, angstrom."""
        return self.cells[0] * sqrt(3) * BOND_LENGTH, self.cells[1] * 3 * BOND_LENGTH

    @property
    def lower(self) -> Electrode:
        """The sheet, or the lower one of a capacitor."""
        return Electrode("graphene", ff.CARBON, graphene_sheet(self.cells))


def graphene_sheet(cells: tuple[int, int], z: float = 0.0) -> NDArray[np.float64]:
    """Positions of a flat periodic sheet of orthogonal 4-atom cells.

    Parameters
    ----------
    cells : (int, int)
        Cells along x and y.
    z : float
        Height, angstrom.

    Returns
    -------
    ndarray [4 nx ny, 3]
        Angstrom; no atom lies on a face of the box.
    """
    a = BOND_LENGTH
    width = sqrt(3) * a
    basis = np.array(
        [[width / 4, a / 2], [3 * width / 4, a], [3 * width / 4, 2 * a], [width / 4, 5 * a / 2]]
    )
    corner = np.stack(np.meshgrid(*map(np.arange, cells), indexing="ij"), axis=-1).reshape(-1, 1, 2)
    flat = (corner * [width, 3 * a] + basis).reshape(-1, 2)
    return np.column_stack([flat, np.full(len(flat), z)])


def cells_for(carbons: int) -> tuple[int, int]:
    """Cells of the sheet nearest to a square that has exactly this many atoms.

    Raises
    ------
    VoxionError
        No sheet of orthogonal 4-atom cells with edges within a factor of 1.5 has that many.
    """
    cell_count, rest = divmod(carbons, 4)
    if rest == 0 and cell_count > 0:
        pairs = [(n, cell_count // n) for n in range(1, cell_count + 1) if cell_count % n == 0]
        ratios = [abs(np.log(nx / (sqrt(3) * ny))) for nx, ny in pairs]
        if min(ratios) < np.log(1.5):
            return pairs[int(np.argmin(ratios))]
    raise VoxionError(
        f"No nearly square sheet has {carbons} carbons: give 4 times a product such as "
        "336 = 4 x 12 x 7, or the cells themselves."
    )
