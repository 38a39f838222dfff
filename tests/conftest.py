"""Fixtures shared by all tests."""

import os
import shutil
from pathlib import Path

import pytest

from tests.capacitor import (  # noqa: F401
    at_potentials,
    gold_capacitor,
    neutral_capacitor,
    trained_gold,
    trained_pair,
)
from tests.packages import packaged_model  # noqa: F401

ROOT = Path(__file__).resolve().parents[1]
SHARED_DATA = ROOT.parent / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of reference data kept beside the checkout; tests that need it are skipped without."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"reference data not found: {SHARED_DATA} does not exist")
    return SHARED_DATA


@pytest.fixture(scope="session")
def gmx() -> Path:
    """GROMACS: that of the variable GMX, else what the fetching script left, else of the PATH."""
    fetched = ROOT / ".gromacs" / "bin" / "gmx"
    default = str(fetched) if fetched.is_file() else "gmx"
    found = shutil.which(os.environ.get("GMX", default))
    if found is None:
        pytest.skip("no GROMACS: tests/gromacs/fetch_gromacs.sh fetches one on Debian and its kin")
    return Path(found)
