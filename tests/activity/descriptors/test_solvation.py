"""The 12 descriptors: known shells, noise, wrong input, and real runs of LAMMPS and GROMACS."""

import csv
import itertools
import json
import os
import shutil
import subprocess
from pathlib import Path

import MDAnalysis
import numpy as np
import pytest
import typer
from MDAnalysis.coordinates.memory import MemoryReader
from typer.testing import CliRunner

from voxion.activity.data.table import DESCRIPTORS
from voxion.activity.descriptors.first_shell import (
    find_extrema,
    jackknife_error,
    measure_shell,
    smoothed,
)
from voxion.activity.descriptors.rdf import running_coordination, shell_volumes
from voxion.activity.descriptors.solvation import SolvationDescriptors
from voxion.cli.activity_descriptors import descriptors
from voxion.engines.lammps import run_lammps
from voxion.errors import VoxionError
from voxion.systems.graphene import GrapheneSystem
from voxion.trajectories.opening import open_trajectory

EDGE, CELLS, SPREAD = 4.0, 6, 0.12  # angstrom, cells along an edge, displacements
SELECTIONS = ("name NA", "name S", "name OW")
NAMES = ("name Na", "name Cl", "name OW")
TYPES = ("type 4", "type 5", "type 2")
GRAPHENE = GrapheneSystem(
    cells=(9, 6), total_charge=0, thickness=22.0, boundary="ppp", vacuum=20.0, molarity=1.5
)


def universe_of(names, positions, box) -> MDAnalysis.Universe:
    universe = MDAnalysis.Universe.empty(len(names), trajectory=True)
    universe.add_TopologyAttr("names", names)
    dimensions = None if box is None else np.array(box, np.float32)
    universe.load_new(positions.astype(np.float32), format=MemoryReader, dimensions=dimensions)
    return universe


@pytest.fixture
def crystal() -> MDAnalysis.Universe:
    """Caesium chloride that trembles: ions and tethered charges in turn, water in the middle."""
    corners = np.array(list(itertools.product(range(CELLS), repeat=3)))
    sites = np.concatenate([corners, corners + 0.5]) * EDGE
    names = ["S" if n % 2 else "NA" for n in corners.sum(1)] + ["OW"] * len(corners)
    noise = np.random.default_rng(4).normal(0.0, SPREAD, (10, *sites.shape))
    length = EDGE * CELLS
    return universe_of(names, sites + noise, [length] * 3 + [90] * 3)


def gas(frames=10, box=(24, 25, 26, 90, 90, 90)) -> MDAnalysis.Universe:
    numbers = {"NA": 20, "S": 20, "OW": 300}
    names = [name for name, number in numbers.items() for _ in range(number)]
    fractions = np.random.default_rng(5).random((frames, len(names), 3))
    return universe_of(names, fractions * box[:3], box)


def model(height, sigma, depth=0.7, second=1.3, width=0.02):
    """A sharp peak at 2.4, a minimum, a second shell at 4.6, then 1; bins of 0.02 to 10 A."""
    r = (np.arange(500) + 0.5) * width
    bulk = 1 / (1 + np.exp(-(r - 3.9) / 0.15))
    g = height * np.exp(-((r - 2.4) ** 2) / 2 / sigma**2)
    g += bulk * (1 + (second - 1) * np.exp(-((r - 4.6) ** 2) / 2 / 0.3**2))
    return r, g - bulk * (1 - depth) * np.exp(-((r - 6.0) ** 2) / 2 / 0.5**2)


def measured(g, noise=1e-3):
    smooth = smoothed(g, 0.02)
    counts = g * shell_volumes(10.0, 500) * 0.03
    extrema = find_extrema(g, np.full(500, noise), np.empty((0, 500)), 0.02)
    return measure_shell(g, smooth, running_coordination(counts, 1), extrema, 10.0)


@pytest.mark.parametrize(("height", "sigma"), [(3.0, 0.25), (8.0, 0.12), (40.0, 0.1)])
def test_shell_of_a_known_function(height, sigma):
    r, g = model(height, sigma)
    found = measured(g)
    between = (r > 2.4) & (r < 4.6)
    assert found["r_peak"] == pytest.approx(2.4, abs=0.01)
    assert found["g_peak"] == pytest.approx(height, rel=0.015)  # the Gaussian takes 18 %
    assert found["r_min"] == pytest.approx(r[between][np.argmin(g[between])], abs=0.1)
    inside = np.sum((g * shell_volumes(10.0, 500) * 0.03)[r < found["r_min"]])
    assert found["cn"] == pytest.approx(inside, rel=0.02)


