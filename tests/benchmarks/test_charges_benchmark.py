"""The benchmark of charges runs on a tiny system: every mode, every table. No times are judged."""

import json
import math
from importlib import metadata
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.benchmarks.program import run, tables_of
from voxion.charges.models.shells import shell_edges
from voxion.charges.models.site_potentials import SitePotentialsModel
from voxion.charges.training.export import write_model
from voxion.charges.training.fitted import FittedModel
from voxion.contract.schema import ChargeContract, InputRanges, RadialFunctions, Source
from voxion.engines.lammps import run_lammps
from voxion.systems.graphene import GrapheneSystem, graphene_sheet

CELLS, WIDTHS = (6, 4), (0.1, 0.3)
SPECIES = {"O": -0.8476, "H": 0.4238, "Na": 1.0, "Cl": -1.0}


@pytest.fixture(scope="module")
def tiny(tmp_path_factory) -> Path:
    """96 C at -1 e under 20 A of electrolyte, equilibrated for a moment."""
    folder = tmp_path_factory.mktemp("benchmark") / "tiny"
    GrapheneSystem(cells=CELLS, total_charge=-1, thickness=20.0).build(folder, seed=3)
    run_lammps(folder / "in.equilibrate", variables={"steps": 50})
    return folder


@pytest.fixture(scope="module")
def local_model(tmp_path_factory) -> Path:
    """A linear model that answers weakly to the potential."""
    cell = np.diag([*GrapheneSystem(cells=CELLS).edges, 30.0])
    edges = torch.as_tensor(shell_edges(graphene_sheet(CELLS), cell, 3))
    model = SitePotentialsModel(edges, len(WIDTHS), -1 / 96)
    model.weights.fill_(-1e-3)
    contract = ChargeContract(
        inputs="site-potentials",
        torch_version=metadata.version("torch"),
        voxion_version=metadata.version("voxion"),
        data_hash="sha256:" + "0" * 64,
        sources=tuple(Source(name=name, charge=charge) for name, charge in SPECIES.items()),
        radial_functions=RadialFunctions(widths=WIDTHS, cutoff=12.0),
        input_ranges=InputRanges(min=(-10.0,) * 2, max=(10.0,) * 2),
    )
    path = tmp_path_factory.mktemp("model") / "local.pt"
    return write_model(FittedModel(model, contract), path, [])


def test_comparison(tiny, local_model, tmp_path):
    options = ["--system", tiny, "--model", local_model, "--rounds", 2, "--steps", 10]
    done = run("charges.run", *options, "--ranks", 1, "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    results = json.loads((tmp_path / "results.json").read_text())
    measurements = results["measurements"]
    modes = ["fixed", "mat-inv", "cg"]
    modes += [f"{model}-{every}" for model in ("paper", "local") for every in (1, 10, 2500)]
    assert sorted((m["round"], m["mode"]) for m in measurements) == sorted(
        (number, mode) for number in range(2) for mode in modes
    )
    updates = {m["mode"]: m["updates"] for m in measurements if m["every"]}
    expected = {1: 10, 10: 1, 2500: 1}
    assert updates == {f"{k}-{n}": u for k in ("paper", "local") for n, u in expected.items()}
    first = [next(m["mode"] for m in measurements if m["round"] == n) for n in range(2)]
    assert first[0] != first[1], "the order of the modes does not rotate"
    for row in results["summary"]["1 MPI rank"]:
        times = row["times"]
        assert times["measure"] in ("wall", "processor")
        loops, fixed = (
            [m[times["measure"]] for m in measurements if m["mode"] == mode]
            for mode in (times["name"], "fixed")
        )
        assert times["ratio"] == pytest.approx(np.median(np.divide(loops, fixed)))
        assert math.isfinite(times["ratio"]) and times["ratio"] > 0
    # one rank has at most one processor; LAMMPS rounds its use to 0.1 %
    assert all(0 < m["processor"] < 1.01 * m["wall"] for m in measurements)
    assert all(0.01 < m["memory"] < 10 for m in measurements)
    [table] = tables_of((tmp_path / "results.md").read_text())
    assert len(table) == len(modes)
    assert all(float(row["wall, ms/step"]) > 0 for row in table)
    assert (tmp_path / "results.png").stat().st_size > 0


def test_scaling_reports_what_takes_too_long(tiny, local_model, tmp_path):
    """With no time for the set-up nothing is measured, and the tables say so."""
    options = ["--system", tiny, "--model", local_model, "--rounds", 1, "--steps", 4]
    done = run("charges.scaling", *options, "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    [table] = tables_of((tmp_path / "scaling.md").read_text())
    assert [row["electrode atoms"] for row in table] == ["96"] * 4
    # the set-up of a tiny system may round to 0.00 s
    assert all(float(row["ratio"]) > 0 and float(row["set-up, s"]) >= 0 for row in table)
    done = run("charges.scaling", *options, "--setup-limit", 0, "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    [table] = tables_of((tmp_path / "scaling.md").read_text())
    assert [row["set-up, s"] for row in table] == ["more than 0"] * 4


def test_pairs_at_a_voltage(neutral_capacitor, trained_pair, tmp_path):
    options = ["--system", neutral_capacitor, "--model", trained_pair.model_path]
    done = run("charges.pairs", *options, "--rounds", 1, "--steps", 4, "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    [table] = tables_of((tmp_path / "pairs.md").read_text())
    assert [row["electrode atoms"] for row in table] == ["192"] * 4
    assert [row["mode"].split(",")[0] for row in table] == [
        "fixed charges", "voxion", "fix electrode/conp", "fix electrode/conp"
    ]  # fmt: skip
    measured = json.loads((tmp_path / "pairs.json").read_text())["measurements"]
    assert {m["mode"]: m["updates"] for m in measured}["local-1"] == 4
    assert (tmp_path / "pairs.png").stat().st_size > 0


def test_wrong_model_is_one_line(tiny, local_model, tmp_path):
    done = run("charges.run", "--system", tiny, "--model", tmp_path / "none.pt")
    assert done.returncode == 1
    assert done.stderr.startswith("Error: Model file") and done.stderr.count("\n") == 1
    done = run("charges.run", "--system", tmp_path, "--model", local_model, "--out", tmp_path)
    assert done.returncode == 1
    assert "no system.json" in done.stderr
