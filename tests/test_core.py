"""The C++ tests of the core: built and run, plain and under AddressSanitizer and UBSan."""

import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SCRIPTS = Path(sysconfig.get_path("scripts"))
SETTINGS = [
    f"-DPython_EXECUTABLE={sys.executable}",
    f"-DCMAKE_MAKE_PROGRAM={SCRIPTS / 'ninja'}",
    "-DVOXION_BUILD_TESTS=ON",
    "-DVOXION_BUILD_ENGINES=OFF",
]


def build_and_test(name: str, *options: str) -> subprocess.CompletedProcess:
    # kept between runs, so that only what changed is compiled again
    folder = ROOT / "build" / name
    for command in (
        ["cmake", "-S", str(ROOT), "-B", str(folder), "-G", "Ninja", *SETTINGS, *options],
        ["cmake", "--build", str(folder)],
        ["ctest", "--test-dir", str(folder), "--output-on-failure"],
    ):
        run = subprocess.run(
            [str(SCRIPTS / command[0]), *command[1:]], capture_output=True, text=True, check=False
        )
        assert run.returncode == 0, run.stdout[-4000:] + run.stderr[-2000:]
        assert "warning:" not in run.stdout, run.stdout[-4000:]
    return run


@pytest.mark.parametrize(
    ("name", "options", "tests"),
    [
        ("tests", [], 2),
        # at -O1 the sanitizers' checks compile in less than half the time of -O2
        ("sanitized", ["-DVOXION_SANITIZE=ON", "-DCMAKE_CXX_FLAGS_RELEASE=-O1 -g1"], 1),
    ],
)
def test_core(name, options, tests):
    run = build_and_test(name, *options)
    assert f"100% tests passed out of {tests}" in run.stdout
