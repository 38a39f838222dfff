"""The command of structure factors, on a LAMMPS run written by hand."""

import csv
import json

import numpy as np
import pytest
from typer.testing import CliRunner

from voxion.cli.scattering import app
from voxion.errors import VoxionError
from voxion.scattering.lengths import neutron_length

EDGE = 20.0
COUNT = 30


@pytest.fixture
def run(tmp_path):
    """Two types of particles anywhere in a cube: a data file and six dumps."""
    rng = np.random.default_rng(3)
    frames = rng.random((6, COUNT, 3)) * EDGE
    types = [1] * (COUNT // 3) + [2] * (COUNT - COUNT // 3)
    rows = [
        f"{i} 1 {t} 0.0 {x:.6f} {y:.6f} {z:.6f}"
        for i, (t, (x, y, z)) in enumerate(zip(types, frames[0], strict=True), 1)
    ]
    bounds = [f"0.0 {EDGE} {axis}lo {axis}hi" for axis in "xyz"]
    text = ["LAMMPS data file, units = real", "", f"{COUNT} atoms", "2 atom types", "", *bounds]
    text += ["", "Masses", "", "1 12.0", "2 16.0", "", "Atoms # full", "", *rows]
    (tmp_path / "run.data").write_text("\n".join(text) + "\n")
    for number, frame in enumerate(frames):
        atoms = [
            f"{i} {t} {x:.6f} {y:.6f} {z:.6f}"
            for i, (t, (x, y, z)) in enumerate(zip(types, frame, strict=True), 1)
        ]
        head = ["ITEM: TIMESTEP", str(number), "ITEM: NUMBER OF ATOMS", str(COUNT)]
        head += ["ITEM: BOX BOUNDS pp pp pp", *[f"0.0 {EDGE}"] * 3, "ITEM: ATOMS id type x y z"]
        (tmp_path / f"{number}.lammpstrj").write_text("\n".join(head + atoms) + "\n")
    return tmp_path, frames, np.array(types)


def invoke(folder, *arguments, frames=6):
    dumps = [str(folder / f"{i}.lammpstrj") for i in range(frames)]
    command = ["structure-factor", str(folder / "run.data"), *dumps, "--out", str(folder / "sf")]
    return CliRunner().invoke(app, [*command, *arguments], catch_exceptions=False)


FORMULAS = ("--formula", "1=CF2", "--formula", "2=O")


def test_table_is_the_sum_over_particles(run):
    folder, frames, types = run
    result = invoke(folder, *FORMULAS, "--largest", "1", "--bin", "0.001", "--json")
    assert result.exit_code == 0
    summary = json.loads(result.output)
    assert summary["frames"] == 6 and summary["unit"] == "fm^2"
    assert summary["smallest_valid"] == pytest.approx(2 * np.pi / EDGE, rel=1e-5)
    with (folder / "sf" / "structure_factor.csv").open() as stream:
        first = next(csv.DictReader(stream))
    lengths = np.where(types == 1, neutron_length("CF2"), neutron_length("O"))
    q = 2 * np.pi / EDGE * np.eye(3)
    phases = np.einsum("fnd,kd->fkn", frames, q)
    intensity = np.abs((lengths * np.exp(1j * phases)).sum(-1)) ** 2 / COUNT
    assert float(first["q"]) == pytest.approx(2 * np.pi / EDGE, rel=1e-6)
    assert float(first["s"]) == pytest.approx(intensity.mean(), rel=1e-5)
    assert float(first["s_error"]) > 0
    assert set(first) == {"q", "wave_vectors", "s", "s_error", "s_1-1", "s_1-2", "s_2-2"}
    assert (folder / "sf" / "structure_factor.png").stat().st_size > 5000


def test_xray_and_few_frames(run):
    folder, _, _ = run
    result = invoke(folder, *FORMULAS, "--probe", "xray", "--select", "::2")
    assert "no error bars" in result.output and "3 frames" in result.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "formulas of the atom types 1, 2 of .* are not known: give --formula 1=FORMULA"),
        (("--formula", "CF2"), r"--formula takes TYPE=FORMULA with one of the types 1, 2"),
        ((*FORMULAS, "--formula", "2=Qq"), "'Qq' is no formula"),
        ((*FORMULAS, "--probe", "xray", "--deuteration", "1"), "X-rays see no isotopes"),
        ((*FORMULAS, "--deuteration", "2"), "deuteration must be from 0 to 1"),
        ((*FORMULAS, "--largest", "0.1"), "No wave of the box"),
        ((*FORMULAS, "--select", "9:"), "takes none of the 6 frames"),
    ],
)
def test_refusals(run, arguments, message):
    folder, _, _ = run
    with pytest.raises(VoxionError, match=message):
        invoke(folder, *arguments)
    assert not (folder / "sf").exists()


