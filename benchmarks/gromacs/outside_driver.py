"""Charges from outside, as the paper did it: stop, write, predict, grompp, continue.

``python -m benchmarks.gromacs.outside_driver SETTINGS.json`` does one run and prints its times as
JSON. Python, torch, the model and the topology are loaded before the clock starts, and a first
prediction is made.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter
from typing import Any

import MDAnalysis
import torch  # noqa: F401  voxion._core links against the libraries that torch loads
import voxion._core as _core

from benchmarks.gromacs.modes import PARTS, SOURCES
from benchmarks.gromacs.systems import run_input_words
from voxion.engines.gromacs import Gromacs, run_tool
from voxion.engines.gromacs_topology import set_charges
from voxion.errors import VoxionError
from voxion.systems.description import load_system

SELECTIONS = {"electrolyte": "not name C", "ions": "name Na Cl"}


class OutsideDriver:
    """A model, and a system whose charges it sets between pieces of a run.

    Parameters
    ----------
    gromacs : Gromacs
    system : Path
        Folder of an equilibrated system.
    start : Path
        Run input with its charges.
    folder : Path
        Folder for run inputs and results of the pieces.
    model : Path
    kind : str
        Kind of the model: `LOCAL` or `PAPER`.
    """

    def __init__(
        self, gromacs: Gromacs, system: Path, start: Path, folder: Path, model: Path, kind: str
    ) -> None:
        self.gromacs, self.system, self.folder = gromacs, system, folder
        self.periodic = list(load_system(system, "gromacs").periodic)
        self.topology = (system / "topol.top").read_text()
        self.last = system / "equilibrate.gro"
        self.universe = MDAnalysis.Universe(str(start), str(self.last))
        self.surface = self.universe.select_atoms("name C")
        self.sources = self.universe.select_atoms(SELECTIONS[SOURCES[kind]])
        self.total = float(self.surface.charges.sum())
        self.predictor = _core.ChargePredictor(str(model))
        self._predict()  # torch prepares the model
        self.seconds = dict.fromkeys(PARTS, 0.0)

    def piece(self, number: int, mdrun: list[str]) -> None:
        """Set the charges and run to the next update; `mdrun` has the options of gmx mdrun."""
        with self._timed("read"):
            self.universe.load_new(str(self.last))
        with self._timed("predict"):
            charges = self._predict()
        with self._timed("write"):
            by_atom = dict(zip((self.surface.ix + 1).tolist(), charges, strict=True))
            topology = self.folder / "topol.top"
            topology.write_text(set_charges(self.topology, by_atom))
        name = self.folder / f"piece-{number}"
        run_input = name.with_suffix(".tpr")
        with self._timed("grompp"):
            words = run_input_words(self.system, topology, self.last.with_suffix(".cpt"), run_input)
            run_tool(self.gromacs, *words)
        with self._timed("mdrun"):
            command = [self.gromacs.program, "-quiet", "mdrun", "-s", str(run_input)]
            with open(name.with_suffix(".out"), "w") as output:
                done = subprocess.run(
                    [*command, "-deffnm", str(name), *mdrun],
                    stdout=output, stderr=subprocess.STDOUT, check=False,
                )  # fmt: skip
            if done.returncode != 0:
                raise VoxionError(f"mdrun stopped; see {name.with_suffix('.out')}")
        self.last = name.with_suffix(".gro")

    def _predict(self) -> list[float]:
        """Charges of the sheet (e) from the frame that is loaded."""
        cell = self.universe.trajectory.ts.triclinic_dimensions
        positions, sites = self.sources.wrap(), self.surface.wrap()
        return self.predictor.predict(
            positions, self.sources.charges, sites, cell, self.periodic, self.total
        ).charges

    @contextmanager
    def _timed(self, part: str) -> Iterator[None]:
        begin = perf_counter()
        yield
        self.seconds[part] += perf_counter() - begin


def processor_time() -> float:
    """Return the processor time of this process and of all that it started, s."""
    usage = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in usage)


def main() -> None:
    settings: dict[str, Any] = json.loads(Path(sys.argv[1]).read_text())
    try:
        driver = OutsideDriver(
            Gromacs(**settings["gromacs"]),
            kind=settings["kind"],
            **{name: Path(settings[name]) for name in ("system", "start", "folder", "model")},
        )
        begin, used = perf_counter(), processor_time()
        for number in range(settings["pieces"]):
            driver.piece(number, settings["mdrun"])
        times = {"wall": perf_counter() - begin, "processor": processor_time() - used}
        print(json.dumps({**times, "parts": driver.seconds}))
    except VoxionError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
