"""Restarts and kills: no frame lost, none twice, and nothing but finished frames in the store."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import xarray

from voxion.engines.lammps import lammps_session
from voxion.errors import VoxionError

from .voxel_harness import BIN, CUBE, FLUID, GAS, array, fluid, grids, run_commands, save_classifier

FIX = "fix v all voxion/voxels 2 3 10 4 4 8 file {} channels mass charge shear {}"
START = [*fluid(CUBE, template=FLUID), "fix i all nve"]


def again(restart: Path) -> list[str]:
    return [
        f"read_restart {restart}",
        "pair_style lj/cut 2.5",
        "pair_coeff * * 1 1",
        "fix i all nve",
    ]


def session(*commands: str, log=None) -> dict[str, float]:
    with lammps_session(log=log) as engine:
        run_commands(engine, *commands)
        return {"frames": engine.extract_fix("v", 0, 0)}


@pytest.mark.parametrize("half", [20, 27, 28, 36])
def test_two_halves_equal_the_whole(tmp_path, half):
    """Restarts between windows, between two samples, on a sample, and on the second one."""
    write = f"restart {half} {tmp_path}/*.restart"  # LAMMPS rebuilds its lists on such steps
    whole, parts = tmp_path / "whole.zarr", tmp_path / "parts.zarr"
    session(*START, FIX.format(whole, ""), write, f"run {2 * half}")
    session(*START, FIX.format(parts, ""), write, f"run {half}")
    restart = tmp_path / f"{half}.restart"
    last = session(*again(restart), FIX.format(parts, ""), write, f"run {half}")
    assert np.array_equal(array(whole, "step"), array(parts, "step"))
    assert array(whole, "step").tolist() == list(range(10, 2 * half + 1, 10))
    assert np.allclose(grids(whole), grids(parts), rtol=1e-5, atol=1e-5)
    assert np.array_equal(array(whole, "box"), array(parts, "box"))
    assert last["frames"] == len(grids(whole))


def test_frames_beyond_the_restart_are_made_again(tmp_path):
    store, log = tmp_path / "a.zarr", tmp_path / "log"
    session(*START, FIX.format(store, ""), f"restart 25 {tmp_path}/*.restart", "run 60")
    before = grids(store)
    assert len(before) == 6
    session(*again(tmp_path / "25.restart"), FIX.format(store, ""), "run 20", log=log)
    assert "4 frames of" in log.read_text()
    assert array(store, "step").tolist() == [10, 20, 30, 40]
    assert np.allclose(grids(store), before[:4], rtol=1e-4, atol=1e-4)


def test_classification_survives_a_restart(tmp_path):
    model = save_classifier(tmp_path / "m.pt")
    command = FIX.format(tmp_path / "a.zarr", f"classify {model}")
    session(*START, command, "run 14", f"write_restart {tmp_path}/r")
    probability = array(tmp_path / "a.zarr", "probability")[0]
    with lammps_session() as engine:
        run_commands(engine, *again(tmp_path / "r"), command, "run 0")
        assert engine.extract_fix("v", 0, 1, 0) == probability.argmax() + 1
        found = [engine.extract_fix("v", 0, 1, 2 + i) for i in range(2)]
        assert found == probability.tolist()


def test_a_run_may_go_on_without_a_restart_file(tmp_path):
    """A store that ends where the run begins is appended to."""
    store = tmp_path / "a.zarr"
    with lammps_session() as engine:
        run_commands(engine, *START, FIX.format(store, ""), "run 20", f"write_data {tmp_path}/d")
    data = [*START[:3], "pair_style lj/cut 2.5", f"read_data {tmp_path}/d", "fix i all nve"]
    data += ["timestep 0.004", "reset_timestep 20"]
    session(*data, FIX.format(store, ""), "run 20")
    assert array(store, "step").tolist() == [10, 20, 30, 40]


def test_somebodys_frames_are_not_overwritten(tmp_path):
    store = tmp_path / "a.zarr"
    session(*START, FIX.format(store, ""), "run 20")
    with pytest.raises(VoxionError, match="has frames up to step 20, this run begins at step 0"):
        session(*START, FIX.format(store, ""), "run 20")
    assert array(store, "step").tolist() == [10, 20]


def test_a_restart_of_another_store_is_not_taken_for_its_own(tmp_path):
    mine, other = tmp_path / "mine.zarr", tmp_path / "other.zarr"
    session(*START, FIX.format(mine, ""), "run 5", f"write_restart {tmp_path}/r")
    session(*START, FIX.format(other, ""), "run 20")
    with pytest.raises(VoxionError, match="does not continue the one that wrote them"):
        session(*again(tmp_path / "r"), FIX.format(other, ""), "run 5")


def test_another_window_than_the_restarts_is_given_up_in_words(tmp_path):
    log = tmp_path / "log"
    session(*START, FIX.format(tmp_path / "a.zarr", ""), "run 7", f"write_restart {tmp_path}/r")
    other = FIX.format(tmp_path / "b.zarr", "").replace("4 4 8", "4 4 4")
    session(*again(tmp_path / "r"), other, "run 13", log=log)
    assert "written with another grid" in log.read_text()
    assert array(tmp_path / "b.zarr", "step").tolist() == [20]


# --- kill -9

GAS_FIX = "fix v all voxion/voxels 1 2 4 6 6 6 file run.zarr channels number charge mass"
GAS_RUN = ["fix i all nve", GAS_FIX, "restart 40 *.restart"]


def gas_script(folder: Path, restart: Path | None, until: str) -> Path:
    lines = fluid(CUBE, template=GAS)
    if restart is not None:
        lines = [f"read_restart {restart.name}", "pair_style zero 1.0", "pair_coeff * *"]
    script = folder / "in.gas"
    script.write_text("\n".join([*lines, *GAS_RUN, until]) + "\n")
    return script


def start_lammps(script: Path) -> subprocess.Popen:
    command = [str(BIN / "lmp"), "-in", script.name, "-screen", "none", "-log", "log"]
    return subprocess.Popen(
        command, cwd=script.parent, stdin=subprocess.DEVNULL, start_new_session=True
    )


def restarts(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.restart"), key=lambda p: int(p.name.split(".")[0]))


def begun(process: subprocess.Popen, store: Path, before: int) -> bool:
    """Wait until a run writes; whether it does (a torn restart file stops it)."""
    for _ in range(6000):
        if process.poll() is not None:
            return False
        try:
            if os.stat(store / "zarr.json").st_mtime_ns > before and restarts(store.parent):
                return True
        except FileNotFoundError:
            pass
        time.sleep(0.005)
    raise AssertionError("the run did not begin")


def check_store(store: Path) -> int:
    """All frames that the store shows are whole; how many."""
    data = xarray.open_zarr(store)
    steps, grid = data.step.values, data.grid.values
    assert steps.tolist() == [4 * (n + 1) for n in range(len(steps))]
    assert np.isfinite(grid).all()
    volume = np.linalg.det(data.box.values)
    assert (grid[:, 0].mean((1, 2, 3)) * volume).round(4).tolist() == [256.0] * len(steps)
    assert np.array_equal(data.minimum.values, grid.min((2, 3, 4)))
    assert np.array_equal(data.maximum.values, grid.max((2, 3, 4)))
    assert np.allclose(data.time.values, steps * 0.004)
    return len(steps)


def test_killed_at_twenty_random_moments(tmp_path):
    """kill -9 twenty times, each time continued from the last restart file, under load."""
    store, chance = tmp_path / "run.zarr", random.Random(20)
    load = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(2)]
    try:
        for _ in range(20):
            before = os.stat(store / "zarr.json").st_mtime_ns if store.exists() else 0
            candidates = [*reversed(restarts(tmp_path)), None]
            for restart in candidates:  # the kill may have torn the last file
                process = start_lammps(gas_script(tmp_path, restart, "run 10000000"))
                if begun(process, store, before):
                    break
                restart.unlink()
            time.sleep(chance.uniform(0.0, 0.5))
            os.killpg(process.pid, signal.SIGKILL)  # lmp starts another program
            process.wait()
            check_store(store)
    finally:
        for process in load:
            process.kill()
    end = int(restarts(tmp_path)[-1].name.split(".")[0]) + 42
    for restart in reversed(restarts(tmp_path)):
        if start_lammps(gas_script(tmp_path, restart, f"run {end} upto")).wait() == 0:
            break
    frames = check_store(store)
    assert frames == end // 4 > 100
    whole = tmp_path / "whole"
    whole.mkdir()
    assert start_lammps(gas_script(whole, None, f"run {end}")).wait() == 0
    one, parts = grids(whole / "run.zarr"), grids(store)
    assert one.shape == parts.shape
    # the same particles in the same voxels, but for some on a border between two
    assert (np.abs(one - parts).max((1, 2, 3, 4)) > 1e-4).mean() < 0.01
    assert not list(store.rglob("*.partial"))
