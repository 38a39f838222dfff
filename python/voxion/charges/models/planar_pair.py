"""Charges of two planar electrodes at a potential difference, from the electrolyte between them.

Electrostatics is linear: the charge of an electrode is the capacitance of the empty cell times the
potential difference, and what the electrolyte induces, which is its charge weighted by the
potential that a unit difference would have there (Shockley, J. Appl. Phys. 9, 635 (1938); Ramo,
Proc. IRE 27, 584 (1939)). Between planes that potential rises linearly, so that

    Q_upper = (eps0 A V - sum_i q_i (z_i - z_middle)) / L_eff,    Q_lower = -Q_upper,

for a neutral electrolyte. The planes of the induced charge lie before those of the nuclei, by a
distance d that belongs to the material: L_eff = L - d_lower - d_upper. Close to the nuclei the
potential ripples with the lattice, which adds to the heights z_i (cpp/core/corrugation.hpp).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch  # noqa: F401  (before voxion._core, which links against the libraries that it loads)
from numpy.typing import NDArray
from scipy.constants import angstrom, elementary_charge, epsilon_0
from scipy.optimize import minimize_scalar

import voxion._core as _core
from voxion.charges.data.dataset import ChargeDataset, ChargeFrame
from voxion.charges.data.faces import FACE_THICKNESS, face_of
from voxion.errors import VoxionError

VACUUM_PERMITTIVITY = epsilon_0 * angstrom / elementary_charge  # e/(V angstrom)
# A corrugation must take away this share of the squared error of the charges; where it matters, at
# a metal with water on it, it takes away nearly all.
CORRUGATION_GAIN = 0.5
_ROUNDING = 1e-6  # e; where the planes alone leave less, there is nothing to explain
_NEUTRAL = 1e-4  # e; the charges of a thousand atoms in single precision


@dataclass(frozen=True)
class PlanarPair:
    """Two planar electrodes and the electrolyte between them.

    Attributes
    ----------
    faces : (float, float)
        z of the nuclei that face the electrolyte, below and above it, angstrom.
    area : float
        Area of each electrode in a frame's cell, angstrom^2.
    upper : int
        Number of the upper electrode, 0 or 1.
    """

    faces: tuple[float, float]
    area: float
    upper: int

    @property
    def separation(self) -> float:
        """Distance of the faces, L, angstrom."""
        return self.faces[1] - self.faces[0]

    def voltage(self, potentials: NDArray[np.float64]) -> NDArray[np.float64]:
        """Potential of the upper electrode over the lower one, V, from potentials [..., 2]."""
        difference: NDArray[np.float64] = (
            potentials[..., self.upper] - potentials[..., 1 - self.upper]
        )
        return difference

    def drive(self, dataset: ChargeDataset, frame: ChargeFrame) -> float:
        """Charge of the upper electrode times the effective distance, e angstrom."""
        assert frame.potentials is not None
        heights = frame.source_positions[:, 2].astype(np.float64) - np.mean(self.faces)
        induced = float(dataset.source_charges @ heights)
        return VACUUM_PERMITTIVITY * self.area * float(self.voltage(frame.potentials)) - induced

    def ripple(self, dataset: ChargeDataset, frame: ChargeFrame) -> float:
        """Return what a corrugation of 1 angstrom takes from the `drive`, e angstrom."""
        total, z = 0.0, frame.source_positions[:, 2]
        for number, electrode in enumerate(dataset.single_electrodes()):
            upper = number == self.upper
            distance = np.abs(z - self.faces[int(upper)]).astype(np.float64)
            heights = _core.corrugation(
                electrode.seen_positions, frame.cell, frame.source_positions, distance
            )
            total += (1.0 if upper else -1.0) * float(dataset.source_charges @ heights)
        return total

    def charges(
        self,
        dataset: ChargeDataset,
        frame: ChargeFrame,
        plane_offset: float,
        corrugation: float = 0.0,
    ) -> NDArray[np.float64]:
        """Return the total charges [2] of the electrodes, e.

        Parameters
        ----------
        dataset : ChargeDataset
        frame : ChargeFrame
        plane_offset : float
            d of each electrode, angstrom.
        corrugation : float
            Of each electrode, angstrom.
        """
        drive = self.drive(dataset, frame)
        if corrugation:
            drive -= corrugation * self.ripple(dataset, frame)
        upper = drive / (self.separation - 2 * plane_offset)
        charges = np.array([-upper, -upper])
        charges[self.upper] = upper
        return charges


def planar_pair(dataset: ChargeDataset) -> PlanarPair:
    """Return the geometry of the two electrodes of a data set.

    Raises
    ------
    VoxionError
        The electrodes are not two flat ones with a neutral electrolyte between them, in a box that
        is bounded along z and the same in all frames.
    """
    electrodes = dataset.electrodes
    if electrodes is None or len(electrodes.names) != 2:
        raise VoxionError(
            f"{dataset.path} has not two electrodes at given potentials: sample it with 'voxion "
            "charges sample ... --potential'."
        )
    cell = dataset.cells[0]
    if dataset.periodic[2] or np.abs(cell[:2, 2]).max() > 1e-6 or np.abs(cell[2, :2]).max() > 1e-6:
        raise VoxionError(
            f"{dataset.path}: expected electrodes across z in a box that is bounded along z."
        )
    if np.abs(dataset.cells - cell).max() > 1e-6:
        raise VoxionError(f"{dataset.path}: the cell changes; expected one of constant size.")
    if abs(dataset.source_charges.sum()) > _NEUTRAL:
        raise VoxionError(
            f"{dataset.path}: the electrolyte has a charge of {dataset.source_charges.sum():g} e; "
            "expected a neutral one."
        )
    heights = [dataset.surface_positions[mask, 2] for mask in electrodes.members().values()]
    upper = int(heights[1].mean() > heights[0].mean())
    faces = _face(heights[1 - upper], False, dataset), _face(heights[upper], True, dataset)
    for index in range(dataset.frames):
        z = dataset.source_positions(index)[:, 2]
        if z.min() <= faces[0] or z.max() >= faces[1]:
            raise VoxionError(
                f"{dataset.path}: frame {index} has electrolyte outside the electrodes, z from "
                f"{z.min():g} to {z.max():g} A; expected {faces[0]:g} to {faces[1]:g} A."
            )
    return PlanarPair(faces, abs(float(np.linalg.det(cell[:2, :2]))), upper)


@dataclass(frozen=True)
class PlaneFit:
    """What gives the charges of the electrodes of a material.

    Attributes
    ----------
    plane_offset : float
        Distance d from the nuclei of a face to the plane of the induced charge, angstrom.
    corrugation : float
        Length by which the potential ripples close to the nuclei, angstrom; 0 where it does not
        matter.
    error : float
        Root mean square error of the charge of an electrode in the frames of the fit, e.
    """

    plane_offset: float
    corrugation: float
    error: float


def fit_planes(
    pairs: Sequence[tuple[ChargeDataset, PlanarPair, NDArray[np.int64]]],
) -> PlaneFit:
    """Learn where the planes of the induced charge lie, and the corrugation.

    Least squares of the charges of an electrode in these frames. A corrugation is kept only if it
    takes away half of the squared error.

    Parameters
    ----------
    pairs : sequence of (ChargeDataset, PlanarPair, ndarray of int)
        Pairs of electrodes of one material, their geometry, and the frames that count.
    """
    rows = []
    for dataset, pair, frames in pairs:
        assert dataset.electrodes is not None
        atoms = dataset.electrodes.of_atom == pair.upper
        for frame in (dataset.frame(index) for index in frames.tolist()):
            charge = frame.surface_charges[atoms].sum()
            ripple = pair.ripple(dataset, frame)
            rows.append([pair.drive(dataset, frame), ripple, pair.separation, charge])
    drive, ripple, separation, charge = np.array(rows).T

    def corrugation_at(plane_offset: float) -> float:
        effective = separation - 2 * plane_offset
        slope = ripple / effective
        square = float(slope @ slope)
        return float((drive / effective - charge) @ slope) / square if square > 0 else 0.0

    def fit(corrugation: Callable[[float], float]) -> PlaneFit:
        def squared_error(plane_offset: float) -> float:
            told = (drive - corrugation(plane_offset) * ripple) / (separation - 2 * plane_offset)
            return float(np.square(told - charge).mean())

        bound = 0.4 * float(separation.min())
        found = minimize_scalar(
            squared_error, bounds=(-bound, bound), method="bounded", options={"xatol": 1e-9}
        )
        return PlaneFit(float(found.x), corrugation(found.x), float(np.sqrt(found.fun)))

    flat, rippled = fit(lambda _: 0.0), fit(corrugation_at)
    kept = flat.error > _ROUNDING and rippled.error**2 < (1 - CORRUGATION_GAIN) * flat.error**2
    return rippled if kept else flat


def _face(heights: NDArray[np.float64], upper: bool, dataset: ChargeDataset) -> float:
    """Mean height of the nuclei that face the electrolyte."""
    face = face_of(heights, upper)
    if np.ptp(face) > 0.5 * FACE_THICKNESS:
        raise VoxionError(
            f"{dataset.path}: the nuclei of a face spread over {np.ptp(face):.2f} A along z; "
            f"expected a flat one (at most {0.5 * FACE_THICKNESS:g} A)."
        )
    return float(face.mean())
