"""Electrostatic potential against the distance from a charged sheet, and its capacitance."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.progress import track
from scipy.constants import angstrom, elementary_charge

from voxion.charges.analysis.density import BLOCKS
from voxion.charges.data.dataset import ChargeDataset
from voxion.charges.models.planar_pair import VACUUM_PERMITTIVITY
from voxion.charges.sampling.electrolyte_runs import area_across, sheet_height
from voxion.errors import VoxionError

SPACING = 0.1  # angstrom
COULOMB_PER_SQUARE_METRE = elementary_charge / angstrom**2  # of one e per square angstrom
# A total charge below this is none (e).
NEUTRAL = 1e-6


@dataclass(frozen=True)
class PotentialProfile:
    """Potential in planes parallel to a sheet, averaged over each plane and over time.

    Attributes
    ----------
    distance : ndarray [B]
        Distance from the sheet, angstrom.
    potential : ndarray [B]
        V, zero in the bulk of the electrolyte.
    error : ndarray [B]
        Standard error, from contiguous blocks of frames.
    drop : float
        Potential drop from the bulk of the electrolyte to the sheet, V.
    drop_error : float
        Its standard error.
    surface_charge : float
        Surface charge of the sheet, C/m^2.
    bulk_range : tuple of 2 floats
        Distances that count as bulk, angstrom.
    frames : int
    """

    distance: NDArray[np.float64]
    potential: NDArray[np.float64]
    error: NDArray[np.float64]
    drop: float
    drop_error: float
    surface_charge: float
    bulk_range: tuple[float, float]
    frames: int


def potential_profile(
    dataset: ChargeDataset, *, blocks: int = BLOCKS, progress: bool = False
) -> PotentialProfile:
    r"""Integrate Poisson's equation along z over the point charges of sheet and electrolyte.

    .. math:: \psi(z) = -\frac{1}{\epsilon_0 A} \sum_{z_i < z} q_i (z - z_i),

    exact for the plane average where no field leaves the system; the bulk is the middle third of
    the electrolyte.

    Parameters
    ----------
    dataset : ChargeDataset
        One flat sheet, bounded along z, neutral with its electrolyte.
    blocks : int
        For the standard errors.
    progress : bool
        Show a progress bar.

    Raises
    ------
    VoxionError
        More than one sheet, a box that is periodic along z, a charge in all, no bulk, or fewer
        frames than blocks.
    """
    _check(dataset, blocks)
    sheet = sheet_height(dataset.surface_positions, str(dataset.path))
    heights = [dataset.source_positions(i)[:, 2] for i in (0, dataset.frames - 1)]
    low, high = (float(f(heights)) - sheet for f in (np.min, np.max))
    third = (high - low) / 3
    planes = np.arange(min(low, 0.0) - 2.0, high + 2.0, SPACING)
    bulk = (planes > low + third) & (planes < high - third)
    if not bulk.any():
        raise VoxionError(
            f"The electrolyte of {dataset.path} reaches from {low:.1f} to {high:.1f} A from the "
            "sheet: too thin for a bulk that potentials are counted from."
        )
    sums = np.zeros((blocks, len(planes)))
    block_of = np.arange(dataset.frames) * blocks // dataset.frames
    indices: Iterable[int] = range(dataset.frames)
    if progress:
        indices = track(indices, f"Potential of {dataset.path.name}")
    for index in indices:
        sums[block_of[index]] += _potential(dataset, index, sheet, planes)
    means = sums / np.bincount(block_of)[:, None]
    means -= means[:, bulk].mean(1, keepdims=True)
    drops = np.array([np.interp(0.0, planes, mean) for mean in means])
    area = area_across(dataset.cells[0])
    return PotentialProfile(
        distance=planes,
        potential=means.mean(0),
        error=standard_error(means),
        drop=float(drops.mean()),
        drop_error=float(standard_error(drops)),
        surface_charge=COULOMB_PER_SQUARE_METRE * dataset.total_charge / area,
        bulk_range=(low + third, high - third),
        frames=dataset.frames,
    )


def capacitance(charged: PotentialProfile, neutral: PotentialProfile) -> tuple[float, float]:
    r"""Integral capacitance of the interface, :math:`\sigma/(\Delta\psi - \Delta\psi_0)`.

    Parameters
    ----------
    charged, neutral : PotentialProfile
        Profiles of the same interface; the neutral one has the drop :math:`\Delta\psi_0` that the
        orientation of water alone makes.

    Returns
    -------
    value, error : float
        uF/cm^2; the standard error is that of the two drops.

    Raises
    ------
    VoxionError
        The first is neutral or the second is not, or their drops agree within the errors.
    """
    if charged.surface_charge == 0 or neutral.surface_charge != 0:
        raise VoxionError("A capacitance needs a run with a charged and one with a neutral sheet.")
    difference = charged.drop - neutral.drop
    error = float(np.hypot(charged.drop_error, neutral.drop_error))
    if abs(difference) <= 2 * error:
        raise VoxionError(
            f"The drops of potential with and without charge, {charged.drop:.3f} and "
            f"{neutral.drop:.3f} V, agree within their errors ({error:.3f} V): sample more frames."
        )
    value = 100.0 * charged.surface_charge / difference  # 1 F/m^2 is 100 uF/cm^2
    return value, abs(value * error / difference)


def _potential(
    dataset: ChargeDataset, index: int, sheet: float, planes: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Potential in planes, V; zero below the sheet."""
    z = np.append(dataset.source_positions(index)[:, 2] - sheet, 0.0)
    charges = np.append(dataset.source_charges, dataset.total_charge)
    order = np.argsort(z)
    charge = np.concatenate([[0.0], np.cumsum(charges[order])])
    moment = np.concatenate([[0.0], np.cumsum((charges * z)[order])])
    below = np.searchsorted(z[order], planes)
    result: NDArray[np.float64] = planes * charge[below] - moment[below]
    return -result / (VACUUM_PERMITTIVITY * area_across(dataset.cells[index]))


def _check(dataset: ChargeDataset, blocks: int) -> None:
    name = str(dataset.path)
    if dataset.frames < blocks:
        raise VoxionError(
            f"{name} has {dataset.frames} frames; a potential with standard errors needs one in "
            f"each of {blocks} blocks: sample more frames."
        )
    if dataset.periodic[2]:
        raise VoxionError(
            f"{name} is periodic along z, where the potential of one sheet depends on its images: "
            "sample a system that is bounded along z (boundary p p f)."
        )
    total = dataset.total_charge + float(np.sum(dataset.source_charges))
    if abs(total) > NEUTRAL:
        raise VoxionError(
            f"{name} has a charge of {total:g} e in all, so its field does not end in the bulk; "
            "expected ions that neutralise the sheet."
        )


def standard_error(blocks: NDArray[np.float64]) -> Any:
    """Return the standard error of the mean of some blocks, the first axis."""
    return blocks.std(0, ddof=1) / np.sqrt(len(blocks))
