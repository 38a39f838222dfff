"""The ways of running mdrun that are compared."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from benchmarks.common.rounds import BaseMode
from voxion.systems.description import SystemDescription

PLAIN, VOXELS = "plain", "voxels"
LOCAL, PAPER = "local", "paper"
MODELS = {LOCAL: "local model", PAPER: "paper's network"}
TABLE = "charges.xvg"  # of the plugin's updates
# Group of the atoms that a model sees.
SOURCES = {LOCAL: "electrolyte", PAPER: "ions"}
# What the outside driver does for an update.
PARTS = ("read", "predict", "write", "grompp", "mdrun")

NSTLIST = 10  # steps between pair searches: charges change at these only
PAPER_INTERVAL = 2500  # steps of 2 fs between updates, the paper's 5 ps
# Voxels as in the benchmark of those: steps between samples, samples of a window, voxels an edge.
EVERY, SAMPLES, EDGE = 10, 10, 32


@dataclass(frozen=True)
class Mode(BaseMode):
    """One way of running.

    Attributes
    ----------
    job : str
        Line of the jobs file of the kernel; empty without it.
    every : int, optional
        Steps between updates of the charges.
    driver : str, optional
        Model that the outside driver has.
    """

    job: str = ""
    every: int | None = None
    driver: str | None = None

    def updates(self, steps: int) -> int | None:
        """Return the number of updates of the charges in a run; None where they are fixed."""
        if self.every is None:
            return None
        regular = steps // self.every
        # the kernel's first one is at the first pair search after the start, the driver's before it
        return regular + (self.driver is None and self.every > NSTLIST and steps >= NSTLIST)


def kernel_name(model: str, every: int) -> str:
    """Return the name of a mode with charges by the kernel."""
    return f"{model}-{every}"


def driver_name(model: str) -> str:
    """Return the name of a mode with charges by the outside driver."""
    return f"driver-{model}"


def all_modes(system: SystemDescription, models: dict[str, Path], interval: int) -> list[Mode]:
    """Return all modes, the run without the plugin first.

    Parameters
    ----------
    system : SystemDescription
    models : dict
        Model files of `LOCAL` and `PAPER`.
    interval : int
        Steps between updates by the driver, and one of the intervals of the kernel.
    """
    group = system.surfaces[0].group

    def charges(kind: str, every: int) -> Mode:
        model, sources = models[kind].resolve(), SOURCES[kind]
        job = f"charge {group} {every} {model} sources {sources} output {TABLE}"
        label = f"plugin, {MODELS[kind]}, {_interval(every, system)}"
        return Mode(kernel_name(kind, every), label, job, every)

    def driven(kind: str) -> Mode:
        label = f"driver, {MODELS[kind]}, {_interval(interval, system)}"
        return Mode(driver_name(kind), label, every=interval, driver=kind)

    voxels = (
        f"voxels System {EVERY} {SAMPLES} {EVERY * SAMPLES} {EDGE} {EDGE} {EDGE} file grids.zarr "
        "channels mass charge"
    )
    return [
        Mode(PLAIN, "mdrun alone"),
        *(charges(LOCAL, n) for n in sorted({NSTLIST, 10 * NSTLIST, interval, 10 * interval})),
        charges(PAPER, interval),
        driven(LOCAL),
        driven(PAPER),
        Mode(VOXELS, f"plugin, {EDGE}^3 voxels, every {EVERY} steps", voxels),
    ]


def jobs_file(mode: Mode, system: SystemDescription, index: Path) -> str:
    """Return the text of the kernel's jobs file."""
    pbc = "xyz" if system.periodic[2] else "xy"
    return f"index {index}\npbc {pbc}\n{mode.job}\n"


def _interval(steps: int, system: SystemDescription) -> str:
    return f"{steps // NSTLIST} x nstlist ({1e-3 * steps * system.timestep:g} ps)"
