"""One frame of a store as the exporters see it: values by x, y, z, and where the voxels lie."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from voxion.voxels.stores.store import VoxelStore

BOHR = 0.529177210544  # angstrom, CODATA 2022

# The viewers know angstrom only. Units that are not here (lj's sigma) are written as they are.
_ANGSTROM = {"angstrom": 1.0, "nm": 10.0, "Bohr": BOHR, "um": 1e4, "cm": 1e8, "m": 1e10}


@dataclass(frozen=True)
class ExportedFrame:
    """Grids of one frame with their geometry.

    Attributes
    ----------
    values : ndarray [C, nx, ny, nz], float32
        Raw densities, in the store's units.
    channels, units : sequence of C str
    origin : ndarray [3], float64
        Lower corner of the box.
    vectors : ndarray [3, 3], float64
        Edges of one voxel along the three lattice vectors, as rows.
    length_unit : str
        Length unit of `origin` and `vectors`.
    step : int
    time : float
    time_unit : str
    source : str
        Name of the store.
    """

    values: NDArray[np.float32]
    channels: Sequence[str]
    units: Sequence[str]
    origin: NDArray[np.float64]
    vectors: NDArray[np.float64]
    length_unit: str
    step: int
    time: float
    time_unit: str
    source: str

    @property
    def first_centre(self) -> NDArray[np.float64]:
        """Centre of voxel (0, 0, 0), where formats of points put their origin; [3]."""
        return self.origin + 0.5 * self.vectors.sum(axis=0)

    def comment(self) -> str:
        """One line: channel, unit, step, unit of length."""
        what = ", ".join(f"{n} ({u})" for n, u in zip(self.channels, self.units, strict=True))
        return f"{what}, step {self.step}, lengths in {self.length_unit}, {self.source}"


def frame_of(store: VoxelStore, index: int, channels: Sequence[str] | None = None) -> ExportedFrame:
    """Take one frame out of a store, lengths converted to angstrom where that is possible.

    Raises
    ------
    VoxionError
        As `VoxelStore.grid`.
    """
    row, wanted = store.row(index), store.channel_indices(channels)
    scale = _ANGSTROM.get(store.length_unit)
    counts = np.array(store.shape[::-1], float)
    return ExportedFrame(
        values=store.grid(row, channels).transpose(0, 3, 2, 1),
        channels=[store.channels[i] for i in wanted],
        units=[store.units[i] for i in wanted],
        origin=store.origins[row] * (scale or 1.0),
        vectors=store.boxes[row] / counts[:, None] * (scale or 1.0),
        length_unit="angstrom" if scale else store.length_unit,
        step=int(store.steps[row]),
        time=float(store.times[row]),
        time_unit=store.time_unit,
        source=store.path.name,
    )
