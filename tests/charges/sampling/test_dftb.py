"""DFTB+ as a label source: its files, its answers, many frames at once, and what can go wrong.

Files and answers are checked against those of a real DFTB+; the runner on a stand-in that reads the
files which are written for it.
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest

from tests.charges.sampling import dftb_stand_in
from voxion.charges.data.opening import open_dataset
from voxion.charges.sampling.dftb import DftbLabels
from voxion.charges.sampling.dftb_files import (
    ChargedSheet,
    DftbSettings,
    read_charges,
    write_calculation,
)
from voxion.charges.sampling.dftb_run import calculate, dftb_release, find_dftb
from voxion.charges.sampling.labels import NotLabelled, relabel
from voxion.charges.sampling.skipped import SkippedFrames
from voxion.errors import VoxionError
from voxion.systems.graphene import GrapheneSystem

VOXION = Path(sys.executable).with_name("voxion")


@pytest.fixture(scope="module")
def real(shared_data):
    """Folder of a calculation of DFTB+ 25.1, its sheet, positions and charges."""
    with h5py.File(shared_data / "graphene-dftb" / "frames.h5") as file:
        types = np.array([0, 0, -0.8476, 0.4238, 1.0, -1.0])[file["source_types"][:]]
        positions = file["surface_positions"][:].astype(float)
        sheet = ChargedSheet(positions, np.diag(file["cell"][:]), -4.0, types)
        sources, charges = file["source_positions"][0].astype(float), file["surface_charges"][0]
    return shared_data / "graphene-dftb" / "one-frame", sheet, sources, charges


@pytest.fixture
def program(tmp_path, monkeypatch):
    """The stand-in, first on the PATH."""
    home = tmp_path / "bin"
    home.mkdir()
    monkeypatch.setenv("PATH", str(home), prepend=os.pathsep)
    return dftb_stand_in.install(home)


@pytest.fixture
def parameters(tmp_path):
    folder = tmp_path / "mio-1-1"
    folder.mkdir()
    (folder / "C-C.skf").write_text("0.02 500\n")
    return folder


def runs(program):
    return [line.split() for line in (program.parent / "runs.log").read_text().splitlines()]


def tell(program, file, *frames):
    """Name frames by the first number in their pc.dat."""
    names = [f"{frame.source_positions[0, 0]:.6f}" for frame in frames]
    (program.parent / file).write_text("\n".join(names))


def expected(dataset):
    """Response of the stand-in, from the data set itself."""
    cell = dataset.cells[0] * [[1], [1], [2]]
    return np.array(
        [
            dftb_stand_in.respond(
                dataset.surface_positions,
                frame.source_positions.astype(float),
                dataset.source_charges,
                cell,
                dataset.total_charge,
            )
            for frame in dataset
        ]
    )


def tokens(text):
    words = re.findall(r"[{}=\[\]]|[^\s{}=\[\]]+", text)
    return [float(w) if re.fullmatch(r"[-+]?[\d.]+([eE][-+]?\d+)?", w) else w for w in words]


def test_input_of_a_real_calculation(real, tmp_path):
    folder, sheet, sources, _ = real
    write_calculation(tmp_path, sheet, sources, DftbSettings())
    written = tokens((tmp_path / "dftb_in.hsd").read_text())
    assert written == tokens((folder / "dftb_in.hsd").read_text())
    assert (tmp_path / "geo.gen").read_text().split()[:3] == ["336", "S", "C"]
    for name, skip in (("geo.gen", 3), ("pc.dat", 0)):
        given = folder / name
        if not given.exists():
            given = given.with_name(f"{name}.gz")
        ours, theirs = (
            " ".join(np.atleast_1d(np.genfromtxt(f, str, delimiter="\n"))).split()[skip:]
            for f in (tmp_path / name, given)
        )
        # to the last printed digit
        decimals = [len(number.partition(".")[2]) for number in theirs]
        np.testing.assert_array_equal([len(n.partition(".")[2]) for n in ours], decimals)
        difference = np.abs(np.array(ours, float) - np.array(theirs, float))
        assert np.all(difference <= 1.01 * 10.0 ** -np.array(decimals) * (np.array(decimals) > 0))


def test_input_with_charges_to_begin_with(real, tmp_path):
    _, sheet, sources, _ = real
    write_calculation(tmp_path, sheet, sources, DftbSettings(), restart=True)
    assert "ReadInitialCharges = Yes\n" in (tmp_path / "dftb_in.hsd").read_text()


def test_charges_of_a_real_calculation(real):
    folder, sheet, sources, charges = real
    found = read_charges(folder / "results.tag", 336)
    assert found == pytest.approx(charges, abs=6e-7)
    assert found.sum() == pytest.approx(-4.0, abs=1e-7)  # the sign is that of a charge
    # where the electrolyte is positive nearby, electrons gather
    reach = sources[None] - sheet.positions[:, None]
    edges = np.diag(sheet.cell)
    reach -= np.round(reach / edges) * edges
    phi = (sheet.source_charges * np.exp(-np.linalg.norm(reach, axis=-1) / 2.0)).sum(axis=1)
    assert np.corrcoef(phi, found)[0, 1] < -0.5


def test_results_that_are_not_whole(real, tmp_path):
    text = (real[0] / "results.tag").read_text()
    begin = text.index("gross_atomic_charges")
    cut = tmp_path / "results.tag"
    cut.write_text(text[: begin + 3000])
    with pytest.raises(VoxionError, match="expected gross_atomic_charges of 336 atoms"):
        read_charges(cut, 336)
    with pytest.raises(VoxionError, match="of 335 atoms, real:1:335, found 'real:1:336'"):
        read_charges(real[0] / "results.tag", 335)
    cut.write_text(text[:begin])
    with pytest.raises(VoxionError, match="gross_atomic_charges once, found it nowhere"):
        read_charges(cut, 336)
    with pytest.raises(VoxionError, match="cannot be read"):
        read_charges(tmp_path / "none.tag", 336)


RESULTS = """\
total_energy        :real:0:
 -0.58E+003
