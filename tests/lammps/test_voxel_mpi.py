"""Grids on two MPI ranks are those on one, to rounding."""

import numpy as np
import pytest

from voxion.engines.lammps import lammps_session

from .voxel_harness import (
    CUBE,
    TRICLINIC,
    array,
    fluid,
    grids,
    lammps_program,
    run_commands,
)


def start_file(folder, box):
    """A liquid configuration, since LAMMPS draws random numbers by rank."""
    with lammps_session() as engine:
        run_commands(engine, *fluid(box), "fix i all nve", "run 100", f"write_data {folder}/data")


def run(folder, ranks, pair, commands, layout="* * *"):
    """All frames and boxes, made by the program on some ranks."""
    script = folder / f"in.{ranks}"
    name = f"{ranks}.zarr"
    lines = ["units lj", "atom_style charge", f"processors {layout if ranks > 1 else '* * *'}"]
    lines += [f"pair_style {pair}", "read_data data nocoeff", "pair_coeff * * 1 1"]
    if pair.startswith("zero"):
        lines[-1] = "pair_coeff * *"
    script.write_text("\n".join([*lines, *commands]).replace("STORE", name) + "\n")
    lammps_program(script, ranks)
    return grids(folder / name), array(folder / name, "box")


def scaled(frames):
    """In units of each channel's largest value."""
    return frames / np.abs(frames).max((0, 2, 3, 4))[None, :, None, None, None]


@pytest.mark.parametrize("layout", ["2 1 1", "1 1 2"])
@pytest.mark.parametrize(("box", "spread"), [(CUBE, "ngp"), (TRICLINIC, "ngp"), (TRICLINIC, "cic")])
def test_first_step_of_a_fluid(tmp_path, layout, box, spread):
    start_file(tmp_path, box)
    commands = [
        "fix v all voxion/voxels 1 1 5 7 6 5 file STORE channels mass charge stress_xy shear c_pe "
        f"spread {spread}",
        "compute pe all pe/atom",
        "run 0",
    ]
    one, two = (scaled(run(tmp_path, ranks, "lj/cut 2.5", commands, layout)[0]) for ranks in (1, 2))
    assert np.abs(one - two).max() < 1e-6
    assert (np.ptp(one, axis=(0, 2, 3, 4)) > 0.5).all()


def test_under_migration_and_a_changing_box(tmp_path):
    """Particles that cross the box many times, in windows of several samples."""
    start_file(tmp_path, TRICLINIC)
    commands = [
        "velocity all scale 400.0",
        "timestep 0.004",
        "fix v all voxion/voxels 3 5 30 7 6 5 file STORE channels number mass charge",
        "fix i all nve",
        "fix d all deform 1 x scale 1.2 xy delta 0.9 remap none flip no",
        "run 300",
    ]
    (one, box), (two, other_box) = (run(tmp_path, ranks, "zero 1.0", commands) for ranks in (1, 2))
    assert len(one) == 10
    assert box == pytest.approx(other_box)
    assert np.ptp(box[:, 0, 0]) > 0.5
    # a particle on the border of two voxels may fall on either side
    assert (np.abs(scaled(one) - scaled(two)) > 1e-5).mean() < 1e-3
    assert one.mean((2, 3, 4)) == pytest.approx(two.mean((2, 3, 4)), rel=1e-6, abs=1e-6)
    # the window's mean density times its mean volume, which changes little within a window
    assert one[:, 0].mean((1, 2, 3)) * np.linalg.det(box) == pytest.approx(
        np.full(10, 320), rel=1e-3
    )
