"""Data sets of the tests."""

from pathlib import Path

import pytest

from voxion.activity.data.table import ActivityData, read_activity
from voxion.activity.demo import DEMO


@pytest.fixture(scope="session")
def demo() -> ActivityData:
    """The embedded synthetic data: 6 polymers, 4 salts, 4 concentrations."""
    return read_activity(DEMO / "activity.csv", DEMO / "molecules.csv")


@pytest.fixture(scope="session")
def published(shared_data: Path) -> ActivityData:
    """The 80 points of Naghshnejad et al."""
    folder = shared_data / "iem-activity"
    return read_activity(folder / "activity.csv", folder / "molecules.csv")
