"""United-atom surfactants, Nafion and perfluoroalkanes: topology, start, and runs in LAMMPS."""

import re
from importlib import resources

import numpy as np
import pytest
import yaml
from MDAnalysis.lib.distances import capped_distance
from typer.testing import CliRunner

from voxion.cli.systems import app
from voxion.engines.lammps import lammps_session, run_lammps
from voxion.errors import VoxionError
from voxion.systems.united_atom.forcefield import built_in, load_forcefield
from voxion.systems.united_atom.molecules import HYDRONIUM, SURFACTANT, WATER, nafion
from voxion.systems.united_atom.random_start import CLEARANCE
from voxion.systems.united_atom.system import (
    nafion_system,
    perfluoroalkane_system,
    surfactant_system,
)
from voxion.voxels.stores.store import open_store


def angle(a, b, c):
    """Angle at b, degrees."""
    u, v = a - b, c - b
    return np.degrees(np.arccos(u @ v / np.linalg.norm(u) / np.linalg.norm(v)))


def test_chains_are_those_of_the_paper():
    assert SURFACTANT.beads == ("CF2",) * 7 + ("S", "O3")
    assert (len(SURFACTANT.angles), len(SURFACTANT.dihedrals)) == (7, 6)
    chain = nafion(3)
    assert len(chain.beads) == 3 * (14 + 9) and len(chain.bonds) == len(chain.beads) - 1
    branches = [i for i, around in enumerate(chain.neighbours) if len(around) == 3]
    assert branches == [7, 21, 35]
    assert len(set(map(frozenset, chain.angles))) == len(chain.angles)
    # each branch adds an angle to each neighbour, and its torsions
    assert len(chain.angles) == len(chain.beads) - 2 + len(branches)


def test_paper_size():
    """1080 heads have 76,680 atoms without water, and 103,680 more at 32 water per head."""
    dry, wet = nafion_system(0, 108, 10), nafion_system(32, 108, 10)
    assert dry.atoms == 1080 * (23 + 4) + 0
    assert wet.atoms - dry.atoms == 1080 * 32 * 3
    assert sum(n for bead, n in dry.beads.items() if bead in ("S", "O3")) == 2 * 1080


@pytest.mark.parametrize("hydration", [0, 1, 6, 40])
def test_systems_are_neutral_and_as_large_as_asked(hydration):
    for system in (surfactant_system(hydration, 3000), nafion_system(hydration, 4, 10)):
        field = system.forcefield
        assert sum(field.beads[name].charge * n for name, n in system.beads.items()) == (
            pytest.approx(0.0, abs=1e-9)
        )
        assert system.beads.get("OW", 0) == hydration * system.beads["S"]
        assert system.beads["OH"] == system.beads["S"]
    unit = len(SURFACTANT.beads) + len(HYDRONIUM.beads) + hydration * len(WATER.beads)
    assert surfactant_system(hydration, 3000).atoms == pytest.approx(3000, abs=unit / 2)


def test_rigid_molecules_have_their_geometry():
    field = load_forcefield()
    water, ion = field.water_positions(), field.hydronium_positions()
    assert np.linalg.norm(water[1:] - water[0], axis=1) == pytest.approx(1.0)
    assert angle(water[1], water[0], water[2]) == pytest.approx(109.47)
    assert np.linalg.norm(ion[1:] - ion[0], axis=1) == pytest.approx(0.98184)
    for one, other in ((1, 2), (2, 3), (3, 1)):
        assert angle(ion[one], ion[0], ion[other]) == pytest.approx(112.43)


@pytest.mark.parametrize("name", built_in())
def test_torsions_have_the_minima_of_cui(name):
    """The helix of perfluoroalkanes is 17 degrees off trans; gauche lies 1.1 kcal/mol higher."""
    field = load_forcefield(name)
    coefficients = field.find(field.dihedrals, ("CF2",) * 4).coefficients
    angles = np.arange(0, 181, 1)
    energy = np.polynomial.polynomial.polyval(np.cos(np.radians(angles)), coefficients)
    inner = np.flatnonzero((energy[1:-1] < energy[:-2]) & (energy[1:-1] < energy[2:])) + 1
    gauche, helix = inner[0], inner[-1]
    assert [angles[gauche], angles[helix]] == pytest.approx([52, 163], abs=1)
    assert energy[gauche] - energy[helix] == pytest.approx(1.1, abs=0.1)
    assert energy[gauche] < energy[inner[1:-1]].min() < energy[0]


