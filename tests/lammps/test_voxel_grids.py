"""The grids of fix voxion/voxels against numpy's sums over the same atoms."""

import numpy as np
import pytest
import xarray

from voxion.engines.lammps import gather, lammps_session

from .voxel_harness import CUBE, TRICLINIC, array, atoms, fluid, grids, histogram, run_commands

SHAPE = (5, 4, 3)  # nz, ny, nx


def fix(path, *, window="1 1 1", channels="mass charge number", more="", group="all", name="v"):
    nz, ny, nx = SHAPE
    return (
        f"fix {name} {group} voxion/voxels {window} {nx} {ny} {nz} file {path} "
        f"channels {channels} {more}"
    )


@pytest.mark.parametrize("box", [CUBE, TRICLINIC])
@pytest.mark.parametrize("ensemble", ["nve", "npt temp 1.5 1.5 0.2 iso 3.0 3.0 0.5"])
def test_one_step(tmp_path, box, ensemble):
    path = tmp_path / "a.zarr"
    with lammps_session() as engine:
        run_commands(engine, *fluid(box), f"fix i all {ensemble}", fix(path, window="1 1 7"))
        run_commands(engine, "run 21")
        now = atoms(engine)
        expected = [histogram(engine, now[name], SHAPE) for name in ("mass", "charge", "number")]
        volume = engine.get_thermo("vol")
    frames = grids(path)
    assert frames.shape == (4, 3, *SHAPE)
    assert array(path, "step").tolist() == [0, 7, 14, 21]
    assert np.abs(frames[-1] - expected).max() < 1e-5
    # the sum on the grid is the sum over atoms
    totals = frames[-1].sum((1, 2, 3), dtype=float) * volume / np.prod(SHAPE)
    assert totals == pytest.approx(
        [now[n].sum() for n in ("mass", "charge", "number")], rel=1e-6, abs=1e-5
    )
    assert not np.allclose(frames[0], frames[-1], atol=0.1)


def test_windows_average_their_samples(tmp_path):
    """Three samples, two steps apart, at the end of every eight steps; the box changes."""
    path = tmp_path / "a.zarr"
    samples, boxes = [], []
    with lammps_session() as engine:
        run_commands(
            engine,
            *fluid(TRICLINIC),
            "fix i all npt temp 1.5 1.5 0.2 iso 5.0 5.0 0.3",
            fix(path, window="2 3 8", channels="charge mass"),
            "run 0 post no",
        )
        for step in range(1, 17):
            engine.command("run 1 pre no post no")
            if step in (4, 6, 8, 12, 14, 16):
                now = atoms(engine)
                samples.append([histogram(engine, now[n], SHAPE) for n in ("charge", "mass")])
                boxes.append(engine.extract_box()[1][0] - engine.extract_box()[0][0])
    expected = np.array(samples).reshape(2, 3, 2, *SHAPE).mean(1)
    assert np.abs(grids(path) - expected).max() < 1e-5
    assert array(path, "step").tolist() == [8, 16]
    assert array(path, "time") == pytest.approx([8 * 0.004, 16 * 0.004])
    edges = array(path, "box")[:, 0, 0]
    assert edges == pytest.approx(np.array(boxes).reshape(2, 3).mean(1))
    assert np.ptp(boxes) > 1e-3


@pytest.mark.parametrize("box", [CUBE, TRICLINIC])
def test_stress(tmp_path, box):
    """Local stress is LAMMPS's own per-atom stress, per volume, averaged before the norm."""
    path = tmp_path / "a.zarr"
    six = [f"stress_{c}" for c in ("xx", "yy", "zz", "xy", "xz", "yz")]
    samples = []
    with lammps_session() as engine:
        run_commands(
            engine,
            *fluid(box),
            "fix i all nve",
            "compute s all stress/atom NULL",
            fix(path, window="5 2 10", channels=" ".join(["shear", *six])),
        )
        for _ in range(2):
            engine.command("run 5 post no")
            stress = np.array(engine.numpy.extract_compute("s", 1, 2))[: len(gather(engine, "id"))]
            order = np.argsort(engine.numpy.extract_atom("id")[: len(stress)])
            samples.append([histogram(engine, column, SHAPE) for column in stress[order].T])
        pressure = [engine.get_thermo(p) for p in ("pxx", "pyy", "pzz", "pxy", "pxz", "pyz")]
    frame, last = grids(path)[0], np.array(samples[-1])
    expected = np.mean(samples, 0)
    assert np.abs(frame[1:] - expected).max() < 1e-4
    assert np.abs(frame[0] - np.sqrt((expected[3:] ** 2).sum(0))).max() < 1e-4
    # the mean over the grid is minus the pressure of the box
    assert last.mean((1, 2, 3)) == pytest.approx(-np.array(pressure), abs=1e-8)


