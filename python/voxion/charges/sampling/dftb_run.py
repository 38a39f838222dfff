"""Running DFTB+: where it is, which one it is, and one calculation in a folder."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from voxion.charges.sampling.dftb_files import (
    RESTART_FILE,
    RESULTS_FILE,
    ChargedSheet,
    DftbSettings,
    read_charges,
    write_calculation,
)
from voxion.charges.sampling.labels import NotLabelled
from voxion.errors import VoxionError, one_line

PROGRAM = "dftb+"
NOT_CONVERGED = "SCC is NOT converged"
# Beyond DFTB+'s rounding of the total charge, e.
TOTAL_TOLERANCE = 1e-5


def find_dftb() -> Path:
    """Find the user's DFTB+.

    Raises
    ------
    VoxionError
        There is no ``dftb+`` on the PATH.
    """
    found = shutil.which(PROGRAM)
    if found is None:
        raise VoxionError(
            f"There is no {PROGRAM} on the PATH: install DFTB+ (dftbplus.org), or label with "
            "ELECTRODE (--source electrode)."
        )
    return Path(found)


def dftb_release(program: Path) -> str:
    """Release of a DFTB+, or its version between releases, from the head of what it says.

    Raises
    ------
    VoxionError
        It does not start, or says no release.
    """
    with TemporaryDirectory() as empty:  # without input it stops after its head
        run = _start(program, Path(empty), 1)
    for line in run.stdout.splitlines():
        words = line.strip("| ")
        if words.startswith("DFTB+ "):
            return one_line(words.removeprefix("DFTB+ ").removeprefix("release "), 100)
    raise VoxionError(f"{program} does not start: {_reason(run)}")


def calculate(
    program: Path,
    folder: Path,
    sheet: ChargedSheet,
    source_positions: NDArray[np.floating],
    settings: DftbSettings,
    threads: int = 1,
) -> NDArray[np.float64]:
    """Run DFTB+ for one configuration of the electrolyte.

    It begins with the charges that an earlier calculation left in the folder, if one did.

    Parameters
    ----------
    program : Path
    folder : Path
        With the Slater-Koster file.
    sheet : ChargedSheet
    source_positions : ndarray [N, 3]
        Angstrom.
    settings : DftbSettings
    threads : int
        OpenMP threads.

    Returns
    -------
    ndarray [M]
        e; DFTB+'s rounding of the total is spread evenly.

    Raises
    ------
    NotLabelled
        The charges did not become self-consistent.
    VoxionError
        DFTB+ ended with an error, or without charges.
    """
    results, restart = folder / RESULTS_FILE, folder / RESTART_FILE
    results.unlink(missing_ok=True)  # those of the last frame must not be taken for this one's
    write_calculation(folder, sheet, source_positions, settings, restart=restart.exists())
    try:
        run = _start(program, folder, threads)
        # an error in new releases; up to 23.1 a warning, exit status 0 and no results
        if NOT_CONVERGED in run.stdout:
            raise NotLabelled(f"DFTB+ did not converge in {settings.max_iterations} iterations.")
        if run.returncode != 0 or not results.is_file():
            raise VoxionError(f"DFTB+ ended without charges: {_reason(run)}")
        charges = read_charges(results, len(sheet.positions))
        surplus = charges.sum() - sheet.total_charge
        if abs(surplus) > TOTAL_TOLERANCE:
            raise VoxionError(
                f"DFTB+ gave charges that sum to {charges.sum():.6f} e; expected "
                f"{sheet.total_charge:.6f} e."
            )
    except BaseException:
        restart.unlink(missing_ok=True)  # what a failed run left is no start for the next frame
        raise
    return charges - surplus / len(charges)


def _start(program: Path, folder: Path, threads: int) -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            [str(program)],
            cwd=folder,
            env={**os.environ, "OMP_NUM_THREADS": str(threads)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
        )
    except OSError as error:
        raise VoxionError(f"{program} does not start: {error.strerror}.") from None


def _reason(run: subprocess.CompletedProcess[str]) -> str:
    lines = [line.strip() for line in run.stdout.splitlines() if line.strip()]
    if "ERROR!" in lines:
        lines = lines[lines.index("ERROR!") + 1 :]
        return " ".join(line.removeprefix("->").strip() for line in lines)
    words = run.stderr.strip().splitlines()
    return words[-1] if words else f"exit status {run.returncode}"