def test_a_file_before_the_last_that_breaks_off_is_refused(run):
    folder, _, _ = run
    whole = (folder / "2.lammpstrj").read_text()
    # a second frame without its atoms
    (folder / "2.lammpstrj").write_text(whole + whole[: len(whole) // 2])
    with pytest.raises(VoxionError, match=r"2.lammpstrj breaks off .* comes after it"):
        invoke(folder, *FORMULAS)


def test_formulas_of_a_built_system(run):
    """Types by number, as write_data leaves them."""
    from voxion.systems.united_atom.system import surfactant_system

    folder, _, _ = run
    surfactant_system(0, 800).build(folder / "built")
    (folder / "system.json").write_bytes((folder / "built" / "system.json").read_bytes())
    assert invoke(folder, "--largest", "1").exit_code == 0


@pytest.fixture
def curves(tmp_path):
    """Two structure factors, and their even mixture."""
    q = np.linspace(0.2, 1.2, 40)
    made = {name: np.exp(-(((q - at) / 0.1) ** 2)) + 0.1 for name, at in (("0", 0.3), ("6", 0.5))}
    made["target"] = 0.5 * (made["0"] + made["6"])
    for name, s in made.items():
        rows = "\n".join(f"{x},{y},0.01" for x, y in zip(q, s, strict=True))
        (tmp_path / f"{name}.csv").write_text(f"q,s,s_error\n{rows}\n")
    (tmp_path / "c.csv").write_text("label,fraction,error\n6,0.5,0.02\n0,0.5,0.02\n")
    (tmp_path / "u.csv").write_text("label,fraction,error\n0,0.9,0\n6,0.1,0\n")
    return tmp_path


def rebuild(folder, *arguments):
    command = ["reconstruct", str(folder / "target.csv"), f"0={folder / '0.csv'}"]
    command += [f"6={folder / '6.csv'}", "--out", str(folder / "r"), *arguments]
    return CliRunner().invoke(app, command, catch_exceptions=False)


def test_reconstruction(curves):
    tables = ("--mixture", str(curves / "c.csv"), "--untrained", str(curves / "u.csv"))
    result = rebuild(curves, *tables, "--json")
    found = json.loads(result.output)
    assert found["classifier"]["residual"] < 1e-6 < found["untrained"]["residual"]
    assert found["classifier"]["error"] > 0
    with (curves / "r" / "residuals.csv").open() as stream:
        rows = list(csv.DictReader(stream))
    names = ["classifier", "untrained", "uniform", "best single", "least squares"]
    assert [row["mixture"] for row in rows] == names
    assert (float(rows[1]["0"]), float(rows[1]["6"])) == (0.9, 0.1)
    assert (curves / "r" / "reconstruction.png").stat().st_size > 5000


def test_reconstruction_needs_a_curve_for_each_label(curves):
    (curves / "c.csv").write_text("label,fraction,error\n0,0.5,0\n6,0.3,0\n12,0.2,0\n")
    with pytest.raises(VoxionError, match="has the labels 0, 6, 12; structure factors were given"):
        rebuild(curves, "--mixture", str(curves / "c.csv"))
    assert not (curves / "r").exists()
