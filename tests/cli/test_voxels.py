"""The command line `voxion voxels`."""

import json
import subprocess
import sys

import h5py
import numpy as np
import pytest
from typer.testing import CliRunner

from tests.voxels.reference import TRICLINIC, random_grids, write_store
from voxion.cli.voxels import app
from voxion.errors import VoxionError
from voxion.voxels.stores.store import open_store


def _run(*arguments):
    return CliRunner().invoke(app, [str(a) for a in arguments])


def test_info(tmp_path):
    path = write_store(
        tmp_path / "run.zarr", random_grids(3, (2, 3, 4)), ["mass", "shear"], box=TRICLINIC,
        probability=[[0.5, 0.5]] * 3, labels=["lamellar", "micellar"],
    )  # fmt: skip
    result = _run("info", path, "--json")
    assert result.exit_code == 0, result.output
    facts = json.loads(result.stdout)
    assert facts["frames"] == 3 and facts["steps"] == [1000, 3000] and facts["time_unit"] == "fs"
    assert facts["channels"] == {"mass": "g/cm^3", "shear": "atmosphere"}
    assert facts["voxels"] == [4, 3, 2] and facts["box"] == TRICLINIC.tolist()
    assert facts["labels"] == ["lamellar", "micellar"] and facts["packed"] is False
    text = _run("info", path)
    assert text.exit_code == 0
    assert "frames: 3" in text.output and "lamellar, micellar" in text.output


def test_info_of_a_store_without_frames(tmp_path):
    path = write_store(tmp_path / "run.zarr", np.zeros((0, 1, 2, 2, 2)), ["mass"])
    result = _run("info", path)
    assert result.exit_code == 0, result.output
    assert "frames: 0" in result.output and "steps" not in result.output


def test_pack(store_path, tmp_path):
    result = _run("pack", store_path, "--out", tmp_path / "packed.zarr")
    assert result.exit_code == 0, result.output
    assert "3 frames" in result.output and "bit by bit" in result.output
    assert json.loads(_run("info", tmp_path / "packed.zarr", "--json").stdout)["packed"] is True


@pytest.mark.parametrize("name", ["a.cube", "a.dx", "a.vti"])
def test_convert_a_frame(store_path, tmp_path, name):
    result = _run(
        *("convert", store_path, "--out", tmp_path / name, "--select", 1),
        *("--channel", "charge"),
    )
    assert result.exit_code == 0, result.output
    assert "step 2000" in (tmp_path / name).read_text()
    last = _run(
        *("convert", store_path, "--out", tmp_path / name, "--channel", "charge"), "--force"
    )
    assert last.exit_code == 0 and "step 3000" in (tmp_path / name).read_text()


def test_convert_all_frames(store_path, tmp_path):
    result = _run("convert", store_path, "--out", tmp_path / "a.h5")
    assert result.exit_code == 0, result.output
    with h5py.File(tmp_path / "a.h5") as file:
        assert np.array_equal(file["grid"][:], list(open_store(store_path)))


def test_convert_refusals(store_path, tmp_path):
    for arguments, words in (
        (["a.xyz"], r"expected \.cube, \.dx, \.vti, \.h5"),
        (["a.h5", "--select", 1], "leave out --select"),
        (["a.cube"], "one channel"),
        (["a.vti", "--select", 7], "no frame 7"),
        (["a.vti", "--channel", "shear"], "no channel 'shear'"),
    ):
        result = _run("convert", store_path, "--out", tmp_path / arguments[0], *arguments[1:])
        assert isinstance(result.exception, VoxionError)
        with pytest.raises(VoxionError, match=words):
            raise result.exception
    assert sorted(p.name for p in tmp_path.iterdir()) == ["run.zarr"]


def test_page(store_path, tmp_path):
    result = _run("page", store_path, "--out", tmp_path / "look.html")
    assert result.exit_code == 0, result.output
    assert (tmp_path / "look.html").stat().st_size > 1e6


def test_a_missing_store_is_named(tmp_path):
    result = _run("info", tmp_path / "none.zarr")
    assert isinstance(result.exception, VoxionError) and "none.zarr" in str(result.exception)


def test_help_loads_no_heavy_library():
    code = (
        "import sys, voxion.cli.voxels;"
        "print(sorted({'zarr', 'plotly', 'torch', 'h5py', 'xarray'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
