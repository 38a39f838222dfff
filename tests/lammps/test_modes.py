"""The fix under rerun, minimize, NPT, full periodicity, and twice in a capacitor."""

import numpy as np
import pytest

from voxion.engines.lammps import gather, in_group

from .harness import charge_fix, predicted, started, surface_charges


def test_rerun_predicts_every_frame(sheet, local_model, tmp_path):
    dump = tmp_path / "run.lammpstrj"
    with started(sheet) as engine:
        engine.command(f"dump run all custom 5 {dump} id type x y z q")
        engine.command("dump_modify run sort id format float %.15g")
        engine.command("run 20")
    with started(sheet, charge_fix(local_model, every=1000), dynamics=False) as engine:
        again = tmp_path / "again.lammpstrj"
        engine.command(f"dump again surface custom 5 {again} id q")
        engine.command("dump_modify again sort id format float %.15g")
        engine.command(f"rerun {dump} dump x y z")
        assert np.allclose(
            surface_charges(engine), predicted(engine, local_model, -2.0), rtol=0, atol=1e-9
        )
    # 9 header lines and 96 atoms a frame
    lines = again.read_text().splitlines()
    frames = [lines[start + 9 : start + 105] for start in range(0, len(lines), 105)]
    charges = np.array([[float(line.split()[1]) for line in frame] for frame in frames])
    assert charges.shape == (5, 96)
    assert (np.abs(np.diff(charges, axis=0)).max(axis=1) > 1e-5).all()
    assert np.abs(charges.sum(axis=1) + 2.0).max() < 1e-10


@pytest.mark.parametrize("style", ["cg", "fire"])
def test_minimize(sheet, local_model, style):
    with started(sheet, charge_fix(local_model), dynamics=False) as engine:
        engine.command("fix hold surface setforce 0.0 0.0 0.0")
        engine.command(f"min_style {style}")
        engine.command("run 0")
        before = engine.get_thermo("pe")
        engine.command("minimize 0.0 1.0e-6 30 300")
        assert engine.get_thermo("pe") < before - 1.0
        assert abs(surface_charges(engine).sum() + 2.0) < 1e-12


def test_npt_follows_the_cell(periodic_sheet, local_model):
    with started(periodic_sheet, dynamics=False) as engine:
        for command in (
            "fix water electrolyte shake 1.0e-5 100 0 b OH a HOH",
            "timestep 1.0",
            "fix integrate all npt temp 300 300 100 x 1 1 200 y 1 1 200",
            charge_fix(local_model, every=2),
        ):
            engine.command(command)
        engine.command("run 0")
        before = engine.extract_box()[1][0]
        engine.command("run 40")
        assert abs(engine.extract_box()[1][0] - before) > 1e-4
        expected = predicted(engine, local_model, -2.0)
        assert np.allclose(surface_charges(engine), expected, rtol=0, atol=1e-9)


def test_fully_periodic_box(periodic_sheet, local_model):
    with started(periodic_sheet, charge_fix(local_model)) as engine:
        engine.command("run 10")
        expected = predicted(engine, local_model, -2.0)
        assert np.allclose(surface_charges(engine), expected, rtol=0, atol=1e-9)


def test_two_electrodes_of_a_capacitor(capacitor, local_model):
    fixes = [
        f"fix {name} {name} voxion/charge {every} {local_model} sources electrolyte"
        for name, every in (("lower", 2), ("upper", 3))
    ]
    with started(capacitor, *fixes) as engine:
        engine.command("run 12")
        charges = gather(engine, "q")
        for name, total in (("lower", -1.0), ("upper", 1.0)):
            here = charges[in_group(engine, name)]
            assert abs(here.sum() - total) < 1e-12
            assert np.ptp(here) > 1e-3
        assert abs(charges.sum()) < 1e-9
