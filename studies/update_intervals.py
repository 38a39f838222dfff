"""Drift of the conserved energy if charges are updated only every so many steps.

python studies/update_intervals.py SYSTEM MODEL --work FOLDER

SYSTEM is a folder of a built and equilibrated system. Writes update_intervals.md beside
this file. Runs that are in the work folder already are not repeated.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from matplotlib.figure import Figure
from numpy.typing import NDArray
from rich.progress import track

from voxion.charges.sampling.run import load_configuration, model_method
from voxion.engines.lammps import lammps_session
from voxion.figures import COLOURS, styled
from voxion.systems.description import SystemDescription, load_system

INTERVALS = (1, 2, 5, 10, 25, 50, 100, 250, 2500)  # steps
SETTLE = 1.0  # ps
RECORD = 50  # steps
PARTS = 5
KILOJOULE = 4.184  # of one kcal
RESULT = Path(__file__).with_suffix(".md")
FIGURES = Path(__file__).parents[1] / "docs" / "figures"


def main(
    system: Annotated[Path, typer.Argument(help="Folder of a built, equilibrated system.")],
    model: Annotated[Path, typer.Argument(help="Exported model.")],
    work: Annotated[Path, typer.Option(help="Folder for the energies.")],
    length: Annotated[float, typer.Option(help="Of each run, ps.")] = 20.0,
) -> None:
    """Run with every interval; a table and a figure."""
    work.mkdir(parents=True, exist_ok=True)
    description = load_system(system)
    slopes = {}
    for every in track(INTERVALS, "intervals"):
        file = work / f"{every}.json"
        if not file.exists():
            energies = conserved(system.resolve(), description, model, every, length)
            file.write_text(json.dumps(energies.tolist()))
        slopes[every] = _slope(np.array(json.loads(file.read_text())), description.timestep)
    atoms = sum(species.count for species in description.species if species.name != "C")
    unit = 1000 * KILOJOULE / atoms
    lines = [
        f"{description.title}, {length:g} ps each: slope of the conserved energy.\n",
        "| updates every | kcal/mol/ps | kJ/mol/ns per electrolyte atom |\n|---|---|---|",
    ]
    for every, (slope, error) in slopes.items():
        time = every * description.timestep
        lines.append(
            f"| {time:g} fs | {slope:.2f} +- {error:.2f} "
            f"| {slope * unit:.2f} +- {error * unit:.2f} |"
        )
    text = "\n".join(lines) + "\n"
    typer.echo(text)
    RESULT.write_text(f"# {__doc__.splitlines()[0]}\n\n{text}")
    _figure(slopes, description.timestep).savefig(FIGURES / "update_intervals.png", dpi=130)


def conserved(
    system: Path, description: SystemDescription, model: Path, every: int, length: float
) -> NDArray[np.float64]:
    """Conserved energy of the thermostatted run, kcal/mol, every RECORD steps."""
    with lammps_session(variables={"kspace": "pppm"}) as engine:
        load_configuration(engine, system, system / "equilibrated.data")
        engine.command(f"include {system / 'in.dynamics'}")
        for command in model_method(model, description, every).commands:
            engine.command(command)
        engine.command(f"thermo {RECORD}")
        engine.command("thermo_style custom step temp econserve")
        engine.command(f"run {round(1000 * SETTLE / description.timestep)} post no")
        energies = []
        for _ in range(round(1000 * length / description.timestep) // RECORD):
            engine.command(f"run {RECORD} pre no post no")
            energies.append(engine.get_thermo("econserve"))
    return np.array(energies)


def _slope(energies: NDArray[np.float64], timestep: float) -> tuple[float, float]:
    """Slope, kcal/mol/ps, and its standard error from the parts of the run."""
    time = 1e-3 * timestep * RECORD * np.arange(len(energies))
    parts = [
        np.polyfit(t, e, 1)[0]
        for t, e in zip(np.array_split(time, PARTS), np.array_split(energies, PARTS), strict=True)
    ]
    return float(np.polyfit(time, energies, 1)[0]), float(np.std(parts, ddof=1) / np.sqrt(PARTS))


@styled
def _figure(slopes: dict[int, tuple[float, float]], timestep: float) -> Figure:
    figure = Figure((6.0, 3.6), layout="constrained")
    axes = figure.subplots()
    values, errors = np.array(list(slopes.values())).T
    times = timestep * np.array(list(slopes))
    axes.errorbar(times, values, errors, fmt="o-", color=COLOURS[0], capsize=3)
    axes.axhline(0.0, color="#8a9099", linewidth=0.8, linestyle=":")
    axes.set(
        xscale="log",
        xlabel="time between updates / fs",
        ylabel="slope of the conserved energy\n/ (kcal/mol/ps)",
    )
    return figure


if __name__ == "__main__":
    typer.run(main)
