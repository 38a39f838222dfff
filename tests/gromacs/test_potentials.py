"""Two electrodes at a potential difference in mdrun: LAMMPS's charges, continuation, refusals."""

import shutil
from dataclasses import replace
from pathlib import Path

import MDAnalysis
import numpy as np
import pytest

from tests.capacitor import CAPACITOR, GOLD
from tests.gromacs.conftest import equilibrate
from tests.gromacs.harness import Electrode, deviation, same
from tests.gromacs.test_restart import ran, voxion_mdrun
from tests.lammps.test_potentials import functional, outputs, pair_fix, totals
from voxion.charges.models.planar_pair import VACUUM_PERMITTIVITY
from voxion.charges.sampling.run import load_configuration
from voxion.contract.schema import read_contract
from voxion.engines.lammps import gather, in_group, lammps_session, scatter

SEED = 5
SYSTEM = replace(CAPACITOR, cells=(10, 7))
CARBONS = SYSTEM.lower.atoms


@pytest.fixture(scope="module")
def built(gmx, tmp_path_factory) -> Path:
    """Two sheets of 280 C without a charge, and the electrolyte between them."""
    return equilibrate(gmx, SYSTEM, SEED, tmp_path_factory.mktemp("pair") / "built")


@pytest.fixture
def pair(gmx, built, tmp_path) -> Electrode:
    shutil.copytree(built, tmp_path / "run")
    return Electrode(gmx, tmp_path / "run")


def pair_line(
    model: Path, lower: float, upper: float | str, every: int = 10, more: str = ""
) -> str:
    return (
        f"charge lower {every} {model} sources electrolyte potential {lower} couple upper "
        f"potential {upper} {more}"
    )


@pytest.mark.parametrize("layers", [1, 2])
def test_charges_are_those_of_lammps(layers, gmx, pair, request, tmp_path):
    """Of sheets of graphene, and of gold of two layers."""
    system = SYSTEM if layers == 1 else replace(GOLD, cells=(8, 8))
    training = request.getfixturevalue("trained_pair" if layers == 1 else "trained_gold")
    model, count = training.model_path, system.lower.atoms
    if layers > 1:
        pair = Electrode(gmx, equilibrate(gmx, system, SEED, tmp_path / "gold"))
    pair.grompp()
    pair.jobs(pair_line(model, -0.5, 1.0, more="output charges.xvg range ignore"))
    run = pair.run("md", steps=10)  # predicted at step 9
    positions = 10.0 * run.positions[9].astype(float)
    system.build(tmp_path / "lammps", SEED)
    with lammps_session() as engine:
        load_configuration(engine, tmp_path / "lammps", tmp_path / "lammps" / "system.data")
        shift = gather(engine, "x")[in_group(engine, "lower"), 2][0] - positions[0, 2]
        positions[:, 2] += shift
        scatter(engine, "x", positions)
        engine.command(pair_fix(model, -0.5, 1.0, more="range ignore"))
        engine.command("run 0")
        surface = np.nonzero(in_group(engine, "surface"))[0]
        in_lammps, expected = gather(engine, "q")[surface], functional(engine, model, 1.5)
        told, in_both = outputs(engine), totals(engine)
    in_mdrun = np.concatenate([record["charges"] for record in pair.state()["charges"]])
    # mdrun's positions have single precision, and gold's charges are some five times as large
    assert in_mdrun == pytest.approx(in_lammps, abs=1e-6 if layers == 1 else 5e-6)
    assert np.ptp(in_lammps[count:]) > 1e-3
    # the table has its own columns for each electrode
    row = np.loadtxt(pair.folder / "charges.xvg", comments=["#", "@"])
    lower, upper = row[1:11], row[11:]
    assert upper[8] == pytest.approx(expected, abs=1e-6) and upper[9] == 1.0
    assert lower[8] == -upper[8] and lower[9] == -0.5
    assert lower[:3] == pytest.approx(told[0, [3, 0, 1]] * [-1, 1, 1], abs=1e-6)
    assert upper[8] == pytest.approx(in_both[1], abs=1e-6)
    legends = (pair.folder / "charges.xvg").read_text()
    assert '"upper: total charge (e)"' in legends and '"lower: potential (V)"' in legends


def test_a_potential_may_follow_a_table(pair, trained_pair):
    """Up and down, and through a continuation; at each step the charge has the table's voltage."""
    pair.grompp()
    (pair.folder / "cycle.xvg").write_text("# V\n0.004 0\n0.014 2\n0.022 -1\n")
    model = trained_pair.model_path
    pair.jobs(pair_line(model, 0.5, "cycle.xvg", every=1, more="output charges.xvg"))
    ran(pair, "-deffnm", "md", "-nsteps", "6")
    ran(pair, "-deffnm", "md", "-cpi", "md.cpt", "-nsteps", "6")
    rows = np.loadtxt(pair.folder / "charges.xvg", comments=["#", "@"])
    time, total, potential = rows[:, [0, 19, 20]].T
    assert len(time) == 13 and set(rows[:, 10]) == {0.5}
    expected = np.interp(time, [0.004, 0.014, 0.022], [0.0, 2.0, -1.0])
    np.testing.assert_allclose(potential, expected, atol=1e-6)
    # the charge at each step from the positions of the step before
    atoms = MDAnalysis.Universe(str(pair.folder / "md.tpr")).atoms
    z = 10.0 * pair.frames("md").positions[:13, :, 2].astype(float)
    low, high = z[0, 0], z[0, CARBONS]
    moment = (z[:, 2 * CARBONS :] - (low + high) / 2) @ atoms.charges[2 * CARBONS :]
    drive = VACUUM_PERMITTIVITY * np.prod(SYSTEM.edges) * (potential - 0.5) - moment
    offset = read_contract(model).plane_offset
    np.testing.assert_allclose(total, drive / (high - low - 2 * offset), atol=1e-4)
    assert np.ptp(total) > 0.05