def test_stress_is_asked_for_on_sampled_steps_only(tmp_path):
    """The per-atom virial is looked for after the forces of every step."""
    tallied = []
    with lammps_session() as engine:

        def ask(_, step, count, *others):
            try:
                engine.numpy.extract_compute("s", 1, 2)
                tallied.append(step)
            except Exception as error:
                assert "was not tallied" in str(error)

        run_commands(
            engine,
            *fluid(),
            "fix i all nve",
            fix(tmp_path / "a.zarr", window="4 2 12", channels="shear"),
            "compute s all stress/atom NULL",
            "fix e all external pf/callback 1 1",
        )
        engine.set_fix_external_callback("e", ask)
        engine.command("run 30")
    assert tallied == [0, 8, 12, 20, 24, 30]  # and the first and the last, for the pressure


def test_per_atom_values_of_computes_fixes_and_variables(tmp_path):
    path = tmp_path / "a.zarr"
    with lammps_session() as engine:
        run_commands(
            engine,
            *fluid(),
            "fix i all nve",
            fix(path, window="1 1 5", channels="c_pe c_x[2] v_w f_s f_m[1]"),
            "compute pe all pe/atom",
            "compute x all property/atom vx vy",
            "variable w atom q*mass",
            "fix s all store/state 0 q",
            "fix m all store/state 0 mass x",
            "run 5",
        )
        count = len(gather(engine, "id"))
        order = np.argsort(engine.numpy.extract_atom("id")[:count])
        energy = np.array(engine.numpy.extract_compute("pe", 1, 1))[:count][order]
        now = atoms(engine)
        columns = [energy, gather(engine, "v")[:, 1], now["charge"] * now["mass"]]
        columns += [now["charge"], now["mass"]]
        expected = [histogram(engine, column, SHAPE) for column in columns]
    frame = grids(path)[-1]
    assert np.abs(frame - expected).max() < 1e-4
    attributes = xarray.open_zarr(path).grid.attrs
    assert attributes["channels"] == ["c_pe", "c_x[2]", "v_w", "f_s", "f_m[1]"]
    assert attributes["units"][0] == "unit of c_pe/sigma^3"


def test_several_fixes_on_several_groups(tmp_path):
    names = {"all": "a", "two": "b"}
    with lammps_session() as engine:
        run_commands(engine, *fluid(), "fix i all nve")
        for group, name in names.items():
            channels = "charge number shear"
            run_commands(
                engine,
                fix(tmp_path / name, window="1 1 3", channels=channels, group=group, name=name),
            )
        engine.command("run 3")
        now = atoms(engine)
        for group, name in names.items():
            chosen = np.ones(len(now["type"])) if group == "all" else now["type"] == 2
            frame = grids(tmp_path / name)[-1]
            for channel, values in enumerate((now["charge"], now["number"])):
                expected = histogram(engine, values * chosen, SHAPE)
                assert np.abs(frame[channel] - expected).max() < 1e-5
        assert engine.extract_fix("a", 0, 0) == 2  # frames


def test_atoms_outside_a_box_that_does_not_repeat_count(tmp_path):
    path = tmp_path / "a.zarr"
    with lammps_session() as engine:
        run_commands(
            engine,
            *fluid(boundary="p p m"),
            "neigh_modify every 1000 delay 1000 check no",  # the box does not follow the atoms
            "fix i all nve",
            "velocity all set NULL NULL 30.0",
            fix(path, window="1 1 10"),
            "run 10",
        )
        now = atoms(engine)
        z, top = now["x"][:, 2], engine.extract_box()[1][2]
        assert (z > top).sum() > 10
        expected = histogram(engine, now["mass"], SHAPE, (True, True, False))
        volume = engine.get_thermo("vol")
    frame = grids(path)[-1]
    assert np.abs(frame[0] - expected).max() < 1e-5
    assert frame[2].sum() * volume / np.prod(SHAPE) == pytest.approx(len(z), rel=1e-6)


