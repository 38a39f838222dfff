"""Reading voxel stores: what counts as finished, what is refused, and what xarray sees."""

import json
import pickle
import shutil

import h5py
import numpy as np
import pytest
import xarray
import zarr

from voxion.errors import VoxionError
from voxion.voxels.store import normalise, open_store

from .reference import TRICLINIC, random_grids, write_store


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
    grids = random_grids(2, (2, 2, 2))
    grids[1, 1, 0, 1, 0] = np.inf
    store = open_store(write_store(tmp_path / "run.zarr", grids, ["mass", "charge"]))
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
    with pytest.raises(VoxionError, match="differ in their number of frames"):
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
