"""Morphology of phases whose numbers are known."""

import json
import math

import numpy as np
import pytest

from voxion.errors import VoxionError
from voxion.voxels.morphology.measures import (
    euler_characteristic,
    interface_area,
    label_clusters,
    measure_phase,
    otsu_threshold,
)
from voxion.voxels.morphology.tortuosity import tortuosity

N = 32
CUBE = np.eye(3) * 16.0  # voxels of half a unit
NO = {"x": False, "y": False, "z": False}


def _angles(cells: int = N) -> list[np.ndarray]:
    """X, y, z of the voxels' middles in radians, each [nz, ny, nx]."""
    at = 2 * np.pi * (np.arange(cells) + 0.5) / cells
    z, y, x = np.meshgrid(at, at, at, indexing="ij")
    return [x, y, z]


def _ball(radius: float, cells: int = N) -> np.ndarray:
    """Distance from the box's corner, less than `radius` inside: a ball across all boundaries."""
    at = np.minimum(np.arange(cells) + 0.5, cells - np.arange(cells) - 0.5)
    z, y, x = np.meshgrid(at, at, at, indexing="ij")
    return radius - np.sqrt(x**2 + y**2 + z**2)


def _gyroid(cells: int = N) -> np.ndarray:
    x, y, z = _angles(cells)
    return np.sin(x) * np.cos(y) + np.sin(y) * np.cos(z) + np.sin(z) * np.cos(x)


def test_lamellae():
    x = _angles()[0]
    found = measure_phase(np.cos(4 * x), CUBE, 0.0)
    assert found.volume_fraction == 0.5
    assert found.clusters == 4
    assert found.largest_cluster == 0.25
    assert found.percolates == {"x": False, "y": True, "z": True}
    assert found.tortuosity == {
        "x": math.inf,
        "y": pytest.approx(1.0, abs=1e-12),
        "z": pytest.approx(1.0, abs=1e-12),
    }
    assert found.domain_size == pytest.approx(4.0, rel=0.15)  # a square wave has overtones
    assert found.zero_crossing == pytest.approx(2.0, rel=0.05)
    assert found.mean_chord == {"x": 2.0, "y": math.inf, "z": math.inf}
    assert found.interface_area == pytest.approx(8 / 16, rel=1e-3)
    assert found.euler_characteristic == 0  # each lamella is a torus times an interval


def test_channel_along_each_axis_is_straight():
    for index, axis in enumerate("xyz"):
        angles = _angles(16)
        del angles[index]
        channel = -(np.cos(angles[0]) + np.cos(angles[1]))
        found = measure_phase(channel, np.diag([8.0, 12.0, 20.0]), 0.5)
        assert found.percolates == {**NO, axis: True}
        assert found.tortuosity[axis] == pytest.approx(1.0, abs=1e-12)
        assert found.euler_characteristic == 0
        assert found.clusters == 1


def test_ball_across_the_corner_is_one_cluster():
    found = measure_phase(_ball(10.0), CUBE, 0.0)
    assert found.clusters == 1
    assert found.percolates == NO
    assert found.euler_characteristic == 1
    assert found.volume_fraction == pytest.approx(4 / 3 * np.pi * 10**3 / N**3, rel=0.01)
    # mean chord along an axis: volume over projected area
    assert found.mean_chord["y"] == pytest.approx(4 / 3 * 10 * 0.5, rel=0.03)
    assert found.interface_area == pytest.approx(4 * np.pi * 5**2 / 16**3, rel=0.01)
    around = measure_phase(_ball(10.0), CUBE, 0.0, below=True)
    assert around.volume_fraction == pytest.approx(1 - found.volume_fraction)
    # the three-torus, 0, less the ball, 1, and with the sphere between them, 2
    assert around.euler_characteristic == 1
    assert around.percolates == {"x": True, "y": True, "z": True}


def test_hollow_ball_and_ring():
    distance = 10 - _ball(10.0, 24)
    shell = (distance > 6) & (distance < 10)
    assert euler_characteristic(shell) == 2
    ring = np.zeros((8, 8, 8), bool)
    ring[2:6, 2:6, 3] = True
    ring[3:5, 3:5, 3] = False
    assert euler_characteristic(ring) == 0


