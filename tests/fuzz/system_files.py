"""Files of built systems: their description, their LAMMPS data file, and trajectories of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tests.charges.reference import graphene
from voxion.charges.analysis.density import density_profiles
from voxion.charges.sampling.electrode import ElectrodeSettings
from voxion.charges.sampling.electrolyte_runs import TrajectoryRun
from voxion.charges.sampling.labels import check_sources
from voxion.charges.sampling.run import FrameCollector, load_configuration, steps_of
from voxion.engines.lammps import lammps_session
from voxion.systems.description import load_system
from voxion.systems.graphene import GrapheneSystem

from .folders import copy_of, damage_file
from .harness import Target

TYPES = {"C": (1, 12.011), "O": (2, 15.9994), "Na": (3, 22.98977)}


def prepare_system(folder: Path) -> None:
    """Build a small system."""
    system = GrapheneSystem(cells=(6, 4), total_charge=-1, molarity=1.0, thickness=16.0)
    system.build(folder / "system", seed=7)


def damage_description(good: Path, folder: Path, rng: np.random.Generator) -> Path:
    """Damage its description."""
    target = folder / "system"
    target.mkdir()
    damage_file(copy_of(good / "system" / "system.json", target), rng)
    return target


def read_description(path: Path) -> None:
    """Use it as label sources and runs do."""
    system = load_system(path)
    count = sum(species.count for species in system.species)
    assert 0 < count < 10**9 and 1 <= len(system.surfaces) <= 2
    commands = ElectrodeSettings().method(system).commands
    assert all(command.isprintable() for command in commands), commands
    assert steps_of(20 * system.timestep * 1e-3, system.timestep, "interval") == 20
    low, high = system.box_z
    assert low < high and all(edge > 0 for edge in system.edges)
    if count < 10**5:
        check_sources(system, np.full((count, 3), (low + high) / 2))


def damage_data(good: Path, folder: Path, rng: np.random.Generator) -> Path:
    """Damage its LAMMPS data file."""
    target = copy_of(good / "system", folder)
    damage_file(target / "system.data", rng)
    return target


def read_in_lammps(path: Path) -> None:
    """Read it into LAMMPS, as label sources and runs do, and take a frame."""
    description = load_system(path)
    with lammps_session(variables={"kspace": "pppm"}) as engine:
        load_configuration(engine, path, path / "system.data")
        collector = FrameCollector(engine, description)
        engine.command("run 0 post no")
        frame = collector.frame()
    assert len(frame.source_positions) == sum(s.count for s in description.species)
    assert len(frame.surface_charges) == sum(s.atoms for s in description.surfaces)
    assert np.isfinite(frame.source_positions).all() and np.linalg.det(frame.cell) > 0


def prepare_trajectory(folder: Path) -> None:
    """Write a data file and a text dump of ten frames of a gas above a sheet."""
    sites, cell = graphene(2, 2)
    names = ["C"] * len(sites) + ["O"] * 20 + ["Na"] * 10
    rng = np.random.default_rng(3)
    high = np.diag(cell)
    head = [f"{len(names)} atoms", f"{len(TYPES)} atom types", ""]
    bounds = [f"0 {edge} {axis}lo {axis}hi" for axis, edge in zip("xyz", high, strict=True)]
    masses = ["", "Masses", "", *(f"{number} {mass}" for number, mass in TYPES.values())]
    kinds = [TYPES[name][0] for name in names]
    dump: list[str] = []
    for step in range(10):
        gas = rng.uniform(size=(30, 3)) * [high[0], high[1], 20.0] + [0, 0, 2.0]
        rows = [
            f"{i} {kind} {x:.4f} {y:.4f} {z:.4f}"
            for i, (kind, (x, y, z)) in enumerate(
                zip(kinds, np.concatenate([sites, gas]), strict=True), 1
            )
        ]
        dump += ["ITEM: TIMESTEP", str(step), "ITEM: NUMBER OF ATOMS", str(len(names))]
        dump += ["ITEM: BOX BOUNDS pp pp ff", *(f"0 {edge}" for edge in high)]
        dump += ["ITEM: ATOMS id type x y z", *rows]
    atoms = [
        row.replace(f" {kind} ", f" 1 {kind} 0.0 ", 1)
        for row, kind in zip(rows, kinds, strict=True)
    ]
    text = ["LAMMPS data", "", *head, *bounds, *masses, "", "Atoms # full", "", *atoms]
    (folder / "gas.data").write_text("\n".join(text) + "\n")
    (folder / "gas.dump").write_text("\n".join(dump) + "\n")


def damage_trajectory(good: Path, folder: Path, rng: np.random.Generator) -> Path:
    """Damage one of the two files."""
    for source in sorted(good.iterdir()):
        copy_of(source, folder)
    damage_file(folder / ("gas.data", "gas.dump")[rng.integers(2)], rng)
    return folder


def read_trajectory(path: Path) -> None:
    """Compute its density profiles."""
    run = TrajectoryRun(path / "gas.data", path / "gas.dump", ["O", "Na"])
    for one in run.slices():
        assert np.isfinite(one.heights).all() and one.area > 0
    for profile in density_profiles(run, ["O", "Na"]).values():
        assert np.isfinite(profile.relative).all() and np.isfinite(profile.bulk)


TARGETS = (
    Target("system-descriptions", prepare_system, damage_description, read_description),
    Target("lammps-data", prepare_system, damage_data, read_in_lammps),
    Target("lammps-trajectories", prepare_trajectory, damage_trajectory, read_trajectory),
)
