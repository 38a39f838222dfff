"""Voxel stores, as a run writes them and packed: read, packed, exported and shown on a page."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tests.voxels.reference import TRICLINIC, random_grids, write_store
from voxion.cli.voxels_stores import info
from voxion.voxels.classifier.dataset import open_labelled
from voxion.voxels.stores.exporters import export_frame, export_hdf5
from voxion.voxels.stores.pack import pack_store
from voxion.voxels.stores.page import write_page
from voxion.voxels.stores.store import open_store

from .folders import copy_of, damage_zarr
from .harness import Target

FRAMES = 3


def prepare(folder: Path) -> None:
    """Write a small store with classes, and its packed copy."""
    raw = write_store(
        folder / "raw.zarr",
        random_grids(FRAMES, (2, 3, 4)),
        ["mass", "charge"],
        box=TRICLINIC,
        origin=(1.0, -2.0, 0.5),
        probability=[[0.25, 0.75], [1.0, 0.0], [0.5, 0.5]],
        labels=["lamellar", "micellar"],
    )
    pack_store(raw, folder / "packed.zarr")


def damage(good: Path, folder: Path, rng: np.random.Generator) -> Path:
    """Damage files of one of the two."""
    target = copy_of(good / ("raw.zarr" if rng.integers(2) else "packed.zarr"), folder)
    damage_zarr(target, rng)
    return target


def read(path: Path) -> None:
    """Do all that the commands do; what is accepted must make sense."""
    store = open_store(path)
    for index in range(store.frames):
        normalised = store.normalised(index)
        assert normalised.min() >= 0 and normalised.max() <= 1
    assert np.all(np.diff(store.steps) > 0) and np.isfinite(store.times).all()
    assert np.all(np.linalg.det(store.boxes) > 0) and np.isfinite(store.origins).all()
    info(path, as_json=True)
    info(path, as_json=False)
    open_labelled([("phase", str(path))])
    for suffix in (".vti", ".dx", ".cube"):
        export_frame(store, -1, path.parent / f"frame{suffix}", store.channels[:1])
    export_hdf5(store, path.parent / "all.h5")
    write_page(store, path.parent / "page.html")
    if not store.attrs.get("packed"):
        pack_store(path, path.parent / "again.zarr")


TARGETS = (Target("voxel-stores", prepare, damage, read),)
