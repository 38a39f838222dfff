"""The outputs of DFTB+: its results and its standard output."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import numpy as np

from voxion.charges.sampling.dftb_files import DEFAULTS, ChargedSheet, read_charges
from voxion.charges.sampling.dftb_run import calculate, dftb_release

from .folders import copy_of, damage_file, make_file
from .harness import Target

ATOMS = 24
TOTAL = -1.0
HEAD = "|===\n|\n|  DFTB+ release 25.1\n|\n|===\n\n"
# A program that says and writes what lies beside it.
PROGRAM = f"""#!{sys.executable}
import shutil, sys
from pathlib import Path
home = Path(sys.argv[0]).parent
sys.stdout.buffer.write((home / "words").read_bytes())
if Path("dftb_in.hsd").exists():
    shutil.copyfile(home / "results.tag", "results.tag")
"""


def prepare(folder: Path) -> None:
    """Write the results of one calculation, with the other tags that DFTB+ has in them."""
    charges = np.random.default_rng(1).normal(0.0, 0.05, ATOMS)
    charges += (TOTAL - charges.sum()) / ATOMS
    rows = charges.reshape(-1, 3).tolist()
    numbers = "\n".join("".join(f" {value: .15E}" for value in row) for row in rows)
    (folder / "results.tag").write_text(
        "total_energy        :real:0:\n -0.584482279268996E+003\n"
        "orbital_charges     :real:3:4,6,1\n" + numbers + "\n"
        f"gross_atomic_charges:real:1:{ATOMS}\n" + numbers + "\n"
        "dipole_moments      :real:2:3,1\n -0.1E+003 -0.1E+003  0.0E+000\n"
    )
    (folder / "words").write_text(HEAD)


def damage_results(good: Path, folder: Path, rng: np.random.Generator) -> Path:
    """Damage the results; more often than not their header."""
    target = copy_of(good / "results.tag", folder)
    text = target.read_text()
    counts = ("1:,", "1:", f"1:{10**24}", "1:-24", "2:4,6", "3:4,6,1", "1:24,", "1:1,24", "1:٢٤")
    if rng.integers(3) == 0:
        chosen = counts[rng.integers(len(counts))]
        target.write_text(text.replace(f"charges:real:1:{ATOMS}", f"charges:real:{chosen}"))
    else:
        damage_file(target, rng)
    return target


def read_results(path: Path) -> None:
    """Read the charges."""
    charges = read_charges(path, ATOMS)
    assert charges.shape == (ATOMS,) and np.isfinite(charges).all()
    assert np.abs(charges).max() < 100


def damage_program(good: Path, folder: Path, rng: np.random.Generator) -> Path:
    """Make a program whose words or results are damaged."""
    shutil.copytree(good, folder, dirs_exist_ok=True)
    name = ("words", "results.tag")[rng.integers(2)]
    data = (folder / name).read_bytes()
    damage_file(folder / name, rng)
    if not (folder / name).is_file():  # the program could not read it
        make_file(folder / name, data[: rng.integers(len(data))])
    program = folder / "dftb+"
    program.write_text(PROGRAM)
    program.chmod(0o755)
    return program


def run_program(path: Path) -> None:
    """Ask it for its release, and for the charges of one frame."""
    release = dftb_release(path)
    assert release.isprintable() and len(release) < 200
    scratch = path.parent / "frame"
    scratch.mkdir()
    positions = np.column_stack([np.arange(ATOMS), np.zeros((ATOMS, 2))])
    sheet = ChargedSheet(positions, np.eye(3) * 30, TOTAL, np.ones(2))
    charges = calculate(path, scratch, sheet, np.full((2, 3), 5.0), DEFAULTS)
    assert np.isfinite(charges).all() and abs(charges.sum() - TOTAL) < 1e-9


TARGETS = (
    Target("dftb-results", prepare, damage_results, read_results),
    Target("dftb-program", prepare, damage_program, run_program),
)
