"""Labelled stores: what goes together, how it is split, and that grids are read when asked for."""

import pickle
import shutil

import numpy as np
import pytest
import torch

from tests.voxels.reference import random_grids, write_store
from voxion.errors import VoxionError
from voxion.voxels.classifier.dataset import (
    LabelledSet,
    VoxelDataset,
    open_labelled,
    parse_source,
    split_samples,
)

SHAPE = (2, 3, 4)


def _store(path, frames, shape=SHAPE, channels=("mass", "charge"), **how):
    return str(write_store(path, random_grids(frames, shape, len(channels)), channels, **how))


def _labelled(tmp_path, **frames) -> LabelledSet:
    """Stores named after label and number of the run, as in ``a0=20, a1=10, b0=10``."""
    return open_labelled(
        [(name[0], _store(tmp_path / f"{name}.zarr", count)) for name, count in frames.items()]
    )


def _frames(samples, store):
    return samples[samples[:, 0] == store, 1].tolist()


def test_items_are_the_normalised_grids_of_their_stores(tmp_path):
    labelled = _labelled(tmp_path, b0=3, a0=4)
    data = VoxelDataset(labelled, labelled.everything())
    assert labelled.labels == ("b", "a") and len(data) == 7
    for index, (store, frame, label) in enumerate(
        [*((0, i, 0) for i in range(3)), *((1, i, 1) for i in range(4))]
    ):
        grid, found = data[index]
        raw = labelled.stores[store].grid(frame).astype(float)
        low, high = raw.min((1, 2, 3), keepdims=True), raw.max((1, 2, 3), keepdims=True)
        np.testing.assert_allclose(grid.numpy(), (raw - low) / (high - low), atol=1e-6)
        assert grid.dtype == torch.float32 and found == label
    other = VoxelDataset(labelled, labelled.everything(), labels=("a", "c", "b"))
    assert [other[0][1], other[6][1]] == [2, 0]


def test_grids_are_read_one_by_one(tmp_path):
    labelled = _labelled(tmp_path, a0=3, b0=3)
    data = VoxelDataset(labelled, labelled.everything())
    data[0], data[4]
    shutil.rmtree(tmp_path / "b0.zarr" / "grid")  # frames that were not read yet are gone
    data[1]
    with pytest.raises(VoxionError, match=r"b0\.zarr"):
        data[5]


def test_a_large_set_takes_no_memory(tmp_path):
    path = _store(tmp_path / "a.zarr", 40, shape=(16, 16, 16))
    labelled = open_labelled([("a", path)])
    data = VoxelDataset(labelled, labelled.everything())
    size = 40 * 2 * 16**3 * 4
    assert len(pickle.dumps(data)) < size / 30  # what each worker process gets
    torch.testing.assert_close(pickle.loads(pickle.dumps(data))[7][0], data[7][0])


def test_split_by_time_is_contiguous_in_each_store(tmp_path):
    parts = split_samples(_labelled(tmp_path, a0=20, a1=10, b0=3))
    assert _frames(parts.training, 0) == list(range(16))
    assert _frames(parts.validation, 0) == [16, 17] and _frames(parts.held_out, 0) == [18, 19]
    assert _frames(parts.training, 1) == list(range(8))
    assert [_frames(p, 2) for p in (parts.training, parts.validation, parts.held_out)] == [
        [0], [1], [2],
    ]  # fmt: skip


def test_random_split_is_even_over_labels_and_repeats(tmp_path):
    labelled = _labelled(tmp_path, a0=20, a1=20, b0=40)
    parts = split_samples(labelled, "random", seed=3)
    everything = np.concatenate([parts.training, parts.validation, parts.held_out])
    np.testing.assert_array_equal(np.unique(everything, axis=0), labelled.everything())
    assert len(everything) == 80
    for part, share in ((parts.training, 32), (parts.validation, 4), (parts.held_out, 4)):
        assert np.bincount(labelled.classes_of(part)).tolist() == [share, share]
    again, other = (split_samples(labelled, "random", seed=seed) for seed in (3, 4))
    np.testing.assert_array_equal(parts.held_out, again.held_out)
    assert not np.array_equal(parts.held_out, other.held_out)
    assert np.ptp(_frames(parts.training, 2)) > 32  # not one stretch


