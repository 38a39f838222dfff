"""Trajectories that do not belong to their topology, and those that break off."""

import os
import shutil
import struct
from pathlib import Path

import MDAnalysis
import numpy as np
import pytest

from voxion.engines.lammps import lammps_session
from voxion.errors import VoxionError
from voxion.trajectories.opening import open_trajectory

ATOMS, FRAMES = 64, 6


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    """A gas of two types in LAMMPS, as text, .dcd, .xtc and .trr."""
    folder = tmp_path_factory.mktemp("gas")
    with lammps_session() as engine:
        for command in f"""
            units real
            atom_style full
            region box block 0 20 0 20 0 20
            create_box 2 box
            create_atoms 1 random 32 1 box overlap 2.5 maxtry 1000
            create_atoms 2 random 32 2 box overlap 2.5 maxtry 1000
            mass 1 16.0
            mass 2 23.0
            pair_style lj/cut 8.0
            pair_coeff * * 0.1 3.0
            velocity all create 300 3
            fix move all nve
            write_data {folder}/gas.data
            dump text all custom 10 {folder}/run.dump id type x y z
            dump noid all custom 10 {folder}/noid.dump type x y z
            dump dcd all dcd 10 {folder}/run.dcd
            run {10 * (FRAMES - 1)}
            undump dcd
            undump text
            undump noid
            """.strip().splitlines():
            engine.command(command.strip())
    for suffix in ("xtc", "trr"):
        universe = open_trajectory(folder / "gas.data", folder / "run.dcd").universe
        with MDAnalysis.Writer(str(folder / f"run.{suffix}"), ATOMS) as writer:
            for _ in universe.trajectory:
                writer.write(universe.atoms)
    return folder


def changed(run: Path, folder: Path, name: str, *replacements: tuple[str, str]) -> Path:
    text = (run / name).read_text()
    for old, new in replacements:
        assert old in text
        text = text.replace(old, new)
    (folder / name).write_text(text)
    return folder / name


@pytest.mark.parametrize("name", ["run.dump", "run.dcd", "run.xtc", "run.trr"])
def test_a_whole_trajectory_is_read(run, name):
    opened = open_trajectory(run / "gas.data", run / name)
    assert (opened.frames, opened.broken) == (FRAMES, "")
    assert len(opened.universe.atoms) == ATOMS
    last = opened.universe.trajectory[FRAMES - 1].positions.copy()
    reference = open_trajectory(run / "gas.data", run / "run.dcd").universe
    expected = reference.trajectory[FRAMES - 1].positions
    difference = np.abs(last - expected)
    assert np.minimum(difference, 20 - difference).max() < 0.01  # dcd is not wrapped; xtc: 0.01 A


def test_a_dump_without_ids_is_refused(run):
    with pytest.raises(VoxionError, match="step 0: the dump has no column 'id'"):
        open_trajectory(run / "gas.data", run / "noid.dump")


def test_other_types_than_the_data_file_are_refused(run, tmp_path):
    lines = (run / "run.dump").read_text().splitlines()
    swapped = [
        " ".join([w[0], {"1": "2", "2": "1"}[w[1]], *w[2:]])
        if len(w := line.split()) == 5
        else line
        for line in lines
    ]
    (tmp_path / "run.dump").write_text("\n".join(swapped) + "\n")
    with pytest.raises(VoxionError, match="step 0: 64 atoms have another type than in the data"):
        open_trajectory(run / "gas.data", tmp_path / "run.dump")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "\n7 1 ",
            "\n77 1 ",
            "the IDs of its atoms are not those of the data file.* 8, expected 7",
        ),
        ("\n7 1 ", "\n8 1 ", "the IDs of its atoms are not those of the data file"),
        ("\n7 1 ", "\nseven 1 ", "ID is no whole number"),
        ("\n7 1 ", "\n7 2 ", "1 atoms have another type .* ID 7 with type 2, there 1"),
        ("\n7 1 ", "\n7 ", "has 4 values for 5 columns"),
        ("ITEM: TIMESTEP\n0\n", "ITEM: UNITS\nlj\nITEM: TIMESTEP\n0\n", "has lines 'ITEM: UNITS'"),
        (
            "\nITEM: NUMBER OF ATOMS\n64",
            "\nITEM: NUMBER OF ATOMS\n63",
            "63 atoms, the data file 64",
        ),
        ("\nITEM: NUMBER OF ATOMS\n64", "\nITEM: NUMBER OF ATOMS\n-1", "is no number of atoms"),
        ("id type x y z", "id type vx vy vz", "the dump has no positions"),
        ("ITEM: TIMESTEP\n20\n", "ITEM: TIMESTEP\n10\n", "step 10 comes after step 10"),
        ("ITEM: TIMESTEP\n20\n", "ITEM: TIMESTEP\nx\n", "the step is no whole number"),
    ],
)
def test_a_dump_that_contradicts_its_data_file_is_refused(run, tmp_path, old, new, message):
    dump = changed(run, tmp_path, "run.dump", (old, new))
    with pytest.raises(VoxionError, match=message) as error:
        open_trajectory(run / "gas.data", dump)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("name", "inside"),
    [
        ("run.dump", "step 40"),
        ("run.dcd", "frame 4"),
        ("run.xtc", "frame 4"),
        ("run.trr", "frame 4"),
    ],
)
def test_a_trajectory_that_breaks_off_ends_with_its_last_whole_frame(run, tmp_path, name, inside):
    content = (run / name).read_bytes()
    (tmp_path / name).write_bytes(content[: int(len(content) * 0.75)])
    opened = open_trajectory(run / "gas.data", tmp_path / name)
    assert opened.frames == 4 and inside in opened.broken
    positions = [step.positions.copy() for step in opened.universe.trajectory[: opened.frames]]
    whole = open_trajectory(run / "gas.data", run / name).universe
    for index, found in enumerate(positions):
        np.testing.assert_array_equal(found, whole.trajectory[index].positions)


