"""Harness of the LAMMPS tests: starting a built system with the fix, reading atoms."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from voxion.charges.sampling.run import load_configuration
from voxion.engines.lammps import gather, in_group, lammps_session


@contextmanager
def started(folder: Path, *commands: str, dynamics: bool = True, log=None) -> Iterator[Any]:
    """The equilibrated system in LAMMPS, with its dynamics and more commands."""
    with lammps_session(log=log) as engine:
        load_configuration(engine, folder, folder / "equilibrated.data")
        if dynamics:
            engine.command(f"include {folder / 'in.dynamics'}")
        for command in commands:
            engine.command(command)
        yield engine


def charge_fix(model: Path, every: int = 1, more: str = "", sources: str = "electrolyte") -> str:
    return f"fix charges surface voxion/charge {every} {model} sources {sources} {more}"


def surface_charges(engine) -> np.ndarray:
    return gather(engine, "q")[in_group(engine, "surface")]


def predicted(engine, model: Path, total: float, sources: str = "electrolyte") -> np.ndarray:
    """Charges for the present configuration, by the core from Python."""
    import torch  # noqa: F401  (the core's library must be there first)

    from voxion import _core
    from voxion.engines.lammps import cell_of, wrap

    positions, charges = gather(engine, "x"), gather(engine, "q")
    surface, source = in_group(engine, "surface"), in_group(engine, sources)
    cell, origin = cell_of(engine)
    _, _, _, _, _, periodic, _ = engine.extract_box()
    periodic = [bool(p) for p in periodic]
    positions = wrap(positions, cell, origin, periodic)
    return np.array(
        _core.ChargePredictor(str(model))
        .predict(positions[source], charges[source], positions[surface], cell, periodic, total)
        .charges
    )
