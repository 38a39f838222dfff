"""The stress of rigid bodies in voxels."""

import numpy as np
import pytest

from voxion.engines.lammps import gather, lammps_session

from .voxel_harness import array, grids, histogram, run_commands

SHAPE = (7, 6, 5)  # nz, ny, nx; voxels cut bodies
SIDE, SPACING, LENGTH = 4, 2.2, 0.9  # dimers along an edge, their distance, their length
EDGE = SIDE * SPACING
SIX = ("xx", "yy", "zz", "xy", "xz", "yz")
STRESS = " ".join(f"stress_{component}" for component in SIX)


def dimers(origin: float) -> str:
    """Data file of two-atom molecules on a lattice, each along a direction of its own."""
    rng = np.random.default_rng(5)
    lines = ["dimers", "", f"{2 * SIDE**3} atoms", "1 atom types", ""]
    lines += [f"{origin} {origin + EDGE} {axis}lo {axis}hi" for axis in "xyz"]
    lines += ["", "Masses", "", "1 1.0", "", "Atoms # molecular", ""]
    for molecule, site in enumerate(np.ndindex(SIDE, SIDE, SIDE)):
        direction = rng.normal(size=3)
        direction *= 0.5 * LENGTH / np.linalg.norm(direction)
        for number, sign in enumerate((-1.0, 1.0), start=1):
            x, y, z = origin + (np.array(site) + 0.5) * SPACING + sign * direction
            lines.append(f"{2 * molecule + number} {molecule + 1} 1 {x:.8f} {y:.8f} {z:.8f}")
    return "\n".join(lines) + "\n"


def dimer_fluid(folder, origin: float = 0.0) -> list[str]:
    data = folder / "dimers.data"
    data.write_text(dimers(origin))
    return [
        "units lj",
        "atom_style molecular",
        "atom_modify map yes",
        f"read_data {data}",
        "pair_style lj/cut 2.5",
        "pair_coeff * * 1 1",
        "neigh_modify exclude molecule/intra all",
        "velocity all create 1.5 4711",
        "timestep 0.002",
    ]


@pytest.fixture
def fluid(tmp_path) -> list[str]:
    return dimer_fluid(tmp_path)


def voxels(path, window: str = "1 1 20", channels: str = STRESS) -> str:
    grid = " ".join(map(str, SHAPE[::-1]))
    return f"fix v all voxion/voxels {window} {grid} file {path} channels {channels}"


def test_stress_does_not_depend_on_the_origin(tmp_path):
    """A shift of all positions and of the box changes nothing that can be measured."""
    stores = []
    for name, origin in (("here", 0.0), ("there", 100.0)):
        stores.append(tmp_path / f"{name}.zarr")
        with lammps_session() as engine:
            run_commands(engine, *dimer_fluid(tmp_path, origin))
            run_commands(engine, "fix r all rigid/nve/small molecule")
            run_commands(engine, "compute s all stress/atom NULL")
            run_commands(engine, voxels(stores[-1], channels=f"{STRESS} c_s[1]"), "run 20")
            pressure = [engine.get_thermo(f"p{component}") for component in SIX]
        frame = grids(stores[-1])[-1].astype(float)
        # the mean over the grid is minus the pressure of the box
        assert frame[:6].mean((1, 2, 3)) == pytest.approx(-np.array(pressure), abs=1e-4)
    here, there = (grids(store)[-1] for store in stores)
    spread = here[:6].std()
    assert np.abs(there[:6] - here[:6]).max() < 1e-2 * spread
    # which is not so of compute stress/atom
    assert (there[6] - here[6]).std() > 3 * spread


def test_local_stress_is_the_centroid_form(fluid, tmp_path):
    with lammps_session() as engine:
        run_commands(engine, *fluid, "fix r all rigid/nve/small molecule")
        run_commands(engine, "compute s all centroid/stress/atom NULL")
        run_commands(engine, voxels(tmp_path / "a.zarr", "2 2 10", f"shear {STRESS}"))
        samples = []
        for steps in (8, 2):
            engine.command(f"run {steps} post no")
            stress = np.array(engine.numpy.extract_compute("s", 1, 2))[: len(gather(engine, "id"))]
            order = np.argsort(engine.numpy.extract_atom("id")[: len(stress)])
            samples.append([histogram(engine, column, SHAPE) for column in stress[order].T[:6]])
    expected = np.mean(samples, 0)
    frame = grids(tmp_path / "a.zarr")[0]
    assert np.abs(frame[1:] - expected).max() < 1e-4
    assert np.abs(frame[0] - np.sqrt((expected[3:] ** 2).sum(0))).max() < 1e-4


def test_first_step_is_not_sampled(fluid, tmp_path):
    """Its constraint forces are not known; windows that need it wait for the next."""
    with lammps_session() as engine:
        run_commands(engine, *fluid, "fix r all rigid/nve/small molecule")
        run_commands(engine, voxels(tmp_path / "a.zarr"))
        run_commands(engine, voxels(tmp_path / "m.zarr", channels="mass").replace("fix v", "fix w"))
        run_commands(engine, "run 30", "run 10")
    assert array(tmp_path / "a.zarr", "step").tolist() == [20, 40]
    assert array(tmp_path / "m.zarr", "step").tolist() == [0, 20, 40]


@pytest.mark.parametrize(
    ("commands", "message"),
    [
        (
            ["fix r all rigid/nve molecule", "FIX"],
            "with fix r of style rigid/nve the stress of an atom depends on where its body is",
        ),
        (["FIX", "fix r all rigid/small molecule"], "put fix r of style rigid/small before it"),
    ],
)
def test_bodies_whose_stress_is_not_known_are_refused(fluid, tmp_path, commands, message):
    with lammps_session() as engine:
        run_commands(engine, *fluid)
        with pytest.raises(Exception, match=message):
            for command in commands:
                engine.command(voxels(tmp_path / "a.zarr") if command == "FIX" else command)
            engine.command("run 1")
        assert not (tmp_path / "a.zarr").exists()
