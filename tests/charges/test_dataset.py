"""Data sets of surface charges: both file layouts, atomic frames, hashes, splits, errors."""

import dataclasses
import shutil

import h5py
import numpy as np
import pytest
import xarray
import zarr

from voxion.charges.dataset import ChargeFrame, open_dataset
from voxion.charges.dataset_writer import ChargeDatasetWriter
from voxion.errors import VoxionError

SPECIES = ["O", "H", "H", "Na", "Cl", "O", "H", "H"]
CHARGES = [-0.8476, 0.4238, 0.4238, 1.0, -1.0, -0.8476, 0.4238, 0.4238]
CELL = np.diag([10.0, 11.0, 40.0])


def system(**changes):
    return {
        "surface_positions": np.arange(12.0).reshape(4, 3),
        "source_charges": CHARGES,
        "source_species": SPECIES,
        "total_charge": -1.0,
        "periodic": (True, True, False),
        "cell_origin": (0.0, 0.0, -2.0),
        "label_source": {"name": "test", "eta": 1.979},
        "title": "four carbons",
    } | changes


def frame(step, seed=None):
    rng = np.random.default_rng(step if seed is None else seed)
    charges = rng.normal(0.0, 0.01, 4)
    charges += (-1.0 - charges.sum()) / 4
    positions = rng.uniform(0, 10, (8, 3)).astype(np.float32)
    return ChargeFrame(positions, charges, CELL, step, step * 0.002)


@pytest.fixture
def dataset(tmp_path):
    writer = ChargeDatasetWriter(tmp_path / "d.zarr", **system())
    for step in range(0, 100, 10):
        writer.append(frame(step))
    return open_dataset(tmp_path / "d.zarr")


def test_what_is_written_is_read(dataset):
    assert dataset.frames == len(dataset) == 10
    assert dataset.steps.tolist() == list(range(0, 100, 10))
    assert dataset.species_of_sources.tolist() == SPECIES
    assert dataset.source_charges.tolist() == CHARGES
    assert dataset.periodic == (True, True, False)
    assert dataset.total_charge == -1.0
    assert dataset.cell_origin.tolist() == [0.0, 0.0, -2.0]
    assert dataset.label_source == {"name": "test", "eta": 1.979}
    for step, read in zip(range(0, 100, 10), dataset, strict=True):
        written = frame(step)
        np.testing.assert_array_equal(read.source_positions, written.source_positions)
        np.testing.assert_array_equal(read.surface_charges, written.surface_charges)
        np.testing.assert_array_equal(read.cell, CELL)
        assert (read.step, read.time) == (step, pytest.approx(step * 0.002))
    assert dataset.frame(-1).step == 90
    with pytest.raises(IndexError):
        dataset.frame(10)


def test_xarray_opens_it(dataset):
    opened = xarray.open_zarr(dataset.path, consolidated=False)
    assert opened["source_positions"].dims == ("frame", "source", "xyz")
    assert opened["surface_charges"].dims == ("frame", "surface_atom")
    assert opened["surface_charges"].attrs["units"] == "e"
    np.testing.assert_array_equal(opened["surface_charges"], dataset.surface_charges())
    assert opened["step"].values.tolist() == dataset.steps.tolist()


def test_an_unfinished_frame_does_not_count(dataset):
    group = zarr.open_group(dataset.path, mode="r+")
    for name in ("source_positions", "surface_charges", "cell", "time", "step"):
        array = group[name]
        array.resize((11, *array.shape[1:]))
    group["surface_charges"][10] = 0.0  # killed here: the step was never written
    assert open_dataset(dataset.path).frames == 10
    writer = ChargeDatasetWriter(dataset.path, **system(), append=True)
    assert (writer.frames, writer.last_step) == (10, 90)
    writer.append(frame(100))
    assert open_dataset(dataset.path).steps.tolist() == list(range(0, 110, 10))


