"""Density profiles of gases whose density is known, from data sets and from trajectories."""

from pathlib import Path

import MDAnalysis
import numpy as np
import pytest
from MDAnalysis.coordinates.LAMMPS import DCDWriter

from tests.charges.reference import graphene
from voxion.charges.analysis.density import density_profiles, rms_difference
from voxion.charges.data.dataset import ChargeDataset, ChargeFrame
from voxion.charges.data.dataset_writer import ChargeDatasetWriter
from voxion.charges.data.opening import open_dataset
from voxion.charges.sampling.electrolyte_runs import DatasetRun, TrajectoryRun, open_run
from voxion.errors import VoxionError
from voxion.systems.forcefields import CHLORIDE, SODIUM

MASSES = {"C": 12.011, "O": 15.9994, "H": 1.008, "Na": 22.98977, "Cl": 35.453}
CHARGES = {"O": -0.8, "H": 0.4, "Na": 1.0, "Cl": -1.0}
COUNTS = {"O": 400, "Na": 200}
SHEET = 1.5  # angstrom


def uniform(rng: np.random.Generator, atoms: int) -> np.ndarray:
    """Heights of an ideal gas between 2 and 22 angstrom above the sheet."""
    return rng.uniform(2.0, 22.0, atoms)


def stepped(rng: np.random.Generator, atoms: int) -> np.ndarray:
    """Three times as dense between 2 and 5 angstrom as from 5 to 22."""
    weights = np.array([3 * 3.0, 17.0])
    near = rng.uniform(size=atoms) < weights[0] / weights.sum()
    return np.where(near, rng.uniform(2, 5, atoms), rng.uniform(5, 22, atoms))


def write_gas(
    path: Path, heights=uniform, frames: int = 60, periodic: bool = False, seed: int = 0
) -> ChargeDataset:
    """Data set of a gas above a sheet at z = 1.5 angstrom."""
    rng = np.random.default_rng(seed)
    sites, cell = graphene(3, 2)
    sites[:, 2] = SHEET
    names = np.repeat(list(COUNTS), list(COUNTS.values()))
    writer = ChargeDatasetWriter(
        path,
        surface_positions=sites,
        source_charges=[CHARGES[name] for name in names],
        source_species=names.tolist(),
        total_charge=0.0,
        periodic=(True, True, periodic),
        cell_origin=np.zeros(3),
        label_source={"name": "none"},
        title="gas",
    )
    for step in range(frames):
        positions = rng.uniform(size=(len(names), 3)) * np.diag(cell)
        positions[:, 2] = SHEET + heights(rng, len(names))
        if periodic:
            positions[:, 2] %= cell[2, 2]
        writer.append(
            ChargeFrame(positions.astype(np.float32), np.zeros(len(sites)), cell, step, float(step))
        )
    return open_dataset(path)


def test_uniform_gas_is_flat_at_one(tmp_path):
    data = write_gas(tmp_path / "gas.zarr")
    profiles = density_profiles(DatasetRun(data), ["O", "Na"])
    area = data.cells[0, 0, 0] * data.cells[0, 1, 1]
    for name, profile in profiles.items():
        inside = (profile.distance > 2.2) & (profile.distance < 21.8)
        pulls = (profile.relative[inside] - 1) / profile.error[inside]
        # mean square of Student's t with 4 degrees of freedom is 2
        assert np.abs(pulls.mean()) < 0.5
        assert 0.8 < np.sqrt(np.square(pulls).mean()) < 2.2
        # independent atoms: the relative error of a bin is one over the root of its count
        count = COUNTS[name] * data.frames * 0.2 / 20
        assert profile.error[inside].mean() == pytest.approx(count**-0.5, rel=0.25)
        assert profile.bulk == pytest.approx(COUNTS[name] / (area * 20), rel=0.03)
        outside = (profile.distance < 1.9) | (profile.distance > 22.1)
        assert not profile.relative[outside].any()


def test_bulk_is_the_middle_third(tmp_path):
    data = write_gas(tmp_path / "gas.zarr", frames=20)
    low, high = density_profiles(DatasetRun(data), ["O"])["O"].bulk_range
    assert low == pytest.approx(2 + 20 / 3, abs=0.3)
    assert high == pytest.approx(22 - 20 / 3, abs=0.3)


def test_planted_step_is_recovered(tmp_path):
    data = write_gas(tmp_path / "step.zarr", stepped)
    profile = density_profiles(DatasetRun(data), ["Na"])["Na"]
    near = (profile.distance > 2.2) & (profile.distance < 4.8)
    far = (profile.distance > 5.2) & (profile.distance < 21.8)
    assert profile.relative[near].mean() == pytest.approx(3.0, rel=0.04)
    assert profile.relative[far].mean() == pytest.approx(1.0, rel=0.03)
    distance, height, error = profile.highest()
    assert 2.0 < distance < 5.0
    assert height == pytest.approx(3.0, abs=4 * error + 0.3)


