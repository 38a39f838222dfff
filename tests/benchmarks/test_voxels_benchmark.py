"""The benchmark of voxels runs on a tiny system: every mode, every table. No times are judged."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
from benchmarks.voxels.systems import replicate

from tests.benchmarks.program import run, tables_of
from voxion.charges.sampling.run import load_configuration
from voxion.engines.lammps import in_group, lammps_session, run_lammps
from voxion.systems.coarse_surfactant import CoarseSurfactant
from voxion.systems.graphene import GrapheneSystem

MODES = ["none", "voxion", "voxion-stress", "voxion-classify", "stress-alone", "ave-grid"]
MODES += ["ave-grid-stress"]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("benchmark") / "tiny-surfactant"
    CoarseSurfactant(hydration=6, beads=300).build(folder, seed=3)
    run_lammps(folder / "in.equilibrate", variables={"steps": 50})
    return folder


def test_comparison(tiny, tmp_path):
    done = run("voxels.run", "--system", tiny, "--rounds", 1, "--steps", 100, "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    results = json.loads((tmp_path / "results.json").read_text())
    by = {m["mode"]: m for m in results["measurements"] if m["part"] == "run"}
    assert sorted(by) == sorted(MODES)
    for row in results["summary"]["1 MPI rank"]:
        times = row["times"]
        mine, base = (by[name][times["measure"]] for name in (times["name"], "none"))
        assert times["ratio"] == pytest.approx(mine / base)
    # one float32 per value and voxel, nothing else in the grid's chunks
    assert by["voxion"]["written"] == 2 * 32**3 * 4
    assert by["voxion-stress"]["written"] == 8 * 32**3 * 4
    # a number and a blank at least, for every value of every voxel, in the text
    assert by["ave-grid"]["written"] > 2 * 32**3 * 2
    assert by["ave-grid-stress"]["written"] > 8 * 32**3 * 2
    assert by["none"]["written"] == by["stress-alone"]["written"] == 0
    assert by["voxion-classify"]["classify"] > 0 and by["voxion"]["classify"] is None
    assert by["voxion-stress"]["grid"] > 0 and by["voxion-stress"]["compute"] > 0
    alone = {m["mode"]: m for m in results["measurements"] if m["part"] == "gridding alone"}
    assert sorted(alone) == ["ave-grid", "voxion"]
    assert all(0 < m["processor"] < 1.01 * m["wall"] for m in alone.values())
    assert all(0 < size["packed"] < size["store"] for size in results["sizes"])
    assert len(results["aims"]["1 MPI rank"]) == 7
    table, *_ = tables_of((tmp_path / "results.md").read_text())
    assert len(table) == len(MODES)
    assert all(math.isfinite(float(row["wall, ms/step"])) for row in table)
    assert (tmp_path / "results.png").stat().st_size > 0


def test_replicated_sheet_is_one_group(tmp_path):
    GrapheneSystem(cells=(6, 4), total_charge=-1, thickness=16.0).build(tmp_path / "g", seed=3)
    run_lammps(tmp_path / "g" / "in.equilibrate", variables={"steps": 20})
    replicate(tmp_path / "g", tmp_path / "g4", 2, 4)
    sheets, atoms, charges = [], [], []
    for name in ("g", "g4"):
        with lammps_session() as engine:
            load_configuration(engine, tmp_path / name, tmp_path / name / "equilibrated.data")
            sheets.append(in_group(engine, "surface").sum())
            atoms.append(engine.get_natoms())
            charges.append(np.sum(engine.numpy.extract_atom("q")[: engine.get_natoms()]))
    assert sheets == [96, 4 * 96]
    assert atoms[1] == 4 * atoms[0]
    assert charges == pytest.approx([0.0, 0.0], abs=1e-9)


def test_wrong_input_is_one_line(tiny, tmp_path):
    done = run("voxels.run", "--system", tmp_path, "--out", tmp_path)
    assert done.returncode == 1
    assert "holds no equilibrated system" in done.stderr and done.stderr.count("\n") == 1
    done = run("voxels.run", "--system", tiny, "--steps", 150)
    assert done.returncode == 1
    assert "must be a multiple of the window of 100; found 150" in done.stderr
