"""A classifier in the run: what it says, where it is written, and that it can stop the run."""

import numpy as np
import pytest
import torch
import xarray

from voxion.contract.schema import ClassifierContract, load_model
from voxion.engines.lammps import lammps_session

from .voxel_harness import array, fluid, grids, lammps_program, run_commands, save_classifier


def drifting() -> list[str]:
    """A layer that moves from the lower to the upper half of the box."""
    commands = fluid()
    at = next(i for i, c in enumerate(commands) if c.startswith("create_atoms"))
    commands[at : at + 1] = [
        "region half block INF INF INF INF 0 1.9",
        "create_atoms 1 region half",
    ]
    return [*commands, "velocity all set 0 0 3.0", "fix i all move linear 0 0 3.0"]


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    return save_classifier(tmp_path_factory.mktemp("model") / "slab.pt")


def fix(store, model):
    return (
        f"fix v all voxion/voxels 1 2 10 4 4 8 file {store} channels charge mass classify {model}"
    )


def test_probabilities_are_those_of_the_model(tmp_path, model):
    store = tmp_path / "a.zarr"
    with lammps_session() as engine:
        run_commands(engine, *drifting(), fix(store, model), "run 5")
        before = [engine.extract_fix("v", 0, 1, i) for i in range(4)]
        engine.command("run 595")
        vector = [engine.extract_fix("v", 0, 1, i) for i in range(4)]
    assert before == [0.0] * 4  # no window yet
    data = xarray.open_zarr(store)
    assert data.probability.attrs["labels"] == ["lower", "upper"]
    assert data.attrs["classifier"]["model"] == "slab.pt"
    module, _ = load_model(model, ClassifierContract)
    mass = data.grid.values[:, 1:2].astype(np.float64)
    low = mass.min((2, 3, 4), keepdims=True)
    normalised = (mass - low) / (mass.max((2, 3, 4), keepdims=True) - low)
    expected = torch.softmax(module(torch.from_numpy(normalised)), 1).numpy()
    assert np.abs(data.probability.values - expected).max() < 1e-9
    assert vector == pytest.approx([expected[-1].argmax() + 1, expected[-1].max(), *expected[-1]])
    # the layer went up
    assert expected[0].argmax() == 0
    assert 1 in expected.argmax(1)


def test_a_run_stops_when_a_phase_appears(tmp_path, model):
    store = tmp_path / "a.zarr"
    with lammps_session() as engine:
        run_commands(
            engine,
            *drifting(),
            fix(store, model),
            "variable label equal f_v[1]",
            "variable sure equal (f_v[1]==2)*f_v[2]",
            "fix stop all halt 10 v_sure > 0.6 error continue",
            "run 5000",
        )
        step = engine.extract_global("ntimestep")
        assert engine.extract_fix("v", 0, 1, 0) == 2
    labels = array(store, "probability").argmax(1)
    assert labels[0] == 0 and labels[-1] == 1
    assert step == array(store, "step")[-1] < 5000
    assert (array(store, "probability")[:-1, 1] <= 0.6).all()


def test_another_spread_than_the_models_is_warned_of(tmp_path):
    trained = save_classifier(tmp_path / "cic.pt", spread="cic")
    for more, warned in (("", True), (" spread cic", False)):
        log = tmp_path / "log"
        with lammps_session(log=log) as engine:
            run_commands(engine, *drifting(), fix(tmp_path / f"{warned}.zarr", trained) + more)
        text = log.read_text()
        assert ("was trained on grids with spread cic, this one has ngp" in text) == warned


def test_an_empty_group_is_classified_without_nan(tmp_path, model):
    store = tmp_path / "a.zarr"
    with lammps_session() as engine:
        run_commands(
            engine,
            *fluid(),
            "variable never atom type>2",
            "group none dynamic all var never every 1",
            "fix i all nve",
            fix(store, model).replace("v all", "v none"),
            "run 10",
        )
    assert not grids(store).any()
    assert array(store, "probability").tolist() == [[0.5, 0.5]]


def test_two_ranks_know_what_the_first_one_found(tmp_path, model):
    """Every rank evaluates the variable that stops the run."""
    script = tmp_path / "in.two"
    commands = [
        "processors 1 1 2",
        *drifting(),
        fix("a.zarr", model),
        "variable sure equal (f_v[1]==2)*f_v[2]",
        "fix stop all halt 10 v_sure > 0.6 error continue",
        "thermo_style custom step f_v f_v[1] f_v[2] f_v[3]",
        "run 5000",
    ]
    script.write_text("\n".join(commands) + "\n")
    lammps_program(script, ranks=2)
    assert array(tmp_path / "a.zarr", "probability")[-1, 1] > 0.6
    assert array(tmp_path / "a.zarr", "step")[-1] < 5000
    log = (tmp_path / "in.two.log").read_text()
    assert "ms each to classify" in log
