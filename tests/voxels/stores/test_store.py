"""Reading voxel stores: what counts as finished, what is refused, and what xarray sees."""

import json
import os
import pickle
import shutil
import warnings

import h5py
import numpy as np
import pytest
import xarray
import zarr
from zarr.codecs import BloscCodec, ZstdCodec
from zarr.errors import ZarrUserWarning

from tests.voxels.reference import TRICLINIC, random_grids, write_store
from voxion.errors import VoxionError
from voxion.voxels.stores.store import normalise, open_store


def put(path, name, index, value):
    zarr.open_group(path, mode="r+", use_consolidated=False)[name][index] = value


def change(path, name, **values):
    """Change attributes of an array in the consolidated metadata; of the group for ""."""
    metadata = json.loads((path / "zarr.json").read_text())
    node = metadata["consolidated_metadata"]["metadata"][name] if name else metadata
    node["attributes"].update(values)
    (path / "zarr.json").write_text(json.dumps(metadata))


def metadata(path, name, **values):
    """Change the consolidated metadata of an array."""
    content = json.loads((path / "zarr.json").read_text())
    content["consolidated_metadata"]["metadata"][name].update(values)
    (path / "zarr.json").write_text(json.dumps(content))


def test_all_of_a_store_is_read(store_path):
    store, grids = open_store(store_path), random_grids(3, (2, 3, 4))
    assert store.channels == ("mass", "charge") and store.shape == (2, 3, 4)
    assert store.units == ("g/cm^3", "e/angstrom^3")
    assert len(store) == store.frames == 3 and store.steps.tolist() == [1000, 2000, 3000]
    assert (store.time_unit, store.length_unit) == ("fs", "angstrom")
    assert np.array_equal(store.boxes, [TRICLINIC] * 3)
    assert np.array_equal(store.origins, [[1.0, -2.0, 0.5]] * 3)
    assert store.probability is None and store.labels is None
    assert np.array_equal(list(store), grids)
    assert np.array_equal(store.grid(-1, ["charge"]), grids[2, 1:])
    assert np.array_equal(store.minimum, grids.min(axis=(2, 3, 4)))


def test_probabilities_are_read(tmp_path):
    chances = [[0.25, 0.75], [1.0, 0.0]]
    path = write_store(
        tmp_path / "run.zarr", random_grids(2, (2, 2, 2)), ["a", "b"],
        probability=chances, labels=["lamellar", "micellar"],
    )  # fmt: skip
    store = open_store(path)
    assert np.array_equal(store.probability, chances)
    assert store.labels == ("lamellar", "micellar")


def test_normalisation_of_known_values():
    grid = np.array([[2.0, 4.0, 3.0, 2.5], [7.0, 7.0, 7.0, 7.0]]).reshape(2, 1, 2, 2)
    result = normalise(grid, [2.0, 7.0], [4.0, 7.0])
    assert result.dtype == np.float32
    assert result[0].ravel().tolist() == [0.0, 1.0, 0.5, 0.25]
    assert result[1].ravel().tolist() == [0.0] * 4  # constant


def test_normalisation_is_in_double_precision():
    # the difference of two large float32 is exact in double precision, a quotient of it is not
    # rounded twice
    grid = np.float32([1e8, 1e8 + 8, 1e8 + 24]).reshape(1, 1, 1, 3)
    result = normalise(grid, grid.min(axis=(1, 2, 3)), grid.max(axis=(1, 2, 3)))
    assert np.array_equal(result.ravel(), np.float32([0, 8 / 24, 1]))


def test_each_frame_and_channel_is_normalised_by_itself(store_path):
    store = open_store(store_path)
    for frame in range(3):
        grid = store.normalised(frame)
        assert grid.min(axis=(1, 2, 3)).tolist() == [0, 0]
        assert grid.max(axis=(1, 2, 3)).tolist() == [1, 1]
        assert np.array_equal(store.normalised(frame, ["charge"]), grid[1:])


def test_unknown_channels_and_frames_are_named(store_path):
    store = open_store(store_path)
    with pytest.raises(VoxionError, match=r"no channel 'shear': it has mass, charge"):
        store.channel_indices(["mass", "shear"])
    with pytest.raises(VoxionError, match=r"no frame 3: it has frames 0 to 2"):
        store.grid(3)
    assert store.channel_indices(["charge", "mass"]) == [1, 0]


def test_a_missing_chunk_is_an_error_of_that_frame(store_path):
    (store_path / "grid" / "c.1.0.0.0.0").unlink()
    store = open_store(store_path)
    with pytest.raises(VoxionError, match=r"frame 1 \(step 2000\).*not finite in mass, charge"):
        store.grid(1)
    assert np.isfinite(store.grid(2)).all()


