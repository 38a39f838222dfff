"""Data sets of surface charges: both file layouts, atomic frames, hashes, splits, errors."""

import dataclasses
import json
import os
import shutil
import zlib

import h5py
import numpy as np
import pytest
import xarray
import zarr

from voxion.charges.data import dataset_hdf5
from voxion.charges.data.dataset import ChargeFrame
from voxion.charges.data.dataset_writer import ChargeDatasetWriter
from voxion.charges.data.opening import open_dataset
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


def test_a_frame_that_is_begun_or_removed_does_not_count(dataset):
    group = zarr.open_group(dataset.path, mode="r+")
    for name in ("source_positions", "surface_charges"):  # killed before the others grew
        group[name].resize((11, *group[name].shape[1:]))
    assert open_dataset(dataset.path).frames == 10
    for name in ("source_positions", "surface_charges"):  # killed while it was being removed
        group[name].resize((9, *group[name].shape[1:]))
    assert open_dataset(dataset.path).frames == 9


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
    with pytest.raises(VoxionError, match=r"a folder without zarr\.json"):
        open_dataset(tmp_path / "empty")
    shutil.copytree(dataset.path, tmp_path / "newer.zarr")
    zarr.open_group(tmp_path / "newer.zarr", mode="r+").attrs["format_version"] = 3
    with pytest.raises(VoxionError, match="version 3; expected"):
        open_dataset(tmp_path / "newer.zarr")


def change(path, name, **values):
    """Change attributes of an array of a data set; of the group for the name ""."""
    group = zarr.open_group(path, mode="r+")
    (group[name] if name else group).attrs.update(values)


def put(path, name, index, value):
    zarr.open_group(path, mode="r+")[name][index] = value


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda path: shutil.rmtree(path / "cell"), "lacks the array cell"),
        (lambda path: (path / "cell" / "zarr.json").write_bytes(b"\xff{"), "cell: .*decode byte"),
        (lambda path: zarr.open_group(path, mode="r+").attrs.pop("title"), "title: Field required"),
        (lambda path: change(path, "", total_charge=float("nan")), "the number nan"),
        (lambda path: change(path, "", total_charge=1e24), "less than or equal to 1000000"),
        (lambda path: change(path, "", periodic=[True, True]), r"periodic\.2: Field required"),
        (lambda path: change(path, "", cell_origin=["a", 0, 0]), r"cell_origin\.0: .*valid number"),
        (lambda path: change(path, "", species=["O", "H", "Na"]), "expected each species"),
        (lambda path: change(path, "cell", units="nm"), "cell has units 'nm'; expected 'angstrom'"),
        (lambda path: put(path, "step", 3, 20), "frame 3 has step 20 after step 20"),
        (lambda path: put(path, "step", 0, -7), "frame 0 has step -7"),
        (lambda path: put(path, "step", 3, -1), "frame 3 of 10 has no step"),
        (lambda path: put(path, "time", 2, np.nan), "frame 2 of 10 has no time"),
        (lambda path: put(path, "time", 2, 0.0), "frame 2 has time 0 after"),
        (lambda path: put(path, "cell", (4, 2), 0.0), "the cell of frame 4 has no volume"),
        (lambda path: put(path, "cell", (4, 2), [0, 0, -40]), "or is left-handed"),
        (lambda path: put(path, "surface_positions", 1, np.inf), "surface_positions.*is inf"),
        (lambda path: put(path, "surface_positions", 1, 1e9), "between -1e\\+06 and 1e\\+06"),
        (lambda path: put(path, "surface_positions", 1, [0, 1, 2]), "have the same position"),
        (lambda path: put(path, "source_charges", 1, 1e5), "source_charges.*is 100000"),
        (lambda path: put(path, "source_species", 1, 100), "has the numbers"),
        (lambda path: (path / "surface_positions/c/0/0").unlink(), "values of surface_positions"),
    ],
)
def test_damaged_data_sets_are_refused_when_opened(dataset, damage, message):
    damage(dataset.path)
    with pytest.raises(VoxionError, match=rf"damaged data set of surface charges: .*{message}"):
        open_dataset(dataset.path)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (
            lambda path: put(path, "source_positions", (3, 1, 1), np.nan),
            r"source_positions\[1, 1\]",
        ),
        (lambda path: put(path, "surface_charges", (3, 1), np.inf), "surface_charges.*is inf"),
        (
            lambda path: put(path, "surface_charges", (3, 1), 9.0),
            "sum to .* its total charge is -1 e",
        ),
        (lambda path: (path / "source_positions/c/3/0/0").unlink(), "is nan"),
        (lambda path: (path / "surface_charges/c/3/0").write_bytes(b"ab"), "claims to hold -1"),
    ],
)
def test_a_damaged_frame_is_refused_when_it_is_read(dataset, damage, message):
    damage(dataset.path)
    read = open_dataset(dataset.path)
    assert read.frame(2).step == 20
    for use in (lambda: read.frame(3), read.fingerprint):
        with pytest.raises(VoxionError, match=rf"d\.zarr.*frame 3.*{message}"):
            use()
    if "surface_charges" in message or "sum to" in message:
        with pytest.raises(VoxionError, match=rf"frame 3.*{message}"):
            read.surface_charges()


