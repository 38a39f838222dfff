"""Density profiles of the electrolyte against the distance from a sheet that lies across z.

The profiles of Di Pasquale et al., J. Chem. Theory Comput. 17, 4477 (2021), fig. 8, with standard
errors.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.progress import track

from voxion.charges.sampling.electrolyte_runs import Run, Slice
from voxion.errors import VoxionError

# A third of the width of the first water layer.
BIN_WIDTH = 0.2  # angstrom
# Few and long, since ions near a sheet need tens of picoseconds to lose their memory.
BLOCKS = 5
MOLAR = 1e27 / 6.02214076e23  # mol/l of one atom per cubic angstrom


@dataclass(frozen=True)
class DensityProfile:
    """Density of one species against the distance from the sheet.

    Attributes
    ----------
    species : str
    distance : ndarray [B]
        Middles of the bins, angstrom.
    relative : ndarray [B]
        Density over the density in the bulk.
    error : ndarray [B]
        Standard error of `relative`, by the jackknife over contiguous blocks of frames.
    bulk : float
        Number density in the bulk, 1/angstrom^3.
    bulk_error : float
        Its standard error.
    bulk_range : tuple of 2 floats
        Distances that count as bulk, angstrom.
    frames, blocks : int
    """

    species: str
    distance: NDArray[np.float64]
    relative: NDArray[np.float64]
    error: NDArray[np.float64]
    bulk: float
    bulk_error: float
    bulk_range: tuple[float, float]
    frames: int
    blocks: int

    def highest(self, within: float = 10.0) -> tuple[float, float, float]:
        """Highest bin within some distance: distance (angstrom), relative density, error."""
        near = np.flatnonzero(self.distance <= within)
        top = near[np.argmax(self.relative[near])]
        return float(self.distance[top]), float(self.relative[top]), float(self.error[top])


def rms_difference(first: DensityProfile, second: DensityProfile, within: float = 15.0) -> float:
    """Root mean square of the difference of two profiles in units of its standard error.

    About 1 where they agree within their errors (1.15 for errors from 5 blocks each).

    Parameters
    ----------
    first, second : DensityProfile
        With bins of one width.
    within : float
        Distance up to which they are compared, angstrom.

    Raises
    ------
    VoxionError
        They share no bins in which an error is known.
    """
    one, other = (np.rint(p.distance * 1e6).astype(np.int64) for p in (first, second))
    _, here, there = np.intersect1d(one, other, return_indices=True)
    error = np.hypot(first.error[here], second.error[there])
    used = (error > 0) & (np.abs(first.distance[here]) < within)
    if not used.any():
        raise VoxionError(
            f"Two profiles of {first.species} cannot be compared: they share no bins within "
            f"{within:g} A of the sheet."
        )
    difference = first.relative[here] - second.relative[there]
    return float(np.sqrt(np.square(difference[used] / error[used]).mean()))


def density_profiles(
    run: Run,
    species: Sequence[str],
    *,
    width: float = BIN_WIDTH,
    blocks: int = BLOCKS,
    bulk: tuple[float, float] | None = None,
    progress: bool = False,
) -> dict[str, DensityProfile]:
    """Density of some species against the distance from the sheet, over that in the bulk.

    The distance is z less the mean z of the surface atoms; in a box that is periodic along z, the
    shortest one, and both faces of the sheet count.

    Parameters
    ----------
    run : Run
        Read once, frame by frame.
    species : sequence of str
        The first one, the solvent, tells how far the electrolyte reaches.
    width : float
        Width of the bins, angstrom.
    blocks : int
        For the standard errors.
    bulk : tuple of 2 floats, optional
        Distances that count as bulk, angstrom; by default the middle third of the electrolyte.
    progress : bool
        Show a progress bar.

    Returns
    -------
    dict of str to DensityProfile

    Raises
    ------
    VoxionError
        Fewer frames than blocks, a species that is not there, or none of it in the bulk.
    """
    _check(run, species, width, blocks)
    edges = _edges(run, width)
    density, shares = _block_densities(run, species, edges, blocks, progress)
    middles = 0.5 * (edges[:-1] + edges[1:])
    low, high = bulk or _bulk_range(middles, np.tensordot(shares, density[0], 1))
    inside = (middles > low) & (middles < high)
    seen = np.flatnonzero(density.any(axis=(0, 1)))
    shown = slice(max(seen[0] - 1, 0), seen[-1] + 2)
    profiles = {}
    for name, blockwise in zip(species, density, strict=True):
        whole, left_out = _with_each_left_out(blockwise, shares)
        if not inside.any() or not (left_out[:, inside].sum(1) > 0).all():
            raise VoxionError(
                f"{run.name} has no {name} in its bulk, {low:.1f} to {high:.1f} A from the sheet, "
                "or in too few frames: normalise to another range, or sample more frames."
            )
        profiles[name] = DensityProfile(
            species=name,
            distance=middles[shown],
            relative=(whole / whole[inside].mean())[shown],
            error=_jackknife(left_out / left_out[:, inside].mean(1, keepdims=True))[shown],
            bulk=float(whole[inside].mean()),
            bulk_error=float(_jackknife(left_out[:, inside].mean(1))),
            bulk_range=(float(low), float(high)),
            frames=run.frames,
            blocks=blocks,
        )
    return profiles


def _check(run: Run, species: Sequence[str], width: float, blocks: int) -> None:
    if blocks < 2 or run.frames < blocks:
        raise VoxionError(
            f"{run.name} has {run.frames} frames, a density profile with standard errors needs one "
            f"in each of {blocks} blocks, at least 2: sample more frames."
        )
    if not width > 0:
        raise VoxionError(f"The bins of a density profile need a positive width, found {width} A.")
    missing = sorted(set(species) - set(run.species.tolist()))
    if missing or not species:
        raise VoxionError(
            f"{run.name} has no atoms of {', '.join(missing) or 'any species asked for'}; it has "
            f"{', '.join(sorted(set(run.species.tolist())))}."
        )


def _edges(run: Run, width: float) -> NDArray[np.float64]:
    """Bins wherever an atom can be; one of their edges is the sheet."""
    reach = int(np.ceil(run.height / width)) + 1
    return np.arange(0 if run.periodic else -reach, reach + 1) * np.float64(width)


def _block_densities(
    run: Run, species: Sequence[str], edges: NDArray[np.float64], blocks: int, progress: bool
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Count number densities [species, block, bin], and the blocks' shares of frames [block]."""
    members = [np.flatnonzero(run.species == name) for name in species]
    density = np.zeros((len(species), blocks, len(edges) - 1))
    frames_in = np.bincount(np.arange(run.frames) * blocks // run.frames, minlength=blocks)
    width, faces = edges[1] - edges[0], 2 if run.periodic else 1
    slices: Iterable[Slice] = run.slices()
    if progress:
        slices = track(slices, f"Densities of {Path(run.name).name}", total=run.frames)
    for index, one in enumerate(slices):
        heights = one.heights
        if run.periodic:
            heights = np.abs(heights - run.height * np.rint(heights / run.height))
        block = index * blocks // run.frames
        volume = faces * one.area * width * frames_in[block]
        for row, atoms in enumerate(members):
            density[row, block] += np.histogram(heights[atoms], edges)[0] / volume
    return density, frames_in / run.frames


def _bulk_range(middles: NDArray[np.float64], solvent: NDArray[np.float64]) -> tuple[float, float]:
    """Middle third of the stretch in front of the sheet that the solvent fills."""
    front = (middles > 0) & (solvent > 0)
    if not front.any():
        return 0.0, 0.0
    filled = middles[front & (solvent > 0.5 * np.median(solvent[front]))]
    third = (filled[-1] - filled[0]) / 3
    return float(filled[0] + third), float(filled[-1] - third)


def _with_each_left_out(
    blockwise: NDArray[np.float64], shares: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean over all frames, [bin], and over all but one block's, [block, bin]."""
    whole: NDArray[np.float64] = shares @ blockwise
    left_out = (whole - shares[:, None] * blockwise) / (1 - shares[:, None])
    return whole, np.maximum(left_out, 0.0)


def _jackknife(left_out: NDArray[np.float64]) -> Any:
    """Return the standard error from estimates with each block left out, along the first axis."""
    blocks = len(left_out)
    deviations = left_out - left_out.mean(0)
    return np.sqrt((blocks - 1) / blocks * np.square(deviations).sum(0))
