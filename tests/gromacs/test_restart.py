"""`voxion mdrun`: interrupted and continued equals uninterrupted, bit for bit."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import zarr

from tests.gromacs.harness import OPTIONS, Electrode
from tests.gromacs.test_updates import charge_line

VOXELS = "voxels System 2 5 20 4 4 8 file {} channels mass charge kinetic_xx"


def voxion_mdrun(electrode: Electrode, *options: str, grompp=True) -> subprocess.CompletedProcess:
    return electrode.call(command(electrode, *options, grompp=grompp))


def command(electrode: Electrode, *options: str, grompp=True) -> list[str]:
    made = ["--grompp", " ".join(electrode.grompp_arguments())] if grompp else []
    start = [sys.executable, "-m", "voxion", "mdrun", "--jobs", "voxion.dat"]
    return [
        *start,
        "--gmx",
        str(electrode.gmx),
        *made,
        "-s",
        "md.tpr",
        "-reprod",
        "-ntomp",
        "1",
        *options,
    ]


def ran(electrode: Electrode, *options: str, **more) -> None:
    run = voxion_mdrun(electrode, *options, **more)
    assert run.returncode == 0, run.stderr[-3000:]


@pytest.mark.parametrize(
    ("parameters", "every", "stop"),
    [
        ({"integrator": "md"}, 10, 50),
        ({"integrator": "sd", "ld_seed": -1}, 10, 50),
        ({"integrator": "md"}, 40, 60),  # between two updates
        ({"integrator": "md-vv"}, 20, 40),
        ({"integrator": "md", "nstlist": 1}, 1, 7),
    ],
)
def test_interrupted_and_continued_is_uninterrupted(
    electrode, strong_model, parameters, every, stop
):
    electrode.grompp(**parameters)
    lines = [charge_line(strong_model, every, "output {0}.xvg"), VOXELS.format("{0}.zarr")]
    steps = 2 * stop + 10
    # the last checkpoint before the end is one of a pair search
    electrode.jobs(*[line.format("whole") for line in lines])
    ran(electrode, "-deffnm", "whole", "-nsteps", str(steps))
    whole = electrode.state()
    electrode.jobs(*[line.format("parts") for line in lines])
    ran(electrode, "-deffnm", "parts", "-nsteps", str(stop))
    ran(electrode, "-deffnm", "parts", "-cpi", "parts.cpt", "-nsteps", str(steps - stop))
    assert "a run continues at step" in (electrode.folder / "voxion.dat.log").read_text()
    a, b = electrode.frames("whole"), electrode.frames("parts")
    assert a.steps.tolist() == b.steps.tolist() == list(range(steps + 1))
    assert np.array_equal(a.positions, b.positions)
    assert np.array_equal(a.velocities, b.velocities)
    assert np.array_equal(a.forces, b.forces)
    assert whole["charges"] == electrode.state()["charges"]
    tables = [
        np.loadtxt(electrode.folder / f"{n}.xvg", comments=["#", "@"]) for n in ("whole", "parts")
    ]
    assert np.array_equal(tables[0][:, :-1], tables[1][:, :-1])  # the last is wall time
    stores = [zarr.open_group(electrode.folder / f"{n}.zarr", mode="r") for n in ("whole", "parts")]
    for name in ("grid", "step", "time", "box"):
        assert np.array_equal(stores[0][name][:], stores[1][name][:]), name


def test_a_run_that_is_told_to_stop_can_be_continued(electrode, strong_model):
    electrode.grompp()
    electrode.jobs(charge_line(strong_model))
    ran(electrode, "-deffnm", "whole", "-nsteps", "2000")
    run = subprocess.Popen(
        command(electrode, "-deffnm", "parts", "-nsteps", "2000"),
        cwd=electrode.folder,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    trajectory = electrode.folder / "parts.trr"
    for _ in range(600):
        if trajectory.exists() and trajectory.stat().st_size > 1_000_000:
            break
        time.sleep(0.1)
    run.send_signal(signal.SIGTERM)
    assert run.wait(60) == 1  # mdrun's own answer to a signal
    stopped = electrode.state()["step"]
    assert 0 < stopped < 2000 and stopped % 10 == 0
    left = str(2000 - stopped)
    ran(electrode, "-deffnm", "parts", "-cpi", "parts.cpt", "-nsteps", left)
    a, b = electrode.frames("whole"), electrode.frames("parts")
    assert np.array_equal(a.positions, b.positions)


def test_the_checkpoint_before_the_last_continues_too(electrode, strong_model):
    electrode.grompp()
    electrode.jobs(charge_line(strong_model), VOXELS.format("grids.zarr"))
    ran(electrode, "-deffnm", "md", "-nsteps", "60", "-cpt", "0")  # also at every pair search
    whole = electrode.frames("md")
    os.replace(electrode.folder / "md_prev.cpt", electrode.folder / "md.cpt")
    ran(electrode, "-deffnm", "md", "-cpi", "md.cpt", "-noappend", "-nsteps", "20")
    again = electrode.frames("md.part0002")
    first = again.steps[0]
    assert first < 60
    kept = whole.steps >= first
    assert np.array_equal(again.positions[: kept.sum()], whole.positions[kept])
    # frames beyond the checkpoint were made again, none twice
    steps = zarr.open_group(electrode.folder / "grids.zarr", mode="r")["step"][:].tolist()
    assert steps == sorted(set(steps))


def test_a_continuation_without_the_charges_is_refused(electrode, strong_model):
    electrode.grompp()
    electrode.jobs(charge_line(strong_model))
    ran(electrode, "-deffnm", "md", "-nsteps", "20")
    run = voxion_mdrun(electrode, "-deffnm", "md", "-cpi", "md.cpt", "-nsteps", "20", grompp=False)
    assert run.returncode == 1 and "add --grompp" in run.stderr and "Traceback" not in run.stderr
    # by mdrun's own means
    run = electrode.mdrun("md", "-cpi", "md.cpt", steps=20, common=OPTIONS)
    assert run.returncode == 1
    assert "in the run input are not those in effect then" in " ".join(run.stderr.split())
    (electrode.folder / "voxion.dat.state").unlink()
    run = electrode.mdrun("md", "-cpi", "md.cpt", steps=20, common=OPTIONS)
    assert "has nothing about step 20" in " ".join(run.stderr.split())
