"""Packing: the same bits in fewer bytes and files, read by the same readers."""

import json

import numpy as np
import pytest
import xarray
import zarr

import voxion.voxels.stores.pack
from tests.voxels.reference import random_grids, write_store
from voxion.errors import VoxionError
from voxion.voxels.stores.pack import pack_store
from voxion.voxels.stores.store import open_store


def _averages(frames: int, samples: int = 10) -> np.ndarray:
    """Mass and charge of ideal particles of four species on 16^3 voxels, averaged over samples."""
    rng = np.random.default_rng(5)
    species = np.array([[56.0, -0.8476], [72.0, 0.4238], [22.99, 1.0], [35.45, -1.0]])
    counts = rng.poisson(0.2 * samples, size=(frames, 16, 16, 16, 4))
    return np.moveaxis(counts @ species / samples / 1.7, -1, 1).astype(np.float32)


def test_packed_equals_raw_for_every_reader(tmp_path):
    grids = random_grids(7, (2, 3, 4))
    grids[2, 0, 0, 0, :2] = [0.0, -0.0]
    chances = [[0.2, 0.8]] * 7
    raw = write_store(tmp_path / "raw.zarr", grids, ["mass", "charge"], probability=chances)
    result = pack_store(raw, tmp_path / "packed.zarr")
    assert result.frames == 7 and result.raw_bytes == grids.nbytes
    one, other = open_store(raw), open_store(result.path)
    assert other.attrs.pop("packed") is True and other.attrs == one.attrs
    assert other.fingerprint() == one.fingerprint()
    assert np.stack(list(other)).tobytes() == grids.tobytes()
    assert np.array_equal(other.probability, one.probability) and other.labels == one.labels
    xarray.testing.assert_equal(xarray.open_zarr(raw), xarray.open_zarr(result.path))
    assert xarray.open_zarr(result.path).grid.attrs == xarray.open_zarr(raw).grid.attrs


def test_averages_of_species_shrink_to_half_and_files_to_few(tmp_path):
    raw = write_store(tmp_path / "raw.zarr", _averages(40), ["mass", "charge"])
    result = pack_store(raw, tmp_path / "packed.zarr")
    assert result.ratio > 2
    assert result.packed_bytes == sum(
        f.stat().st_size for f in result.path.rglob("*") if f.is_file()
    )
    grids = [f for f in (result.path / "grid").rglob("*") if f.is_file()]
    assert len(grids) == 2 and result.files < 20  # one shard and zarr.json


@pytest.mark.parametrize(
    ("grids", "codec"), [(_averages(2), "zstd"), (random_grids(2, (16, 16, 16)), "blosc")]
)
def test_the_better_codec_is_taken(tmp_path, grids, codec):
    pack_store(write_store(tmp_path / "raw.zarr", grids, ["a", "b"]), tmp_path / "packed.zarr")
    metadata = json.loads((tmp_path / "packed.zarr" / "grid" / "zarr.json").read_text())
    inner = metadata["codecs"][0]["configuration"]["codecs"]
    assert [one["name"] for one in inner] == ["bytes", codec, "crc32c"]


def test_frames_are_spread_over_several_shards(tmp_path, monkeypatch):
    grids = random_grids(7, (2, 3, 4))
    monkeypatch.setattr(voxion.voxels.stores.pack, "_SHARD_BYTES", 3 * grids[0].nbytes)
    raw = write_store(tmp_path / "raw.zarr", grids, ["a", "b"])
    pack_store(raw, tmp_path / "packed.zarr")
    shards = [f for f in (tmp_path / "packed.zarr" / "grid" / "c").rglob("*") if f.is_file()]
    assert len(shards) == 3
    assert np.array_equal(list(open_store(tmp_path / "packed.zarr")), grids)


