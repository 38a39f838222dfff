"""fix voxion/charge in the run: when it updates, what it sets, what it reports."""

import numpy as np
import pytest
import torch

from voxion.engines.lammps import cell_of, gather, in_group, lammps_session, scatter, wrap

from .conftest import local_contract
from .harness import charge_fix, predicted, started, surface_charges


def test_updates_before_the_first_forces_and_every_nevery_steps(sheet, local_model):
    with started(sheet, charge_fix(local_model, every=5)) as engine:
        engine.command("run 0")  # SHAKE moves atoms a little after the first forces
        engine.command("run 0")
        at_setup = surface_charges(engine)
        assert np.allclose(at_setup, predicted(engine, local_model, -2.0), rtol=0, atol=1e-9)
        assert np.ptp(at_setup) > 1e-3
        engine.command("run 4 pre no")
        assert np.array_equal(surface_charges(engine), at_setup)
        engine.command("run 1 pre no")
        after = surface_charges(engine)
        assert not np.array_equal(after, at_setup)
        assert np.allclose(after, predicted(engine, local_model, -2.0), rtol=0, atol=1e-9)


def test_total_charge_is_exact_at_every_update(sheet, local_model):
    with started(sheet, charge_fix(local_model)) as engine:
        engine.command("run 0")
        for _ in range(10):
            engine.command("run 1 pre no")
            assert abs(surface_charges(engine).sum() + 2.0) < 1e-12


def test_forces_are_those_of_the_new_charges(sheet, local_model):
    """Another LAMMPS that is given positions and charges finds the same forces.

    This fails when ghost charges are stale or the sums of the long-range solver are not renewed.
    """
    with started(sheet, charge_fix(local_model)) as engine:
        engine.command("run 15")
        positions, charges = gather(engine, "x"), gather(engine, "q")
        forces = gather(engine, "f")
        energy = engine.get_thermo("pe")
    with started(sheet, dynamics=False) as engine:
        scatter(engine, "x", positions)
        scatter(engine, "q", charges)
        engine.command("run 0")
        # the sheet is frozen and the water's constraint forces are not in a run without SHAKE
        surface = in_group(engine, "surface")
        expected = gather(engine, "f")
        scale = np.sqrt((expected[surface] ** 2).mean())
        assert np.abs(forces - expected)[surface].max() < 1e-6 * scale
        assert engine.get_thermo("pe") == pytest.approx(energy, rel=1e-9)
        ions = in_group(engine, "electrolyte") & (np.abs(charges) == 1.0)
        assert np.abs(forces - expected)[ions].max() < 1e-6 * scale


def test_electrons_answer_by_the_total_charge(sheet, electron_model):
    responses = []
    for total in (-2.0, 0.0):
        fix = charge_fix(electron_model, more=f"total {total} range ignore")
        with started(sheet, fix) as engine:
            engine.command("run 0")
            engine.command("run 0")
            charges = surface_charges(engine)
            assert abs(charges.sum() - total) < 1e-12
            expected = predicted(engine, electron_model, total)
            assert np.allclose(charges, expected, rtol=0, atol=1e-9)
            responses.append(charges - total / 96)
    # the Fermi level is another one, so not only the mean differs
    assert np.abs(responses[0] - responses[1]).max() > 1e-4


def test_outputs(sheet, local_model):
    with started(sheet, charge_fix(local_model, every=2)) as engine:
        engine.command("run 4")
        charges = surface_charges(engine)
        correction = engine.extract_fix("charges", 0, 0)
        vector = [engine.extract_fix("charges", 0, 1, i) for i in range(6)]
        assert vector[:3] == pytest.approx([charges.min(), -2.0 / 96, charges.max()], abs=1e-13)
        assert vector[3] == -correction
        assert vector[4] == 0.0
        assert 0.0 < vector[5] < 1e4
        assert engine.extract_fix("charges", 0, 1, 6) == 0.0  # this model tells no distance
        # before the even correction the model's sum was total - correction
        raw = charges - correction / 96
        assert raw.sum() == pytest.approx(-2.0 - correction, abs=1e-10)
        with pytest.raises(Exception):  # noqa: B017  (the Python module raises a bare Exception)
            engine.command("thermo_style custom step f_charges[8]")
            engine.command("run 0")