def test_arrays_of_unequal_length_count_to_the_shortest(dataset):
    array = zarr.open_group(dataset.path, mode="r+")["step"]
    array.resize((7,))
    assert open_dataset(dataset.path).frames == 7


def test_fingerprint_tells_any_change(dataset, tmp_path):
    prints = {dataset.fingerprint(), dataset.subset(0, 9).fingerprint()}
    assert all(p.startswith("sha256:") and len(p) == 71 for p in prints)
    variants = {
        "surface": system(surface_positions=np.arange(12.0).reshape(4, 3) + 1e-6),
        "charges": system(source_charges=[*CHARGES[:-1], 0.5]),
        "species": system(source_species=[*SPECIES[:-1], "K"]),
        "periodic": system(periodic=(True, True, True)),
    }
    for name, parameters in variants.items():
        writer = ChargeDatasetWriter(tmp_path / f"{name}.zarr", **parameters)
        for step in range(0, 100, 10):
            writer.append(frame(step))
        prints.add(open_dataset(tmp_path / f"{name}.zarr").fingerprint())
    group = zarr.open_group(dataset.path, mode="r+")
    group["source_positions"][3, 2, 1] += 1e-4
    prints.add(open_dataset(dataset.path).fingerprint())
    assert len(prints) == 7


def test_split_is_contiguous_in_time(dataset):
    parts = dataset.split((0.7, 0.2, 0.1))
    assert [p.frames for p in parts] == [7, 2, 1]
    assert np.concatenate([p.steps for p in parts]).tolist() == dataset.steps.tolist()
    np.testing.assert_array_equal(
        np.concatenate([p.surface_charges() for p in parts]), dataset.surface_charges()
    )
    np.testing.assert_array_equal(
        parts[1].frame(1).source_positions, dataset.frame(8).source_positions
    )
    np.testing.assert_array_equal(
        parts[1].subset(1, 2).frame(0).surface_charges, dataset.frame(8).surface_charges
    )
    assert [p.frames for p in dataset.split((0.98, 0.01, 0.01))] == [8, 1, 1]
    with pytest.raises(VoxionError, match="sum to 1"):
        dataset.split((0.5, 0.2))
    with pytest.raises(VoxionError, match="too few for 2 parts"):
        dataset.subset(0, 1).split((0.5, 0.5))


def test_hdf5_layout(dataset, tmp_path):
    numbers = {"O": 2, "H": 3, "Na": 4, "Cl": 5}
    path = tmp_path / "frames.h5"
    with h5py.File(path, "w") as file:
        file.attrs["total_charge_e"] = -1.0
        file["surface_positions"] = dataset.surface_positions
        file["source_types"] = np.array([numbers[s] for s in SPECIES], np.int8)
        file["source_positions"] = np.stack([f.source_positions for f in dataset])
        file["surface_charges"] = dataset.surface_charges()
        file["cell"] = np.diag(CELL)
        file["step"] = dataset.steps
    read = open_dataset(path)
    assert read.species_of_sources.tolist() == SPECIES
    assert read.source_charges.tolist() == CHARGES
    assert read.times == pytest.approx(dataset.times)
    assert read.fingerprint() == dataset.fingerprint()  # the file layout does not matter
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["surface_positions"] = dataset.surface_positions
    with pytest.raises(VoxionError, match="it lacks cell, source_positions, source_types"):
        open_dataset(tmp_path / "other.h5")


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("source_types", np.array([2, 3]), r"source_positions must be \[F = 4, N = 2, 3\]"),
        ("source_types", np.array([2, 9, 4, 5]), "source_types has \\[9\\]"),
        ("surface_charges", np.zeros((3, 6)), r"surface_charges must be \[F = 4, M = 6\]"),
        ("surface_charges", np.zeros((4, 5)), r"surface_charges must be \[F = 4, M = 6\]"),
        ("surface_positions", np.zeros(6), r"surface_positions must be \[M, 3\], found \[6\]"),
        ("cell", np.eye(3), r"cell must be \[3\], found \[3, 3\]"),
        ("total_charge_e", "four", "total_charge_e must be a number, found four"),
    ],
)
def test_hdf5_arrays_that_do_not_fit_each_other(tmp_path, name, value, message):
    content = {
        "surface_positions": np.zeros((6, 3)),
        "source_types": np.array([2, 3, 4, 5]),
        "source_positions": np.zeros((4, 4, 3)),
        "surface_charges": np.zeros((4, 6)),
        "cell": np.ones(3),
        "step": np.arange(4),
    }
    attributes = {"total_charge_e": 0.0}
    (attributes if name in attributes else content)[name] = value
    with h5py.File(tmp_path / "frames.h5", "w") as file:
        file.attrs.update(attributes)
        for key, array in content.items():
            file[key] = array
    with pytest.raises(VoxionError, match=message):
        open_dataset(tmp_path / "frames.h5")


