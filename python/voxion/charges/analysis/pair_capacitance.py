"""Capacitance of two electrodes at potential differences: from fluctuations, and from the slope."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.constants import Boltzmann, elementary_charge

from voxion.charges.analysis.density import BLOCKS
from voxion.charges.analysis.potential_profile import COULOMB_PER_SQUARE_METRE, standard_error
from voxion.charges.data.dataset import ChargeDataset
from voxion.charges.models.planar_pair import (
    VACUUM_PERMITTIVITY,
    PlanarPair,
    fit_planes,
    planar_pair,
)
from voxion.errors import VoxionError

# uF/cm^2 of one e/(V angstrom^2)
MICROFARAD = 100.0 * COULOMB_PER_SQUARE_METRE


@dataclass(frozen=True)
class VoltageCharges:
    """Charges of a pair of electrodes at one potential difference.

    Attributes
    ----------
    voltage : float
        Potential of the upper electrode over the lower one, V.
    times : ndarray [F]
        Times of the frames, ps.
    charges : ndarray [F]
        Charge of the upper electrode, e.
    mean, mean_error : float
        Mean of these charges and its standard error from blocks of frames, e.
    capacitance, error : float
        Differential capacitance of the cell from the fluctuations and its standard error, uF/cm^2.
    """

    voltage: float
    times: NDArray[np.float64]
    charges: NDArray[np.float64]
    mean: float
    mean_error: float
    capacitance: float
    error: float


@dataclass(frozen=True)
class PairCapacitance:
    """Capacitances of a cell of two electrodes.

    Attributes
    ----------
    voltages : list of VoltageCharges
        By ascending potential difference.
    area : float
        Area of an electrode, angstrom^2.
    empty : float
        Capacitance of the cell without electrolyte, uF/cm^2.
    slope, slope_error : float or None
        Slope of the mean charge against the voltage and its standard error, uF/cm^2; None for a
        single voltage.
    """

    voltages: list[VoltageCharges]
    area: float
    empty: float
    slope: float | None
    slope_error: float | None


def pair_capacitance(
    datasets: Sequence[ChargeDataset], temperature: float, blocks: int = BLOCKS
) -> PairCapacitance:
    r"""Compute the differential capacitance of a cell.

    At fixed potentials and with charges that follow the electrolyte at once,

    .. math:: \frac{dQ}{dV} = C_0 + \frac{\langle \delta Q^2 \rangle}{k_B T},

    with the capacitance :math:`C_0` of the empty cell (Scalfi, Limmer, Coretti, Bonella, Madden,
    Salanne, Rotenberg, Phys. Chem. Chem. Phys. 22, 10480 (2020), 10.1039/C9CP06285H). It is that of
    geometry, with the planes of the induced charge where the frames have them.

    Parameters
    ----------
    datasets : sequence of ChargeDataset
        Frames of one pair of planar electrodes at one or several potential differences.
    temperature : float
        Temperature of the runs, K.
    blocks : int
        Number of contiguous blocks of frames for the standard errors.

    Raises
    ------
    VoxionError
        The data sets are no planar pairs or of different ones, a voltage has fewer than two frames
        in each block, or the temperature is not positive.
    """
    if not 0 < temperature < np.inf:
        raise VoxionError(f"The temperature must be positive, found {temperature} K.")
    pairs = [planar_pair(dataset) for dataset in datasets]
    first = pairs[0]
    for dataset, pair in zip(datasets, pairs, strict=True):
        if abs(pair.area - first.area) > 1e-3 or abs(pair.separation - first.separation) > 1e-3:
            raise VoxionError(
                f"{dataset.path} has another area or distance of the electrodes than "
                f"{datasets[0].path}: expected runs of one cell."
            )
    offset = fit_planes(
        [(d, pair, np.arange(d.frames)) for d, pair in zip(datasets, pairs, strict=True)]
    ).plane_offset
    to_microfarad = MICROFARAD / first.area
    empty = VACUUM_PERMITTIVITY * first.area / (first.separation - 2 * offset) * to_microfarad
    thermal = elementary_charge / (Boltzmann * temperature) * to_microfarad  # 1/V to uF/cm^2
    voltages = [
        _at_voltage(voltage, times, charges, empty, thermal, blocks)
        for voltage, (times, charges) in sorted(_by_voltage(datasets, pairs).items())
    ]
    slope, error = _slope(voltages)
    if slope is None or error is None:
        return PairCapacitance(voltages, first.area, empty, None, None)
    return PairCapacitance(
        voltages, first.area, empty, slope * to_microfarad, error * to_microfarad
    )


def _by_voltage(
    datasets: Sequence[ChargeDataset], pairs: Sequence[PlanarPair]
) -> dict[float, tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Return times and charges of the upper electrode at each potential difference."""
    found: dict[float, list[tuple[float, float]]] = {}
    for dataset, pair in zip(datasets, pairs, strict=True):
        electrodes = dataset.electrodes
        assert electrodes is not None
        voltages = pair.voltage(electrodes.potentials)
        charges = dataset.surface_charges()[:, electrodes.of_atom == pair.upper].sum(axis=1)
        for voltage, time, charge in zip(
            np.round(voltages, 9).tolist(), dataset.times.tolist(), charges.tolist(), strict=True
        ):
            found.setdefault(voltage, []).append((time, charge))
    return {
        voltage: (np.array([t for t, _ in rows]), np.array([q for _, q in rows]))
        for voltage, rows in found.items()
    }


def _at_voltage(
    voltage: float,
    times: NDArray[np.float64],
    charges: NDArray[np.float64],
    empty: float,
    thermal: float,
    blocks: int,
) -> VoltageCharges:
    if len(charges) < 2 * blocks:
        raise VoxionError(
            f"There are {len(charges)} frames at {voltage:g} V; a capacitance with a standard "
            f"error needs two in each of {blocks} blocks: sample more frames."
        )
    parts = np.array_split(charges, blocks)
    means = np.array([part.mean() for part in parts])
    left_out = [
        np.var(np.concatenate([p for other, p in enumerate(parts) if other != number]), ddof=1)
        for number in range(blocks)
    ]
    return VoltageCharges(
        voltage=voltage,
        times=times,
        charges=charges,
        mean=float(charges.mean()),
        mean_error=float(standard_error(means)),
        capacitance=float(empty + thermal * np.var(charges, ddof=1)),
        # the jackknife's: a variance within a block alone would be too small
        error=float(thermal * np.sqrt((blocks - 1) * np.var(left_out))),
    )


def _slope(voltages: Sequence[VoltageCharges]) -> tuple[float | None, float | None]:
    """Least-squares slope of the mean charges, and its standard error, e/V."""
    if len(voltages) < 2:
        return None, None
    x = np.array([one.voltage for one in voltages])
    weights = (x - x.mean()) / np.square(x - x.mean()).sum()
    means = np.array([one.mean for one in voltages])
    errors = np.array([one.mean_error for one in voltages])
    return float(weights @ means), float(np.linalg.norm(weights * errors))