def test_forces_are_those_of_a_rerun(pair, trained_pair):
    """With the charges of both electrodes in the topology."""
    pair.grompp()
    pair.jobs(pair_line(trained_pair.model_path, 0.0, 2.0))
    during = pair.run("md", steps=19)
    charges = pair.state()["charges"]
    assert sum(charges[0]["charges"]) == pytest.approx(-sum(charges[1]["charges"]), abs=1e-6)
    again = pair.rerun("md", np.concatenate([one["charges"] for one in charges]))
    difference = during.forces[10:] - again.forces[10:]
    scale = np.sqrt(np.square(during.forces[10:]).mean())
    assert np.sqrt(np.square(difference).mean()) < 1e-3 * scale


def test_interrupted_and_continued_is_uninterrupted(pair, trained_pair):
    # the clusters of mdrun's pair list differ after a continuation: no pair may be missed
    pair.grompp(**{"verlet-buffer-tolerance": 1e-9})
    line = pair_line(trained_pair.model_path, 0.0, 1.5, more="output {}.xvg")
    pair.jobs(line.format("whole"))
    ran(pair, "-deffnm", "whole", "-nsteps", "50")
    pair.jobs(line.format("parts"))
    ran(pair, "-deffnm", "parts", "-nsteps", "20")
    ran(pair, "-deffnm", "parts", "-cpi", "parts.cpt", "-nsteps", "30")
    assert same(pair.frames("whole"), pair.frames("parts"))
    tables = [
        np.delete(np.loadtxt(pair.folder / f"{name}.xvg", comments=["#", "@"]), [8, 18], axis=1)
        for name in ("whole", "parts")
    ]
    assert np.array_equal(*tables) and len(tables[0]) == 5


def test_charges_at_every_step_take_no_energy_from_the_run(pair, trained_pair):
    """The drag of late charges on the electrolyte, which the conserved energy shows.

    On steps of pair searches, whose energies are of one set of charges.
    """
    pair.grompp(**{**dict.fromkeys(("nstxout", "nstvout", "nstfout"), 0), "nstenergy": 10})
    drift = {}
    for every in (1, 10):
        pair.jobs(pair_line(trained_pair.model_path, 0.0, 0.0, every))
        ran(pair, "-deffnm", f"every{every}", "-nsteps", "1000")
        conserved = pair.energy(f"every{every}", "Conserved-En.")
        # from the second pair search, the first with predicted charges
        drift[every] = float(conserved[-1] - conserved[2])
    assert drift[10] < -100.0, drift
    assert abs(drift[1]) < 0.05 * abs(drift[10]), drift


def test_forces_at_every_step_are_those_of_a_rerun(pair, trained_pair):
    pair.grompp()
    pair.jobs(pair_line(trained_pair.model_path, 0.0, 2.0, every=1))
    ran(pair, "-deffnm", "md", "-nsteps", "17")
    during = pair.frames("md")
    charges = np.concatenate([one["charges"] for one in pair.state()["charges"]])
    again = pair.rerun("md", charges)
    moving = slice(2 * CARBONS, None)
    assert deviation(during.forces[:, moving], again.forces[:, moving])[17] < 2e-5


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("charge lower 10 {model} sources electrolyte potential 1", "needs two electrodes"),
        (
            "charge lower 10 {model} sources electrolyte couple upper potential 1",
            "group lower lacks its keyword potential",
        ),
        (
            "charge lower 10 {model} sources electrolyte potential 1 couple upper",
            "expected the word 'potential' at the end of the line",
        ),
        (
            "charge lower 10 {model} sources electrolyte potential nan couple upper potential 1",
            "expected a potential in V, or the name of a table of potentials (.xvg), found nan",
        ),
        (
            "charge lower 10 {model} sources electrolyte potential 0 couple lower potential 1",
            "group lower is coupled to itself",
        ),
        (
            "charge lower 10 {model} sources water potential 0 couple upper potential 1",
            "has a charge and belongs neither to groups lower and upper nor to water",
        ),
        (
            "charge lower 10 {other} sources electrolyte potential 0 couple upper potential 1",
            "is not for electrodes at potentials",
        ),
    ],
)
def test_mistakes_end_the_run_before_its_first_step(
    pair, trained_pair, strong_model, line, message
):
    pair.grompp()
    pair.jobs(line.format(model=trained_pair.model_path, other=strong_model))
    run = pair.mdrun("md", steps=10)
    assert run.returncode == 1 and message in " ".join(run.stderr.split())
    assert "step 0" not in run.stderr


def test_the_launcher_asks_for_the_slab_correction(pair, trained_pair):
    pair.grompp(**{"ewald-geometry": "3d", "nwall": 0, "pbc": "xyz"})
    pair.jobs(pair_line(trained_pair.model_path, 0.0, 1.0), head="index index.ndx\n")
    run = voxion_mdrun(pair, "-deffnm", "md")
    assert run.returncode == 1
    assert "need pbc = xy and ewald-geometry = 3dc, found pbc = xyz" in run.stderr
