"""Errors of the forces on the electrolyte that follow from errors of the surface's charges.

The dynamics feel the charges only through these forces. They are those of point charges, which is
what an engine puts onto the surface.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich import box
from rich.progress import track
from rich.table import Table

from voxion.charges.data.dataset import ChargeDataset
from voxion.errors import VoxionError

COULOMB = 332.06371  # kcal angstrom/(mol e^2), as in LAMMPS's units real
FIRST_LAYER = 5.0  # angstrom
# Frames whose forces are computed: evenly spaced ones are enough for a root mean square.
FORCE_FRAMES = 20
# Surface atoms further apart in height than this belong to different layers (angstrom).
LAYER_GAP = 1.0
# Nearer to a layer the lateral sum has too many terms (angstrom); no electrolyte atom gets there.
SMALLEST_HEIGHT = 0.5
# Waves are left out where they have decayed to exp(-14), 1e-6.
_DECAY = 14.0
_BLOCK = 64  # electrolyte atoms, sorted by height, that share one set of waves
_CHUNK = 1_000_000  # phases in memory at a time


@dataclass(frozen=True)
class ForceScores:
    """Error of the force on an electrolyte atom, root mean square over atoms and frames.

    Attributes
    ----------
    rms, rms_first_layer : float
        Over all electrolyte atoms, and over those within 5 angstrom of the surface's height;
        kcal/(mol angstrom). None where there are no such atoms.
    relative, relative_first_layer : float
        The same over what the fluctuation of the reference charges exerts, that is their
        difference from total charge / M: 1 for the constant. None where they do not differ.
    """

    rms: float
    rms_first_layer: float | None
    relative: float | None
    relative_first_layer: float | None


@dataclass(frozen=True)
class ForceReport:
    """Errors of the forces with the charges of a model and of the two baselines.

    Attributes
    ----------
    model, constant, atom_mean : ForceScores
    frames : int
        How many of the scored frames were used.
    first_layer : float
        Largest distance from the surface's height in the first layer, angstrom.
    first_layer_atoms : float
        Electrolyte atoms in it, mean over the frames.
    """

    model: ForceScores
    constant: ForceScores
    atom_mean: ForceScores
    frames: int
    first_layer: float
    first_layer_atoms: float

    def table(self) -> Table:
        """Lay the scores out for a terminal."""
        table = Table(
            title=f"errors of the forces on the electrolyte, {self.frames} frames",
            title_justify="left",
            caption=f"root mean square, kcal/(mol A); < {self.first_layer:g} A: the "
            f"{self.first_layer_atoms:.0f} atoms nearest to the surface",
            caption_justify="left",
            box=box.SIMPLE_HEAD,
            padding=(0, 1),
            pad_edge=False,
        )
        table.add_column("", no_wrap=True)
        near = f"< {self.first_layer:g} A"
        for name in ("all atoms", "of constant's", near, "of constant's"):
            table.add_column(name, justify="right", no_wrap=True)
        rows = {"model": self.model, "constant": self.constant, "atom's mean": self.atom_mean}
        for name, scores in rows.items():
            table.add_row(
                name,
                f"{scores.rms:.2e}",
                _shown(scores.relative, ".2%"),
                _shown(scores.rms_first_layer, ".2e"),
                _shown(scores.relative_first_layer, ".2%"),
            )
        return table


def score_forces(
    dataset: ChargeDataset,
    frames: NDArray[np.int64],
    errors: Mapping[str, NDArray[np.float64]],
    progress: bool = False,
) -> ForceReport:
    """Errors of the forces on the electrolyte in up to 20 evenly spaced frames.

    Parameters
    ----------
    dataset : ChargeDataset
    frames : ndarray [F]
        Frames of the data set.
    errors : mapping of "model", "constant" and "atom_mean" to ndarray [F, M]
        Predicted minus reference charges, e.
    progress : bool
        Show a progress bar.

    Raises
    ------
    VoxionError
        As `lateral_forces`.
    """
    stacked = np.stack(list(errors.values()))
    chosen = np.unique(np.linspace(0, len(frames) - 1, min(len(frames), FORCE_FRAMES)).round())
    shown: Iterable[int] = chosen.astype(int).tolist()
    if progress:
        shown = track(chosen.astype(int).tolist(), f"Forces of {dataset.path.name}")
    sums, near_sums = np.zeros(len(stacked)), np.zeros(len(stacked))
    atoms, near_atoms = 0, 0
    for row in shown:
        frame = dataset.frame(int(frames[row]))
        forces = lateral_forces(
            stacked[:, row],
            dataset.surface_positions,
            frame.source_positions.astype(np.float64),
            dataset.source_charges,
            frame.cell,
        )
        near = _heights(frame.source_positions, dataset.surface_positions) < FIRST_LAYER
        square = np.square(forces).sum(2)
        sums += square.sum(1)
        near_sums += square[:, near].sum(1)
        atoms += len(near)
        near_atoms += int(near.sum())
    squares = dict(zip(errors, sums.tolist(), strict=True))
    near_squares = dict(zip(errors, near_sums.tolist(), strict=True))
    scores = {
        name: ForceScores(
            rms=float(np.sqrt(squares[name] / atoms)),
            rms_first_layer=_root(near_squares[name], near_atoms),
            relative=_root(squares[name], squares["constant"]),
            relative_first_layer=_root(near_squares[name], near_squares["constant"]),
        )
        for name in errors
    }
    return ForceReport(
        **scores,
        frames=len(chosen),
        first_layer=FIRST_LAYER,
        first_layer_atoms=near_atoms / len(chosen),
    )


def lateral_forces(
    charges: NDArray[np.float64],
    sites: NDArray[np.float64],
    positions: NDArray[np.float64],
    source_charges: NDArray[np.float64],
    cell: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Coulomb forces that the charges of a laterally periodic surface exert on the electrolyte.

    Lateral Fourier sum over the waves G of the cell's first two vectors (area A), at each atom
    outside of the surface's layers; Parry, Surf. Sci. 49, 433 (1975), eq. 6 without a screening
    Gaussian:

    phi(s, z) = 2 pi/A sum_i q_i (sum_{G != 0} exp(iG(s - s_i) - G|z - z_i|)/G - |z - z_i|).

    Parameters
    ----------
    charges : ndarray [C, M]
        C sets of charges on the sites, e.
    sites : ndarray [M, 3]
        Angstrom; layers across z, flat or rippled.
    positions : ndarray [N, 3]
        Electrolyte atoms, angstrom.
    source_charges : ndarray [N]
        e.
    cell : ndarray [3, 3]
        Angstrom; rows are the lattice vectors, the first two lie across z.

    Returns
    -------
    ndarray [C, N, 3]
        kcal/(mol angstrom).

    Raises
    ------
    VoxionError
        The cell's first two vectors do not lie across z, or an electrolyte atom lies within 0.5
        angstrom of the heights that a layer takes up.
    """
    if np.abs(cell[:2, 2]).max() > 1e-6:
        raise VoxionError(
            "Forces on the electrolyte need a surface across z: the first two vectors of the cell "
            f"must have no z, found {cell[:2].tolist()}."
        )
    area = abs(np.linalg.det(cell[:2, :2]))
    fields = np.zeros((len(charges), len(positions), 3))
    for layer in _layers(sites[:, 2]):
        top, bottom = sites[layer, 2].max(), sites[layer, 2].min()
        above, below = positions[:, 2] - top, bottom - positions[:, 2]
        if np.maximum(above, below).min() < SMALLEST_HEIGHT:
            raise VoxionError(
                "Forces on the electrolyte need a surface in layers across z: an electrolyte atom "
                f"lies within {SMALLEST_HEIGHT:g} A of the heights of a layer, z from "
                f"{bottom:.4g} to {top:.4g} A."
            )
        for side, height in ((1.0, above), (-1.0, below)):
            atoms = np.flatnonzero(height > 0)
            if not len(atoms):
                continue
            depth = top - sites[layer, 2] if side > 0 else sites[layer, 2] - bottom
            fields[:, atoms] += _one_sided_fields(
                charges[:, layer],
                np.column_stack([sites[layer, :2], depth]),
                np.column_stack([positions[atoms, :2], height[atoms]]),
                cell[:2, :2],
            ) * [1.0, 1.0, side]
    return COULOMB * 2 * np.pi / area * source_charges[:, None] * fields