def test_spheres_on_a_lattice():
    cells, per_axis = 32, 2
    ball = np.tile(_ball(4.5, cells // per_axis), (per_axis,) * 3)
    found = measure_phase(ball, CUBE, 0.0)
    assert found.clusters == 8
    assert found.euler_characteristic == 8
    assert found.largest_cluster == pytest.approx(1 / 8)
    # neighbours at half the box
    assert found.first_maximum == pytest.approx(8.0, rel=0.2) or found.first_maximum is None


def test_tortuosity_around_a_sphere_is_maxwells():
    """Dilute insulating spheres: Deff = 2 phi / (3 - phi), exact up to high orders of 1 - phi."""
    coarse, fine = (_ball(9 / 32 * cells, cells) < 0 for cells in (32, 64))
    rough, values = (
        [tortuosity(outside, np.ones(3), axis) for axis in axes]
        for outside, axes in ((coarse, "xyz"), (fine, "x"))
    )
    np.testing.assert_allclose(rough, rough[0], rtol=1e-6)
    expected = (3 - fine.mean()) / 2
    assert 1.04 < expected < 1.05
    # the steps of the voxels lengthen the path in proportion to their edge
    assert expected < values[0] < rough[0] < expected + 0.02
    assert 2 * values[0] - rough[0] == pytest.approx(expected, rel=0.002)


def test_inclined_lamellae_double_the_path():
    """Lamellae at 45 degrees conduct cos^2 45 = 1/2 of their fraction along x and along y."""
    x, y, _ = _angles(64)
    inclined = (np.cos(x - y) > 0)[:2]
    values = [tortuosity(inclined, np.ones(3), axis) for axis in "xyz"]
    assert values[0] == pytest.approx(2, rel=0.04)
    assert values[1] == pytest.approx(values[0], rel=1e-6)
    assert values[2] == pytest.approx(1, abs=1e-9)


def test_tortuosity_knows_the_edges_of_a_voxel():
    """A zigzag of straight stretches: twice as long a detour costs twice as much."""
    path = np.zeros((1, 8, 8), bool)
    path[0, 1, :5] = path[0, 5, 4:] = True
    path[0, 1:6, 4] = path[0, 1:6, 0] = True
    path[0, 1, 0] = path[0, 5, 0] = True
    for height in (1.0, 2.0):
        # 8 steps along x and twice 4 along y, in a line, through faces of area 1 x height or 1 x 1
        resistance = 8 / height + 8 * height
        conductance = 8 / (8 * height) / resistance  # flux density per unit of gradient
        found = tortuosity(path, np.array([1.0, height, 1.0]), "x")
        assert found == pytest.approx(path.mean() / conductance, rel=1e-6)


def test_gyroid():
    found = measure_phase(_gyroid(), CUBE, 0.0)
    assert found.volume_fraction == pytest.approx(0.5, abs=0.005)
    assert found.clusters == 1
    assert found.percolates == {"x": True, "y": True, "z": True}
    # one labyrinth of the cubic cell has half the Euler characteristic of the surface, -8
    assert found.euler_characteristic == -4
    # the area of the gyroid's cubic cell is 3.09 a^2
    assert found.interface_area * 16 == pytest.approx(3.09, rel=0.01)
    tortuosities = list(found.tortuosity.values())
    np.testing.assert_allclose(tortuosities, tortuosities[0], rtol=1e-5)
    lower = (3 - found.volume_fraction) / 2  # Hashin and Shtrikman, isotropic
    assert lower < tortuosities[0] < 2


def test_a_diagonal_channel_percolates_along_both_axes():
    x, y, z = np.meshgrid(*[np.arange(8)] * 3, indexing="ij")[::-1]
    diagonal = ((x - y) % 8 < 2) & (z == 3)
    labels, percolates = label_clusters(diagonal)
    assert labels.max() == 1
    assert percolates == {"x": True, "y": True, "z": False}


def test_spanning_without_meeting_itself_is_no_percolation():
    """A rod that reaches from face to face of the box, but at different heights at the two."""
    stairs = np.zeros((8, 8, 8), bool)
    stairs[2, 2, :5] = stairs[2:6, 2, 4] = stairs[5, 2, 4:] = True
    assert label_clusters(stairs)[1] == NO
    stairs[2:6, 2, 0] = True
    assert label_clusters(stairs)[1] == {**NO, "x": True}


def test_clusters_through_a_boundary_are_one():
    phase = np.zeros((4, 4, 4), bool)
    phase[0, 0, 0] = phase[3, 0, 0] = phase[0, 3, 0] = phase[2, 2, 2] = True
    labels, percolates = label_clusters(phase)
    assert labels.max() == 2
    assert labels[0, 0, 0] == labels[3, 0, 0] == labels[0, 3, 0] != labels[2, 2, 2]
    assert percolates == NO


def test_triclinic_box_has_area_and_no_tortuosity():
    y = _angles()[1]
    box = np.array([[10.0, 0, 0], [4.0, 8.0, 0], [0, 0, 5.0]])
    found = measure_phase(np.cos(y), box, 0.0)
    assert found.tortuosity is None
    # two planes spanned by the first and the third vector
    assert found.interface_area == pytest.approx(2 * 50 / 400, rel=1e-3)
    assert interface_area(np.cos(y), CUBE, 0.0) == pytest.approx(2 / 16, rel=1e-3)


def test_otsu_splits_two_populations():
    rng = np.random.default_rng(1)
    values = np.where(rng.random((16, 16, 16)) < 0.3, 5.0, 1.0) + rng.normal(0, 0.3, (16,) * 3)
    assert 2 < otsu_threshold(values) < 4


def test_json_has_no_infinity():
    found = measure_phase(_ball(10.0), CUBE, 0.0)
    text = json.dumps(found.to_dict(), allow_nan=False)
    assert json.loads(text)["tortuosity"] == {axis: "infinite" for axis in "xyz"}


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: measure_phase(_gyroid(8), CUBE, 9.0), "9 puts no voxel .* range"),
        (lambda: measure_phase(_gyroid(8), CUBE, -9.0), "-9 puts every voxel"),
        (lambda: measure_phase(np.full((4, 4, 4), np.nan), CUBE, 0.0), "finite"),
        (lambda: measure_phase(np.ones((2, 4, 4, 4)), CUBE, 0.0), r"\[2, 4, 4, 4\]"),
        (lambda: otsu_threshold(np.ones((4, 4, 4))), "constant"),
    ],
)
def test_wrong_input_is_refused(call, message):
    with pytest.raises(VoxionError, match=message):
        call()