def test_minimum_in_the_middle_of_nothing():
    # g is zero between two shells: no sample says where the minimum is, its middle is taken
    r = (np.arange(500) + 0.5) * 0.02
    g = np.where(np.abs(r - 2.0) < 0.2, 30.0, 0.0) + (r > 4.0)
    found = measured(g)
    assert found["r_min"] == pytest.approx(3.1, abs=0.1)
    assert found["cn"] == pytest.approx(30 * 0.03 * 4 / 3 * np.pi * (2.2**3 - 1.8**3), rel=0.01)


def test_noise_makes_no_extrema():
    r, g = model(5.0, 0.15)
    rng = np.random.default_rng(6)
    clean, error = measured(g), 0.15
    for _ in range(20):
        noisy = np.maximum(g + rng.normal(0, error, len(g)) * (g > 0.01), 0)
        found = measured(noisy, error)
        assert found["r_peak"] == pytest.approx(clean["r_peak"], abs=0.03)
        assert found["r_min"] == pytest.approx(clean["r_min"], abs=0.3)
    step = (r > 3.0) + rng.normal(0, error, len(r)) * (r > 3.0)
    assert measured(step, error) == {}


def test_shoulder_without_minimum():
    r = (np.arange(500) + 0.5) * 0.02
    g = (1 + 2 * np.exp(-((r - 3.0) ** 2) / 2 / 0.8**2)) / (1 + np.exp(-(r - 2.5) / 0.1))
    assert sorted(measured(g)) == ["g_peak", "r_peak"]


def test_known_shells(crystal):
    found = SolvationDescriptors(crystal, *SELECTIONS, r_max=9.0, bins=450).run().results
    assert found.missing == [] and found.blocks == 5
    assert tuple(found.descriptors) == DESCRIPTORS and tuple(found.errors) == DESCRIPTORS
    water, ion = EDGE * np.sqrt(3) / 2, EDGE
    for pair, radius, neighbours in (
        ("ion_water", water, 8),
        ("fixed_water", water, 8),
        ("fixed_ion", ion, 6),
    ):
        values = {q: found.descriptors[f"{q}_{pair}"] for q in ("r_peak", "r_min", "cn", "g_peak")}
        errors = {q: found.errors[f"{q}_{pair}"] for q in values}
        assert values["r_peak"] == pytest.approx(radius, abs=0.05)
        assert values["cn"] == pytest.approx(neighbours, abs=1e-9)
        assert radius + 0.5 < values["r_min"] < radius * 1.9
        # of a Gaussian shell: n / (4 pi r^2 rho) at its top, in both directions of the pair
        density = (CELLS**3 if "water" in pair else CELLS**3 / 2) / (EDGE * CELLS) ** 3
        top = neighbours / (4 * np.pi * radius**2 * density * np.sqrt(4 * np.pi) * SPREAD)
        assert values["g_peak"] == pytest.approx(top, rel=0.05)
        assert 0 < errors["g_peak"] < 0.05 * top
        assert errors["r_peak"] < 0.02 and errors["cn"] < 1e-9
    assert found.clusters.by_number[0] > 0.99  # water is 4 A apart, but for the trembling


def test_no_shell_is_said_and_not_filled_in():
    found = SolvationDescriptors(gas(), *SELECTIONS).run().results
    assert found.descriptors == {} and found.errors == {}
    assert [text.split(":")[0] for text in found.missing] == [
        "ion_water",
        "fixed_water",
        "fixed_ion",
    ]
    assert all("no peak" in text for text in found.missing)


@pytest.mark.parametrize("density", [5, 50, 500, 5000])
def test_ideal_gases_have_no_shells(density):
    # pairs per cubic angstrom; five blocks of independent counts, of each of 100 gases
    rng, volumes = np.random.default_rng(8), shell_volumes(10.0, 500)
    peaks = minima = 0
    for _ in range(100):
        counts = rng.poisson(np.tile(volumes * density / 5, (5, 1)))
        total = counts.sum(0)
        left_out = (total - counts) / (0.8 * volumes * density)
        error = np.sqrt(total) / (volumes * density)
        extrema = find_extrema(total / (volumes * density), error, left_out, 0.02)
        peaks += extrema.peak is not None
        minima += extrema.minimum is not None
    assert peaks <= 4 and minima == 0


