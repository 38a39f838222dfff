"""Fixtures shared by all tests."""

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
    """GROMACS: the one that the fetching script left, else that of the PATH."""
    fetched = ROOT / ".gromacs" / "bin" / "gmx"
    found = fetched if fetched.is_file() else shutil.which("gmx")
    if found is None:
        pytest.skip("no GROMACS: tests/gromacs/fetch_gromacs.sh fetches one on Debian and its kin")
    return Path(found)
