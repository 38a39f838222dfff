"""Structure factors of trajectories."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from MDAnalysis.analysis.base import AnalysisBase
from MDAnalysis.core.groups import AtomGroup
from numpy.typing import NDArray

from voxion.errors import VoxionError
from voxion.scattering.amplitudes import amplitudes, wave_vectors

BLOCKS = 5  # contiguous, for standard errors


class StructureFactor(AnalysisBase):
    r"""Spherical averages of the partial static structure factors, by types of particles.

    .. math::
        S_{ab}(Q) = \frac{1}{N} \left\langle \sum_{i \in a} \sum_{j \in b}
        e^{i \mathbf{Q} \cdot (\mathbf{r}_i - \mathbf{r}_j)} \right\rangle,

    with N the number of all particles, over all wave vectors of the box whose length is in a bin,
    and over frames. So the sum of all partial ones is 1 in an ideal gas; and with scattering
    lengths :math:`b_a` the weighted structure factor is that of equation 2 of Dumortier and Mossa,
    J. Phys. Chem. B 124, 8918 (2020): :math:`\sum_{ab} b_a b_b S_{ab}(Q)`.

    Parameters
    ----------
    atoms : AtomGroup
        Particles, in a periodic box of any angles, which may change.
    largest : float
        Largest length of a wave vector, 1/angstrom.
    bin_width : float
        Width of a bin of lengths, 1/angstrom.
    **kwargs
        Arguments of `MDAnalysis.analysis.base.AnalysisBase`.

    Attributes
    ----------
    results.types : tuple of T str
        Types of the atoms, ascending.
    results.wave_vector : ndarray [B]
        Mean length of the wave vectors in each bin that has any, 1/angstrom.
    results.count : ndarray [B]
        Number of wave vectors, of each Q and -Q one, over all frames.
    results.partial : ndarray [B, T, T]
        Partial structure factors.
    results.smallest_valid : float
        Smallest Q with wave vectors along all three directions of the box, 1/angstrom, average over
        frames; below it, the average is not spherical.

    Raises
    ------
    VoxionError
        There are no atoms, a length or width is not positive, or a frame has no box, one without a
        volume, or positions that are not finite.
    """

    def __init__(
        self, atoms: AtomGroup, largest: float = 3.0, bin_width: float = 0.02, **kwargs: Any
    ) -> None:
        super().__init__(atoms.universe.trajectory, **kwargs)
        for name, value in (("largest Q", largest), ("width of a bin", bin_width)):
            if not 0 < value < np.inf:
                raise VoxionError(f"The {name} must be positive, found {value} 1/A.")
        if not len(atoms):
            raise VoxionError("The group has no atoms: nothing scatters.")
        self._atoms, self._largest, self._bin_width = atoms, largest, bin_width

    def _prepare(self) -> None:
        types, of_atom = np.unique(self._atoms.types.astype(str), return_inverse=True)
        self.results.types = tuple(types.tolist())
        self._weights = (of_atom == np.arange(len(types))[:, None]).astype(np.float64)
        self._bins = int(self._largest / self._bin_width) + 1
        self._cell = np.zeros((3, 3))  # of the wave vectors found last
        # of each frame: numbers of wave vectors and sums of their lengths, and of the partial ones
        self._counts: list[NDArray[np.float64]] = []
        self._lengths: list[NDArray[np.float64]] = []
        self._sums: list[NDArray[np.float64]] = []
        self._smallest_valid: list[float] = []

    def _single_frame(self) -> None:
        cell, positions = self._ts.triclinic_dimensions, self._atoms.positions
        where = f"frame {self._ts.frame}"
        if cell is None:
            raise VoxionError(f"{where} has no box: a structure factor needs a periodic one.")
        if not np.isfinite(positions).all():
            raise VoxionError(f"{where} has positions that are not finite.")
        cell = np.asarray(cell, np.float64)
        if not np.array_equal(cell, self._cell):
            self._cell, self._waves = cell, wave_vectors(cell, self._largest)
        reciprocal = 2 * np.pi * np.linalg.norm(np.linalg.inv(cell), axis=0)
        self._smallest_valid.append(reciprocal.max())
        waves = self._waves
        found = amplitudes(positions, self._weights, cell, waves)
        bins = np.minimum((waves.lengths / self._bin_width).astype(np.int64), self._bins - 1)

        def binned(values: NDArray[np.float64]) -> NDArray[np.float64]:
            return np.bincount(bins, values, self._bins).astype(np.float64)

        self._counts.append(binned(np.ones(len(bins))))
        self._lengths.append(binned(waves.lengths))
        products = np.einsum("am,bm->abm", found, found.conj()).real / len(positions)
        self._sums.append(np.array([[binned(one) for one in row] for row in products]))

    def _conclude(self) -> None:
        counts = np.array(self._counts)
        self._filled = counts.sum(0) > 0
        self.results.count = counts.sum(0)[self._filled]
        self.results.smallest_valid = float(np.mean(self._smallest_valid))
        lengths = np.sum(self._lengths, 0)[self._filled]
        self.results.wave_vector = lengths / self.results.count
        sums = np.sum(self._sums, 0)[..., self._filled]
        self.results.partial = np.moveaxis(sums / self.results.count, -1, 0)

    def weighted(
        self, lengths: Mapping[str, float | NDArray[np.float64]]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64] | None]:
        """Return the structure factor with a scattering length for each type, and its error.

        Parameters
        ----------
        lengths : mapping of str to float or ndarray [B]
            Scattering length of each type, or its form factor at each of `results.wave_vector`; 1
            for all gives the number structure factor.

        Returns
        -------
        values : ndarray [B]
            In the square of the lengths' unit.
        errors : ndarray [B] or None
            Standard errors of the means over five contiguous blocks of frames; None of fewer
            frames.

        Raises
        ------
        VoxionError
            A type has no length.
        """
        missing = [name for name in self.results.types if name not in lengths]
        if missing:
            raise VoxionError(
                f"There is no scattering length for {', '.join(missing)}; expected one for each of "
                f"{', '.join(self.results.types)}."
            )
        shape = self.results.wave_vector.shape
        b = np.array([np.broadcast_to(lengths[name], shape) for name in self.results.types])
        values = np.einsum("am,bm,mab->m", b, b, self.results.partial)
        if len(self._sums) < BLOCKS:
            return values, None
        sums = np.einsum("am,bm,fabm->fm", b, b, np.array(self._sums)[..., self._filled])
        counts = np.array(self._counts)[:, self._filled]
        of_blocks = [
            part.sum(0) / np.maximum(number.sum(0), 1)
            for part, number in zip(
                np.array_split(sums, BLOCKS), np.array_split(counts, BLOCKS), strict=True
            )
        ]
        return values, np.std(of_blocks, 0, ddof=1) / np.sqrt(BLOCKS)
