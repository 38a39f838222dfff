"""One model, two engines: the charges of the same configuration in LAMMPS and in mdrun."""

import numpy as np
import pytest

from tests.gromacs.conftest import SEED, SYSTEM
from tests.gromacs.test_updates import CARBONS, charge_line
from tests.lammps.harness import charge_fix, surface_charges
from voxion.charges.sampling.run import load_configuration
from voxion.demo import model_path
from voxion.engines.lammps import gather, lammps_session, scatter


@pytest.fixture(scope="module")
def lammps_system(tmp_path_factory):
    """The same system for LAMMPS, as packed."""
    folder = tmp_path_factory.mktemp("lammps") / "built"
    SYSTEM.build(folder, SEED)
    return folder


@pytest.mark.parametrize("which", ["embedded", "packaged", "strong", "electrons", "ions"])
def test_charges(electrode, lammps_system, which, request):
    fixtures = {
        "packaged": "packaged_model",
        "strong": "strong_model",
        "electrons": "electron_model",
        "ions": "ion_model",
    }
    model = request.getfixturevalue(fixtures[which]) if which in fixtures else model_path()
    sources = "ions" if which == "ions" else "electrolyte"
    electrode.grompp()
    electrode.jobs(charge_line(model, sources=sources, more="range ignore"))
    run = electrode.run("md", steps=10)  # predicted at step 9
    positions = 10.0 * run.positions[9].astype(float)
    with lammps_session() as engine:
        load_configuration(engine, lammps_system, lammps_system / "system.data")
        engine.command("group ions type Na Cl")
        assert len(gather(engine, "q")) == len(positions)
        # across a periodic face LAMMPS moves atoms itself, when a run begins
        scatter(engine, "x", positions)
        engine.command(charge_fix(model, sources=sources, more="total -2.0 range ignore"))
        engine.command("run 0")
        in_lammps = surface_charges(engine)
    in_mdrun = electrode.charges()
    assert in_mdrun == pytest.approx(in_lammps, abs=1e-6)
    assert np.ptp(in_lammps) > 1e-3 and len(in_lammps) == CARBONS
