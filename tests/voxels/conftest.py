"""Small voxel stores shared by the tests of the voxels."""

from pathlib import Path

import pytest

from .reference import TRICLINIC, random_grids, write_store


@pytest.fixture
def store_path(tmp_path: Path) -> Path:
    """Three frames of mass and charge on 4 x 3 x 2 (x, y, z) voxels of a triclinic box."""
    return write_store(
        tmp_path / "run.zarr",
        random_grids(3, (2, 3, 4)),
        ["mass", "charge"],
        box=TRICLINIC,
        origin=(1.0, -2.0, 0.5),
    )