def test_later_damage_of_packed_values_is_told_by_their_checksum(dataset):
    chunk = dataset.path / "source_positions" / "c" / "3" / "0" / "0"
    data = bytearray(chunk.read_bytes())
    data[len(data) // 2] ^= 1
    chunk.write_bytes(data)
    with pytest.raises(VoxionError, match=r"frame 3 \(step 30\): Zstd decompression error"):
        open_dataset(dataset.path).frame(3)


def metadata(path, name, **values):
    file = path / name / "zarr.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | values))


def test_what_an_array_claims_is_neither_allocated_nor_waited_for(dataset, tmp_path):
    """Sizes that nothing has, many frames without values, deep nesting, and a pipe."""
    grid = {"name": "regular", "configuration": {"chunk_shape": [2**40, 2**20]}}
    gzip = [{"name": "bytes"}, {"name": "gzip", "configuration": {"level": 1}}]
    for number, (array, values, message) in enumerate(
        (
            ("surface_positions", {"shape": [2**40, 3]}, "values of surface_positions"),
            ("source_positions", {"shape": [10, 2**40, 3]}, "source_positions must be"),
            ("surface_charges", {"shape": [2**40, 4]}, "frames and step has 10; expected as many"),
            ("surface_charges", {"chunk_grid": grid}, "surface_charges has chunks of .* bytes"),
            ("source_species", {"codecs": gzip}, "packed by BytesCodec, GzipCodec"),
        )
    ):
        copy = shutil.copytree(dataset.path, tmp_path / f"{number}.zarr")
        metadata(copy, array, **values)
        with pytest.raises(VoxionError, match=message):
            open_dataset(copy)
    copy = shutil.copytree(dataset.path, tmp_path / "many.zarr")
    for name in ("source_positions", "surface_charges", "cell", "time", "step"):
        shape = json.loads((copy / name / "zarr.json").read_text())["shape"]
        metadata(copy, name, shape=[10**6, *shape[1:]])
    with pytest.raises(VoxionError, match="frame 10 of 1000000 has no step"):
        open_dataset(copy)
    copy = shutil.copytree(dataset.path, tmp_path / "deep.zarr")
    (copy / "zarr.json").write_text('{"zarr_format": 3, "attributes": ' + "[" * 100_000)
    with pytest.raises(VoxionError, match=r"zarr\.json cannot be read \(.*recursion"):
        open_dataset(copy)
    copy = shutil.copytree(dataset.path, tmp_path / "pipe.zarr")
    (copy / "step" / "zarr.json").unlink()
    os.mkfifo(copy / "step" / "zarr.json")
    with pytest.raises(VoxionError, match="not a regular file"):
        open_dataset(copy)


def test_a_group_in_the_place_of_an_array_and_format_2_are_refused(dataset, tmp_path):
    copy = shutil.copytree(dataset.path, tmp_path / "group.zarr")
    shutil.rmtree(copy / "cell")
    zarr.open_group(copy, mode="r+").create_group("cell")
    with pytest.raises(VoxionError, match="lacks the array cell"):
        open_dataset(copy)
    # arrays of objects, which format 2 has, would run what a pickle says
    zarr.open_group(tmp_path / "old.zarr", mode="w", zarr_format=2)
    with pytest.raises(VoxionError, match=r"folder without zarr\.json"):
        open_dataset(tmp_path / "old.zarr")


@pytest.fixture
def hdf5(dataset, tmp_path):
    """The data set as HDF5."""
    numbers = {"O": 2, "H": 3, "Na": 4, "Cl": 5}
    path = tmp_path / "good.h5"
    with h5py.File(path, "w") as file:
        file.attrs["total_charge_e"] = -1.0
        file["surface_positions"] = dataset.surface_positions
        file["source_types"] = np.array([numbers[s] for s in SPECIES], np.int8)
        file["source_positions"] = np.stack([f.source_positions for f in dataset])
        file["surface_charges"] = dataset.surface_charges()
        file["cell"] = np.diag(CELL)
        file["step"] = dataset.steps
    return path


def exchange(file, name, value):
    del file[name]
    file[name] = value


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda f: exchange(f, "step", h5py.ExternalLink("a.h5", "/step")), "step is a link to"),
        (lambda f: exchange(f, "step", h5py.SoftLink("/cell")), "step is a link to elsewhere"),
        (lambda f: exchange(f, "step", np.arange(10.0)), "step has type float64; expected whole"),
        (lambda f: exchange(f, "cell", np.array([b"a", b"b", b"c"])), r"cell has type \|S1"),
        (lambda f: exchange(f, "cell", h5py.Empty("f8")), "cell is no array"),
        (lambda f: exchange(f, "cell", np.array([10.0, 0.0, 40.0])), "has no volume"),
        (lambda f: exchange(f, "cell", np.array([10.0, np.nan, 40.0])), "is nan"),
        (lambda f: exchange(f, "step", np.zeros(10, int)), "frame 1 has step 0 after step 0"),
        (lambda f: f["cell"].attrs.update(units="nm"), "cell has units 'nm'; expected 'angstrom'"),
        (lambda f: f.attrs.update(total_charge_e=np.nan), "total_charge_e is nan"),
        (lambda f: f.attrs.update(description=3.0), "description must be a text"),
        (lambda f: (f.pop("cell"), f.create_group("cell")), "cell is no array"),
    ],
)
def test_damaged_hdf5_is_refused(hdf5, damage, message):
    with h5py.File(hdf5, "r+") as file:
        damage(file)
    with pytest.raises(VoxionError, match=rf"good\.h5 is a damaged data set.*{message}"):
        open_dataset(hdf5)