def test_block_errors_of_an_ideal_gas():
    # frames are independent: coordination numbers scatter as Poisson's law says
    ratios = []
    universe = gas(frames=60)
    found = SolvationDescriptors(universe, *SELECTIONS).run().results
    for pair in found.pairs.values():
        atoms = 20
        expected = np.sqrt(pair.coordination / atoms / 60)
        ratios.append(pair.coordination_error[200::50] / expected[200::50])
    assert 0.5 < np.mean(ratios) < 1.5


def test_jackknife_of_a_mean_is_its_standard_error():
    values = np.random.default_rng(7).normal(size=(5, 3))
    left_out = (values.sum(0) - values) / 4
    np.testing.assert_allclose(jackknife_error(left_out), values.std(0, ddof=1) / np.sqrt(5))


def test_one_frame_has_no_errors(crystal):
    found = SolvationDescriptors(crystal, *SELECTIONS, r_max=9.0, bins=450).run(stop=1).results
    assert found.blocks == 1 and found.errors == {} and not found.missing
    assert found.pairs["ion_water"].g_error is None and found.clusters.largest_error is None


@pytest.mark.parametrize(
    ("selections", "message"),
    [
        (("name K", "name S", "name OW"), "'name K', finds no atoms. Atoms have, for 'name': NA "),
        (("name NA", "nam S", "name OW"), "tethered charges, 'nam S', does not work"),
        (("name NA", "name S", "name OW S"), "tethered charges and the water oxygens overlap: 108"),
        (("name NA", "resname PFSA", "name OW"), "'resname PFSA', does not work"),
    ],
)
def test_wrong_selections(crystal, selections, message):
    with pytest.raises(VoxionError, match=message):
        SolvationDescriptors(crystal, *selections)


def test_hydrogens_and_bonds_are_noticed():
    universe = gas()
    universe.add_TopologyAttr("masses", [23.0] * 20 + [32.0] * 20 + [16.0] * 299 + [1.0])
    with pytest.raises(VoxionError, match="1 hydrogens among 300 atoms"):
        SolvationDescriptors(universe, *SELECTIONS)
    universe = gas()
    universe.add_TopologyAttr("bonds", [(20, 45), (21, 50)])
    with pytest.raises(VoxionError, match="water oxygens have atoms in 2 common molecules"):
        SolvationDescriptors(universe, *SELECTIONS)


def test_wrong_frames_and_radii(crystal):
    names, where = crystal.atoms.names, crystal.atoms.positions
    with pytest.raises(VoxionError, match=r"r_max is 12.5 angstrom, but half .* is 12 in frame 0"):
        SolvationDescriptors(crystal, *SELECTIONS, r_max=12.5).run()
    with pytest.raises(VoxionError, match="Frame 0 has no periodic box"):
        SolvationDescriptors(universe_of(names, where[None], None), *SELECTIONS).run()
    with pytest.raises(VoxionError, match=r"bins of at most 0\.05"):
        SolvationDescriptors(crystal, *SELECTIONS, bins=100)
    with pytest.raises(VoxionError, match="the trajectory has 10; start earlier"):
        SolvationDescriptors(crystal, *SELECTIONS).run(start=10)
    broken = where[None].copy()
    broken[0, names == "OW"] = np.nan
    with pytest.raises(VoxionError, match="positions of water oxygens that are not numbers"):
        SolvationDescriptors(
            universe_of(names, broken, crystal.dimensions), *SELECTIONS, r_max=9.0
        ).run()


def test_files_that_are_no_run(tmp_path, crystal):
    save(crystal, tmp_path)
    with pytest.raises(VoxionError, match=r"other.xtc does not exist: expected a LAMMPS data file"):
        open_trajectory(tmp_path / "run.gro", tmp_path / "other.xtc")
    (tmp_path / "text.xtc").write_text("no trajectory\n")
    with pytest.raises(VoxionError, match=r"is no \.xtc file"):
        open_trajectory(tmp_path / "run.gro", tmp_path / "text.xtc")
    with MDAnalysis.Writer(str(tmp_path / "fewer.xtc"), 7) as writer:
        writer.write(crystal.atoms[:7])
    with pytest.raises(VoxionError, match="same number of atoms"):
        open_trajectory(tmp_path / "run.gro", tmp_path / "fewer.xtc")