def _one_sided_fields(
    charges: NDArray[np.float64],
    sites: NDArray[np.float64],
    atoms: NDArray[np.float64],
    cell: NDArray[np.float64],
) -> NDArray[np.float64]:
    """-grad(phi) A/(2 pi), [C, N, 3]; z of sites: depth below the edge, of atoms: above it."""
    order = np.argsort(atoms[:, 2])
    waves = _half_plane(cell, _DECAY / atoms[order[0], 2])
    length = np.linalg.norm(waves, axis=1)
    amplitudes = _amplitudes(charges, sites, waves, length)
    # G and -G add up to twice the real part
    lateral = -2j * (waves / length[:, None])[:, :, None] * amplitudes[:, None, :]
    weights = np.concatenate([lateral, 2 * amplitudes[:, None, :]], 1).reshape(len(waves), -1)
    fields = np.empty((len(charges), len(atoms), 3))
    for start in range(0, len(order), _BLOCK):
        block = order[start : start + _BLOCK]
        position = atoms[block]
        count = int(np.searchsorted(length, _DECAY / position[0, 2]))
        phase = np.exp(1j * (position[:, :2] @ waves[:count].T) - position[:, 2:] * length[:count])
        real = (phase @ weights[:count]).real.reshape(len(block), 3, -1)
        fields[:, block] = real.transpose(2, 0, 1)
    fields[:, :, 2] += charges.sum(1)[:, None]  # G = 0
    return fields