def test_given_bulk_is_used(tmp_path):
    data = write_gas(tmp_path / "step.zarr", stepped)
    profile = density_profiles(DatasetRun(data), ["Na"], bulk=(2.0, 5.0))["Na"]
    far = (profile.distance > 5.2) & (profile.distance < 21.8)
    assert profile.relative[far].mean() == pytest.approx(1 / 3, rel=0.05)


def test_periodic_box_counts_both_faces(tmp_path):
    """In a cell 24 angstrom high, the gas from 2 to 22 lies 2 to 12 from one face or the other."""
    data = write_gas(tmp_path / "periodic.zarr", periodic=True)
    profile = density_profiles(DatasetRun(data), ["O"])["O"]
    inside = (profile.distance > 2.2) & (profile.distance < 11.8)
    assert profile.relative[inside].mean() == pytest.approx(1.0, abs=0.03)
    assert profile.bulk == pytest.approx(
        COUNTS["O"] / (data.cells[0, 0, 0] * data.cells[0, 1, 1] * 20), rel=0.03
    )
    assert profile.distance[0] > 0
    assert profile.distance[-1] < 12.5


def test_two_samples_agree_and_a_step_does_not(tmp_path):
    one, other, step = (
        density_profiles(
            DatasetRun(write_gas(tmp_path / f"{seed}.zarr", heights, seed=seed)), ["O"]
        )
        for seed, heights in ((1, uniform), (2, uniform), (3, stepped))
    )
    assert 0.7 < rms_difference(one["O"], other["O"]) < 1.7
    assert rms_difference(one["O"], step["O"]) > 4


@pytest.mark.parametrize("kind", ["dcd", "dump"])
def test_trajectory_gives_what_the_data_set_gives(tmp_path, kind):
    data = write_gas(tmp_path / "gas.zarr", stepped, frames=10)
    topology = _write_topology(tmp_path / "gas.data", data)
    trajectory = (_write_dcd if kind == "dcd" else _write_dump)(tmp_path, topology, data)
    run = open_run(f"{topology},{trajectory}", ["O", "Na"])
    assert isinstance(run, TrajectoryRun)
    assert run.frames == 10
    expected = density_profiles(DatasetRun(data), ["O", "Na"])
    for name, profile in density_profiles(run, ["O", "Na"]).items():
        # the text dump has six digits, so an atom in a million changes its bin
        np.testing.assert_allclose(profile.relative[:120], expected[name].relative[:120], atol=0.05)
        assert profile.bulk == pytest.approx(expected[name].bulk, rel=1e-3)


def test_real_electrolyte_has_its_water_layer(shared_data):
    run = open_run(shared_data / "graphene-dftb" / "frames.h5", [])
    profiles = density_profiles(run, ["O", "Na", "Cl"])
    distance, height, error = profiles["O"].highest()
    assert 2.9 < distance < 3.5
    assert height > 2.0
    assert error < 0.1
    # a negative sheet: sodium comes closer than chloride
    contact = profiles["O"].distance < 6.0
    assert profiles["Na"].relative[contact].sum() > 2 * profiles["Cl"].relative[contact].sum()


def test_wrong_inputs_are_refused(tmp_path):
    data = write_gas(tmp_path / "gas.zarr", frames=6)
    run = DatasetRun(data)
    for message, call in {
        "6 frames.* 7 blocks": lambda: density_profiles(run, ["O"], blocks=7),
        "no atoms of K; it has Na, O": lambda: density_profiles(run, ["O", "K"]),
        "positive width": lambda: density_profiles(run, ["O"], width=0.0),
        "no O in its bulk": lambda: density_profiles(run, ["O"], bulk=(30.0, 40.0)),
        "not a data set": lambda: open_run(tmp_path / "nothing.zarr", []),
        "nothing.data does not exist": lambda: open_run(f"{tmp_path}/nothing.data,x.dcd", ["O"]),
    }.items():
        with pytest.raises(VoxionError, match=message):
            call()