def save(universe, folder: Path) -> list[str]:
    universe.add_TopologyAttr("resnames", ["ALL"])
    with MDAnalysis.Writer(str(folder / "run.xtc"), len(universe.atoms)) as writer:
        for _ in universe.trajectory:
            writer.write(universe.atoms)
    universe.atoms.write(str(folder / "run.gro"))
    return [str(folder / "run.gro"), str(folder / "run.xtc")]


def command(files, selections, out, *more):
    app = typer.Typer()
    app.command()(descriptors)
    names = ("--counter-ion", "--tethered", "--water")
    options = [text for pair in zip(names, selections, strict=True) for text in pair]
    return CliRunner().invoke(app, [*map(str, files), *options, "--out", str(out), *more])


def test_command_writes_the_columns_of_the_data(tmp_path, crystal):
    out = tmp_path / "made"
    options = ("--rmax", "9", "--bins", "450")
    result = command(save(crystal, tmp_path), SELECTIONS, out, *options)
    assert result.exit_code == 0, result.output
    with (out / "descriptors.csv").open() as stream:
        (row,) = csv.DictReader(stream)
    assert list(row)[:13] == ["water_per_ion", *DESCRIPTORS]
    assert float(row["water_per_ion"]) == 2.0
    assert float(row["cn_fixed_ion"]) == pytest.approx(6.0)
    assert all(float(row[f"{name}_error"]) >= 0 for name in DESCRIPTORS)
    table = np.genfromtxt(out / "rdf.csv", delimiter=",", names=True)
    assert len(table) == 450 and table["r_outer"][-1] == 9.0
    assert table["g_ion_water"].max() == pytest.approx(float(row["g_peak_ion_water"]), rel=0.1)
    assert {path.name for path in out.iterdir()} == {
        *("descriptors.csv", "rdf.csv", "rdf.png", "clusters.csv", "clusters.png"),
        "summary.json",
    }
    summary = json.loads((out / "summary.json").read_text())
    assert summary["descriptors"]["cn_fixed_ion"] == pytest.approx(6.0)
    assert summary["missing"] == []
    one = command(save(crystal, tmp_path), SELECTIONS, out, *options, "--select", "9:", "--force")
    assert one.exit_code == 0 and "One frame: no error bars" in one.output
    assert "error" not in (out / "descriptors.csv").read_text()


def test_command_refuses_to_fill_in(tmp_path):
    out = tmp_path / "made"
    out.mkdir()
    for name in ("descriptors.csv", "rdf.csv"):
        (out / name).write_text("of an earlier run\n")
    files = save(gas(), tmp_path)
    refused = command(files, SELECTIONS, out)
    assert "exists: choose another --out, or replace it with --force" in str(refused.exception)
    result = command(files, SELECTIONS, out, "--force")
    assert isinstance(result.exception, VoxionError)
    assert "ion_water: no peak that stands out of the noise up to 10 angstrom" in str(
        result.exception
    )
    assert "no peak" in result.output
    assert {path.name for path in out.iterdir()} == {
        *("rdf.csv", "rdf.png", "clusters.csv", "clusters.png", "summary.json")
    }
    assert len(json.loads((out / "summary.json").read_text())["missing"]) == 3


