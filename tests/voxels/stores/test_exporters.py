"""Exported files, read back by other readers: the right value at the right place, triclinic too."""

import base64
import json
from xml.etree import ElementTree

import h5py
import numpy as np
import pytest
from gridData import OpenDX

from tests.voxels.reference import TRICLINIC, random_grids, write_store
from voxion.errors import VoxionError
from voxion.voxels.stores.exporters import export_frame, export_hdf5
from voxion.voxels.stores.store import open_store

GRID = random_grids(3, (2, 3, 4))
ORIGIN = np.array([1.0, -2.0, 0.5])
COUNTS = np.array([4, 3, 2])


def _centre(i, j, k):
    """Centre of voxel (i, j, k) along x, y, z in the triclinic box, angstrom."""
    return ORIGIN + ((np.array([i, j, k]) + 0.5) / COUNTS) @ TRICLINIC


def _assert_at_the_voxels(values, position, grid, tolerance=1e-6):
    """`values[i, j, k]` and `position(i, j, k)` are those of the voxels of `grid[z, y, x]`."""
    assert values.shape == (4, 3, 2)
    for i, j, k in np.ndindex(4, 3, 2):
        assert values[i, j, k] == pytest.approx(grid[k, j, i], rel=tolerance)
        assert np.allclose(position(i, j, k), _centre(i, j, k), atol=1e-5)


def _read_cube(path):
    """Comment, positions of the first point and steps in angstrom, values by x, y, z."""
    lines = path.read_text().splitlines()
    header = [line.split() for line in lines[2:6]]
    atoms, counts = int(header[0][0]), [int(row[0]) for row in header[1:]]
    assert atoms == 0
    lengths = np.array([row[1:4] for row in header], float) * 0.529177210544
    values = np.array(" ".join(lines[6:]).split(), float).reshape(counts)
    return lines[1], lengths[0], lengths[1:], values


def test_cube(store_path, tmp_path):
    path = export_frame(open_store(store_path), 1, tmp_path / "a.cube", ["charge"])
    comment, origin, steps, values = _read_cube(path)
    assert comment.startswith("charge (e/angstrom^3), step 2000, lengths in angstrom")
    _assert_at_the_voxels(
        values, lambda i, j, k: origin + np.array([i, j, k]) @ steps, GRID[1, 1], 1e-5
    )


def test_opendx(store_path, tmp_path):
    path = export_frame(open_store(store_path), -1, tmp_path / "a.dx", ["mass"])
    field = OpenDX.field(0)
    field.read(str(path))
    positions, data = field.components["positions"], field.components["data"]
    _assert_at_the_voxels(
        data.array.reshape(positions.shape),
        lambda i, j, k: positions.origin + np.array([i, j, k]) @ positions.delta,
        GRID[2, 0],
    )
    lines = path.read_text().splitlines()
    assert lines[0].startswith("# mass (g/cm^3), step 3000")
    assert max(map(len, lines)) <= 80


def test_small_densities_keep_their_digits(tmp_path):
    grids = random_grids(1, (2, 2, 5)) * np.float32(1e-9)
    store = open_store(write_store(tmp_path / "run.zarr", grids, ["a", "b"]))
    field = OpenDX.field(0)
    field.read(str(export_frame(store, 0, tmp_path / "a.dx", ["b"])))
    assert np.array_equal(
        np.float32(field.components["data"].array), grids[0, 1].transpose(2, 1, 0).ravel()
    )
    values = _read_cube(export_frame(store, 0, tmp_path / "a.cube", ["b"]))[3]
    assert np.allclose(values, grids[0, 1].transpose(2, 1, 0), rtol=1e-5, atol=0)


def _vti_array(element):
    raw = base64.b64decode(element.text)
    size = int.from_bytes(raw[:8], "little")
    assert size == len(raw) - 8
    kind = {"Float32": "<f4", "Float64": "<f8", "Int64": "<i8"}[element.attrib["type"]]
    return np.frombuffer(raw[8:], kind)