gross_atomic_charges:real:1:3
  0.100000000000000E+000 -0.200000000000000E+000 -0.300000000000000E+000
dipole_moments      :real:2:3,1
 -0.1E+003 -0.1E+003  0.0E+000
"""


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("real:1:3", "real:1:,", "found 'real:1:,' announced"),
        ("real:1:3", f"real:1:{10**24}", "found 'real:1:1000"),
        ("real:1:3", "real:1:-3", "found 'real:1:-3'"),
        ("real:1:3", "real:2:3,1", "found 'real:2:3,1'"),
        ("real:1:3", "integer:1:3", "found 'integer:1:3'"),
        ("0.100000000000000E+000", "nan", "charge of atom 1, between -8 and 8 e, found 'nan'"),
        ("-0.200000000000000E+000", "-0.2E+300", "charge of atom 2.*found '-0.2E\\+300'"),
        ("-0.200000000000000E+000", "1_0", "charge of atom 2.*found '1_0'"),
        ("-0.300000000000000E+000\n", "-0.3E+000 0.0E+000\n", "and 4 numbers"),
        ("-0.300000000000000E+000\n", "\n", "and 2 numbers"),
        ("E+000\ndipole", "E+000\ngross_atomic_charges:real:1:3\ndipole", "found it 2 times"),
    ],
)
def test_damaged_results_are_refused(tmp_path, old, new, message):
    path = tmp_path / "results.tag"
    path.write_text(RESULTS)
    assert read_charges(path, 3).tolist() == [0.1, -0.2, -0.3]
    assert old in RESULTS
    path.write_text(RESULTS.replace(old, new))
    with pytest.raises(VoxionError, match=rf"results\.tag: expected .*{message}"):
        read_charges(path, 3)


def test_results_that_end_within_a_number_or_are_no_text_are_refused(tmp_path):
    path = tmp_path / "results.tag"
    path.write_text(RESULTS[: RESULTS.index("E+000\ndipole")])
    with pytest.raises(VoxionError, match="3 numbers"):
        read_charges(path, 3)
    path.write_bytes(RESULTS.encode().replace(b"total", b"\xff\xfe"))
    with pytest.raises(VoxionError, match="not a text file: byte 0 is not UTF-8"):
        read_charges(path, 3)
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(VoxionError, match="not a regular file"):
        read_charges(path, 3)


def test_a_real_dftb_gives_the_charges_of_the_real_calculation(real, tmp_path):
    if shutil.which("dftb+") is None or "DFTB_SKF" not in os.environ:
        pytest.skip("no dftb+ on the PATH, or no DFTB_SKF, the folder of mio-1-1's C-C.skf")
    _, sheet, sources, charges = real
    shutil.copy(Path(os.environ["DFTB_SKF"]) / "C-C.skf", tmp_path)
    for _ in range(2):  # from nothing, and from the charges of the first
        found = calculate(find_dftb(), tmp_path, sheet, sources, DftbSettings())
        assert found == pytest.approx(charges, abs=2e-4)  # twice the tolerance of the SCC


def test_many_frames_at_once(sheet, sampled, program, parameters, tmp_path):
    (program.parent / "crowd").write_text("2")
    with DftbLabels(sheet, parameters) as source:
        dataset = relabel(source, sampled, tmp_path / "l.zarr", workers=2, progress=False)
    # positions go into pc.dat with six decimals
    assert dataset.surface_charges() == pytest.approx(expected(sampled), abs=1e-7)
    assert dataset.surface_charges().sum(axis=1) == pytest.approx(-1.0, abs=1e-13)
    assert np.ptp(dataset.surface_charges()) > 0.005
    assert dataset.steps.tolist() == sampled.steps.tolist()
    names, restarts, threads, folders = zip(*runs(program), strict=True)
    assert len(names) == 4 and set(threads) == {"1"}
    first = {folder: folders.index(folder) for folder in set(folders)}
    assert len(first) == 2
    # each worker begins from nothing once, then with its own last charges
    assert [r == "No" for r in restarts] == [i in first.values() for i in range(4)]


def test_settings_are_those_that_matter(sheet, sampled, program, parameters, tmp_path):
    with DftbLabels(sheet, parameters, DftbSettings(scc_tolerance=1e-6)) as source:
        settings = relabel(source, sampled, tmp_path / "l.zarr", progress=False).label_source
        low, high = source.description.box_z
    assert settings["name"] == "dftb+" and settings["release"] == "25.1"
    assert settings["scc_tolerance"] == 1e-6 and settings["total_charge"] == -1.0
    assert settings["parameters"]["C-C.skf"].startswith("sha256:")
    assert settings["point_charges"] == {"O": -0.8476, "H": 0.4238, "Na": 1.0, "Cl": -1.0}
    cell = np.array(settings["cell"])
    assert cell[:2] == pytest.approx(sampled.cells[0][:2])
    assert cell[2] == pytest.approx([0.0, 0.0, 2 * (high - low)])
    (parameters / "C-C.skf").write_text("another")
    with (
        DftbLabels(sheet, parameters, DftbSettings(scc_tolerance=1e-6)) as source,
        pytest.raises(VoxionError, match="was written with label_source"),
    ):
        relabel(source, sampled, tmp_path / "l.zarr", progress=False)


@pytest.mark.parametrize("old", [False, True])
def test_frame_that_does_not_converge_is_left_out(
    old, sheet, sampled, program, parameters, tmp_path
):
    tell(program, "unconverged", sampled.frame(1))
    if old:
        (program.parent / "old").touch()
    output = tmp_path / "l.zarr"
    with DftbLabels(sheet, parameters) as source:
        dataset = relabel(source, sampled, output, progress=False)
        assert dataset.steps.tolist() == [10, 30, 40]
        assert dataset.surface_charges() == pytest.approx(expected(sampled)[[0, 2, 3]], abs=1e-7)
        assert SkippedFrames.of(output) == [
            {"step": 20, "reason": "DFTB+ did not converge in 200 iterations."}
        ]
        # the frame after it does not begin with what it left
        assert [run[1] for run in runs(program)] == ["No", "Yes", "No", "Yes"]
        # not asked again, nor is anything else
        again = relabel(source, sampled, output, progress=False)
        assert again.steps.tolist() == [10, 30, 40] and len(runs(program)) == 4
        with pytest.raises(NotLabelled, match="did not converge"):
            source.label(sampled.source_positions(1))


@pytest.mark.parametrize("workers", [1, 2])
def test_interrupted_work_goes_on(workers, sheet, sampled, program, parameters, tmp_path):
    tell(program, "unconverged", sampled.frame(0))
    tell(program, "broken", sampled.frame(2))
    output = tmp_path / "l.zarr"
    with DftbLabels(sheet, parameters) as source:
        with pytest.raises(
            VoxionError, match=r"DFTB\+ ended without charges: Something else went wrong\."
        ):
            relabel(source, sampled, output, workers=workers, progress=False)
        assert open_dataset(output).steps.tolist() == [20]
        before = len(runs(program))
        (program.parent / "broken").unlink()
        dataset = relabel(source, sampled, output, workers=workers, progress=False)
    assert dataset.steps.tolist() == [20, 30, 40]
    assert dataset.surface_charges() == pytest.approx(expected(sampled)[1:], abs=1e-7)
    assert [frame["step"] for frame in SkippedFrames.of(output)] == [10]
    assert len(runs(program)) == before + 2


def test_charges_of_another_total_are_refused(sheet, sampled, program, parameters):
    text = program.read_text()
    assert "charges += 1e-9" in text
    program.write_text(text.replace("charges += 1e-9", "charges += 1e-3"))
    with (
        DftbLabels(sheet, parameters) as source,
        pytest.raises(VoxionError, match=r"sum to -0\.904000 e; expected -1\.000000 e"),
    ):
        source.label(sampled.source_positions(0))


def test_nothing_runs_without_what_is_needed(
    sheet, sampled, program, parameters, tmp_path, monkeypatch
):
    with pytest.raises(VoxionError, match=r"C-C\.skf does not exist: give the folder"):
        DftbLabels(sheet, tmp_path)
    GrapheneSystem(
        cells=(6, 4), total_charge=-2, capacitor=True, molarity=1.0, thickness=22.0
    ).build(tmp_path / "two")
    with pytest.raises(VoxionError, match="two sheets: DFTB\\+ gives them one Fermi level"):
        DftbLabels(tmp_path / "two", parameters)
    GrapheneSystem(cells=(6, 5), total_charge=-1, molarity=1.0, thickness=22.0).build(
        tmp_path / "other"
    )
    with (
        DftbLabels(tmp_path / "other", parameters) as source,
        pytest.raises(VoxionError, match="another sheet than the system of the label source"),
    ):
        relabel(source, sampled, tmp_path / "l.zarr", progress=False)
    with DftbLabels(sheet, parameters) as source:
        outside = sampled.source_positions(0).copy()
        outside[0, 2] = 500.0
        with pytest.raises(VoxionError, match="outside the box"):
            source.label(outside)
        with pytest.raises(VoxionError, match="Expected positions of"):
            source.label(outside[1:])
    with pytest.raises(VoxionError, match="temperature must be positive"):
        DftbSettings(temperature=0.0)
    program.write_text("#!/bin/sh\necho 'libopenblas.so.0: cannot open' >&2; exit 127\n")
    with pytest.raises(VoxionError, match=r"does not start: libopenblas\.so\.0: cannot open"):
        DftbLabels(sheet, parameters)
    monkeypatch.setenv("PATH", str(parameters))
    with pytest.raises(VoxionError, match=r"no dftb\+ on the PATH: install DFTB\+"):
        DftbLabels(sheet, parameters)
    assert not (program.parent / "runs.log").exists()
    assert not (tmp_path / "l.zarr").exists()


def test_charges_of_the_frame_before_are_not_taken(sheet, sampled, program, parameters):
    with DftbLabels(sheet, parameters) as source:
        source.label(sampled.source_positions(0))
        program.write_text("#!/bin/sh\nexit 0\n")
        with pytest.raises(VoxionError, match="ended without charges: exit status 0"):
            source.label(sampled.source_positions(1))


def test_folders_are_removed(sheet, sampled, program, parameters, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    with DftbLabels(sheet, parameters) as source:
        source.label(sampled.source_positions(0))
        assert len(list(tmp_path.glob("voxion-dftb-*"))) == 1
    assert not list(tmp_path.glob("voxion-dftb-*"))


@pytest.mark.parametrize(
    "head, release",
    [
        ("|  DFTB+ release 25.1", "25.1"),
        ("|  DFTB+ development version (commit: 1a2b, base: 24.1)", None),
    ],
)
def test_release(head, release, program):
    program.write_text(f"#!/bin/sh\necho '{head}'; exit 1\n")
    assert dftb_release(program) == (release or head.removeprefix("|  DFTB+ "))


def voxion(*arguments):
    return subprocess.run(
        [str(VOXION), "charges", *map(str, arguments)], capture_output=True, text=True, check=False
    )


def test_command_line(sheet, sampled, program, parameters, tmp_path):
    tell(program, "unconverged", sampled.frame(2))
    output = tmp_path / "l.zarr"
    run = voxion(
        *("label", sheet, sampled.path, "--out", output, "--source", "dftb", "--workers", 2),
        *("--parameters", parameters),
    )
    assert run.returncode == 0, run.stderr
    assert f"{output}: 3 frames of 96 charges" in run.stdout
    assert "1 frames left out, of steps 30" in run.stdout
    assert "did not converge" in run.stdout.replace("\n", " ")
    assert open_dataset(output).label_source["name"] == "dftb+"


@pytest.mark.parametrize(
    "options, words",
    [
        (["--source", "dftb"], "needs --parameters FOLDER"),
        (["--source", "dftb", "--parameters", "nowhere"], "C-C.skf does not exist"),
        (
            ["--source", "dftb", "--parameters", ".", "--thomas-fermi", "1"],
            "for --source electrode",
        ),
        (["--parameters", "."], "for --source dftb"),
        (["--workers", "2"], "for --source dftb"),
    ],
)
def test_options_that_do_not_go_together(options, words, sheet, sampled, program, tmp_path):
    run = voxion("label", sheet, sampled.path, "--out", tmp_path / "l.zarr", *options)
    assert run.returncode == 1 and run.stderr.count("\n") == 1
    assert words in run.stderr
    assert not (tmp_path / "l.zarr").exists()


def test_loop_with_md(sheet, program, parameters, tmp_path):
    with DftbLabels(sheet, parameters, threads=2) as source:
        dataset = source.sample(tmp_path / "s.zarr", 3, 0.02, settle=0.02, progress=False)
    assert dataset.steps.tolist() == [20, 30, 40]
    assert dataset.surface_charges() == pytest.approx(expected(dataset), abs=1e-7)
    assert dataset.label_source["update_interval"] == 0.02
    assert [run[1] for run in runs(program)] == ["No", "Yes", "Yes", "Yes"]
    assert {run[2] for run in runs(program)} == {"2"}