def test_a_truncated_shard_is_an_error_of_its_frames(store_path, tmp_path):
    pack_store(store_path, tmp_path / "packed.zarr")
    shard = next(f for f in (tmp_path / "packed.zarr" / "grid" / "c").rglob("*") if f.is_file())
    shard.write_bytes(shard.read_bytes()[:-10])
    with pytest.raises(VoxionError, match=r"frame 1 \(step 2000\) cannot be read"):
        open_store(tmp_path / "packed.zarr").grid(1)


@pytest.mark.parametrize(
    "grids", [_averages(1), random_grids(1, (16, 16, 16))], ids=["zstd", "blosc"]
)
def test_a_flipped_bit_anywhere_in_a_packed_frame_is_noticed(tmp_path, grids):
    raw = write_store(tmp_path / "raw.zarr", grids, ["a", "b"])
    pack_store(raw, tmp_path / "packed.zarr")
    shard = next(f for f in (tmp_path / "packed.zarr" / "grid" / "c").rglob("*") if f.is_file())
    intact = shard.read_bytes()
    for position in np.linspace(0, len(intact) - 1, 20).astype(int):
        data = bytearray(intact)
        data[position] ^= 0x10
        shard.write_bytes(data)
        with pytest.raises(VoxionError, match="frame 0"):
            open_store(tmp_path / "packed.zarr").grid(0)


def test_refusals(store_path, tmp_path):
    packed = pack_store(store_path, tmp_path / "packed.zarr").path
    with pytest.raises(VoxionError, match=r"packed\.zarr exists"):
        pack_store(store_path, packed)
    with pytest.raises(VoxionError, match="packed already"):
        pack_store(packed, tmp_path / "again.zarr")
    empty = write_store(tmp_path / "empty.zarr", np.zeros((0, 1, 2, 2, 2)), ["mass"])
    with pytest.raises(VoxionError, match="nothing to pack"):
        pack_store(empty, tmp_path / "again.zarr")
    (tmp_path / "file").touch()
    with pytest.raises(VoxionError, match="cannot be written"):
        pack_store(store_path, tmp_path / "file" / "again.zarr")


def test_a_damaged_frame_leaves_nothing_behind(store_path, tmp_path):
    (store_path / "grid" / "c.2.0.0.0.0").unlink()
    with pytest.raises(VoxionError, match="frame 2"):
        pack_store(store_path, tmp_path / "out" / "packed.zarr")
    assert list((tmp_path / "out").iterdir()) == []


def test_a_copy_that_differs_is_discarded(store_path, tmp_path, monkeypatch):
    """A source that changes between writing and comparing, as a failing disk would make it."""
    write = voxion.voxels.stores.pack._write

    def write_then_change(store, path, progress):
        write(store, path, progress)
        zarr.open_group(store.path, mode="r+")["grid"][1, 0, 0, 0, 0] = 0.0  # not an extreme

    monkeypatch.setattr(voxion.voxels.stores.pack, "_write", write_then_change)
    with pytest.raises(VoxionError, match="differs from it and was discarded"):
        pack_store(store_path, tmp_path / "packed.zarr")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["run.zarr"]


def test_a_partial_copy_of_a_killed_packing_is_replaced(store_path, tmp_path):
    (tmp_path / ".packed.zarr.partial" / "rubbish").mkdir(parents=True)
    pack_store(store_path, tmp_path / "packed.zarr")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["packed.zarr", "run.zarr"]
    assert not (tmp_path / "packed.zarr" / "rubbish").exists()


def test_frames_that_a_run_adds_while_packing_are_left_for_later(tmp_path, monkeypatch):
    grids = random_grids(5, (2, 3, 4))
    raw = write_store(tmp_path / "raw.zarr", grids[:3], ["a", "b"])

    def open_then_grow(path):
        store = open_store(path)
        if store.frames == 3 and not store.attrs.get("packed"):
            write_store(raw, grids, ["a", "b"])
        return store

    monkeypatch.setattr(voxion.voxels.stores.pack, "open_store", open_then_grow)
    assert pack_store(raw, tmp_path / "packed.zarr").frames == 3
    assert np.array_equal(list(open_store(tmp_path / "packed.zarr")), grids[:3])