def test_values_that_are_not_finite_are_an_error_with_the_channel(tmp_path):
    path = write_store(tmp_path / "run.zarr", random_grids(2, (2, 2, 2)), ["mass", "charge"])
    put(path, "grid", (1, 1, 0, 1, 0), np.inf)
    store = open_store(path)
    with pytest.raises(VoxionError, match=r"frame 1 \(step 2000\).*not finite in charge"):
        store.normalised(1)


@pytest.mark.parametrize("size", [0, 1, 100, 191])
def test_a_truncated_chunk_is_an_error_of_that_frame(store_path, size):
    chunk = store_path / "grid" / "c.2.0.0.0.0"
    chunk.write_bytes(chunk.read_bytes()[:size])
    store = open_store(store_path)
    with pytest.raises(VoxionError, match=r"frame 2 \(step 3000\) cannot be read"):
        store.grid(2)
    assert np.isfinite(store.grid(1)).all()


@pytest.mark.parametrize("name", ["step", "box", "minimum"])
def test_a_truncated_small_array_is_a_damaged_store(store_path, name):
    chunk = next((store_path / name).glob("c.*"))
    chunk.write_bytes(chunk.read_bytes()[:-8])
    with pytest.raises(VoxionError, match="damaged"):
        open_store(store_path)


def test_a_lost_step_is_a_damaged_store(store_path):
    (store_path / "step" / "c.0").unlink()
    with pytest.raises(VoxionError, match="damaged voxel store: frame 0 of 3 has no step"):
        open_store(store_path)


def test_things_that_are_no_voxel_store_are_refused(tmp_path):
    with pytest.raises(VoxionError, match=r"none\.zarr.*found nothing"):
        open_store(tmp_path / "none.zarr")
    (tmp_path / "folder").mkdir()
    with pytest.raises(VoxionError, match=r"folder is not a voxel store"):
        open_store(tmp_path / "folder")
    with h5py.File(tmp_path / "grids.h5", "w") as file:
        file["grid"] = np.zeros(3)
    with pytest.raises(VoxionError, match="found an HDF5 file"):
        open_store(tmp_path / "grids.h5")
    (tmp_path / "dump").write_text("text")
    with pytest.raises(VoxionError, match="found a file"):
        open_store(tmp_path / "dump")
    zarr.open_group(tmp_path / "other.zarr", mode="w").attrs["format"] = "voxion-charges"
    with pytest.raises(VoxionError, match=r"format 'voxion-charges'.*expected a voxel store"):
        open_store(tmp_path / "other.zarr")
    zarr.create_array(tmp_path / "array.zarr", shape=(2,), dtype="f4")
    with pytest.raises(VoxionError, match=r"array\.zarr is not a voxel store"):
        open_store(tmp_path / "array.zarr")


