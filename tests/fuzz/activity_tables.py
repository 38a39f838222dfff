"""Tables of ion activity: measured coefficients and molecules, CSV files of the user's."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np

from voxion.activity.data.table import read_activity
from voxion.activity.demo import DEMO

from .folders import damage_file
from .harness import Target


def prepare(folder: Path) -> None:
    """Copy the embedded tables."""
    for name in ("activity.csv", "molecules.csv"):
        shutil.copyfile(DEMO / name, folder / name)


def damage(good: Path, folder: Path, rng: np.random.Generator) -> Path:
    """Damage one of the two tables, or both."""
    for source in sorted(good.iterdir()):
        shutil.copyfile(source, folder / source.name)
    names = [("activity.csv",), ("molecules.csv",), ("activity.csv", "molecules.csv")]
    for name in names[rng.integers(3)]:
        damage_file(folder / name, rng)
    return folder


def read(path: Path) -> None:
    """Read the data to fit to, and to predict for."""
    for measured in (True, False):
        data = read_activity(path / "activity.csv", path / "molecules.csv", measured=measured)
        assert len(data) and np.isfinite(data.numbers).all()
    assert len(data.pairs) == len(data)


TARGETS = (Target("activity-tables", prepare, damage, read),)
