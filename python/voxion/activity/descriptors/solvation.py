"""The 12 solvation descriptors of a simulated membrane, with error bars.

They are those of Naghshnejad et al. (chemrxiv-2024-jcjg3): of the radial distribution functions of
counter-ion and water oxygen, tethered charge and water oxygen, tethered charge and counter-ion,
each the first peak's position and height, the first minimum, and the coordination number there.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import MDAnalysis
import numpy as np
from MDAnalysis.analysis.base import AnalysisBase
from MDAnalysis.exceptions import NoDataError
from MDAnalysis.lib.mdamath import triclinic_vectors

from voxion.activity.data.table import DESCRIPTORS
from voxion.activity.descriptors.clusters import cluster_sizes, summarise_clusters
from voxion.activity.descriptors.first_shell import (
    LARGEST_BIN,
    find_extrema,
    jackknife_error,
    measure_shell,
    smoothed,
)
from voxion.activity.descriptors.groups import check_groups, select
from voxion.activity.descriptors.rdf import (
    Floats,
    Surroundings,
    largest_radius,
    radial_distribution,
    running_coordination,
)
from voxion.errors import VoxionError

ION, FIXED, WATER = "counter-ions", "tethered charges", "water oxygens"
# the descriptors' name of a pair, and its groups: neighbours are counted around the first
PAIRS = {"ion_water": (ION, WATER), "fixed_water": (FIXED, WATER), "fixed_ion": (FIXED, ION)}
BLOCKS = 5


@dataclass(frozen=True)
class PairDistribution:
    """One radial distribution function and what was found in it.

    Attributes
    ----------
    radii : ndarray [bins]
        Centres of the bins, angstrom.
    g, coordination : ndarray [bins]
        g(r), and the coordination number within each bin's outer edge.
    smooth : ndarray [bins]
        The g in which extrema are looked for.
    g_error, coordination_error : ndarray [bins] or None
        Standard errors from blocks; None with one frame.
    values : dict
        ``r_min``, ``r_peak``, ``g_peak``, ``cn``, as far as they exist.
    errors : dict
        Their standard errors; empty with one frame.
    missing : str
        Which extremum was not found; empty if both were.
    """

    radii: Floats
    g: Floats
    coordination: Floats
    smooth: Floats
    g_error: Floats | None
    coordination_error: Floats | None
    values: dict[str, float]
    errors: dict[str, float]
    missing: str


@dataclass
class _Sums:
    """Sums over each of B blocks of frames."""

    frames: Floats
    volume: Floats
    counts: dict[str, Floats] = field(default_factory=dict)


class SolvationDescriptors(AnalysisBase):
    """Radial distribution functions of three pairs, their first shells, and water clusters.

    `run(start, stop, step)` goes over the trajectory once. Error bars are jackknife estimates over
    contiguous blocks of frames, 5 if there are as many frames.

    Parameters
    ----------
    universe : MDAnalysis.Universe
    counter_ion, tethered, water : str
        Selections, in MDAnalysis' language: mobile ions, the atoms of the tethered charges (O of a
        sulfonate, N of an ammonium), oxygens of water.
    r_max : float
        Angstrom, at most half the box's smallest width in each frame.
    bins : int
        Between 0 and `r_max`.
    atoms_per_charge : float
        Number of atoms in `tethered` for each charge, such as 3 for the oxygens of sulfonates.
    **options
        Arguments of `MDAnalysis.analysis.base.AnalysisBase`.

    Attributes
    ----------
    results.pairs : dict of str to PairDistribution
        "ion_water", "fixed_water", "fixed_ion".
    results.descriptors, results.errors : dict of str to float
        By the names in `DESCRIPTORS`; those that were not found are left out.
    results.missing : list of str
        What was not found, and where; empty if all 12 were.
    results.clusters : ClusterSizes
    results.blocks : int
        1: no error bars.

    Raises
    ------
    VoxionError
        A selection that does not work, is empty or overlaps another; bins wider than 0.05
        angstrom; and, from `run`, no frames, a frame that cannot be read, that is not later than
        the one before (nor the first of another run, which begins at the time of the first one),
        without a box, with a box that is too small for `r_max`, or with positions that are not
        finite.
    """

    def __init__(
        self,
        universe: MDAnalysis.Universe,
        counter_ion: str,
        tethered: str,
        water: str,
        r_max: float = 10.0,
        bins: int = 500,
        atoms_per_charge: float = 1.0,
        **options: object,
    ) -> None:
        super().__init__(universe.trajectory, **options)
        if not (math.isfinite(r_max) and r_max > 0 and bins > 0 and r_max / bins <= LARGEST_BIN):
            raise VoxionError(
                f"{bins} bins up to {r_max:g} angstrom: expected bins of at most {LARGEST_BIN:g} "
                f"angstrom, in which the first peak of an ion's water has a shape."
            )
        selections = {ION: counter_ion, FIXED: tethered, WATER: water}
        self._groups = {
            name: select(universe, name, selection) for name, selection in selections.items()
        }
        check_groups(self._groups)
        if not 0 < atoms_per_charge <= len(self._groups[FIXED]):
            raise VoxionError(
                f"{atoms_per_charge:g} tethered atoms per charge: expected a number over 0, and at "
                f"most the {len(self._groups[FIXED])} that are selected."
            )
        self._r_max, self._bins, self._atoms_per_charge = r_max, bins, atoms_per_charge

    def run(self, *arguments: Any, **options: Any) -> SolvationDescriptors:
        """Go over the trajectory, as `MDAnalysis.analysis.base.AnalysisBase.run` does."""
        try:
            super().run(*arguments, **options)
        except (OSError, EOFError, ValueError, IndexError, NoDataError) as error:
            # a reader's, for a frame that is damaged
            reason = " ".join(str(error).split())[:300]
            raise VoxionError(
                f"{self._trajectory.filename} cannot be read after frame "
                f"{self._trajectory.ts.frame}: {reason}; leave out what follows it."
            ) from None
        return self

    def _prepare(self) -> None:
        self._time = -math.inf
        if self.n_frames == 0:
            raise VoxionError(
                "No frames are left to analyse: the trajectory has "
                f"{self._trajectory.n_frames}; start earlier."
            )
        self._blocks = min(BLOCKS, self.n_frames)
        self._sums = _Sums(
            np.zeros(self._blocks),
            np.zeros(self._blocks),
            {pair: np.zeros((self._blocks, self._bins)) for pair in PAIRS},
        )
        self._sizes = np.zeros(len(self._groups[WATER]), np.int64)
        self._largest = np.zeros(self.n_frames)

    def _single_frame(self) -> None:
        dimensions, positions = self._checked_frame()
        cell = triclinic_vectors(dimensions, dtype=np.float64)
        block = self._frame_index * self._blocks // self.n_frames
        around = {name: Surroundings(positions[name], cell, self._r_max) for name in (WATER, ION)}
        self._sums.frames[block] += 1
        self._sums.volume[block] += abs(np.linalg.det(cell))
        for pair, (first, second) in PAIRS.items():
            self._sums.counts[pair][block] += around[second].count(positions[first], self._bins)
        sizes = cluster_sizes(positions[WATER], dimensions)
        self._sizes += np.bincount(sizes - 1, minlength=len(self._sizes))
        self._largest[self._frame_index] = sizes.max() / len(self._groups[WATER])

    def _checked_frame(self) -> tuple[np.ndarray, dict[str, np.ndarray]]:
        dimensions, number = self._ts.dimensions, self._ts.frame
        if self._frame_index == 0:
            self._start = self._ts.time
        # another run of the same system begins where the first one began
        elif self._ts.time <= self._time and self._ts.time != self._start:
            raise VoxionError(
                f"Frame {number} is of {self._ts.time:g} ps, the one before of {self._time:g} ps: "
                "a run that was continued wrote some frames again; leave out those that come "
                "twice."
            )
        self._time = self._ts.time
        if dimensions is None or not np.isfinite(dimensions).all() or dimensions[:3].min() <= 0:
            raise VoxionError(
                f"Frame {number} has no periodic box, and a distribution is relative to the mean "
                "density in it: write a trajectory with boxes."
            )
        limit = largest_radius(triclinic_vectors(dimensions, dtype=np.float64))
        if self._r_max > limit:
            raise VoxionError(
                f"r_max is {self._r_max:g} angstrom, but half the smallest width of the box is "
                f"{limit:.4g} in frame {number}: take at most {math.floor(limit * 10) / 10:g} "
                "or simulate a larger box."
            )
        positions = {name: group.positions for name, group in self._groups.items()}
        for name, values in positions.items():
            if not np.isfinite(values).all():
                raise VoxionError(
                    f"Frame {number} has positions of {name} that are not numbers: the run failed "
                    "there; leave it out."
                )
        return dimensions, positions

    def _conclude(self) -> None:
        results = self.results
        results.blocks = self._blocks
        results.pairs = {pair: self._analyse(pair) for pair in PAIRS}
        results.missing = [
            f"{pair}: {found.missing}" for pair, found in results.pairs.items() if found.missing
        ]
        for kind, part in (("descriptors", "values"), ("errors", "errors")):
            everything = {
                f"{quantity}_{pair}": value
                for pair, found in results.pairs.items()
                for quantity, value in getattr(found, part).items()
            }
            results[kind] = {name: everything[name] for name in DESCRIPTORS if name in everything}
        blocks = np.arange(self.n_frames) * self._blocks // self.n_frames
        left_out = [self._largest[blocks != b].mean() for b in range(self._blocks)[: self._many]]
        error = float(jackknife_error(np.array(left_out))) if left_out else None
        results.clusters = summarise_clusters(self._sizes, self._largest, error)

    @property
    def water_per_ion(self) -> float:
        """Water molecules per tethered charge."""
        return self._atoms_per_charge * len(self._groups[WATER]) / len(self._groups[FIXED])

    @property
    def _many(self) -> int:
        """Blocks that can be left out in turn."""
        return self._blocks if self._blocks > 1 else 0

    def _analyse(self, pair: str) -> PairDistribution:
        first, second = (len(self._groups[name]) for name in PAIRS[pair])
        width = self._r_max / self._bins
        frames, volume, counts = self._sums.frames, self._sums.volume, self._sums.counts[pair]

        def distribution(kept: np.ndarray) -> tuple[Floats, Floats, Floats]:
            mean = counts[kept].sum(0) / frames[kept].sum()
            mean_volume = volume[kept].sum() / frames[kept].sum()
            g = radial_distribution(mean, first * second, mean_volume, self._r_max)
            return g, smoothed(g, width), running_coordination(mean, first)

        everything = np.ones(self._blocks, bool)
        g, smooth, running = distribution(everything)
        total = counts.sum(0)
        counting_error = np.divide(g, np.sqrt(total), out=np.zeros_like(g), where=total > 0)
        left_out = [distribution(np.arange(self._blocks) != b) for b in range(self._many)]
        others = np.array([one[0] for one in left_out])
        g_error = jackknife_error(others) if left_out else None
        running_error = (
            jackknife_error(np.array([one[2] for one in left_out])) if left_out else None
        )
        extrema = find_extrema(g, counting_error, others, width)
        values = measure_shell(g, smooth, running, extrema, self._r_max)
        samples = [measure_shell(*one, extrema, self._r_max) for one in left_out]
        return PairDistribution(
            radii=np.asarray((np.arange(self._bins) + 0.5) * width, np.float64),
            g=g,
            coordination=running,
            smooth=smooth,
            g_error=g_error,
            coordination_error=running_error,
            values=values,
            errors={
                name: float(jackknife_error(np.array([sample[name] for sample in samples])))
                for name in (values if samples else ())
            },
            missing=_missing(values, self._r_max),
        )


def _missing(values: dict[str, float], r_max: float) -> str:
    if "r_peak" not in values:
        return f"no peak that stands out of the noise up to {r_max:g} angstrom"
    if "r_min" not in values:
        return (
            f"no minimum that stands out of the noise between the peak at "
            f"{values['r_peak']:.2f} and {r_max:g} angstrom"
        )
    return ""
