"""The surfactant's builder: counts, files, and a run in LAMMPS that demixes at its temperature."""

import re

import numpy as np
import pytest
from MDAnalysis.lib.distances import capped_distance
from typer.testing import CliRunner

from voxion.cli.systems import app
from voxion.engines.lammps import cell_of, gather, in_group, lammps_session, run_lammps
from voxion.errors import VoxionError
from voxion.systems.coarse_surfactant import (
    BEADS,
    DENSITY,
    HYDRATIONS,
    PRESSURE,
    CoarseSurfactant,
    CoarseSurfactantDescription,
    repulsions,
)

SAMPLED = """\
include in.init
read_data equilibrated.data
include in.settings
include in.dynamics
variable density equal count(all)/vol
fix means all ave/time 10 60 600 c_thermo_temp c_thermo_press v_density file means.dat
run 600
"""


def like_neighbours(positions, kinds, edge):
    """Share of tail beads among all neighbours of tail beads."""
    pairs = capped_distance(positions, positions, 1.0, 1e-6, box=[edge] * 3 + [90] * 3)[0]
    tails = kinds == 1
    of_tails = pairs[tails[pairs[:, 0]]]
    return tails[of_tails[:, 1]].mean()


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("surfactant") / "s"
    description = CoarseSurfactant(hydration=8, beads=900).build(folder, seed=5)
    log = run_lammps(folder / "in.equilibrate", variables={"steps": 800})
    return folder, description, log.read_text()


def test_numbers_follow_the_hydration():
    assert len(HYDRATIONS) == 16 and (HYDRATIONS[0], HYDRATIONS[-1]) == (0, 40)
    for hydration in HYDRATIONS:
        system = CoarseSurfactant(hydration, beads=6000)
        tail, sulphur, oxygen, ions, water = system.counts
        assert tail == 4 * sulphur and sulphur == oxygen == ions == system.surfactants
        assert water == hydration * ions
        assert sum(system.counts) == pytest.approx(6000, abs=(7 + hydration) / 2)
        assert sum(system.counts) / system.edge**3 == pytest.approx(DENSITY)
        charge = sum(b.charge * n for b, n in zip(BEADS, system.counts, strict=True))
        assert charge == 0.0


def test_start_is_chains_and_single_beads():
    system = CoarseSurfactant(hydration=3, beads=500)
    start = system.random_start(seed=2)
    chains = system.surfactants
    names = np.array([b.name for b in BEADS])[start.atom_types]
    bonded = start.bonds.atoms - 1
    assert len(bonded) == 5 * chains
    assert np.all(start.molecules[bonded[:, 0]] == start.molecules[bonded[:, 1]])
    lengths = np.linalg.norm(np.diff(start.positions[bonded], axis=1)[:, 0], axis=-1)
    assert lengths == pytest.approx(0.7)
    first = names[start.molecules == 1]
    assert list(first) == ["CF2"] * 4 + ["S", "O3"]
    assert np.all(np.bincount(start.molecules)[chains + 1 :] == 1)
    # the charges of a surfactant add up to -e
    assert start.charges[start.molecules == 1].sum() == -1.0


def test_seeds_are_independent_and_reproducible():
    starts = [CoarseSurfactant(hydration=1, beads=300).random_start(s).positions for s in (1, 1, 2)]
    assert np.array_equal(starts[0], starts[1])
    assert not np.any(np.isclose(starts[0], starts[2]).all(axis=1))


def test_only_tails_dislike_others_and_only_charged_pairs_feel_coulomb():
    table = {(a, b): (value, charged) for a, b, value, charged in repulsions()}
    assert len(table) == 15
    assert table["CF2", "CF2"] == (25.0, False) and table["CF2", "W"] == (60.0, False)
    assert table["W", "W"] == (25.0, False) and table["S", "H3O"] == (25.0, True)
    assert sum(charged for _, charged in table.values()) == 6


def test_lammps_reads_what_was_written(run):
    folder, description, _ = run
    with lammps_session() as engine:
        engine.command(f"include {folder / 'in.init'}")
        engine.command(f"read_data {folder / 'system.data'}")
        engine.command(f"include {folder / 'in.settings'}")
        engine.command("run 0")
        kinds, charges = gather(engine, "type"), gather(engine, "q")
        heads = in_group(engine, "head").sum()
    counts = {s.name: s.count for s in description.species}
    assert np.bincount(kinds)[1:].tolist() == list(counts.values())
    assert charges.sum() == pytest.approx(0.0, abs=1e-12)
    assert heads == counts["S"] + counts["O3"]


def test_run_keeps_temperature_and_pressure(run):
    folder, _, log = run
    assert "WARNING" not in log
    assert [int(n) for n in re.findall(r"Dangerous builds = (\d+)", log)] == [0, 0]
    (folder / "in.means").write_text(SAMPLED)
    run_lammps(folder / "in.means", log="means.log")
    _, temperature, pressure, density = np.loadtxt(folder / "means.dat")
    # velocity Verlet at this time step runs some 2 % hot (Groot and Warren, section III)
    assert temperature == pytest.approx(1.02, abs=0.03)
    assert pressure == pytest.approx(PRESSURE, abs=0.8)
    assert density == pytest.approx(DENSITY, abs=0.12)


def test_tails_and_water_part(run):
    folder, _, _ = run
    states = []
    for name in ("system.data", "equilibrated.data"):
        with lammps_session() as engine:
            engine.command(f"include {folder / 'in.init'}")
            engine.command(f"read_data {folder / name}")
            cell, _ = cell_of(engine)
            states.append((gather(engine, "x"), gather(engine, "type"), cell[0, 0]))
    mixed, demixed = (like_neighbours(x.astype(np.float32), k, e) for x, k, e in states)
    # 4 tail beads of 15 beads; the chain itself brings some together
    assert mixed < 0.55
    assert demixed > 0.75


def test_command_builds_and_tells_what(tmp_path):
    arguments = [
        "surfactant",
        "--coarse",
        "--out",
        str(tmp_path / "s"),
        "--hydration",
        "4",
        "--beads",
        "400",
    ]
    result = CliRunner().invoke(app, [*arguments, "--seed", "3"], catch_exceptions=False)
    assert result.exit_code == 0
    text = (tmp_path / "s" / "system.json").read_text()
    description = CoarseSurfactantDescription.model_validate_json(text)
    assert (description.hydration, description.surfactants, description.seed) == (4, 36, 3)
    assert "lmp -in in.equilibrate" in result.output
    with pytest.raises(VoxionError, match="exists: choose another --out"):
        CliRunner().invoke(app, arguments, catch_exceptions=False)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"hydration": -1}, "hydration must be a whole number"),
        ({"hydration": 1.5}, "hydration must be a whole number"),
        ({"hydration": 1, "beads": 50}, "must be 200 at least, found 50"),
        ({"hydration": 900, "beads": 300}, "too few for one surfactant with 900 water"),
    ],
)
def test_refusals(parameters, message):
    with pytest.raises(VoxionError, match=message):
        CoarseSurfactant(**parameters)


def test_seed_must_be_positive(tmp_path):
    with pytest.raises(VoxionError, match="900000000 at most; found 0"):
        CoarseSurfactant(hydration=1, beads=300).build(tmp_path / "s", seed=0)
    assert not (tmp_path / "s").exists()
