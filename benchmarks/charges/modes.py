"""The ways of setting the surface's charges that are compared."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from benchmarks.common.models import IONS
from benchmarks.common.rounds import BaseMode
from voxion.charges.sampling.electrode import ElectrodeSettings
from voxion.charges.sampling.run import ChargeMethod, model_method
from voxion.engines.lammps import quoted
from voxion.systems.description import SystemDescription

FIXED, MAT_INV = "fixed", "mat-inv"
# The paper's interval between updates, and the two that follow the electrolyte.
LONG_INTERVAL = 2500
INTERVALS = (1, 10, LONG_INTERVAL)
Algorithm = Literal["mat_inv", "cg"]
ALGORITHMS: tuple[Algorithm, ...] = ("mat_inv", "cg")
CG_TOLERANCE = 1e-6
VOLTAGE = 1.0  # V, of two electrodes
# By this tolerance on a sheet of 336 C, against the inverted matrix.
CG_ERROR = "1e-4 e"


@dataclass(frozen=True)
class Mode(BaseMode):
    """One way of setting charges.

    Attributes
    ----------
    commands : tuple of str
        LAMMPS commands after the dynamics.
    kspace : str
        Long-range solver.
    every : int, optional
        Steps between the updates of fix voxion/charge.
    matrix : bool
        Whether the set-up computes the electrode's matrix.
    """

    commands: tuple[str, ...] = ()
    kspace: str = "pppm"
    every: int | None = None
    matrix: bool = False


def fixed() -> Mode:
    """Return the mode of the charges in the data file, which all others are compared with."""
    return Mode(FIXED, "fixed charges")


def paper_network(model: Path, every: int) -> Mode:
    """Return the mode of fix voxion/charge with the paper's network, which sees the ions only."""
    commands = (f"group ions type {' '.join(IONS)}", _fix(model, every, "ions"))
    return Mode(f"paper-{every}", f"voxion, paper's network, Nevery {every}", commands, every=every)


def local_model(model: Path, every: int) -> Mode:
    """Return the mode of fix voxion/charge with a local model, which sees all electrolyte."""
    commands = (_fix(model, every, "electrolyte"),)
    return Mode(f"local-{every}", f"voxion, local model, Nevery {every}", commands, every=every)


def electrode(system: SystemDescription, algorithm: Algorithm) -> Mode:
    """Return the mode of constant-charge ELECTRODE, solved at every step."""
    settings = ElectrodeSettings(algorithm=algorithm, tolerance=CG_TOLERANCE)
    method = settings.method(system)
    label = f"fix electrode/conq, {algorithm}"
    if algorithm == "cg":
        label += f" {CG_TOLERANCE:g} (leaves {CG_ERROR})"
    name = algorithm.replace("_", "-")
    return Mode(
        name,
        label,
        tuple(method.commands),
        method.kspace_style,
        matrix=algorithm == "mat_inv",
    )


def all_modes(system: SystemDescription, paper: Path, local: Path) -> list[Mode]:
    """Return all modes of the comparison, fixed charges first."""
    return [
        fixed(),
        *(paper_network(paper, n) for n in INTERVALS),
        *(local_model(local, n) for n in INTERVALS),
        *(electrode(system, algorithm) for algorithm in ALGORITHMS),
    ]


def scaling_modes(system: SystemDescription, local: Path) -> list[Mode]:
    """Return the modes that update at every step at any size of the sheet, fixed charges first."""
    solvers = [electrode(system, algorithm) for algorithm in ALGORITHMS]
    return [fixed(), local_model(local, 1), *solvers]


def pair_modes(system: SystemDescription, model: Path) -> list[Mode]:
    """Return the modes of two electrodes at a voltage, fixed charges first."""
    learned = model_method(model, system, 1, [VOLTAGE], 1)
    return [
        fixed(),
        Mode("local-1", "voxion, local model, Nevery 1", _at_voltage(learned), every=1),
        *(_electrode_at_voltage(system, algorithm) for algorithm in ALGORITHMS),
    ]


def _electrode_at_voltage(system: SystemDescription, algorithm: Algorithm) -> Mode:
    settings = ElectrodeSettings(algorithm=algorithm, tolerance=CG_TOLERANCE)
    method = settings.potential_method(system, [VOLTAGE], 1)
    tolerance = f" {CG_TOLERANCE:g}" if algorithm == "cg" else ""
    return Mode(
        algorithm.replace("_", "-"),
        f"fix electrode/conp, {algorithm}{tolerance}",
        _at_voltage(method),
        method.kspace_style,
        matrix=algorithm == "mat_inv",
    )


def _at_voltage(method: ChargeMethod) -> tuple[str, ...]:
    """Return the commands of a method of one stage, with its potentials."""
    (potentials,) = method.stages
    given = (f"variable potential_{name} equal {value}" for name, value in potentials.items())
    return (*method.commands, *given)


def _fix(model: Path, every: int, sources: str) -> str:
    path = quoted(model.resolve())
    return f"fix charges surface voxion/charge {every} {path} sources {sources}"
