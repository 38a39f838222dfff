"""The page of a store: one file, with the grids that the store has, and what it left out said."""

import base64
import json
import re

import numpy as np
import pytest

import voxion.voxels.stores.page
from tests.voxels.reference import TRICLINIC, random_grids, write_store
from voxion.errors import VoxionError
from voxion.units import typeset
from voxion.voxels.stores.page import write_page
from voxion.voxels.stores.store import open_store


def _page(path):
    """Text of the page without plotly.js, and the data in it."""
    html = path.read_text(encoding="utf-8")
    data = json.loads(re.search(r"^const D = (.*);$", html, re.M).group(1))
    return re.sub(r"<script>/\*\*.*?</script>", "", html, flags=re.S), data


def _grid(data, frame):
    """Grid [C, nz, ny, nx] of a frame shown, from its 16-bit levels."""
    one = data["frames"][frame]
    channels = [
        low + span * np.frombuffer(base64.b64decode(text), "<u2") / 65535
        for text, low, span in zip(one["levels"], one["low"], one["span"], strict=True)
    ]
    return np.reshape(channels, (len(channels), *data["shape"]))


def test_the_page_holds_the_grids(store_path, tmp_path):
    text, data = _page(write_page(open_store(store_path), tmp_path / "voxels.html"))
    grids = random_grids(3, (2, 3, 4))
    assert data["shape"] == [2, 3, 4] and len(data["frames"]) == 3
    for i in range(3):
        spans = np.ptp(grids[i], axis=(1, 2, 3), keepdims=True)
        assert np.all(np.abs(_grid(data, i) - grids[i]) <= spans / 65535)
        assert data["frames"][i]["step"] == 1000 * (i + 1)
    assert np.allclose(data["mean"], grids.mean(axis=(2, 3, 4)).T, rtol=1e-5)
    assert np.allclose(data["maximum"], grids.max(axis=(2, 3, 4)).T)
    assert data["frames"][0]["lengths"] == pytest.approx(np.linalg.norm(TRICLINIC, axis=1))
    assert "The box is triclinic" in text and "of the frames" not in text
    assert "Class probabilities" not in text


def test_nothing_is_loaded_from_elsewhere(store_path, tmp_path):
    text, _ = _page(write_page(open_store(store_path), tmp_path / "voxels.html"))
    assert len(text) < 100_000  # plotly.js was inside
    assert not re.search(r"""(src|href)=["'](?!data:)|https?:|@import""", text)


def test_class_probabilities_are_shown(tmp_path):
    chances = [[0.25, 0.75], [1.0, 0.0]]
    path = write_store(
        tmp_path / "run.zarr", random_grids(2, (2, 2, 2)), ["a", "b"],
        probability=chances, labels=["lamellar", "</script>"],
    )  # fmt: skip
    text, data = _page(write_page(open_store(path), tmp_path / "voxels.html"))
    assert data["probability"] == np.transpose(chances).tolist()
    assert data["labels"] == ["lamellar", "</script>"] and "Class probabilities" in text


def test_frames_are_left_out_evenly_and_said(tmp_path, monkeypatch):
    monkeypatch.setattr(voxion.voxels.stores.page, "_MOST_FRAMES", 5)
    monkeypatch.setattr(voxion.voxels.stores.page, "_MOST_MEANS", 3)
    store = open_store(write_store(tmp_path / "run.zarr", random_grids(9, (2, 2, 2)), ["a", "b"]))
    text, data = _page(write_page(store, tmp_path / "voxels.html"))
    assert [f["step"] for f in data["frames"]] == [1000, 3000, 5000, 7000, 9000]
    assert data["meanTimes"] == [1000, 5000, 9000] and len(data["maximum"][0]) == 9
    words = " ".join(text.split())
    assert "Slices and isosurfaces: 5 of the frames" in words
    assert "Means of 3 of the 9 frames" in words


def test_large_grids_are_averaged_over_blocks(tmp_path):
    grid = np.zeros((1, 1, 2, 96, 50), np.float32)
    grid[0, 0, 1, 2:4, :] = 4.0  # one block in y
    grid[0, 0, 1, 4, :] = 6.0  # half of a block
    store = open_store(write_store(tmp_path / "run.zarr", grid, ["mass"]))
    text, data = _page(write_page(store, tmp_path / "voxels.html"))
    assert data["shape"] == [2, 48, 48] and "averaged to 48 × 48 × 2" in text
    shown = _grid(data, 0)[0]
    assert np.allclose(shown[1, 1], 4.0, atol=1e-4) and np.allclose(shown[1, 2], 3.0, atol=1e-4)
    assert np.allclose(np.delete(shown[1], [1, 2], axis=0), 0.0) and not shown[0].any()


def test_a_constant_channel(tmp_path):
    store = open_store(write_store(tmp_path / "run.zarr", np.full((1, 1, 2, 2, 2), 7.0), ["mass"]))
    _, data = _page(write_page(store, tmp_path / "voxels.html"))
    assert np.all(_grid(data, 0) == 7.0)


def test_refusals(store_path, tmp_path):
    empty = write_store(tmp_path / "empty.zarr", np.zeros((0, 1, 2, 2, 2)), ["mass"])
    with pytest.raises(VoxionError, match="no frames yet"):
        write_page(open_store(empty), tmp_path / "voxels.html")
    with pytest.raises(VoxionError, match="cannot be written"):
        write_page(open_store(store_path), tmp_path / "run.zarr")
    (store_path / "grid" / "c.2.0.0.0.0").unlink()
    with pytest.raises(VoxionError, match="frame 2"):
        write_page(open_store(store_path), tmp_path / "voxels.html")
    assert not (tmp_path / "voxels.html").exists()


def test_units_are_typeset(store_path, tmp_path):
    text, data = _page(write_page(open_store(store_path), tmp_path / "voxels.html"))
    assert data["units"] == ["g/cm³", "e/Å³"] and data["lengthUnit"] == "Å"
    assert "^" not in text.split("<script>")[0]


def test_no_plot_begins_under_its_tool_bar(store_path, tmp_path):
    text, _ = _page(write_page(open_store(store_path), tmp_path / "voxels.html"))
    margins = re.findall(r"margin: {l: \d+, r: \d+, t: ([^,]*),", text)
    assert len(margins) == 4 and all("BAR" in top for top in margins)


@pytest.mark.parametrize(
    ("unit", "expected"),
    [
        ("m/sigma^3", "m/σ³"),
        ("epsilon/sigma^3", "ε/σ³"),
        ("g/cm^3", "g/cm³"),
        ("e/angstrom^3", "e/Å³"),
        ("1/nm^3", "1/nm³"),
        ("pg/(um us^2)", "pg/(µm µs²)"),
        ("atmosphere", "atmosphere"),
        ("angstrom^-1", "Å⁻¹"),
    ],
)
def test_units_as_people_read_them(unit, expected):
    assert typeset(unit) == expected
