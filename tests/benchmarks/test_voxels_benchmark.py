"""The benchmark of voxels runs on a tiny system: every mode, every table. No times are judged."""

import json
import math
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from voxion.charges.sampling.run import load_configuration
from voxion.engines.lammps import in_group, lammps_session, run_lammps
from voxion.systems.graphene import GrapheneSystem
from voxion.systems.surfactant import SurfactantSystem

FOLDER = Path(__file__).resolve().parents[2] / "benchmarks" / "voxels"
MODES = ["none", "voxion", "voxion-stress", "voxion-classify", "stress-alone", "ave-grid"]
MODES += ["ave-grid-stress"]


@pytest.fixture(scope="module")
def tiny(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("benchmark") / "tiny-surfactant"
    SurfactantSystem(hydration=6, beads=300).build(folder, seed=3)
    run_lammps(folder / "in.equilibrate", variables={"steps": 50})
    return folder


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, str(FOLDER / "run.py"), *map(str, arguments)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def tables_of(text: str) -> list[list[str]]:
    """Cells of the tables in a Markdown text."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def test_comparison(tiny, tmp_path):
    done = run("--system", tiny, "--rounds", 1, "--steps", 100, "--out", tmp_path)
    assert done.returncode == 0, done.stderr
    results = json.loads((tmp_path / "results.json").read_text())
    by = {m["mode"]: m for m in results["measurements"]}
    assert sorted(by) == sorted(MODES)
    for row in results["summary"]["1"]:
        assert row["ratio"] == pytest.approx(by[row["name"]]["loop"] / by["none"]["loop"])
    # one float32 per value and voxel, nothing else in the grid's chunks
    assert by["voxion"]["written"] == 2 * 32**3 * 4
    assert by["voxion-stress"]["written"] == 8 * 32**3 * 4
    # a number and a blank at least, for every value of every voxel, in the text
    assert by["ave-grid"]["written"] > 2 * 32**3 * 2
    assert by["ave-grid-stress"]["written"] > 8 * 32**3 * 2
    assert by["none"]["written"] == by["stress-alone"]["written"] == 0
    assert by["voxion-classify"]["classify"] > 0 and by["voxion"]["classify"] is None
    assert by["voxion-stress"]["grid"] > 0 and by["voxion-stress"]["compute"] > 0
    assert all(g["voxion"] > 0 and g["ave-grid"] > 0 for g in results["gridding"])
    assert all(0 < size["packed"] < size["store"] for size in results["sizes"])
    assert len(results["aims"]["1"]) == 7
    table = tables_of((tmp_path / "results.md").read_text())
    rows = [row for row in table if len(row) == 11 and row[0] not in ("mode", "---")]
    assert len(rows) == len(MODES) and all(math.isfinite(float(row[2])) for row in rows)
    assert (tmp_path / "results.png").stat().st_size > 0


def test_replicated_sheet_is_one_group(tmp_path):
    GrapheneSystem(cells=(6, 4), total_charge=-1, thickness=16.0).build(tmp_path / "g", seed=3)
    run_lammps(tmp_path / "g" / "in.equilibrate", variables={"steps": 20})
    code = (
        "import sys, pathlib; from voxel_systems import replicate; "
        "replicate(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), 2, 4)"
    )
    arguments = [str(tmp_path / name) for name in ("g", "g4")]
    subprocess.run([sys.executable, "-c", code, *arguments], cwd=FOLDER, check=True)
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
    done = run("--system", tmp_path, "--out", tmp_path)
    assert done.returncode == 1
    assert "holds no equilibrated system" in done.stderr and done.stderr.count("\n") == 1
    done = run("--system", tiny, "--steps", 150)
    assert done.returncode == 1
    assert "must be a multiple of the window of 100; found 150" in done.stderr