def test_damaged_metadata_are_refused(store_path, tmp_path):
    text = (store_path / "zarr.json").read_text()
    (store_path / "zarr.json").write_text(text[: len(text) // 2])
    with pytest.raises(VoxionError, match="not a voxel store"):
        open_store(store_path)
    metadata = json.loads(text)
    del metadata["consolidated_metadata"]["metadata"]["box"]
    (store_path / "zarr.json").write_text(json.dumps(metadata))
    with pytest.raises(VoxionError, match="lacks box"):
        open_store(store_path)


def test_the_consolidated_metadata_say_which_frames_are_finished(tmp_path):
    """The engine renames the group's zarr.json last; the arrays' own may be ahead or behind."""
    two = write_store(tmp_path / "two.zarr", random_grids(3, (2, 2, 2))[:2], ["a", "b"])
    three = write_store(tmp_path / "three.zarr", random_grids(3, (2, 2, 2)), ["a", "b"])
    ahead = shutil.copytree(three, tmp_path / "ahead.zarr")
    shutil.copy(two / "zarr.json", ahead)
    behind = shutil.copytree(three, tmp_path / "behind.zarr")
    for name in ("grid", "step", "box"):
        shutil.copy(two / name / "zarr.json", behind / name)
    assert [len(open_store(ahead)), len(open_store(behind))] == [2, 3]
    assert np.array_equal(open_store(behind).grid(2), open_store(three).grid(2))
    assert xarray.open_zarr(ahead).sizes["frame"] == 2
    assert xarray.open_zarr(behind).sizes["frame"] == 3


def test_arrays_of_different_length_are_a_damaged_store(store_path):
    metadata = json.loads((store_path / "zarr.json").read_text())
    metadata["consolidated_metadata"]["metadata"]["grid"]["shape"][0] = 4
    (store_path / "zarr.json").write_text(json.dumps(metadata))
    with pytest.raises(VoxionError, match=r"step must be \[frame = 4\], found \[3\]"):
        open_store(store_path)


def test_a_store_without_frames_opens(tmp_path):
    path = write_store(tmp_path / "run.zarr", np.zeros((0, 1, 2, 2, 2)), ["mass"])
    store = open_store(path)
    assert len(store) == 0 and list(store) == []
    with pytest.raises(VoxionError, match="it has no frames yet"):
        store.grid(0)


def test_xarray_opens_it_with_dimensions_coordinates_and_units(store_path):
    data = xarray.open_zarr(store_path)
    assert data.grid.dims == ("frame", "channel", "z", "y", "x")
    assert data.grid.attrs["channels"] == ["mass", "charge"]
    assert data.grid.attrs["units"] == ["g/cm^3", "e/angstrom^3"]
    assert data.grid.coords["step"].dtype == np.int64
    assert data.grid.coords["step"].values.tolist() == [1000, 2000, 3000]
    assert data.grid.coords["time"].dtype == np.float64 and data.time.attrs["units"] == "fs"
    assert data.box.dims == ("frame", "vector", "component")
    assert data.box.attrs["units"] == "angstrom" and data.attrs["unit_style"] == "real"
    assert np.array_equal(data.grid.values, random_grids(3, (2, 3, 4)))


def test_the_fingerprint_changes_with_anything_a_model_can_learn(tmp_path):
    def fingerprint(number, grids, channels=("a", "b"), **more):
        path = write_store(tmp_path / f"{number}.zarr", grids, channels, **more)
        return open_store(path).fingerprint()

    grids = random_grids(2, (2, 2, 2))
    changed = grids.copy()
    changed[1, 1, 1, 1, 1] = np.nextafter(changed[1, 1, 1, 1, 1], 9)
    prints = [
        fingerprint(0, grids),
        fingerprint(1, changed),
        fingerprint(2, grids, ("a", "c")),
        fingerprint(3, grids, steps=[1000, 2001]),
        fingerprint(4, grids, box=np.eye(3)),
    ]
    assert len(set(prints)) == 5 and all(len(one) == 71 for one in prints)
    assert fingerprint(5, grids) == prints[0]


def test_a_store_goes_to_the_workers_of_a_data_loader(store_path):
    store = open_store(store_path)
    copy = pickle.loads(pickle.dumps(store))
    assert np.array_equal(copy.grid(1), store.grid(1))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda path: change(path, "", periodic=[True, True]), r"periodic\.2: Field required"),
        (
            lambda path: change(path, "", unit_style="imperial"),
            "unit_style: Input should be 'real'",
        ),
        (
            lambda path: change(path, "", window={"every": 0}),
            r"window\.every: .*greater",
        ),
        (lambda path: change(path, "", spread="even"), "spread: Input should be 'ngp' or 'cic'"),
        (lambda path: change(path, "", group=float("nan")), "has the number nan"),
        (lambda path: change(path, "", group="a\nb"), "group: String should match pattern"),
        (
            lambda path: change(path, "grid", channels=["mass"]),
            "channels mass; expected 2",
        ),
        (lambda path: change(path, "grid", channels=["a", "a"]), "expected 2 different names"),
        (lambda path: change(path, "grid", units=["1"]), "1 units for 2 channels"),
        (lambda path: change(path, "box", units="nm"), "box has units 'nm'; expected 'angstrom'"),
        (lambda path: change(path, "time", units="ps"), "time has units 'ps'; expected 'fs'"),
        (lambda path: change(path, "minimum", units=["1", "1"]), r"minimum has units \['1', '1'\]"),
        (lambda path: put(path, "step", 1, 1000), "frame 1 has step 1000 after step 1000"),
        (lambda path: put(path, "time", 1, np.inf), "frame 1 of 3 has no time"),
        (lambda path: put(path, "time", 1, 0.0), "frame 1 has time 0 after time 1000"),
        (lambda path: put(path, "box", (1, 2), 0.0), "cell of frame 1 has no volume"),
        (lambda path: put(path, "box", (1, 2), [0, 0, -8]), "or is left-handed"),
        (lambda path: put(path, "origin", (1, 2), np.nan), "frame 1 of 3 has no origin"),
        (
            lambda path: put(path, "minimum", (1, 1), 50.0),
            "a minimum above its maximum",
        ),
        (lambda path: metadata(path, "grid", data_type="float64"), "grid has type float64"),
        (lambda path: metadata(path, "step", data_type="float64"), "step has type float64"),
        (lambda path: metadata(path, "grid", shape=[3, 2, 2, 3, 2**40]), "expected 4096 at most"),
        (lambda path: metadata(path, "grid", shape=[3, 2, 4096, 4096, 4096]), "268435456 values a"),
        (lambda path: metadata(path, "grid", shape=[3, 2, 2, 3, 0]), "expected 1 to"),
        (lambda path: metadata(path, "grid", codecs=[{"name": "bytes"}] * 4), "zarr.json"),
    ],
)
def test_stores_that_cannot_be_are_refused(store_path, damage, message):
    damage(store_path)
    with pytest.raises(VoxionError, match=message):
        open_store(store_path)