def test_split_by_run_leaves_whole_runs_out(tmp_path):
    labelled = _labelled(tmp_path, a0=4, b0=5, a1=6, b1=3, b2=4)
    parts = split_samples(labelled, "run")
    stores = [np.unique(p[:, 0]).tolist() for p in (parts.training, parts.validation)]
    assert stores == [[0, 1], [2, 3]]
    assert _frames(parts.validation, 2) == [0, 1, 2] and _frames(parts.held_out, 2) == [3, 4, 5]
    assert _frames(parts.validation, 3) == [0, 1, 2] and _frames(parts.held_out, 4) == [0, 1, 2, 3]


@pytest.mark.parametrize(
    ("frames", "by", "message"),
    [
        ({"a0": 5, "b0": 2}, "time", r"b0\.zarr has 2 frames, at least 3"),
        ({"a0": 5, "b0": 2}, "random", "label 'b' has 2 frames, at least 3"),
        ({"a0": 5, "a1": 5, "b0": 5}, "run", "at least 2 stores of each label, 'b' has 1"),
        ({"a0": 5, "a1": 1, "b0": 5, "b1": 5}, "run", r"a1\.zarr has 1 frame"),
    ],
)
def test_too_few_frames_or_runs_are_refused(tmp_path, frames, by, message):
    with pytest.raises(VoxionError, match=message):
        split_samples(_labelled(tmp_path, **frames), by)


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"channels": ("charge", "mass")}, "channels charge, mass, expected mass, charge"),
        ({"channels": ("mass",)}, "channels mass, expected mass, charge"),
        ({"shape": (2, 3, 5)}, r"shape \(nz, ny, nx\) 2, 3, 5, expected 2, 3, 4"),
        ({"unit_style": "lj"}, "units 1, 1, expected"),
    ],
)
def test_the_store_that_differs_is_named(tmp_path, how, message):
    sources = [(label, _store(tmp_path / f"{label}.zarr", 3)) for label in "ab"]
    sources.append(("c", _store(tmp_path / "odd.zarr", 3, **how)))
    with pytest.raises(VoxionError, match=rf"odd\.zarr has {message}"):
        open_labelled(sources)


def test_stores_of_different_spreads_are_refused(tmp_path):
    sources = [(label, _store(tmp_path / f"{label}.zarr", 3)) for label in "ab"]
    metadata = tmp_path / "b.zarr" / "zarr.json"
    metadata.write_text(metadata.read_text().replace('"ngp"', '"cic"'))
    assert open_labelled(sources[:1]).spread == "ngp"
    with pytest.raises(VoxionError, match=r"b\.zarr has spread cic, expected ngp"):
        open_labelled(sources)


def test_stores_without_frames_or_given_twice_are_refused(tmp_path):
    path = _store(tmp_path / "a.zarr", 3)
    with pytest.raises(VoxionError, match="given twice"):
        open_labelled([("a", path), ("b", str(tmp_path / "." / "a.zarr"))])
    with pytest.raises(VoxionError, match="No voxel store"):
        open_labelled([])
    with pytest.raises(VoxionError, match="not a voxel store"):
        open_labelled([("a", str(tmp_path / "none.zarr"))])


def test_labels_and_paths_are_parsed():
    assert parse_source("wet=runs/a=1.zarr") == ("wet", "runs/a=1.zarr")
    for text in ("wet", "=a.zarr", "wet=", " =a.zarr"):
        with pytest.raises(VoxionError, match="LABEL=STORE"):
            parse_source(text)
