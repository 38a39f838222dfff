"""The ways of averaging grids during a run that are compared; all sample the same steps."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.common.rounds import BaseMode
from voxion.engines.lammps import quoted

NONE, STRESS_ALONE = "none", "stress-alone"
VOXION, VOXION_STRESS, VOXION_CLASSIFY = "voxion", "voxion-stress", "voxion-classify"
GRID, GRID_STRESS = "ave-grid", "ave-grid-stress"

EVERY = 10  # steps between samples
WINDOW = 100  # steps of a window; every sample of it counts
EDGE = 32  # voxels per direction
STORE, TEXT = "voxels.zarr", "grid.*.txt"
STRESS = tuple(f"stress_{pair}" for pair in ("xx", "yy", "zz", "xy", "xz", "yz"))
CLASSIFIED = ("mass", "charge", "shear")

_SAMPLING = f"{EVERY} {WINDOW // EVERY} {WINDOW}"
_STRESS = "compute stress all stress/atom NULL"
_CELLS = f"{EDGE} {EDGE} {EDGE}"


@dataclass(frozen=True)
class Mode(BaseMode):
    """One way of averaging grids.

    Attributes
    ----------
    commands : tuple of str
        LAMMPS commands after the dynamics.
    values : int
        Number of values per voxel that it writes; 0 if it writes nothing.
    """

    commands: tuple[str, ...] = ()
    values: int = 0


def all_modes(classifier: Path) -> list[Mode]:
    """All modes, the one without voxels first."""
    return [
        Mode(NONE, "no voxels"),
        _voxion(VOXION, "mass, charge", ("mass", "charge")),
        _voxion(VOXION_STRESS, "mass, charge, 6 stress", ("mass", "charge", *STRESS)),
        _voxion(VOXION_CLASSIFY, "mass, charge, shear, classified", CLASSIFIED, classifier),
        Mode(
            STRESS_ALONE,
            "compute stress/atom alone",
            (_STRESS, f"fix asks all ave/atom {_SAMPLING} c_stress[1]"),
        ),
        _ave_grid(GRID, "mass, charge", ("density/mass", "c_charge")),
        _ave_grid(
            GRID_STRESS, "mass, charge, 6 stress", ("density/mass", "c_charge", "c_stress[*]")
        ),
    ]  # fmt: skip


def sampled_every_step(mode: Mode) -> Mode:
    """Return the same mode with a sample at every step, windows unchanged."""
    dense = f"1 {WINDOW} {WINDOW}"
    return replace(mode, commands=tuple(c.replace(_SAMPLING, dense) for c in mode.commands))


def _voxion(name: str, what: str, channels: tuple[str, ...], model: Path | None = None) -> Mode:
    command = f"fix voxels all voxion/voxels {_SAMPLING} {_CELLS} file {STORE} channels "
    command += " ".join(channels)
    if model is not None:
        command += f" classify {quoted(model.resolve())}"
    return Mode(name, f"voxion, {what}", (command,), len(channels))


def _ave_grid(name: str, what: str, values: tuple[str, ...]) -> Mode:
    """Fix ave/grid with sums per voxel and sample, as densities are, written as text."""
    commands = ["compute charge all property/atom q"]
    count = 2
    if "c_stress[*]" in values:
        commands.append(_STRESS)
        count = 8
    commands += [
        f"fix grid all ave/grid {_SAMPLING} {_CELLS} {' '.join(values)} norm none",
        f"dump text all grid {WINDOW} {TEXT} f_grid:grid:data[*]",
    ]
    return Mode(name, f"fix ave/grid, {what}", tuple(commands), count)
