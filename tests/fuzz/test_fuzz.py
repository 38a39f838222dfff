"""Each target with a fixed seed for some seconds; `python -m tests.fuzz` runs as many as wanted."""

import pytest

from .harness import Target, fuzz, run_case
from .targets import MODULES

# a minute of one core in all; `python -m tests.fuzz` runs as many as wanted
CASES = {"contracts": 1000, "charges-append": 20}


@pytest.mark.parametrize("name", MODULES)
def test_damaged_files_are_refused_in_one_line(name):
    outcome = fuzz(name, seed=0, cases=CASES.get(name, 80))
    assert not outcome.faults, outcome.summary(name)
    assert outcome.refused > 0


def _unchanged(good, folder, rng):
    return good


@pytest.mark.parametrize(
    ("read", "fault"),
    [
        (lambda path: [][0], "IndexError at test_fuzz.py"),
        (lambda path: bytearray(3 * 2**30), "memory: more than 2048 MiB"),
    ],
)
def test_what_a_reader_must_not_do_is_a_fault(tmp_path, read, fault):
    target = Target("wrong", lambda folder: None, _unchanged, read)
    verdict, text = run_case(target, tmp_path, tmp_path, 0, 0)
    assert verdict == "fault" and text.startswith(fault)
