"""Rounds, times of processes, and the comparison of all benchmarks."""

import os
import resource
import shutil
import signal
import subprocess
import sys
import time

import pytest
from benchmarks.common.comparison import compare, quieter_measure
from benchmarks.common.processes import Times, perf_command, read_count, run_process
from benchmarks.common.rounds import Case, run_rounds

from voxion.errors import VoxionError

BUSY = "import time; e = time.process_time() + 0.4\nwhile time.process_time() < e: pass"


def test_order_rotates():
    seen = []

    def case(name: str) -> Case:
        return Case(name, name, lambda: seen.append(name) or Times(wall=1, processor=1), {"on": 3})

    found = run_rounds([[case("a"), case("b"), case("c")], [case("d")]], 3)
    assert "".join(seen) == "abcd" + "bcad" + "cabd"
    assert [(m["mode"], m["position"], m["round"], m["on"]) for m in found[4:6]] == [
        ("b", 1, 1, 3),
        ("c", 2, 1, 3),
    ]


def test_given_up_is_not_tried_again():
    tries = []
    cases = [
        Case("kept", "kept", lambda: Times(wall=2.0, processor=1.0)),
        Case("slow", "slow", lambda: tries.append(1)),
    ]
    found = run_rounds([cases], 3)
    assert len(tries) == 1
    assert [m["wall"] for m in found if m["mode"] == "slow"] == [None] * 3
    assert list(compare(found, "kept")) == ["kept"]
    assert compare(found, "slow") == {}


def record(mode: str, number: int, wall: float, processor: float, instructions=None) -> dict:
    numbers = {"wall": wall, "processor": processor, "instructions": instructions}
    return {"mode": mode, "label": mode, "position": "ab".index(mode), "round": number, **numbers}


def test_ratios_are_of_the_same_round_by_the_quieter_measure():
    """The machine is twice as slow in round 1; other jobs disturb the wall time of b there."""
    measurements = [
        record("a", 0, 1.0, 1.0, 100),
        record("b", 0, 1.1, 1.1, 300),
        record("a", 1, 2.0, 2.0, 100),
        record("b", 1, 4.4, 2.2, 310),
        record("a", 2, 1.0, 1.0, 100),
        record("b", 2, 1.1, 1.2, 320),
    ]
    b = compare(measurements, "a")["b"]
    assert b.measure == "processor"
    assert b.ratios["processor"] == pytest.approx([1.1, 1.1, 1.2])
    assert b.ratios["wall"] == pytest.approx([1.1, 2.2, 1.1])
    assert b.ratio == pytest.approx(1.1) and b.instructions == pytest.approx(3.1)
    assert b.added == pytest.approx([10, 10, 20])
    assert b.wall == pytest.approx(1.1) and b.processor == pytest.approx(1.2)
    # the order of the records does not matter
    assert compare(measurements[::-1], "a") == compare(measurements, "a")


def test_quieter_measure():
    assert quieter_measure([{"wall": [1.0, 1.1], "processor": [1.0, 1.3]}]) == "wall"
    # of a single round neither varies
    assert quieter_measure([{"wall": [1.0], "processor": [2.0]}]) == "processor"
    assert quieter_measure([]) == "processor"


def test_processor_time_of_children_counts(tmp_path):
    """A shell's child is busy for 0.4 s and sleeps for 0.4 s more."""
    command = ["sh", "-c", f"{sys.executable} -c '{BUSY}\ntime.sleep(0.4)'; echo out; echo err >&2"]
    done = run_process(command, tmp_path, environment={"PYTHONDONTWRITEBYTECODE": "1"})
    assert (done.status, done.output, done.error) == (0, "out\n", "err\n")
    assert done.processor >= 0.4
    assert done.wall >= done.processor + 0.3


def test_memory_is_that_of_the_command(tmp_path):
    """Not that of this process, which is large."""
    ours = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9
    small = run_process(["sh", "-c", "true"], tmp_path)
    large = run_process([sys.executable, "-c", "x = bytearray(100_000_000)"], tmp_path)
    assert small.memory < 0.05 < ours
    assert 0.1 < large.memory < 0.2


def test_missing_command_is_named(tmp_path):
    with pytest.raises(VoxionError, match="no-such-program did not start"):
        run_process(["no-such-program"], tmp_path)


def test_status_is_that_of_the_command(tmp_path):
    assert run_process(["sh", "-c", "exit 3"], tmp_path).status == 3
    assert run_process(["sh", "-c", "kill -9 $$"], tmp_path).status in (-9, 128 + 9)


def test_setup_that_takes_too_long_is_ended(tmp_path):
    """Also the children of the command; a set-up that is over has all the time."""
    setup, pid = tmp_path / "setup", tmp_path / "pid"
    script = f"sleep 60 & echo $! > {pid}; wait"
    begin = time.perf_counter()
    assert run_process(["sh", "-c", script], tmp_path, setup=setup, limit=0.5) is None
    assert time.perf_counter() - begin < 30
    with pytest.raises(ProcessLookupError):
        for _ in range(100):  # until the killed child is gone
            os.kill(int(pid.read_text()), signal.SIG_DFL)
            time.sleep(0.05)
    script = f"touch {setup}; sleep 0.6; echo done"
    done = run_process(["sh", "-c", script], tmp_path, setup=setup, limit=0.3)
    assert done is not None and done.output == "done\n"


def test_counts_of_perf():
    assert read_count("# started on\n\n12345,,instructions:u,99,100.00,,\n") == 12345
    assert read_count("<not supported>,,instructions:u,0,100.00,,\n") is None
    # an estimate from part of the time is no count
    assert read_count("12345,,instructions:u,99,63.10,,\n") is None
    with pytest.raises(VoxionError, match="expected one line"):
        read_count("instructions: 12345\n")


@pytest.mark.skipif(shutil.which("perf") is None, reason="perf is not installed")
def test_text_of_perf_is_read(tmp_path):
    """A software event is counted where the processor's own counters are not."""
    words = ["perf", "stat", "-x,", "-e", "page-faults", "-o", "counts", "true"]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, check=False)
    if done.returncode != 0:
        pytest.skip("perf may not count here")
    assert read_count((tmp_path / "counts").read_text()) > 10


@pytest.mark.skipif(not perf_command(), reason="perf cannot count instructions here")
def test_instructions_are_counted(tmp_path):
    counts = [
        run_process([sys.executable, "-c", f"for _ in range({n}): pass"], tmp_path).instructions
        for n in (1000, 10_000_000)
    ]
    assert counts[1] > counts[0] + 10_000_000
