"""Charges that change between mdrun's pair searches."""

import numpy as np
import pytest

from tests.gromacs.harness import deviation, same
from tests.gromacs.test_restart import ran, voxion_mdrun
from tests.gromacs.test_updates import CARBONS, charge_line, gro_atoms, kind


@pytest.mark.parametrize("last", [3, 17])  # in the first interval of the run, and later
def test_forces_are_those_of_a_topology_with_the_charges(electrode, strong_model, last):
    electrode.grompp()
    electrode.jobs(charge_line(strong_model, every=1))
    ran(electrode, "-deffnm", "md", "-nsteps", str(last))
    run = electrode.frames("md")
    charges = electrode.charges()  # in effect in the last step
    updated = electrode.rerun("md", charges)
    # those among the electrode's atoms, which do not move, are left as they are
    found = deviation(run.forces[:, CARBONS:], updated.forces[:, CARBONS:])
    assert found[last] < 2e-5
    # what charges of the step before, and of the last pair search, would give
    assert found[last - 1] > 1e-4
    assert np.ptp(charges) > 0.02


def test_charges_are_those_of_the_same_step(electrode, strong_model):
    """Extrapolated from the steps before; those of a step before are further away."""
    import torch  # noqa: F401  (the core's library must be there first)

    from voxion import _core

    electrode.grompp()
    electrode.jobs(charge_line(strong_model, every=1, more="output charges.xvg"))
    ran(electrode, "-deffnm", "md", "-nsteps", "15")
    run = electrode.frames("md")
    box = np.fromstring((electrode.folder / "md.gro").read_text().splitlines()[-1], sep=" ")
    cell, periodic = 10.0 * np.diag(box), [True, True, False]
    kinds = {"OW": -0.8476, "HW": 0.4238, "NA": 1.0, "CL": -1.0}
    names = [line[10:15].strip() for line in gro_atoms(electrode)]
    sources = np.array([kind(name, kinds) for name in names[CARBONS:]])
    predictor = _core.ChargePredictor(str(strong_model))

    def predicted(step: int) -> np.ndarray:
        positions = 10.0 * run.positions[step].astype(float)
        positions[:, :2] %= np.diag(cell)[:2]
        return np.array(
            predictor.predict(
                positions[CARBONS:], sources, positions[:CARBONS], cell, periodic, -2.0
            ).charges
        )

    before = [predicted(step) for step in (14, 13, 12)]
    in_effect = electrode.charges()
    assert in_effect == pytest.approx(np.array([2.5, -2.0, 0.5]) @ before, abs=1e-6)
    assert in_effect.sum() == pytest.approx(-2.0, abs=1e-6)
    now = predicted(15)
    assert np.abs(in_effect - now).max() < 0.3 * np.abs(before[0] - now).max()
    table = np.loadtxt(electrode.folder / "charges.xvg", comments=["#", "@"])
    assert table[:, 0] == pytest.approx(np.arange(1, 17) * 0.002)
    assert "-notunepme" in (electrode.folder / "md.log").read_text()


def test_interrupted_and_continued_is_uninterrupted(electrode, strong_model):
    electrode.grompp()
    electrode.jobs(charge_line(strong_model, every=1))
    ran(electrode, "-deffnm", "whole", "-nsteps", "70")
    electrode.jobs(charge_line(strong_model, every=1))
    ran(electrode, "-deffnm", "parts", "-nsteps", "30")
    ran(electrode, "-deffnm", "parts", "-cpi", "parts.cpt", "-nsteps", "40")
    assert same(electrode.frames("whole"), electrode.frames("parts"))


@pytest.mark.parametrize(
    ("parameters", "every", "message"),
    [
        ({}, 5, "charges of surface every 5 steps; expected 1 or a multiple of nstlist = 10"),
        ({"epsilon_r": 2}, 1, "charges that change between pair searches need epsilon-r = 1"),
    ],
)
def test_what_does_not_go_with_it_is_refused(electrode, strong_model, parameters, every, message):
    electrode.grompp(**parameters)
    electrode.jobs(charge_line(strong_model, every=every))
    run = voxion_mdrun(electrode, "-deffnm", "md", "-nsteps", "10")
    assert run.returncode == 1 and message in run.stderr


def test_without_the_launcher_the_cutoff_is_not_known(electrode, strong_model):
    electrode.grompp()
    electrode.jobs(charge_line(strong_model, every=1))
    run = electrode.mdrun("md", steps=10)
    assert run.returncode == 1
    assert "need the mdp options rcoulomb and ewald-rtol" in " ".join(run.stderr.split())