@pytest.mark.parametrize(
    ("chances", "labels", "message"),
    [
        ([0.5, 0.25], ["a", "b"], "frame 2 has the probabilities .*expected a sum of 1"),
        (
            [1.5, -0.5],
            ["a", "b"],
            "frame 2 of 3 has no probability, or .* found 1.5",
        ),
        ([np.nan, 0.5], ["a", "b"], "frame 2 of 3 has no probability"),
        ([0.5, 0.5], ["a", "a"], "labels a, a; expected 2 different names"),
        ([0.5, 0.5], ["a"], "labels a; expected 2 different names"),
    ],
)
def test_probabilities_that_cannot_be_are_refused(tmp_path, chances, labels, message):
    probability = [[0.5, 0.5], [0.0, 1.0], chances]
    path = write_store(
        tmp_path / "run.zarr", random_grids(3, (2, 2, 2)), ["a", "b"],
        probability=probability, labels=labels,
    )  # fmt: skip
    with pytest.raises(VoxionError, match=rf"damaged voxel store: .*{message}"):
        open_store(path)


def test_a_grid_that_contradicts_its_minimum_or_maximum_is_damaged(store_path):
    put(store_path, "grid", (1, 1, 0, 0, 0), 7.0)
    store = open_store(store_path)
    with pytest.raises(VoxionError, match=r"frame 1 \(step 2000\) is damaged: the maximum of"):
        store.grid(1)


def test_many_frames_without_values_are_not_waited_for(store_path):
    for name, row in (("grid", [2, 2, 3, 4]), ("step", []), ("time", []), ("box", [3, 3])):
        metadata(store_path, name, shape=[10**6, *row])
    for name, row in (("origin", [3]), ("minimum", [2]), ("maximum", [2])):
        metadata(store_path, name, shape=[10**6, *row])
    with pytest.raises(VoxionError, match="of 1000000 has no step"):
        open_store(store_path)


@pytest.mark.parametrize("name", ["zarr.json", "grid/c.1.0.0.0.0", "step/c.0"])
@pytest.mark.parametrize("other", ["pipe", "device"])
def test_what_is_no_regular_file_is_not_read(store_path, name, other):
    (store_path / name).unlink()
    if other == "pipe":
        os.mkfifo(store_path / name)
    else:
        (store_path / name).symlink_to("/dev/zero")
    with pytest.raises(VoxionError, match="not a regular file"):
        open_store(store_path).grid(1)


@pytest.mark.parametrize("compressor", ["zstd", "blosc"])
def test_a_chunk_that_unpacks_to_more_than_a_frame_is_not_unpacked(tmp_path, compressor):
    codec = ZstdCodec() if compressor == "zstd" else BloscCodec(typesize=4)
    path = write_store(tmp_path / "run.zarr", random_grids(2, (2, 2, 2)), ["a", "b"])
    group = zarr.open_group(path, mode="r+", use_consolidated=False)
    values, attributes = group["grid"][...], dict(group["grid"].attrs)
    del group["grid"]
    group.create_array(
        "grid", data=values, chunks=(1, 2, 2, 2, 2), compressors=codec, attributes=attributes
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ZarrUserWarning)
        zarr.consolidate_metadata(group.store)
    assert np.array_equal(open_store(path).grid(1), values[1])
    large = zarr.create_array(
        tmp_path / "large.zarr", data=np.zeros(2**22, "f4"), chunks=(2**22,), compressors=codec,
        config={"write_empty_chunks": True},
    )  # fmt: skip
    bomb = (tmp_path / "large.zarr" / "c" / "0").read_bytes()
    good = (path / "grid" / "c" / "1" / "0" / "0" / "0" / "0").read_bytes()
    for content, message in (
        (bomb, f"claims to hold {4 * large.size} bytes; expected 64"),
        (good + bomb if compressor == "zstd" else bomb, "claims|too small|Zstd|destination"),
    ):
        (path / "grid" / "c" / "1" / "0" / "0" / "0" / "0").write_bytes(content)
        with pytest.raises(VoxionError, match=rf"frame 1 .*cannot be read.*({message})"):
            open_store(path).grid(1)
