"""The benchmark for GROMACS runs on a tiny system: every mode, every table. No times are judged."""

import json
import math
from importlib import metadata
from pathlib import Path

import MDAnalysis
import numpy as np
import pytest
import torch
import voxion._core as _core

from tests.benchmarks.program import LOGS, run, tables_of
from tests.engines.gromacs_run import run_gmx
from voxion.charges.models.shells import shell_edges
from voxion.charges.models.site_potentials import SitePotentialsModel
from voxion.charges.training.export import write_model
from voxion.charges.training.fitted import FittedModel
from voxion.contract.schema import ChargeContract, InputRanges, RadialFunctions, Source
from voxion.systems.graphene import GrapheneSystem, graphene_sheet
from voxion.voxels.stores.store import open_store

CELLS, ATOMS, CHARGE = (9, 6), 216, -2
WIDTHS = (0.1, 0.3)
SPECIES = {"O": -0.8476, "H": 0.4238, "Na": 1.0, "Cl": -1.0}
COMMON = "-c conf.gro -p topol.top -n index.ndx"
STEPS, INTERVAL = 40, 20
# every one at its interval, and one at the first pair search, step 10
UPDATES = {"local-10": 4, "local-20": 3, "local-100": 1, "local-200": 1, "paper-20": 3}
UPDATES |= {"driver-local": 2, "driver-paper": 2}
MODES = ["plain", "voxels", *UPDATES]


@pytest.fixture(scope="module")
def tiny(gmx, tmp_path_factory) -> Path:
    """216 C at -2 e under 20 A of electrolyte, equilibrated for a moment."""
    folder = tmp_path_factory.mktemp("benchmark") / "tiny-gromacs"
    system = GrapheneSystem(cells=CELLS, total_charge=CHARGE, thickness=20.0)
    system.build(folder, seed=3, engine="gromacs")
    run_gmx(gmx, folder, f"grompp -f em.mdp {COMMON} -o em.tpr")
    run_gmx(gmx, folder, "mdrun -ntmpi 1 -nsteps 200 -deffnm em")
    run_gmx(gmx, folder, f"grompp -f equilibrate.mdp {COMMON} -t em.trr -o equilibrate.tpr")
    run_gmx(gmx, folder, "mdrun -ntmpi 1 -nsteps 50 -deffnm equilibrate")
    return folder


@pytest.fixture(scope="module")
def local_model(tmp_path_factory) -> Path:
    """A linear model that answers weakly to the potential."""
    cell = np.diag([*GrapheneSystem(cells=CELLS).edges, 20.0])
    edges = torch.as_tensor(shell_edges(graphene_sheet(CELLS), cell, 3))
    model = SitePotentialsModel(edges, len(WIDTHS), CHARGE / ATOMS)
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


@pytest.fixture(scope="module")
def results(gmx, tiny, local_model, tmp_path_factory) -> Path:
    """Folder with the results of the reduced benchmark."""
    out = tmp_path_factory.mktemp("results")
    options = ["--gmx", gmx, "--system", tiny, "--model", local_model, "--rounds", 2]
    done = run("gromacs.run", *options, "--steps", STEPS, "--interval", INTERVAL, "--out", out)
    assert done.returncode == 0, done.stderr
    return out


def test_comparison(results):
    found = json.loads((results / "results.json").read_text())
    measurements = found["measurements"]
    assert sorted((m["round"], m["mode"]) for m in measurements) == sorted(
        (number, mode) for number in range(2) for mode in MODES
    )
    first = [next(m["mode"] for m in measurements if m["round"] == n) for n in range(2)]
    assert first[0] != first[1], "the order of the modes does not rotate"
    assert {m["mode"]: m["updates"] for m in measurements if m["every"]} == UPDATES
    for m in measurements:
        assert 0 < m["wall"] < m["whole"]
        # md.log rounds to 1 ms
        assert 0 < m["processor"] < 1.02 * m["wall"] + 0.002
        assert m["processor"] < m["whole_processor"]
        in_plugin = m["mode"] not in ("plain", "driver-local", "driver-paper")
        assert (m["plumed"] is not None) == (m["own"] is not None) == in_plugin
        assert len(m["update_ms"]) == (m["updates"] if in_plugin and m["every"] else 0)
        if m["update_ms"]:
            # both of the plugin's own clock, in its table and in its last line
            assert sum(m["update_ms"]) == pytest.approx(1e3 * m["own"], rel=0.01)
        if m["parts"]:
            assert sum(m["parts"].values()) == pytest.approx(m["whole"], rel=0.05)
    for row in found["summary"]["modes"]:
        times = row["times"]
        loops, plain = (
            [m[times["measure"]] for m in measurements if m["mode"] == mode]
            for mode in (times["name"], "plain")
        )
        assert times["ratio"] == pytest.approx(np.median(np.divide(loops, plain)))
    assert all(math.isfinite(cost["factor"]) for cost in found["summary"]["intervals"])
    assert len(found["summary"]["aims"]) == 4
    loops, whole, *_ = tables_of((results / "results.md").read_text())
    labels = {m["label"] for m in measurements}
    assert {row["mode"] for row in loops} == {row["mode"] for row in whole} == labels
    assert (results / "results.png").stat().st_size > 0


def test_driver_goes_on_with_predicted_charges(results, tiny, local_model):
    """Both pieces begin with the model's charges of the last frame before them."""
    folder = LOGS / "tiny-gromacs-driver-local"
    predictor = _core.ChargePredictor(str(local_model))
    for number, last in enumerate([tiny / "equilibrate.gro", folder / "piece-0.gro"]):
        begun = MDAnalysis.Universe(str(folder / f"piece-{number}.tpr"))
        ended = MDAnalysis.Universe(str(last))
        # the frame has 3 digits of a nm
        apart = MDAnalysis.lib.distances.minimize_vectors(
            begun.atoms.positions - ended.atoms.positions, begun.dimensions
        )
        assert np.abs(apart).max() < 0.006
        assert np.abs(begun.atoms.velocities - ended.atoms.velocities).max() < 0.002
        expected = predictor.predict(
            ended.atoms.positions[ATOMS:],
            begun.atoms.charges[ATOMS:],
            ended.atoms.positions[:ATOMS],
            ended.trajectory.ts.triclinic_dimensions,
            [True, True, False],
            CHARGE,
        ).charges
        assert np.ptp(expected) > 1e-4
        np.testing.assert_allclose(begun.atoms.charges[:ATOMS], expected, rtol=1e-5)


def test_plugin_worked(results):
    """Updates come at the steps that the mode names; the voxels' store exists."""
    for name, steps in {"local-10": [10, 20, 30, 40], "paper-20": [10, 20, 40]}.items():
        table = np.loadtxt(LOGS / f"tiny-gromacs-{name}" / "charges.xvg", comments=("#", "@"))
        np.testing.assert_allclose(table[:, 0], 0.002 * np.array(steps))
    assert open_store(LOGS / "tiny-gromacs-voxels" / "grids.zarr").channels == ("mass", "charge")


def test_wrong_input_is_one_line(gmx, tiny, local_model, tmp_path):
    options = ["--gmx", gmx, "--model", local_model, "--out", tmp_path]
    for arguments, message in (
        (["--system", tmp_path], "no system.json"),
        (["--system", tiny, "--interval", 25], "must be a multiple of nstlist = 10; found 25"),
        (["--system", tiny, "--steps", 70, "--interval", 20], "multiple of the interval of 20"),
    ):
        done = run("gromacs.run", *options, *arguments)
        assert done.returncode == 1
        assert message in done.stderr and done.stderr.count("\n") == 1
