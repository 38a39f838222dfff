"""Densities of liquid perfluoroalkanes and of Nafion with the beads of both force fields.

python studies/bead_densities.py --work FOLDER

Builds, equilibrates and samples each system with LAMMPS, one processor each, and writes
bead_densities.md beside this file after each of them. Runs that are in the work folder already are
not repeated.
--scale 1 runs as many steps as the builder plans.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from voxion.engines.lammps import run_lammps
from voxion.systems.united_atom.forcefield import load_forcefield
from voxion.systems.united_atom.system import (
    COOL_STEPS,
    HOT_STEPS,
    SETTLE_STEPS,
    UnitedAtomDescription,
    UnitedAtomSystem,
    nafion_system,
    perfluoroalkane_system,
)

RESULT = Path(__file__).with_suffix(".md")
FORCE_FIELDS = ("real", "compact")
# 298 K and 1 atm, g/cm^3
EXPERIMENT = {"C6F14": 1.68, "C8F18": 1.76, "Nafion, 0 water": 2.0}
PAPER = 9.2**3 * 1e3 / 1080  # angstrom^3, of its dry box and side chains
CHAINS, SIDE_CHAINS = 3, 10
HYDRATIONS = (0, 4, 12)
BLOCKS = 5
SAMPLED = """\
include in.init
read_data equilibrated.data
include in.settings
include in.dynamics
variable density equal density
variable volume equal vol
fix means all ave/time 10 100 1000 v_density v_volume file density.dat
thermo 10000
run {steps}
"""


@dataclass(frozen=True)
class Density:
    """Mean density (g/cm^3) and volume (angstrom^3) of a run with their standard errors."""

    density: float
    density_error: float
    volume: float
    volume_error: float


def systems(name: str) -> dict[str, UnitedAtomSystem]:
    """Return what is run with a force field."""
    field = load_forcefield(name)
    found = {
        "C6F14": perfluoroalkane_system(6, 120, field),
        "C8F18": perfluoroalkane_system(8, 90, field),
    }
    for hydration in HYDRATIONS:
        found[f"Nafion, {hydration} water"] = nafion_system(hydration, CHAINS, SIDE_CHAINS, field)
    return found


def measure(folder: Path, system: UnitedAtomSystem, scale: float) -> Density:
    """Build and run a system unless it has been run already."""
    if not (folder / "system.json").exists():
        system.build(folder, seed=1)
    found = UnitedAtomDescription.model_validate_json((folder / "system.json").read_text())
    assert found.title == system.title, f"{folder} has another system: {found.title}"
    if not (folder / "equilibrated.data").exists():
        steps = {"hot_steps": HOT_STEPS, "cool_steps": COOL_STEPS, "steps": SETTLE_STEPS}
        variables = {key: round(scale * value) for key, value in steps.items()}
        run_lammps(folder / "in.equilibrate", variables=variables, log="equilibrate.log")
    if not (folder / "sampled").exists():
        (folder / "in.density").write_text(SAMPLED.format(steps=round(scale * SETTLE_STEPS)))
        run_lammps(folder / "in.density", log="density.log")
        (folder / "sampled").touch()
    _, density, volume = np.loadtxt(folder / "density.dat", unpack=True)
    means = [
        np.array([block.mean() for block in np.array_split(values, BLOCKS)])
        for values in (density, volume)
    ]
    errors = [blocks.std(ddof=1) / np.sqrt(BLOCKS) for blocks in means]
    return Density(density.mean(), errors[0], volume.mean(), errors[1])


def table(found: dict[tuple[str, str], Density], scale: float) -> str:
    """Return the page."""
    names = list(systems(FORCE_FIELDS[0]))
    lines = [
        "# Densities with the beads of both force fields",
        "",
        f"`python studies/bead_densities.py --scale {scale:g}`; 300 K, 1 atm, 2 fs; "
        f"{2e-6 * scale * SETTLE_STEPS:g} ns sampled after "
        f"{2e-6 * scale * (HOT_STEPS + COOL_STEPS + SETTLE_STEPS):g} ns of equilibration. Nafion: "
        f"{CHAINS} chains of {SIDE_CHAINS} side chains. One start each; errors from {BLOCKS} "
        "blocks, which say nothing about the start.",
        "",
        "| system | " + " | ".join(f"{name}, g/cm³" for name in FORCE_FIELDS) + " | experiment |",
        "|---|" + "---|" * (len(FORCE_FIELDS) + 1),
    ]
    for name in names:
        cells = [f"{_show(found, field, name)}" for field in FORCE_FIELDS]
        lines.append(f"| {name} | {' | '.join(cells)} | {EXPERIMENT.get(name, '')} |")
    heads = CHAINS * SIDE_CHAINS
    lines += ["", "| volume, Å³ | " + " | ".join(FORCE_FIELDS) + " | reference |"]
    lines.append("|---|" + "---|" * (len(FORCE_FIELDS) + 1))
    dry = [found.get((field, "Nafion, 0 water")) for field in FORCE_FIELDS]
    cells = ["not run" if one is None else f"{one.volume / heads:.0f}" for one in dry]
    lines.append(f"| dry Nafion, by side chains | {' | '.join(cells)} | {PAPER:.0f}, the paper's |")
    for low, high in pairwise(HYDRATIONS):
        cells = []
        for field in FORCE_FIELDS:
            a, b = (found.get((field, f"Nafion, {h} water")) for h in (low, high))
            if a is None or b is None:
                cells.append("not run")
                continue
            added = heads * (high - low)
            error = np.hypot(a.volume_error, b.volume_error) / added
            cells.append(f"{(b.volume - a.volume) / added:.1f} ± {error:.1f}")
        lines.append(f"| an added water, {low} to {high} | {' | '.join(cells)} | 30, water |")
    return "\n".join(lines) + "\n"


def _show(found: dict[tuple[str, str], Density], field: str, name: str) -> str:
    one = found.get((field, name))
    if one is None:
        return "not run"
    text = f"{one.density:.3f} ± {one.density_error:.3f}"
    if name in EXPERIMENT:
        text += f" ({100 * (one.density / EXPERIMENT[name] - 1):+.1f} %)"
    return text


def main(
    work: Annotated[Path, typer.Option(help="Folder of the runs.")],
    scale: Annotated[float, typer.Option(help="Number of steps over the builder's.")] = 0.25,
    jobs: Annotated[int, typer.Option(help="Runs at a time.")] = 1,
) -> None:
    """Measure all densities and write the table."""
    wanted = {
        (field, name): system for field in FORCE_FIELDS for name, system in systems(field).items()
    }

    def one(key: tuple[str, str]) -> Density:
        folder = work / f"{key[0]}-{key[1].replace(', ', '-').replace(' ', '-')}"
        density = measure(folder, wanted[key], scale)
        typer.echo(f"{key[0]}, {key[1]}: {density.density:.3f} g/cm3")
        return density

    found = {}
    with ThreadPoolExecutor(jobs) as pool:
        for key, density in zip(wanted, pool.map(one, wanted), strict=True):
            found[key] = density
            RESULT.write_text(table(found, scale))
    typer.echo(f"wrote {RESULT}")


if __name__ == "__main__":
    typer.run(main)