def test_log_tells_updates_and_share_of_loop_time(sheet, local_model, tmp_path):
    log = tmp_path / "log"
    with started(sheet, charge_fix(local_model, every=3), log=log) as engine:
        for steps in (10, 0, 2):
            engine.command(f"run {steps}")
    lines = [x for x in log.read_text().splitlines() if x.startswith("Fix voxion/charge")]
    for line, updates in zip(lines, (3, 0, 1), strict=True):
        assert f": updates: 1 before the first step, {updates} during the run" in line
        assert "% of loop time" in line


def test_positions_model_sees_ions_in_ascending_id(sheet, ion_model):
    fix = charge_fix(ion_model, sources="ions")
    with started(sheet, "group ions type Na Cl", fix) as engine:
        engine.command("run 7")
        expected = predicted(engine, ion_model, -2.0, sources="ions")
        assert np.allclose(surface_charges(engine), expected, rtol=0, atol=1e-12)


def test_total_keyword_overrides_the_present_charge(sheet, local_model):
    with started(sheet, charge_fix(local_model, more="total -1.5")) as engine:
        engine.command("run 1")
        assert abs(surface_charges(engine).sum() + 1.5) < 1e-12


def test_range_keyword(sheet, make_model, tmp_path):
    narrow = {"min": [-1e-3] * 4, "max": [1e-3] * 4}
    model = make_model("narrow.pt", input_ranges=narrow)
    log = tmp_path / "log"
    with started(sheet, charge_fix(model, more="range ignore"), log=log) as engine:
        engine.command("run 2")
    assert "training range" not in log.read_text()
    with started(sheet, charge_fix(model), log=log) as engine:
        engine.command("run 2")
    assert log.read_text().count("outside its training range") == 1
    from voxion.errors import VoxionError

    with pytest.raises(VoxionError, match="outside its training range"):
        with started(sheet, charge_fix(model, more="range error")) as engine:
            engine.command("run 2")


def test_threads_of_lammps_survive(sheet, local_model):
    """Torch and LAMMPS share one OpenMP runtime; its thread count belongs to LAMMPS."""
    from ctypes import CDLL, RTLD_GLOBAL

    with started(sheet, charge_fix(local_model, more="threads 2")) as engine:
        openmp = CDLL(None, mode=RTLD_GLOBAL)
        openmp.omp_set_num_threads(3)
        engine.command("run 2")
        assert openmp.omp_get_max_threads() == 3
        openmp.omp_set_num_threads(1)


def test_openmp_styles(sheet, local_model):
    with lammps_session() as engine:
        engine.command("package omp 2")
        engine.command("suffix omp")
        from voxion.charges.sampling.run import load_configuration

        load_configuration(engine, sheet, sheet / "equilibrated.data")
        engine.command(f"include {sheet / 'in.dynamics'}")
        engine.command(charge_fix(local_model))
        engine.command("run 5")
        assert abs(surface_charges(engine).sum() + 2.0) < 1e-12


class Distant(torch.nn.Module):
    """Tells the largest input as its distance from the training data."""

    def forward(
        self, potentials: torch.Tensor, positions: torch.Tensor, cell: torch.Tensor
    ) -> torch.Tensor:
        return -0.02 * potentials[:, 2]

    @torch.jit.export
    def distance(
        self, potentials: torch.Tensor, positions: torch.Tensor, cell: torch.Tensor
    ) -> torch.Tensor:
        return potentials[:, 0].abs().max() + 100.0 * (positions.size(0) != 96)


def test_distance_from_the_training_data_can_stop_a_run(sheet, make_model):
    from voxion import _core

    model = make_model("distant.pt", Distant())
    with started(sheet, charge_fix(model, every=2)) as engine:
        engine.command("variable distance equal f_charges[7]")
        engine.command("thermo_style custom step v_distance")
        engine.command("run 4")
        told = engine.extract_fix("charges", 0, 1, 6)
        positions, charges = gather(engine, "x"), gather(engine, "q")
        surface, source = in_group(engine, "surface"), in_group(engine, "electrolyte")
        cell, origin = cell_of(engine)
        positions = wrap(positions, cell, origin, (True, True, False))
        functions = local_contract()["radial_functions"]
        potentials = _core.site_potentials(
            positions[surface],
            positions[source],
            charges[source],
            cell,
            [True, True, False],
            functions["widths"],
            functions["cutoff"],
        )
        assert told == pytest.approx(np.abs(potentials[:, 0]).max(), rel=1e-9)
        limit = 0.5 * told
        engine.command(f"fix guard all halt 1 v_distance > {limit} error continue")
        engine.command("run 10")
        assert engine.get_thermo("step") < 14
