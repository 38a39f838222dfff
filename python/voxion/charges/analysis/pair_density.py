"""Densities of the electrolyte between two planar electrodes, at each voltage."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from voxion.charges.analysis.density import BLOCKS, MOLAR
from voxion.charges.data.dataset import ChargeDataset
from voxion.charges.data.splits import potential_stages
from voxion.charges.models.planar_pair import planar_pair

BIN_WIDTH = 0.5  # angstrom


@dataclass(frozen=True)
class PairDensities:
    """Densities of some species at one voltage.

    Attributes
    ----------
    voltage : float
        Potential of the upper electrode over the lower one, V.
    frames : int
    distance : ndarray [B]
        Middles of the bins, from the nuclei of the lower face, angstrom.
    density : dict of str to ndarray [B]
        Of each species, mol/l.
    error : dict of str to ndarray [B]
        Standard errors from contiguous blocks of frames, mol/l; NaN of a single frame.
    """

    voltage: float
    frames: int
    distance: NDArray[np.float64]
    density: dict[str, NDArray[np.float64]]
    error: dict[str, NDArray[np.float64]]


def pair_densities(dataset: ChargeDataset, species: Sequence[str]) -> list[PairDensities]:
    """Return the densities between the electrodes of a data set, by voltage.

    Parameters
    ----------
    dataset : ChargeDataset
        Two planar electrodes at potentials.
    species : sequence of str

    Returns
    -------
    list of PairDensities
        One for each stretch of frames at one voltage, in time order.

    Raises
    ------
    VoxionError
        The electrodes are no planar pair.
    """
    pair = planar_pair(dataset)
    assert dataset.electrodes is not None
    bins = max(1, round(pair.separation / BIN_WIDTH))
    edges = np.linspace(*pair.faces, bins + 1)
    voltages = pair.voltage(dataset.electrodes.potentials)
    return [
        _at_one_voltage(dataset, species, edges, pair.area, frames, float(voltages[frames[0]]))
        for frames in potential_stages(dataset)
    ]


def _at_one_voltage(
    dataset: ChargeDataset,
    species: Sequence[str],
    edges: NDArray[np.float64],
    area: float,
    frames: NDArray[np.int64],
    voltage: float,
) -> PairDensities:
    per_atom = MOLAR / (area * (edges[1] - edges[0]))
    heights = [dataset.source_positions(int(frame))[:, 2] for frame in frames]
    density, error = {}, {}
    for name in species:
        members = dataset.species_of_sources == name
        counts = np.array([np.histogram(z[members], edges)[0] for z in heights]) * per_atom
        blocks = np.array(
            [block.mean(0) for block in np.array_split(counts, min(BLOCKS, len(counts)))]
        )
        density[name] = counts.mean(0)
        alone = np.full(len(edges) - 1, np.nan)
        error[name] = blocks.std(0, ddof=1) / np.sqrt(len(blocks)) if len(blocks) > 1 else alone
    middles = 0.5 * (edges[:-1] + edges[1:]) - edges[0]
    return PairDensities(voltage, len(frames), middles, density, error)