def test_vti(store_path, tmp_path):
    root = ElementTree.parse(export_frame(open_store(store_path), 1, tmp_path / "a.vti")).getroot()
    assert root.attrib["type"] == "ImageData" and root.attrib["header_type"] == "UInt64"
    image = root.find("ImageData")
    extent = np.array(image.attrib["WholeExtent"].split(), int)
    assert extent.tolist() == [0, 4, 0, 3, 0, 2]  # of the points; there is a cell less
    origin, spacing = (np.array(image.attrib[a].split(), float) for a in ("Origin", "Spacing"))
    direction = np.array(image.attrib["Direction"].split(), float).reshape(3, 3)
    corner = direction @ (spacing * COUNTS) + origin  # VTK's index to position
    assert np.allclose(corner, ORIGIN + TRICLINIC.sum(axis=0))
    arrays = {e.attrib["Name"]: _vti_array(e) for e in image.iter("DataArray")}
    assert arrays["TimeValue"] == 2000.0 and arrays["step"] == 2000
    for channel, name in enumerate(("mass", "charge")):
        values = arrays[name].reshape(2, 3, 4).transpose(2, 1, 0)  # x runs fastest
        _assert_at_the_voxels(
            values,
            lambda i, j, k: origin + direction @ (spacing * (np.array([i, j, k]) + 0.5)),
            GRID[1, channel],
            0,
        )


def test_hdf5(tmp_path):
    path = write_store(
        tmp_path / "run.zarr", GRID, ["mass", "charge"], probability=[[0.5, 0.5]] * 3
    )
    with h5py.File(export_hdf5(open_store(path), tmp_path / "a.h5"), "r") as file:
        assert np.array_equal(file["grid"][:], GRID)
        assert list(file["grid"].attrs["channels"]) == ["mass", "charge"]
        assert [dim.label for dim in file["grid"].dims] == ["frame", "channel", "z", "y", "x"]
        assert file["step"][:].tolist() == [1000, 2000, 3000]
        assert file["box"].attrs["units"] == "angstrom" and file["box"].shape == (3, 3, 3)
        assert list(file["probability"].attrs["labels"]) == ["phase 0", "phase 1"]
        assert file.attrs["unit_style"] == "real" and list(file.attrs["periodic"]) == [True] * 3
        assert json.loads(file.attrs["window"]) == {"every": 10, "repeat": 50, "period": 1000}


def test_hdf5_of_some_channels(store_path, tmp_path):
    with h5py.File(export_hdf5(open_store(store_path), tmp_path / "a.h5", ["charge"]), "r") as file:
        assert np.array_equal(file["grid"][:], GRID[:, 1:])
        assert list(file["grid"].attrs["units"]) == ["e/angstrom^3"]
        assert np.array_equal(file["minimum"][:], GRID[:, 1:].min(axis=(2, 3, 4)))
        assert list(file["minimum"].attrs["units"]) == ["e/angstrom^3"]


def test_reduced_units_stay_as_they_are(tmp_path):
    path = write_store(
        tmp_path / "run.zarr", GRID, ["mass", "charge"], box=TRICLINIC, unit_style="lj"
    )
    comment, origin, _, _ = _read_cube(
        export_frame(open_store(path), 0, tmp_path / "a.cube", ["mass"])
    )
    assert "lengths in sigma" in comment
    assert np.allclose(origin, 0.5 / COUNTS @ TRICLINIC, atol=1e-5)


def test_refusals(store_path, tmp_path):
    store = open_store(store_path)
    with pytest.raises(VoxionError, match=r"a\.xyz.*expected \.cube, \.dx, \.vti"):
        export_frame(store, 0, tmp_path / "a.xyz")
    with pytest.raises(VoxionError, match=r"\.cube file holds one channel.*mass, charge"):
        export_frame(store, 0, tmp_path / "a.cube")
    with pytest.raises(VoxionError, match="no channel 'shear'"):
        export_frame(store, 0, tmp_path / "a.dx", ["shear"])
    with pytest.raises(VoxionError, match="no frame 3"):
        export_frame(store, 3, tmp_path / "a.vti")
    (tmp_path / "file").touch()
    with pytest.raises(VoxionError, match="cannot be written"):
        export_frame(store, 0, tmp_path / "file" / "a.vti")


def test_a_damaged_frame_leaves_no_file_and_keeps_the_old_one(store_path, tmp_path):
    (tmp_path / "a.h5").write_text("old")
    (store_path / "grid" / "c.2.0.0.0.0").unlink()
    with pytest.raises(VoxionError, match="frame 2"):
        export_hdf5(open_store(store_path), tmp_path / "a.h5")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.h5", "run.zarr"]
    assert (tmp_path / "a.h5").read_text() == "old"
