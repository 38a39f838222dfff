"""Every example runs from its first command to its picture, at its smallest size."""

import csv
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import matplotlib.image
import numpy as np
import pytest

from tests.conftest import ROOT
from voxion.activity.demo import DEMO
from voxion.charges.data.opening import open_dataset
from voxion.voxels.stores.store import open_store

EXAMPLES = ROOT / "examples"
# 96 C; of ten Na+ some are in the bulk of any run
SHEET = "--cells 6 4 --charge -1 --thickness 22 --molarity 4"

Run = Callable[..., str]


@pytest.fixture
def example(request, tmp_path) -> Path:
    """Copy of an example's own files, without pictures and what was made there."""
    source = EXAMPLES / request.param
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "."]
    names = subprocess.run(listed, cwd=source, capture_output=True, text=True, check=True).stdout
    for name in names.splitlines():
        shutil.copy(source / name, tmp_path)
    for picture in tmp_path.glob("*.png"):
        picture.unlink()
    return tmp_path


@pytest.fixture
def run(example) -> Run:
    """Run a line of the example's README in its folder."""

    def run_line(line: str, **variables: object) -> str:
        done = subprocess.run(
            ["bash", "-c", line],
            cwd=example,
            env={
                **os.environ,
                "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
                "OMP_NUM_THREADS": "1",
                **{name: str(value) for name, value in variables.items()},
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        assert done.returncode == 0, f"{line}\n{done.stdout}"
        return done.stdout

    return run_line


def check_picture(path: Path) -> None:
    """The picture was drawn: it has more than one colour."""
    assert matplotlib.image.imread(path).std() > 0.01


@pytest.mark.parametrize("example", ["01_graphene_electrode"], indirect=True)
def test_graphene_electrode(example, run):
    run(f"./build_and_train.sh {SHEET}", FRAMES=12, STEPS=300)
    run("lmp -in in.run -var steps 500 -screen none")
    run("voxion charges run electrode trained/model.pt --out run.zarr --frames 5 --interval 0.02")
    run("voxion charges label electrode run.zarr --out solved.zarr")
    run("voxion charges score trained/model.pt solved.zarr")
    run(
        "voxion charges report solved.zarr trained/model.pt --select all --run model=run.zarr "
        "--run lammps=end.data,run.dcd"
    )
    run("python plot.py run.zarr solved.zarr")
    assert open_dataset(example / "solved.zarr").surface_charges().shape == (5, 96)
    assert "<img" in (example / "report.html").read_text()
    check_picture(example / "electrode.png")


@pytest.mark.parametrize("example", ["02_voxels"], indirect=True)
def test_voxels(example, run):
    phases = "--hydration 0 --hydration 6 --hydration 15 --hydration 40"
    run(f"python make_phases.py --frames 3 --beads 300 --steps 100 {phases}")
    # what is there is kept
    assert run(f"python make_phases.py --frames 3 --beads 300 {phases}").count("there already") == 8
    run("./train.sh --out trained --split run --augment --epochs 1")
    run("voxion systems surfactant --coarse --out fresh --hydration 6 --beads 300 --seed 77")
    # a confidence that any label has: the run ends when the network has said 6 three times, or not
    run("lmp -in in.run -var wanted 2 -var confidence 0.2 -var steps 1000 -screen none")
    store = open_store(example / "run.zarr")
    assert 1 <= store.frames <= 4
    run("python plot.py")
    check_picture(example / "voxels.png")
    run("voxion voxels page run.zarr")
    run("voxion voxels morphology phases/lambda-6-run-2.zarr --channel mass")


@pytest.mark.parametrize("example", ["03_surfactants_to_nafion"], indirect=True)
@pytest.mark.parametrize(("name", "runs"), [("reduced", 15), ("paper", 46)])
def test_surfactants_to_nafion(example, run, name, runs):
    """What either configuration would run; tests/campaigns runs one of toy size to the end."""
    pytest.importorskip("snakemake", reason="campaigns need Snakemake, for Python 3.11 or newer")
    campaign = f"voxion campaign surfactant-nafion {name} --config {name}.yaml --jobs 2"
    planned = run(f"{campaign} -- --dry-run --quiet rules")
    for rule in ("build", "equilibrate", "produce"):
        assert f"{rule} {runs}" in " ".join(planned.split())


@pytest.mark.parametrize("example", ["04_gromacs_electrode"], indirect=True)
def test_gromacs_electrode(example, run, gmx):
    path = os.pathsep.join(map(str, (gmx.parent, Path(sys.executable).parent, os.environ["PATH"])))
    run("./run.sh --cells 9 6 --charge -2 --thickness 20", STEPS=500, PATH=path)
    run("python plot.py")
    check_picture(example / "electrode.png")
    sheet = open_store(example / "electrode" / "sheet.zarr")
    assert sheet.frames == 10
    state = (
        'python -c \'import json; state = json.load(open("electrode/voxion.dat.state"))\n'
        'print(sum(state["checkpoints"][0]["charges"][0]["charges"]))\''
    )
    assert float(run(state)) == pytest.approx(-2, abs=1e-5)


@pytest.mark.parametrize("example", ["05_ion_activity"], indirect=True)
def test_ion_activity(example, run):
    """Three of the six polymers, and one of the four salts."""
    run("python make_data.py made")
    assert (example / "made" / "activity.csv").read_text() == (DEMO / "activity.csv").read_text()
    with (example / "made" / "activity.csv").open(newline="") as file:
        head, *rows = csv.reader(file)
    polymers = ("SS50-random", "AMPS20-random", "VP50-block")
    few = [row for row in rows if row[0] in polymers and row[1] == "NaCl"]
    with (example / "few.csv").open("w", newline="") as file:
        csv.writer(file).writerows([head, *few])
    run("./run.sh", DATA="few.csv", MOLECULES="made/molecules.csv")
    with (example / "predictions.csv").open(newline="") as file:
        assert len(list(csv.DictReader(file))) == 4
    assert "<svg" in (example / "explained" / "page.html").read_text()
    check_picture(example / "fitted" / "parity.png")


@pytest.mark.parametrize("example", ["06_dftb_labels"], indirect=True)
def test_dftb_labels(example, run):
    """With ELECTRODE as the solver, which is always there."""
    run(f"./run.sh {SHEET}", FRAMES=12, INTERVAL=0.1, STEPS=300, DFTB_SKF="")
    check_picture(example / "loop.png")
    assert open_dataset(example / "loop.zarr").frames == 12


@pytest.mark.parametrize("example", ["07_capacitor"], indirect=True)
@pytest.mark.parametrize("material", ["graphene", "gold"])
def test_capacitor(example, run, gmx, material):
    path = os.pathsep.join(map(str, (gmx.parent, Path(sys.executable).parent, os.environ["PATH"])))
    cells, wide = {
        "graphene": ("--cells 6 4 --thickness 24", "--cells 10 7 --thickness 24"),
        "gold": ("--cells 6 5 --thickness 20", "--cells 8 8 --thickness 20"),
    }[material]
    of = {"MATERIAL": material}
    run(f"./build_and_train.sh {cells}", FRAMES=12, INTERVAL=0.1, SETTLE=0.2, STEPS=300, **of)
    lammps = f"lmp -in in.run -var material {material} -var steps 200 -screen none"
    run(f"{lammps} -var model {material}/trained/model.pt")
    run(f"{lammps} -var method conp -var kspace pppm/electrode")
    run(f"./run_gromacs.sh {wide}", STEPS=300, RUN=100, PATH=path, **of)
    run(f"python plot.py {material}")
    check_picture(example / f"{material}.png")
    # from the same start; later the runs part
    curves = [
        np.loadtxt(example / material / f"charging-{name}.txt")[:3, 1]
        for name in ("conp", "voxion")
    ]
    assert curves[1] == pytest.approx(curves[0], rel=0.02)
    neutral, charged = (
        np.loadtxt(example / material / "gromacs" / f"{voltage}.xvg", comments=["#", "@"])[:, 19]
        for voltage in (0, 2)
    )
    # from the same start; 2 V on the empty cells are 0.34 e and more
    assert (charged - neutral > 0.2).all() and len(charged) == 101
    if material == "graphene":
        run(
            "voxion charges run graphene/pair graphene-conp.pt --out run.zarr --potential 0 "
            "--potential 2 --frames 20 --interval 0.02 --settle 0.1"
        )
        run("voxion charges capacitance run.zarr --out charging.png")
        check_picture(example / "charging.png")


@pytest.mark.parametrize("example", ["08_membrane_from_smiles"], indirect=True)
def test_membrane_from_smiles(example, run):
    """One seed, of a polymer with small residues; started again, what is finished stays."""
    pytest.importorskip("snakemake", reason="campaigns need Snakemake, for Python 3.11 or newer")
    table = example / "membranes.csv"
    small = table.read_text().replace("c1ccc(S(=O)(=O)[O-])cc1", "S(=O)(=O)[O-]")
    table.write_text(small.replace("c1ccccc1", "O"))
    short = {"SEEDS": 1, "SCALE": 0.004, "BLOCK": 1000, "FRAMES": 30, "EVERY": 50}
    short["XDG_CACHE_HOME"] = example / "cache"  # of the charges of residues
    run("./run.sh", **short)
    page = example / "membranes" / "report.html"
    summary = json.loads(page.with_name("summary.json").read_text())
    (membrane,) = summary["membranes"]
    # a liquid's, though neither has settled
    assert 0.6 < membrane["density"] < 1.8
    peak = membrane["descriptors"]["r_peak_ion_water"]["value"]
    assert peak == pytest.approx(2.4, abs=0.15)  # Na+ and the oxygen of water
    assert page.read_text().count("data:image/png") == 3
    first = page.stat().st_mtime_ns
    run("./run.sh", **short)
    assert page.stat().st_mtime_ns == first
    run("python plot.py")
    check_picture(example / "membrane.png")


def test_no_example_is_left_out():
    """A new example gets a test here."""
    tested = {
        mark.args[1][0]
        for name, function in globals().items()
        if name.startswith("test_")
        for mark in getattr(function, "pytestmark", [])
        if mark.args[0] == "example"
    }
    assert tested == {path.parent.name for path in EXAMPLES.glob("*/README.md")}