@pytest.fixture(scope="module")
def lammps_run(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("lammps")
    GRAPHENE.build(folder, seed=7)
    run_lammps(folder / "in.equilibrate", variables={"steps": 300})
    (folder / "in.run").write_text(
        "include in.init\nread_data equilibrated.data\ninclude in.settings\ninclude in.dynamics\n"
        "dump d all dcd 50 run.dcd\ndump x all xtc 50 run.xtc\n"
        "dump t all custom 50 run.dump id type x y z\nrun 1000\n"
    )
    run_lammps(folder / "in.run")
    return folder


def check_sodium(found):
    # neutron diffraction and simulations: 2.3 to 2.5 A, 5 to 6 waters around Na+
    assert found.descriptors["r_peak_ion_water"] == pytest.approx(2.4, abs=0.12)
    assert 2.9 < found.descriptors["r_min_ion_water"] < 3.6
    assert 4.7 < found.descriptors["cn_ion_water"] < 6.3
    # chloride, in the place of a tethered charge, has its water oxygens at 3.1 to 3.3 A
    assert found.descriptors["r_peak_fixed_water"] == pytest.approx(3.2, abs=0.2)
    assert found.clusters.largest > 0.9  # it is liquid


def test_lammps_run(lammps_run):
    results = {}
    for name in ("run.dcd", "run.xtc", "run.dump"):
        universe = open_trajectory(lammps_run / "equilibrated.data", lammps_run / name).universe
        analysis = SolvationDescriptors(universe, *TYPES, r_max=9.5, bins=380)
        results[name] = analysis.run(start=1).results
        check_sodium(results[name])
        # counted directly, in the frames: waters within r_min of each ion
        edge, total = results[name].descriptors["r_min_ion_water"], 0
        ions, water = universe.select_atoms("type 4"), universe.select_atoms("type 2")
        for step in universe.trajectory[1:]:
            distances = MDAnalysis.lib.distances.distance_array(ions, water, box=step.dimensions)
            total += (distances < edge).sum()
        counted = total / len(ions) / (len(universe.trajectory) - 1)
        assert results[name].descriptors["cn_ion_water"] == pytest.approx(counted, abs=0.02)
    for name in ("run.xtc", "run.dump"):
        np.testing.assert_allclose(
            results[name].pairs["ion_water"].coordination,
            results["run.dcd"].pairs["ion_water"].coordination,
            atol=0.05,  # xtc keeps 0.01 A
        )


def test_mdrun_trajectory(gmx, tmp_path):
    GRAPHENE.build(tmp_path, 3, "gromacs")
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}

    def call(*arguments):
        run = subprocess.run(
            [str(gmx), "-quiet", *arguments],
            **{"cwd": tmp_path, "env": environment, "capture_output": True, "text": True},
        )
        assert run.returncode == 0, run.stderr[-2000:]

    text = (tmp_path / "equilibrate.mdp").read_text()
    (tmp_path / "equilibrate.mdp").write_text(text + "\nnstxout = 50\nnstxout-compressed = 50\n")
    for name, start in (("em", []), ("equilibrate", ["-t", "em.trr"])):
        files = ("-f", f"{name}.mdp", "-c", "conf.gro", *start, "-r", "restraints.gro")
        call(
            "grompp",
            *files,
            "-p",
            "topol.top",
            "-n",
            "index.ndx",
            "-o",
            f"{name}.tpr",
            "-maxwarn",
            "1",
        )
        steps = ["-nsteps", "2000"] * (name == "equilibrate")
        call("mdrun", "-deffnm", name, "-ntmpi", "1", "-ntomp", "1", *steps)
    shutil.copy(tmp_path / "conf.gro", tmp_path / "run.gro")
    for topology, trajectory in (
        ("run.gro", "equilibrate.xtc"),
        ("equilibrate.tpr", "equilibrate.trr"),
    ):
        universe = open_trajectory(tmp_path / topology, tmp_path / trajectory).universe
        analysis = SolvationDescriptors(universe, *NAMES, r_max=9.5, bins=380)
        check_sodium(analysis.run(start=20).results)


def test_several_atoms_to_a_charge():
    names = ("name NA", "name S", "name OW")
    assert SolvationDescriptors(gas(), *names).water_per_ion == 15.0
    assert SolvationDescriptors(gas(), *names, atoms_per_charge=3).water_per_ion == 45.0
    for wrong in (0.0, -1.0, 21.0, float("nan")):
        with pytest.raises(VoxionError, match="tethered atoms per charge: expected a number over"):
            SolvationDescriptors(gas(), *names, atoms_per_charge=wrong)


def test_independent_runs_one_after_the_other(tmp_path):
    topology, trajectory = map(Path, save(gas(), tmp_path))
    universe = open_trajectory(topology, trajectory, trajectory).universe
    names = ("name NA", "name S", "name OW")
    assert SolvationDescriptors(universe, *names).run().n_frames == 20
    with pytest.raises(VoxionError, match="wrote some frames again"):
        SolvationDescriptors(universe, *names).run(start=2)  # the second begins before the first