def test_start_keeps_beads_apart():
    system = nafion_system(3, 2, 10)
    start = system.topology(seed=4)
    edge = system.edge
    names = np.array([kind.name for kind in start.types])[start.atom_types]
    away = (
        start.positions[start.bonds.atoms[:, 0] - 1] - start.positions[start.bonds.atoms[:, 1] - 1]
    )
    lengths = np.array([system.forcefield.find(system.forcefield.bonds, label.split("-")).length
                        for label in start.bonds.labels])  # fmt: skip
    assert np.linalg.norm(away, axis=1) == pytest.approx(lengths[start.bonds.kinds])
    heavy = np.flatnonzero(~np.char.startswith(names, "H"))
    wrapped = (start.positions[heavy] % edge).astype(np.float32)
    pairs = capped_distance(wrapped, wrapped, CLEARANCE - 1e-3, box=[edge] * 3 + [90] * 3)[0]
    pairs = {frozenset(heavy[pair] + 1) for pair in pairs if pair[0] < pair[1]}
    bonded = {frozenset(pair) for pair in start.bonds.atoms}
    siblings = {frozenset(row[[0, 2]]) for row in start.angles.atoms}
    assert bonded <= pairs <= bonded | siblings


def test_seeds_are_reproducible_and_differ():
    starts = [surfactant_system(2, 800).topology(seed).positions for seed in (1, 1, 2)]
    assert np.array_equal(starts[0], starts[1])
    assert not np.any(np.isclose(starts[0], starts[2]).all(axis=1))


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A small surfactant, equilibrated for too short a time, with two windows of production."""
    folder = tmp_path_factory.mktemp("united_atom") / "s"
    surfactant_system(3, 700).build(folder, seed=5)
    short = {"hot_steps": 1500, "cool_steps": 1000, "steps": 1500}
    equilibrate = run_lammps(folder / "in.equilibrate", variables=short, log="equilibrate.log")
    short = {"windows": 2, "voxels": 8, "window": 100, "every": 10}
    production = run_lammps(folder / "in.production", variables=short, log="production.log")
    return folder, equilibrate.read_text(), production.read_text()


def thermo(log):
    """Rows of Step Temp Press PotEng Density Lx, of all runs."""
    rows = re.findall(r"^\s*(\d+(?:\s+-?[\d.]+(?:e[+-]?\d+)?){5})\s*$", log, re.M)
    return np.array([row.split() for row in rows], float)


def test_run_becomes_a_liquid(run):
    folder, equilibrate, _ = run
    rows = thermo(equilibrate)
    assert rows[0, 4] == pytest.approx(0.8, abs=1e-3)
    assert 0.9 < rows[-1, 4] < 2.0  # on its way to 1.6 g/cm3
    assert 230 < rows[-1, 1] < 370
    with lammps_session() as engine:
        for line in ("include in.init", "read_data equilibrated.data", "include in.settings"):
            engine.command(line.replace("in.", f"{folder}/in.").replace("equil", f"{folder}/equil"))
        engine.command("compute bonds chain bond/local dist")
        engine.command("compute longest chain reduce max c_bonds inputs local")
        engine.command("thermo_style custom step c_longest")
        engine.command("run 0")
        longest = engine.extract_compute("longest", 0, 0)
    assert longest < 2.3  # CF2-S is 1.818


def test_production_writes_grids_and_configurations(run):
    folder, _, production = run
    store = open_store(folder / "voxels.zarr")
    assert store.frames == 2 and store.channels[:2] == ("mass", "charge")
    assert sorted(path.name for path in (folder / "frames").iterdir()) == [
        "0000000000.lammpstrj",
        "0000000100.lammpstrj",
        "0000000200.lammpstrj",
    ]
    assert thermo(production)[-1, 0] == 200


def test_production_continues_from_a_restart(run):
    folder, _, _ = run
    more = {"windows": 3, "voxels": 8, "window": 100, "every": 10}
    log = run_lammps(folder / "in.production", variables=more, log="more.log").read_text()
    rows = thermo(log)
    assert rows[0, 0] == 200 and rows[-1, 0] == 300
    assert open_store(folder / "voxels.zarr").frames == 3
    assert len(list((folder / "frames").iterdir())) == 4


def test_equilibration_continues_from_a_restart(run):
    folder, _, _ = run
    (folder / "in.stop").write_text(
        "include in.init\nread_data equilibrated.data\ninclude in.settings\n"
        "reset_timestep 2000\nwrite_restart equilibrate.restart\n"
    )
    run_lammps(folder / "in.stop", log="stop.log")
    kept = (folder / "equilibrated.data").read_bytes()
    short = {"hot_steps": 1500, "cool_steps": 1000, "steps": 100}
    log = run_lammps(folder / "in.equilibrate", variables=short, log="again.log").read_text()
    (folder / "equilibrated.data").write_bytes(kept)
    assert thermo(log)[0, 0] == 2000 and thermo(log)[-1, 0] == 2600


def test_perfluoroalkane_has_no_rigid_molecules(tmp_path):
    perfluoroalkane_system(6, 80).build(tmp_path / "c6", seed=2)
    short = {"hot_steps": 200, "cool_steps": 200, "steps": 200}
    rows = thermo(run_lammps(tmp_path / "c6" / "in.equilibrate", variables=short).read_text())
    assert rows[-1, 0] == 600 and np.isfinite(rows).all()


def test_command_line(tmp_path):
    arguments = ["nafion", "--out", str(tmp_path / "n"), "--hydration", "2", "--side-chains", "5"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0 and "20 of 4 beads" in result.output
    text = (tmp_path / "n" / "README.md").read_text()
    assert "Cui, Siepmann" in text and "| nafion | 4 | 115 |" in text


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"hydration": -1}, "hydration must be a whole number"),
        ({"hydration": 2, "beads": 100}, "box could shrink to .* use more molecules"),
    ],
)
def test_refusals(arguments, message):
    with pytest.raises(VoxionError, match=message):
        surfactant_system(**arguments)


def test_wet_boxes_are_not_taken_for_dry_ones():
    # 1000 beads are 26 angstrom of water, and 21 if it were as dense as Nafion
    assert surfactant_system(32, 1000).atoms == pytest.approx(1000, abs=60)


@pytest.mark.parametrize("seed", [0, 900_000_001])
def test_seeds_that_lammps_does_not_take_are_refused(tmp_path, seed):
    with pytest.raises(VoxionError, match=f"900000000 at most; found {seed}"):
        surfactant_system(0, 800).build(tmp_path / "s", seed)
    assert not (tmp_path / "s").exists()


def changed(path, change):
    """A copy of the force field with other content."""
    source = resources.files("voxion.systems.united_atom") / "beads" / "real.yaml"
    content = yaml.safe_load(source.read_text())
    change(content)
    path.write_text(yaml.safe_dump(content))
    return path


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c["beads"].pop("OW"), "the beads OW are missing"),
        (lambda c: c["beads"]["O3"].update(charge=-1.0), "a head and its hydronium has a charge"),
        (lambda c: c["beads"]["S"].update(source=""), "beads.S.source"),
        (lambda c: c["beads"]["S"].update(mass="heavy"), "beads.S.mass"),
        (lambda c: c["beads"]["S"].update(epsilon=float("nan")), "nan"),
        (lambda c: c["bonds"][0].update(beads=["CF2", "X"]), "name the bead X, which is not"),
        (lambda c: c["nonbonded"].update(cutoff=1.0), "nonbonded.cutoff"),
        (lambda c: c["hydronium"].update(angle=130.0), "hydronium.angle"),
        (lambda c: c.update(colour="red"), "colour"),
    ],
)
def test_a_wrong_force_field_is_refused(tmp_path, change, message):
    with pytest.raises(VoxionError, match=message):
        load_forcefield(changed(tmp_path / "mine.yaml", change))


def test_a_term_that_is_missing_is_named(tmp_path):
    field = load_forcefield(changed(tmp_path / "mine.yaml", lambda c: c["angles"].pop()))
    with pytest.raises(VoxionError, match="no entry for CF2-S-O3, which are bonded"):
        surfactant_system(2, 800, field).topology(1)


def test_no_yaml(tmp_path):
    (tmp_path / "f.yaml").write_text("beads: [unclosed")
    with pytest.raises(VoxionError, match="not proper YAML"):
        load_forcefield(tmp_path / "f.yaml")
    with pytest.raises(VoxionError, match="no such file; give one of compact, real"):
        load_forcefield(tmp_path / "none.yaml")