def test_a_trajectory_of_something_else_is_refused(tmp_path):
    data = write_gas(tmp_path / "gas.zarr", frames=5)
    topology = _write_topology(tmp_path / "gas.data", data)
    broken = tmp_path / "broken.dcd"
    broken.write_bytes(b"no trajectory")
    with pytest.raises(VoxionError, match=r"is no \.dcd file"):
        open_run(f"{topology},{broken}", ["O"])
    trajectory = _write_dump(tmp_path, topology, data)
    spoilt = tmp_path / "spoilt.lammpstrj"
    frames = trajectory.read_text().split("ITEM: TIMESTEP")
    frames[4] = frames[4].replace("\n30 ", "\nthirty ")
    spoilt.write_text("ITEM: TIMESTEP".join(frames))
    with pytest.raises(VoxionError, match="step 3: an atom's ID is no whole number"):
        density_profiles(open_run(f"{topology},{spoilt}", ["O"]), ["O"])
    with pytest.raises(VoxionError, match="no atoms of the mass of Au"):
        TrajectoryRun(topology, trajectory, ["O"], surface="Au")
    with pytest.raises(VoxionError, match="'water' is not known"):
        TrajectoryRun(topology, trajectory, ["water"])


@pytest.mark.parametrize("atom", [SODIUM, CHLORIDE], ids=lambda atom: atom.name)
def test_ions_of_the_built_systems_are_told_by_their_masses(tmp_path, atom):
    """MDAnalysis's table writes some symbols in capitals, CL among them."""
    data = write_gas(tmp_path / "gas.zarr", frames=5)
    topology = _write_topology(tmp_path / "gas.data", data)
    text = topology.read_text()
    topology.write_text(text.replace(str(MASSES["Na"]), str(atom.mass)))
    run = open_run(f"{topology},{_write_dump(tmp_path, topology, data)}", ["O", atom.name])
    assert np.sum(run.species == atom.name) == COUNTS["Na"]


def test_two_sheets_are_refused(tmp_path):
    sites, cell = graphene(2, 2)
    sites[::2, 2] = 20.0
    writer = ChargeDatasetWriter(
        tmp_path / "two.zarr",
        surface_positions=sites,
        source_charges=[1.0],
        source_species=["Na"],
        total_charge=0.0,
        periodic=(True, True, False),
        cell_origin=np.zeros(3),
        label_source={"name": "none"},
        title="two sheets",
    )
    writer.append(ChargeFrame(np.ones((1, 3), np.float32), np.zeros(len(sites)), cell, 0, 0.0))
    with pytest.raises(VoxionError, match=r"spans 20\.0 A along z"):
        DatasetRun(open_dataset(tmp_path / "two.zarr"))


def _atoms(data: ChargeDataset) -> tuple[list[str], list[str]]:
    kinds = ["C", *COUNTS]
    return kinds, ["C"] * data.surface_atoms + data.species_of_sources.tolist()


def _write_topology(path: Path, data: ChargeDataset) -> Path:
    kinds, names = _atoms(data)
    positions = np.concatenate([data.surface_positions, data.source_positions(0)])
    lines = ["gas", "", f"{len(names)} atoms", f"{len(kinds)} atom types", ""]
    lines += [f"0 {data.cells[0, d, d]} {a}lo {a}hi" for d, a in enumerate("xyz")]
    lines += ["", "Masses", ""] + [f"{i} {MASSES[k]}" for i, k in enumerate(kinds, 1)]
    lines += ["", "Atoms # full", ""]
    for i, (name, (x, y, z)) in enumerate(zip(names, positions, strict=True), 1):
        lines.append(f"{i} 1 {kinds.index(name) + 1} 0.0 {x} {y} {z}")
    path.write_text("\n".join(lines) + "\n")
    return path


def _write_dcd(folder: Path, topology: Path, data: ChargeDataset) -> Path:
    universe = MDAnalysis.Universe(str(topology), format="DATA")
    path = folder / "gas.dcd"
    with DCDWriter(str(path), n_atoms=len(universe.atoms)) as writer:
        for index in range(data.frames):
            universe.atoms.positions = np.concatenate(
                [data.surface_positions, data.source_positions(index)]
            )
            writer.write(universe.atoms)
    return path


def _write_dump(folder: Path, topology: Path, data: ChargeDataset) -> Path:
    kinds, names = _atoms(data)
    path = folder / "gas.lammpstrj"
    with path.open("w") as file:
        for index in range(data.frames):
            positions = np.concatenate([data.surface_positions, data.source_positions(index)])
            file.write(f"ITEM: TIMESTEP\n{index}\nITEM: NUMBER OF ATOMS\n{len(names)}\n")
            file.write("ITEM: BOX BOUNDS pp pp ff\n")
            for d in range(3):
                file.write(f"0 {data.cells[0, d, d]}\n")
            file.write("ITEM: ATOMS id type x y z\n")
            for i, (name, (x, y, z)) in enumerate(zip(names, positions, strict=True), 1):
                file.write(f"{i} {kinds.index(name) + 1} {x:.6f} {y:.6f} {z:.6f}\n")
    return path
