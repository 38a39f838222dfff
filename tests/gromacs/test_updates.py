"""Charges in the running mdrun: forces, energies and trajectories."""

import numpy as np
import pytest

from tests.gromacs.harness import deviation, same
from tests.lammps.conftest import local_contract, save_model
from tests.lammps.test_updates import Distant
from voxion.contract.schema import load_model

CARBONS = 216


def charge_line(model, every=10, more="", sources="electrolyte") -> str:
    return f"charge surface {every} {model} sources {sources} {more}"


def topology_charges() -> np.ndarray:
    return np.full(CARBONS, -2.0 / CARBONS)


@pytest.mark.parametrize("integrator", ["md", "sd", "md-vv"])
def test_forces_after_an_update_are_those_of_a_topology_with_the_new_charges(
    electrode, strong_model, integrator
):
    electrode.grompp(integrator=integrator)
    electrode.jobs(charge_line(strong_model))
    run = electrode.run("md", steps=19)  # updated before step 10
    charges = electrode.charges()
    assert np.ptp(charges) > 0.02
    updated, begun = electrode.rerun("md", charges), electrode.rerun("md", topology_charges())
    before, after = run.steps < 10, run.steps >= 10
    assert deviation(run.forces, updated.forces)[after].max() < 1e-5
    assert deviation(run.forces, begun.forces)[before].max() < 1e-5
    # what a missing update, or one that is not aligned with the pair search, would give
    assert deviation(run.forces, begun.forces)[after].min() > 1e-3
    assert deviation(run.forces, updated.forces)[before].min() > 1e-3


def test_nothing_differs_before_the_first_update(electrode, strong_model):
    electrode.grompp()
    plain = electrode.run("md", steps=20, kernel=False)
    electrode.jobs(charge_line(strong_model, every=100))
    run = electrode.run("md", steps=20)
    assert np.array_equal(run.positions[:11], plain.positions[:11])
    assert np.array_equal(run.forces[:10], plain.forces[:10])
    assert not np.array_equal(run.forces[10], plain.forces[10])  # the first pair search


def test_charges_are_those_of_the_positions_one_step_before(electrode, strong_model):
    import torch  # noqa: F401  (the core's library must be there first)

    from voxion import _core

    electrode.grompp()
    electrode.jobs(charge_line(strong_model, more="output charges.xvg"))
    run = electrode.run("md", steps=20)  # updated before steps 10 and 20
    box = np.fromstring((electrode.folder / "md.gro").read_text().splitlines()[-1], sep=" ")
    cell, periodic = 10.0 * np.diag(box), [True, True, False]
    kinds = {"OW": -0.8476, "HW": 0.4238, "NA": 1.0, "CL": -1.0}
    names = [line[10:15].strip() for line in gro_atoms(electrode)]
    sources = np.array([kind(name, kinds) for name in names[CARBONS:]])
    positions = 10.0 * run.positions[19].astype(float)
    positions[:, :2] %= np.diag(cell)[:2]
    predicted = _core.ChargePredictor(str(strong_model)).predict(
        positions[CARBONS:], sources, positions[:CARBONS], cell, periodic, -2.0
    )
    assert electrode.charges() == pytest.approx(np.array(predicted.charges), abs=1e-6)
    assert electrode.charges().sum() == pytest.approx(-2.0, abs=1e-6)
    table = np.loadtxt(electrode.folder / "charges.xvg", comments=["#", "@"])
    assert table[:, 0].tolist() == [0.02, 0.04]
    row = [predicted.correction, min(predicted.charges), -2.0 / CARBONS, max(predicted.charges)]
    assert table[-1, 1:5] == pytest.approx(row, rel=1e-5)


def gro_atoms(electrode) -> list[str]:
    return (electrode.folder / "conf.gro").read_text().splitlines()[2:-1]


def kind(name: str, kinds: dict[str, float]) -> float:
    return next(q for prefix, q in kinds.items() if name.upper().startswith(prefix))


def test_a_network_on_ions_in_mdrun(electrode, ion_model):
    contract = load_model(ion_model)[1]
    assert contract.inputs == "positions"
    electrode.grompp()
    electrode.jobs(charge_line(ion_model, sources="ions"))
    run = electrode.run("md", steps=19)
    updated = electrode.rerun("md", electrode.charges())
    assert deviation(run.forces, updated.forces)[10:].max() < 1e-5
    assert electrode.charges().sum() == pytest.approx(-2.0, abs=1e-6)