def test_hdf5_that_is_cut_off_or_elsewhere_is_refused(hdf5, tmp_path):
    content = hdf5.read_bytes()
    hdf5.write_bytes(content[: len(content) // 2])
    with pytest.raises(VoxionError, match=r"damaged data set of surface charges: .*truncated"):
        open_dataset(hdf5)
    hdf5.write_bytes(content)
    with h5py.File(hdf5, "r+") as file:
        del file["surface_charges"]
        external = [(str(tmp_path / "other"), 0, h5py.h5f.UNLIMITED)]
        file.create_dataset("surface_charges", (10, 4), "f8", external=external)
    with pytest.raises(VoxionError, match="surface_charges are in another file"):
        open_dataset(hdf5)


def test_hdf5_that_claims_more_than_it_has_stored_is_refused(hdf5):
    with h5py.File(hdf5, "r+") as file:
        for name, shape, kind in (
            ("surface_charges", (2**19, 4), "f8"),
            ("step", (2**19,), "i8"),
            ("source_positions", (2**19, 8, 3), "f4"),
        ):
            del file[name]
            file.create_dataset(name, shape, kind, compression="gzip")
    with pytest.raises(VoxionError, match=r"claims .* bytes of values and has 0 bytes stored"):
        open_dataset(hdf5)


def test_an_hdf5_chunk_that_unpacks_without_end_is_refused(hdf5, monkeypatch):
    monkeypatch.setattr(dataset_hdf5, "_MAX_CHUNK_BYTES", 2**20)
    with h5py.File(hdf5, "r+") as file:
        del file["surface_charges"]
        made = file.create_dataset("surface_charges", (10, 4), "f8", compression="gzip")
        made.id.write_direct_chunk((0, 0), zlib.compress(bytes(2**24)))
    with pytest.raises(VoxionError, match="unpacks to more than its 320 bytes"):
        open_dataset(hdf5)