def _amplitudes(
    charges: NDArray[np.float64],
    sites: NDArray[np.float64],
    waves: NDArray[np.float64],
    length: NDArray[np.float64],
) -> NDArray[np.complex128]:
    """sum_i q_i exp(-iG s_i - G depth_i), [G, C]."""
    result = np.empty((len(waves), len(charges)), np.complex128)
    step = max(1, _CHUNK // len(sites))
    for start in range(0, len(waves), step):
        part = slice(start, start + step)
        exponent = -1j * (waves[part] @ sites[:, :2].T) - length[part, None] * sites[:, 2]
        result[part] = np.exp(exponent) @ charges.T
    return result


def _half_plane(cell: NDArray[np.float64], largest: float) -> NDArray[np.float64]:
    """One of each pair G, -G of reciprocal vectors [G, 2] up to a length, shortest first."""
    reciprocal = 2 * np.pi * np.linalg.inv(cell).T
    # |m| is at most the length of G times that of the lattice vector, over 2 pi
    a, b = (int(largest * np.linalg.norm(vector) / (2 * np.pi)) for vector in cell)
    m, n = np.meshgrid(np.arange(0, a + 1), np.arange(-b, b + 1), indexing="ij")
    half = (m > 0) | (n > 0)
    waves = np.column_stack([m[half], n[half]]) @ reciprocal
    length = np.linalg.norm(waves, axis=1)
    order = np.argsort(length, kind="stable")
    ordered: NDArray[np.float64] = waves[order[: np.count_nonzero(length <= largest)]]
    return ordered


def _root(numerator: float, denominator: float) -> float | None:
    return float(np.sqrt(numerator / denominator)) if denominator > 0 else None


def _shown(value: float | None, form: str) -> str:
    return "-" if value is None else f"{value:{form}}"


def _layers(heights: NDArray[np.float64]) -> Iterator[NDArray[np.int64]]:
    """Find the surface atoms of each layer, indices."""
    order = np.argsort(heights)
    gaps = np.flatnonzero(np.diff(heights[order]) > LAYER_GAP) + 1
    yield from np.split(order, gaps)


def _heights(
    positions: NDArray[np.floating[Any]], sites: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Distance of each electrolyte atom from the height of the nearest surface atom, [N]."""
    levels = np.unique(sites[:, 2])
    apart: NDArray[np.float64] = np.abs(positions[:, 2, None] - levels).min(1)
    return apart