def test_two_threads_predict_the_same(electrode, strong_model):
    electrode.grompp()
    electrode.jobs(charge_line(strong_model, more="threads 2"))
    one = electrode.run("md", steps=30)
    charges = electrode.charges()
    options = ["-ntmpi", "1", "-nstlist", "10", "-pme", "cpu"]
    two = electrode.run("md", steps=30, common=options, environment={"OMP_NUM_THREADS": "2"})
    assert two.positions[-1] == pytest.approx(one.positions[-1], abs=1e-5)
    assert electrode.charges() == pytest.approx(charges, abs=1e-6)


def test_energies_are_those_of_the_new_charges(electrode, strong_model):
    electrode.grompp()
    electrode.jobs(charge_line(strong_model))
    electrode.run("md", steps=19)
    run = electrode.energy("md")
    electrode.rerun("md", electrode.charges())
    updated = electrode.energy("charged")
    electrode.rerun("md", topology_charges())
    begun = electrode.energy("charged")
    # mdrun sums in single precision; the energy of 956 atoms is some -1e4 kJ/mol
    assert run[:10] == pytest.approx(begun[:10], abs=0.2)
    assert run[10:] == pytest.approx(updated[10:], abs=0.2)
    assert np.abs(begun - updated).min() > 2.0


def test_updates_at_a_multiple_of_the_pair_search(electrode, strong_model):
    electrode.grompp()
    electrode.jobs(charge_line(strong_model, every=30, more="output charges.xvg"))
    electrode.run("md", steps=65)
    table = np.loadtxt(electrode.folder / "charges.xvg", comments=["#", "@"])
    # the first one as early as can be
    assert table[:, 0] == pytest.approx([0.02, 0.06, 0.12])
    # a new run keeps the old table
    electrode.run("md", steps=10)
    assert (electrode.folder / "#charges.xvg.1#").exists()
    again = np.loadtxt(electrode.folder / "charges.xvg", comments=["#", "@"], ndmin=2)
    assert again[:, 0] == pytest.approx([0.02])


def test_the_table_tells_the_distance_from_the_training_data(electrode, strong_model, tmp_path):
    model = save_model(tmp_path / "distant.pt", Distant(), local_contract())
    electrode.grompp()
    told = []
    for file in (strong_model, model):
        electrode.jobs(charge_line(file, more="output charges.xvg"))
        electrode.run("md", steps=20)
        told.append(np.loadtxt(electrode.folder / "charges.xvg", comments=["#", "@"])[:, 7])
    assert (told[0] == 0.0).all()
    assert (told[1] > 0.01).all() and told[1][0] != told[1][1]


def test_pair_search_at_every_step(electrode, strong_model):
    electrode.grompp(nstlist=1)
    electrode.jobs(charge_line(strong_model, every=1))
    options = ["-ntmpi", "1", "-ntomp", "1", "-nstlist", "1", "-pme", "cpu", "-reprod"]
    run = electrode.run("md", steps=4, common=options)
    updated = electrode.rerun("md", electrode.charges())
    assert deviation(run.forces, updated.forces)[-1] < 1e-5
    assert deviation(run.forces, updated.forces)[1:-1].min() > 1e-5


def test_a_run_without_a_thermostat(electrode, strong_model):
    electrode.grompp(tcoupl="no")
    electrode.jobs(charge_line(strong_model))
    told = {"VOXION_MDRUN_OPTIONS": "-nstlist 10 -pme cpu"}  # mdrun takes no -nstlist here
    options = ["-ntmpi", "1", "-ntomp", "1", "-pme", "cpu"]
    run = electrode.run("md", steps=19, common=options, environment=told)
    updated = electrode.rerun("md", electrode.charges())
    assert deviation(run.forces, updated.forces)[10:].max() < 1e-5


def test_two_runs_agree_bit_for_bit(electrode, strong_model):
    electrode.grompp()
    electrode.jobs(charge_line(strong_model))
    assert same(electrode.run("md", steps=25), electrode.run("md", steps=25))