@pytest.mark.parametrize("name", ["run.dump", "run.dcd", "run.xtc", "run.trr"])
def test_a_trajectory_that_is_cut_anywhere_is_used_or_refused(run, tmp_path, name):
    content = (run / name).read_bytes()
    found = set()
    for size in range(0, len(content), max(len(content) // 60, 1)):
        (tmp_path / name).write_bytes(content[:size])
        try:
            opened = open_trajectory(run / "gas.data", tmp_path / name)
        except VoxionError as error:
            assert "\n" not in str(error)
            found.add(0)
            continue
        assert 1 <= opened.frames <= FRAMES
        for _ in opened.universe.trajectory[: opened.frames]:
            pass
        found.add(opened.frames)
    assert found >= {0, 2, 3, 4, 5}  # MDAnalysis opens no .xtc with one whole frame and a part


@pytest.mark.filterwarnings("error::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("suffix", ["dcd", "xtc", "trr"])
def test_files_of_another_kind_are_refused_before_they_are_opened(run, tmp_path, suffix):
    path = tmp_path / f"run.{suffix}"
    for content in (b"", b"no", b"no trajectory at all\n" * 100, (run / "run.dump").read_bytes()):
        path.write_bytes(content)
        with pytest.raises(VoxionError, match=rf"is empty|is no \.{suffix} file"):
            open_trajectory(run / "gas.data", path)
    other = {"dcd": "run.xtc", "xtc": "run.dcd", "trr": "run.xtc"}[suffix]
    shutil.copy(run / other, path)
    with pytest.raises(VoxionError, match=f"is no .{suffix} file"):
        open_trajectory(run / "gas.data", path)


def test_a_pipe_is_no_trajectory(run, tmp_path):
    os.mkfifo(tmp_path / "run.xtc")
    with pytest.raises(VoxionError, match="is not a file"):
        open_trajectory(run / "gas.data", tmp_path / "run.xtc")


def test_another_number_of_atoms_is_refused(run, tmp_path):
    atoms = MDAnalysis.Universe.empty(7, trajectory=True).atoms
    for suffix in ("xtc", "dcd"):
        path = tmp_path / f"fewer.{suffix}"
        with MDAnalysis.Writer(str(path), 7) as writer:
            atoms.universe.dimensions = [20, 20, 20, 90, 90, 90]
            writer.write(atoms)
        with pytest.raises(VoxionError, match=r"same number of atoms|7"):
            open_trajectory(run / "gas.data", path)


def test_boxes_that_no_run_joins_are_refused(run, tmp_path):
    """As of a trajectory in nm that is taken for one in angstrom."""
    universe = open_trajectory(run / "gas.data", run / "run.dcd").universe
    with MDAnalysis.Writer(str(tmp_path / "small.xtc"), ATOMS) as writer:
        for step in universe.trajectory:
            step.dimensions = [2, 2, 2, 90, 90, 90]
            writer.write(universe.atoms)
    with pytest.raises(VoxionError, match=r"first box .* is 2 x 2 x 2 angstrom, .* 20 x 20 x 20"):
        open_trajectory(run / "gas.data", tmp_path / "small.xtc")


def test_the_units_of_the_data_file_are_read(run, tmp_path):
    data = changed(run, tmp_path, "gas.data", ("units = real", "units = lj"))
    with pytest.raises(VoxionError, match="written with LAMMPS units lj"):
        open_trajectory(data, run / "run.dcd")


def test_a_data_file_that_breaks_off_is_refused_in_one_line(run, tmp_path):
    content = (run / "gas.data").read_text()
    for size in range(0, content.index("Velocities") - 40, 97):
        (tmp_path / "gas.data").write_text(content[:size])
        with pytest.raises(VoxionError) as error:
            open_trajectory(tmp_path / "gas.data", run / "run.dcd")
        assert "\n" not in str(error.value)


def test_a_dcd_with_fixed_atoms_is_refused(run, tmp_path):
    content = bytearray((run / "run.dcd").read_bytes())
    struct.pack_into("<i", content, 4 + 4 + 8 * 4, 3)
    (tmp_path / "run.dcd").write_bytes(content)
    with pytest.raises(VoxionError, match="3 of them fixed"):
        open_trajectory(run / "gas.data", tmp_path / "run.dcd")