def test_cloud_in_cell(tmp_path):
    """A particle is shared linearly: moving the grid's averages, its dipole stays."""
    path = tmp_path / "a.zarr"
    with lammps_session() as engine:
        run_commands(
            engine,
            "units lj",
            "atom_style charge",
            "region box block 0 3 0 4 0 5",
            "create_box 1 box",
            "mass 1 2.0",
            "create_atoms 1 single 1.2 2.6 3.9",
            "pair_style zero 0.5",
            "pair_coeff * *",
            "comm_modify cutoff 1.0",
            fix(path, channels="mass", more="spread cic"),
            "run 0",
        )
    (frame,) = grids(path)[0]
    expected = np.zeros(SHAPE)
    for k, wz in ((3, 0.6), (4, 0.4)):
        for j, wy in ((2, 0.9), (3, 0.1)):
            for i, wx in ((0, 0.3), (1, 0.7)):
                expected[k, j, i] = 2.0 * wx * wy * wz
    assert np.abs(frame - expected).max() < 1e-6


def test_rerun(tmp_path):
    """The same grids from a trajectory as from the run that wrote it."""
    dump = tmp_path / "run.dump"
    with lammps_session() as engine:
        run_commands(
            engine,
            *fluid(),
            "fix i all nve",
            fix(tmp_path / "run.zarr", window="5 2 10"),
            f"dump d all custom 5 {dump} id type q x y z",
            "dump_modify d format float %.17g",
            "run 20",
        )
    with lammps_session() as engine:
        run_commands(
            engine,
            *fluid(),
            fix(tmp_path / "rerun.zarr", window="5 2 10"),
            f"rerun {dump} dump x y z",
        )
    assert np.allclose(grids(tmp_path / "run.zarr"), grids(tmp_path / "rerun.zarr"), atol=1e-5)
    assert len(grids(tmp_path / "rerun.zarr")) == 2


def test_rerun_of_other_steps_is_warned_of(tmp_path):
    dump, log = tmp_path / "run.dump", tmp_path / "log"
    with lammps_session(log=log) as engine:
        run_commands(
            engine,
            *fluid(),
            "fix i all nve",
            f"dump d all custom 10 {dump} id type q x y z",
            "run 20",
            "unfix i",
            "undump d",
            fix(tmp_path / "rerun.zarr", window="5 2 10"),
            f"rerun {dump} dump x y z",
        )
    assert "none of the run's steps was one of its samples" in log.read_text()
    assert len(array(tmp_path / "rerun.zarr", "step")) == 0


def test_rerun_that_skips_a_sample_gives_the_window_up(tmp_path):
    log = tmp_path / "log"
    with lammps_session(log=log) as engine:
        run_commands(engine, *fluid(), "fix i all nve")
        for step in (5, 20, 25, 30):
            run_commands(
                engine, f"run {step} upto", f"write_dump all custom {tmp_path}/{step} id x y z"
            )
    with lammps_session(log=log) as engine:
        run_commands(
            engine,
            *fluid(),
            fix(tmp_path / "rerun.zarr", window="5 2 10"),
            f"rerun {tmp_path}/5 {tmp_path}/20 {tmp_path}/25 {tmp_path}/30 dump x y z",
        )
    assert "step 10 of a window was not there at step 20" in log.read_text()
    assert array(tmp_path / "rerun.zarr", "step").tolist() == [30]


def test_a_group_that_loses_all_atoms_leaves_zeros(tmp_path):
    path, log = tmp_path / "a.zarr", tmp_path / "log"
    with lammps_session(log=log) as engine:
        run_commands(
            engine,
            *fluid(),
            "variable gone atom type==2",
            "group gone dynamic all var gone every 1",
            "fix i all nve",
            fix(path, window="1 1 5", group="gone", channels="mass shear"),
            "run 5",
            "delete_atoms group two",
            "run 5",
        )
    frames = grids(path)
    assert len(frames) == 3
    assert (np.ptp(frames[:2].reshape(4, -1), axis=1) > 0).all()
    assert not frames[2].any()


def test_a_dynamic_group_may_empty_itself(tmp_path):
    path, log = tmp_path / "a.zarr", tmp_path / "log"
    with lammps_session(log=log) as engine:
        run_commands(
            engine,
            *fluid(),
            "variable early atom step<8",
            "group early dynamic all var early every 1",
            "fix i all nve",
            fix(path, window="1 1 5", group="early"),
            "run 20",
        )
        count = engine.get_natoms()
        volume = engine.get_thermo("vol")
    frames = grids(path)
    sums = frames[:, 2].sum((1, 2, 3)) * volume / np.prod(SHAPE)
    assert sums == pytest.approx([count, count, 0, 0, 0], rel=1e-6)
    assert log.read_text().count("had no atoms in the window") == 1
