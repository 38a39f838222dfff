"""Continuing from a restart file gives what an uninterrupted run gives, bit for bit."""

import numpy as np
import pytest
import torch

from voxion.charges.sampling.run import load_configuration
from voxion.engines.lammps import gather, lammps_session

from .conftest import LinearResponse, local_contract, save_model
from .harness import charge_fix, surface_charges

# Flexible water: SHAKE computes its first step after a restart in another way than its later ones,
# which alone would change the last bits.
FLEXIBLE = (
    "bond_coeff OH 450.0 1.0",
    "angle_coeff HOH 55.0 109.47",
    "timestep 0.25",
    "fix integrate electrolyte nvt temp 300.0 300.0 50.0",
    "fix_modify integrate temp electrolyte_temp",
    # a restart sorts atoms at once, a run only now and then
    "atom_modify sort 0 0.0",
)


@pytest.fixture(scope="module")
def networks(tmp_path_factory):
    """A model with a hidden layer, and another of the same kind."""

    class Network(torch.nn.Module):
        def __init__(self, seed: int):
            super().__init__()
            torch.manual_seed(seed)
            self.layers = torch.nn.Sequential(
                torch.nn.Linear(4, 16), torch.nn.Tanh(), torch.nn.Linear(16, 1)
            ).double()

        def forward(
            self, potentials: torch.Tensor, positions: torch.Tensor, cell: torch.Tensor
        ) -> torch.Tensor:
            return 0.05 * self.layers(potentials).squeeze(1)

    folder = tmp_path_factory.mktemp("networks")
    return [save_model(folder / f"{seed}.pt", Network(seed), local_contract()) for seed in (0, 1)]


def run(folder, start, commands, *, restart=False, log=None):
    """Final positions, velocities, charges and fix outputs."""
    with lammps_session(log=log) as engine:
        load_configuration(engine, folder, start, restart=restart)
        for command in (*FLEXIBLE, *commands):
            engine.command(command)
        outputs = [engine.extract_fix("charges", 0, 0)]
        outputs += [engine.extract_fix("charges", 0, 1, i) for i in range(5)]
        return {
            "x": gather(engine, "x"),
            "v": gather(engine, "v"),
            "q": gather(engine, "q"),
            "outputs": np.array(outputs),
        }


@pytest.mark.parametrize(("every", "half"), [(1, 20), (7, 20), (20, 20), (100, 30)])
def test_two_halves_equal_the_whole(sheet, networks, tmp_path, every, half):
    """`half` is no multiple of Nevery in some: the charges in effect come from the restart."""
    fix = charge_fix(networks[0], every)
    # LAMMPS wraps atoms and rebuilds its lists on steps of a restart file: both runs write them
    write = f"restart {half} {tmp_path}/*.restart"
    whole = run(
        sheet,
        sheet / "equilibrated.data",
        [fix, "reset_timestep 0", write, f"run {2 * half}"],
    )
    first = tmp_path / f"{half}.restart"
    halves = run(sheet, first, [fix, write, f"run {half}"], restart=True)
    for name in whole:
        assert np.array_equal(whole[name], halves[name]), name


def test_charges_of_the_restart_stay_in_effect_until_the_next_update(sheet, networks, tmp_path):
    fix = charge_fix(networks[0], 100)
    first = run(
        sheet,
        sheet / "equilibrated.data",
        [fix, "reset_timestep 0", "run 10", f"write_restart {tmp_path}/ten"],
    )
    then = run(sheet, tmp_path / "ten", [fix, "run 5"], restart=True)
    assert np.array_equal(first["q"], then["q"])


def test_another_model_is_warned_of_and_predicts_at_once(sheet, networks, tmp_path):
    run(
        sheet,
        sheet / "equilibrated.data",
        [charge_fix(networks[0], 100), "run 0", f"write_restart {tmp_path}/a"],
    )
    log = tmp_path / "log"
    same = run(
        sheet, tmp_path / "a", [charge_fix(networks[0], 100), "run 0"], restart=True, log=log
    )
    assert "is not the one that the restart file was written with" not in log.read_text()
    other = run(
        sheet, tmp_path / "a", [charge_fix(networks[1], 100), "run 0"], restart=True, log=log
    )
    assert "is not the one that the restart file was written with" in log.read_text()
    assert not np.allclose(same["q"], other["q"], atol=1e-5)


def test_total_charge_is_kept_in_the_restart(sheet, local_model, tmp_path):
    with lammps_session() as engine:
        load_configuration(engine, sheet, sheet / "equilibrated.data")
        for command in (*FLEXIBLE, charge_fix(local_model, more="total -1.75"), "run 3"):
            engine.command(command)
        engine.command(f"write_restart {tmp_path}/r")
    with lammps_session() as engine:
        load_configuration(engine, sheet, tmp_path / "r", restart=True)
        for command in (*FLEXIBLE, charge_fix(local_model), "run 3"):
            engine.command(command)
        assert abs(surface_charges(engine).sum() + 1.75) < 1e-12


def test_a_module_with_state_is_loaded_anew(sheet, tmp_path):
    """Nothing but the charges has to survive: a fresh fix of the same ID predicts the same."""
    model = save_model(tmp_path / "m.pt", LinearResponse(), local_contract())
    once = run(sheet, sheet / "equilibrated.data", [charge_fix(model), "run 0"])
    again = run(sheet, sheet / "equilibrated.data", [charge_fix(model), "run 0", "run 0", "run 0"])
    assert np.array_equal(once["q"], again["q"])
