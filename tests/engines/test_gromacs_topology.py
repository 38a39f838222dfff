"""Charges of given atoms in a processed topology; what GROMACS reads of it is the judge."""

import MDAnalysis
import numpy as np
import pytest

from tests.engines.gromacs_run import ATOMS, GROMPP, SHEET, make_run_input, run_gmx
from voxion.engines.gromacs_topology import set_charges
from voxion.errors import VoxionError

FORMS = """\
; written by another program
[ defaults ]
1 2 no 1.0 1.0 ; nothing of interest

[ atomtypes ]
A 6 12.0 0.25 A 0.3 0.3

[ moleculetype ]
; name  nrexcl
Wall    1

[ atoms ]
; nr type resnr residue atom cgnr charge mass
     1  A  1  WAL  A1  1  -0.5   12.0        ; charge and mass
     2  A  1  WAL  A2  2  -0.5
     3  A  1  WAL  A3  3
     4  A  1  WAL  A4  4  -0.5   12.0  A  -0.25  12.0
     5  A  1 \\
        WAL  A5  5 \\
        -0.5   12.0 ; of three \\
lines
[ bonds ]
1 2 1 0.1 1000

[moleculetype]
ION 1
[atoms]
1 A 1 ION A 1 1.0
[ system ]
wall
[ molecules ]
ION  2
wall 1
ION  1
"""


def test_only_the_lines_of_the_atoms_change():
    new = set_charges(FORMS, {3: 0.1, 4: -1 / 3, 5: 1e-7, 6: 2.0, 7: np.float64(np.float32(0.3))})
    old_lines, new_lines = FORMS.splitlines(), new.splitlines()
    start = old_lines.index("     1  A  1  WAL  A1  1  -0.5   12.0        ; charge and mass")
    assert new_lines[:start] == old_lines[:start]
    assert new_lines[start + 5 :] == old_lines[start + 8 :]
    assert [line.partition(";")[0].split() for line in new_lines[start : start + 5]] == [
        ["1", "A", "1", "WAL", "A1", "1", "0.1", "12.0"],
        ["2", "A", "1", "WAL", "A2", "2", "-0.3333333333333333"],
        ["3", "A", "1", "WAL", "A3", "3", "1e-07"],
        ["4", "A", "1", "WAL", "A4", "4", "2.0", "12.0", "A", "-0.25", "12.0"],
        ["5", "A", "1", "WAL", "A5", "5", "0.30000001192092896", "12.0"],
    ]


def test_no_charges_no_change():
    assert set_charges(FORMS, {}) == FORMS


@pytest.mark.parametrize(
    "atom, words",
    [
        (1, "'ION', of which there are 3"),  # the copies stand on two lines
        (8, "'ION', of which there are 3"),
        (9, "has 8 atoms"),
        (0, "has 8 atoms"),
    ],
)
def test_atoms_that_cannot_have_charges_of_their_own(atom, words):
    with pytest.raises(VoxionError, match=words):
        set_charges(FORMS, {3: 0.1, atom: 0.2})


def test_what_is_no_topology_is_refused():
    with pytest.raises(VoxionError, match=r"no \[ molecules \]"):
        set_charges("[ moleculetype ]\nA 1\n", {1: 0.0})
    with pytest.raises(VoxionError, match="names 'B', which is no molecule type"):
        set_charges("[ moleculetype ]\nA 1\n[ molecules ]\nB 1\n", {1: 0.0})


def test_gromacs_reads_the_charges_to_the_last_bit(gmx, tmp_path):
    """Macros, includes, conditions and continued lines, through grompp -pp; float32 is exact."""
    make_run_input(gmx, tmp_path)
    run_gmx(gmx, tmp_path, f"grompp {GROMPP} -pp processed.top -o first.tpr")
    charges = np.random.default_rng(3).normal(-0.06, 0.02, SHEET).astype(np.float32)
    charges[3] = 1.2345679e-7
    atoms = {atom: float(f"{charge:.9g}") for atom, charge in enumerate(charges, 1)}
    atoms[19] = -0.875  # the chlorine
    processed = (tmp_path / "processed.top").read_text()
    (tmp_path / "topol.top").write_text(set_charges(processed, atoms))
    run_gmx(gmx, tmp_path, f"grompp {GROMPP} -o second.tpr")
    first, second = (
        MDAnalysis.Universe(tmp_path / f"{name}.tpr").atoms for name in ("first", "second")
    )
    assert len(second) == ATOMS
    np.testing.assert_array_equal(second.charges[:SHEET].astype(np.float32), charges)
    assert second.charges[18] == -0.875
    rest = np.r_[SHEET:18, 19:ATOMS]
    np.testing.assert_array_equal(second.charges[rest], first.charges[rest])
    np.testing.assert_array_equal(second.masses, first.masses)


@pytest.mark.parametrize("count", ["-1", "1.5", "9" * 24, "\u00b2"])
def test_counts_of_molecules_that_are_none_are_refused(count):
    with pytest.raises(VoxionError, match=r"none of \[ molecules \]"):
        set_charges(FORMS.replace("ION  2", f"ION  {count}"), {3: 0.1})
