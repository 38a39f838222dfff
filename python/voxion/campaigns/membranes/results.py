"""What the runs of a campaign gave: descriptors with errors, densities, predictions."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel

from voxion.activity.data.table import DESCRIPTORS
from voxion.campaigns.membranes.configuration import Campaign, Membrane
from voxion.errors import VoxionError
from voxion.files import read_json, read_text
from voxion.systems.membrane.description import MembraneDescription, read_membrane

_ADVICE = "run 'voxion activity simulate' again"
_BLOCKS = 5


@dataclass(frozen=True)
class Descriptor:
    """A descriptor of all seeds together.

    Attributes
    ----------
    value : float or None
        None: its distribution function has no such peak or minimum.
    error : float or None
        Standard error between the seeds where all of them have it, else that of blocks in time.
    seeds : tuple of float or None
        Value of each seed.
    """

    value: float | None
    error: float | None
    seeds: tuple[float | None, ...]


@dataclass(frozen=True)
class Density:
    """Density (g/cm^3) and radius of gyration (angstrom) over time (ps)."""

    time: NDArray[np.float64]
    density: NDArray[np.float64]
    gyration: NDArray[np.float64]


@dataclass(frozen=True)
class Simulated:
    """One membrane.

    Attributes
    ----------
    membrane : Membrane
    system : MembraneDescription
        Of the first seed.
    descriptors : dict of str to Descriptor
    densities : list of Density
        Of each seed.
    """

    membrane: Membrane
    system: MembraneDescription
    descriptors: dict[str, Descriptor]
    densities: list[Density]

    @property
    def complete(self) -> bool:
        """True if it has all 12 descriptors."""
        return all(one.value is not None for one in self.descriptors.values())

    @property
    def final_density(self) -> tuple[float, float | None]:
        """Mean of the last fifth of the equilibrations, and its standard error between seeds."""
        last = [
            one.density[-max(1, len(one.density) // _BLOCKS) :].mean() for one in self.densities
        ]
        return float(np.mean(last)), _standard_error(last)


def read_simulated(folder: Path, campaign: Campaign) -> list[Simulated]:
    """Read what a campaign has simulated.

    Raises
    ------
    VoxionError
        A result is missing or damaged.
    """
    return [_simulated(folder, membrane, campaign.seeds) for membrane in campaign.membranes]


def _simulated(folder: Path, membrane: Membrane, seeds: int) -> Simulated:
    runs = [folder / f"runs/{membrane.name}-{seed}" for seed in range(1, seeds + 1)]
    pooled = _summary(folder / "descriptors" / membrane.name)
    single = [_summary(run / "descriptors") for run in runs]
    return Simulated(
        membrane,
        read_membrane(runs[0] / "system.json"),
        {name: _descriptor(name, pooled, single) for name in DESCRIPTORS},
        [_density(run / "density.dat", run / "system.json") for run in runs],
    )


class _Summary(BaseModel):
    """The ``summary.json`` of ``voxion activity descriptors``."""

    frames: int
    water_per_ion: float
    descriptors: dict[str, float]
    errors: dict[str, float]
    missing: list[str]


def _summary(folder: Path) -> _Summary:
    return read_json(folder / "summary.json", _Summary, _ADVICE)


def _descriptor(name: str, pooled: _Summary, single: list[_Summary]) -> Descriptor:
    seeds = tuple(one.descriptors.get(name) for one in single)
    there = [value for value in seeds if value is not None]
    between = _standard_error(there) if len(there) == len(seeds) else None
    return Descriptor(
        pooled.descriptors.get(name), pooled.errors.get(name) if between is None else between, seeds
    )


def _standard_error(values: list[float]) -> float | None:
    if len(values) < 2:
        return None
    return float(np.std(values, ddof=1) / np.sqrt(len(values)))


def _density(path: Path, system: Path) -> Density:
    """Read the table of in.equilibrate; where it went on from a restart, the later rows count."""
    rows: dict[int, tuple[float, float]] = {}
    for line in read_text(path, _ADVICE).splitlines():
        words = line.split()
        if line.startswith("#") or len(words) != 3:
            continue
        try:
            rows[int(words[0])] = (float(words[1]), float(words[2]))
        except ValueError:
            raise VoxionError(f"{path}: {line[:60]!r} is no row of numbers; {_ADVICE}.") from None
    if not rows:
        raise VoxionError(f"{path} has no rows: the equilibration is too short to be averaged.")
    steps = sorted(rows)
    density, gyration = np.array([rows[step] for step in steps]).T
    return Density(0.001 * read_membrane(system).timestep * np.array(steps), density, gyration)