def test_dftb_reference_data(shared_data):
    read = open_dataset(shared_data / "graphene-dftb" / "frames.h5")
    assert (read.frames, read.surface_atoms, read.sources) == (165, 336, 6371)
    species, counts = np.unique(read.species_of_sources, return_counts=True)
    assert dict(zip(species.tolist(), counts.tolist(), strict=True)) == {
        "O": 2065,
        "H": 4130,
        "Na": 90,
        "Cl": 86,
    }
    assert read.surface_charges().sum(axis=1) == pytest.approx(-4.0, abs=1e-7)
    assert read.source_charges.sum() == pytest.approx(4.0, abs=1e-9)


def test_existing_data_set_is_kept(dataset):
    with pytest.raises(VoxionError, match="exists: give another name"):
        ChargeDatasetWriter(dataset.path, **system())
    for changes, word in (
        ({"surface_positions": np.zeros((4, 3))}, "surface_positions differ"),
        ({"source_charges": [*CHARGES[:-1], 0.0]}, "source_charges differ"),
        ({"total_charge": -2.0}, "total_charge"),
        ({"label_source": {"name": "other"}}, "label_source"),
    ):
        with pytest.raises(VoxionError, match=word):
            ChargeDatasetWriter(dataset.path, **system(**changes), append=True)
    assert open_dataset(dataset.path).frames == 10


def test_wrong_frames_are_refused(dataset):
    writer = ChargeDatasetWriter(dataset.path, **system(), append=True)
    good = frame(100)
    for changes, word in (
        ({"step": 90}, "does not come after step 90"),
        ({"surface_charges": np.zeros(3)}, "expected positions"),
        ({"surface_charges": np.zeros(4)}, "sum to 0.000000 e, expected -1.000000 e"),
        ({"surface_charges": np.full(4, np.nan)}, "not finite"),
        ({"source_positions": np.zeros((7, 3))}, "expected positions"),
    ):
        with pytest.raises(VoxionError, match=word):
            writer.append(dataclasses.replace(good, **changes))
    assert open_dataset(dataset.path).frames == 10
    writer.append(good)
    assert open_dataset(dataset.path).frames == 11


def test_what_is_no_data_set(tmp_path, dataset):
    with pytest.raises(VoxionError, match="found nothing"):
        open_dataset(tmp_path / "none.zarr")
    (tmp_path / "note.txt").write_text("no data")
    with pytest.raises(VoxionError, match="another kind of file"):
        open_dataset(tmp_path / "note.txt")
    (tmp_path / "empty").mkdir()
    with pytest.raises(VoxionError, match="not a Zarr group"):
        open_dataset(tmp_path / "empty")
    shutil.copytree(dataset.path, tmp_path / "newer.zarr")
    zarr.open_group(tmp_path / "newer.zarr", mode="r+").attrs["format_version"] = 2
    with pytest.raises(VoxionError, match="version 2; expected"):
        open_dataset(tmp_path / "newer.zarr")
