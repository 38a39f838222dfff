"""Histograms of pair distances against InterRDF, all images by hand, and analytic cases."""

import itertools
import math

import MDAnalysis
import numpy as np
import pytest
from MDAnalysis.analysis.rdf import InterRDF
from MDAnalysis.coordinates.memory import MemoryReader
from MDAnalysis.lib.mdamath import triclinic_vectors

from voxion.activity.descriptors.rdf import (
    Surroundings,
    coordination_at,
    largest_radius,
    radial_distribution,
    running_coordination,
    shell_volumes,
    widths,
)

BOXES = {
    "orthogonal": (24.0, 31.0, 45.0, 90.0, 90.0, 90.0),
    "hexagonal": (30.0, 30.0, 26.0, 90.0, 90.0, 60.0),
    "triclinic": (27.0, 33.0, 29.0, 75.0, 82.0, 68.0),
    "large": (70.0, 60.0, 80.0, 80.0, 95.0, 100.0),  # many tiles
}


def gas(box, atoms, seed=0):
    """Positions all over space, cell."""
    cell = triclinic_vectors(np.array(box), dtype=np.float64)
    fractions = np.random.default_rng(seed).uniform(-1.0, 2.0, (atoms, 3))
    return (fractions @ cell).astype(np.float32).astype(np.float64), cell


def by_hand(first, second, cell, r_max, bins):
    """All pairs with all 125 nearest images."""
    shifts = np.array(list(itertools.product(range(-2, 3), repeat=3))) @ cell
    inverse = np.linalg.inv(cell)
    difference = first[:, None] - second[None]
    difference -= np.floor(difference @ inverse) @ cell
    distances = np.linalg.norm(difference[:, :, None] + shifts, axis=-1)
    return np.histogram(distances, bins=bins, range=(0.0, r_max))[0]


@pytest.mark.parametrize("box", BOXES.values(), ids=BOXES)
def test_counts_are_those_of_all_images(box):
    positions, cell = gas(box, 330)
    r_max = largest_radius(cell)
    first, second = positions[:30], positions[30:]
    counts = Surroundings(second, cell, r_max).count(first, 137)
    assert counts.sum() > 500
    np.testing.assert_array_equal(counts, by_hand(first, second, cell, r_max, 137))


def by_nearest_image(first, second, cell, r_max, bins):
    """All pairs with their nearest images, to half the smallest width."""
    inverse, counts = np.linalg.inv(cell), np.zeros(bins, int)
    for atom in first:
        difference = (second - atom) @ inverse
        difference -= np.rint(difference)
        distances = np.linalg.norm(difference @ cell, axis=1)
        counts += np.histogram(distances, bins=bins, range=(0.0, r_max))[0]
    return counts


@pytest.mark.parametrize("atoms", [(1, 4000), (700, 3300), (4000, 2)])
def test_tiles_miss_nothing(atoms):
    # more atoms: more tiles
    positions, cell = gas(BOXES["large"], sum(atoms))
    first, second = positions[: atoms[0]], positions[atoms[0] :]
    counts = Surroundings(second, cell, 9.0).count(first, 90)
    np.testing.assert_array_equal(counts, by_nearest_image(first, second, cell, 9.0, 90))


@pytest.mark.parametrize("box", BOXES.values(), ids=BOXES)
def test_neighbours_straight_across_a_tile(box):
    # as far from each other along the faces' normals as counts: on the edge of what a tile reaches
    first, cell = gas(box, 600)
    normals = np.linalg.inv(cell).T
    normals /= np.linalg.norm(normals, axis=1)[:, None]
    steps = 9.0 * (1 - 1e-5) * np.concatenate([normals, -normals])
    second = (first[:, None] + steps).reshape(-1, 3)
    counts = Surroundings(second, cell, 9.0).count(first, 90)
    np.testing.assert_array_equal(counts, by_nearest_image(first, second, cell, 9.0, 90))


@pytest.mark.parametrize("box", BOXES.values(), ids=BOXES)
def test_equal_to_inter_rdf(box):
    frames, ions, waters, r_max, bins = 4, 25, 400, 11.0, 220
    cell = triclinic_vectors(np.array(box), dtype=np.float64)
    rng = np.random.default_rng(1)
    positions = (rng.random((frames, ions + waters, 3)) @ cell).astype(np.float32)
    universe = MDAnalysis.Universe.empty(ions + waters, trajectory=True)
    universe.load_new(positions, format=MemoryReader, dimensions=np.array(box, np.float32))
    groups = universe.atoms[:ions], universe.atoms[ions:]
    theirs = InterRDF(*groups, nbins=bins, range=(0.0, r_max)).run().results
    counts, volume = np.zeros(bins), 0.0
    for step in universe.trajectory:
        cell = triclinic_vectors(step.dimensions, dtype=np.float64)
        counts += Surroundings(groups[1].positions, cell, r_max).count(groups[0].positions, bins)
        volume += np.linalg.det(cell)
    ours = radial_distribution(counts / frames, ions * waters, volume / frames, r_max)
    # InterRDF has distances of wrapped single-precision coordinates: a pair whose distance is a
    # bin's edge to some 1e-5 angstrom may be counted in the next bin
    assert np.abs(counts - theirs.count).sum() <= 4
    assert np.abs(np.cumsum(counts - theirs.count)).max() <= 1
    same = counts == theirs.count
    np.testing.assert_allclose(ours[same], theirs.rdf[same], rtol=1e-6)


def test_ideal_gas_is_one():
    positions, cell = gas(BOXES["orthogonal"], 6400, seed=2)
    counts = Surroundings(positions[400:], cell, 12.0).count(positions[:400], 24)
    volume = np.linalg.det(cell)
    g = radial_distribution(counts, 400 * 6000, volume, 12.0)
    expected = shell_volumes(12.0, 24) * 400 * 6000 / volume
    assert (np.abs(g - 1.0) < 5.0 / np.sqrt(expected)).all()
    running = running_coordination(counts, 400)
    density = 6000 / volume
    for radius in (5.0, 11.3):
        ball = 4.0 / 3.0 * math.pi * density * radius**3
        assert coordination_at(running, 12.0, radius) == pytest.approx(ball, rel=0.02)


def test_caesium_chloride_shells():
    # 8 neighbours at a sqrt(3)/2, 24 at a sqrt(11)/2, 24 at a sqrt(19)/2
    edge, cells = 4.12, 5
    sites = np.array(list(itertools.product(range(cells), repeat=3))) * edge
    cell = np.eye(3) * edge * cells
    counts = Surroundings(sites + edge / 2, cell, 10.0).count(sites, 1000)
    shells = np.flatnonzero(counts)
    expected = edge * np.sqrt(np.array([3.0, 11.0, 19.0])) / 2
    np.testing.assert_array_equal(shells, (expected * 100).astype(int))
    np.testing.assert_array_equal(counts[shells] / len(sites), (8, 24, 24))
    running = running_coordination(counts, len(sites))
    assert coordination_at(running, 10.0, 5.0) == 8
    assert coordination_at(running, 10.0, 8.0) == 32


def test_coordination_is_the_integral():
    # 4 pi rho integral of g r^2 over the bins, by the trapezoidal rule on a fine grid
    positions, cell = gas(BOXES["triclinic"], 1000, seed=3)
    first, second, r_max, bins = 100, 900, 10.0, 50
    counts = Surroundings(positions[first:], cell, r_max).count(positions[:first], bins)
    volume = float(np.linalg.det(cell))
    g = radial_distribution(counts, first * second, volume, r_max)
    r = np.linspace(0.0, 7.3, 200_001)
    steps = g[np.minimum((r / r_max * bins).astype(int), bins - 1)]
    integral = 4 * math.pi * second / volume * np.trapezoid(steps * r**2, r)
    running = running_coordination(counts, first)
    assert coordination_at(running, r_max, 7.3) == pytest.approx(integral, rel=1e-4)
    # and that many are counted directly
    assert running[-1] == counts.sum() / first


def test_coinciding_atoms_have_distance_zero():
    positions, cell = gas(BOXES["orthogonal"], 50)
    counts = Surroundings(positions, cell, 1e-3).count(positions, 10)
    assert counts[0] == 50 and counts.sum() == 50


def test_widths_of_a_sheared_box():
    cell = np.array([[10.0, 0.0, 0.0], [5.0, 10.0, 0.0], [0.0, 0.0, 30.0]])
    np.testing.assert_allclose(widths(cell), (10 / math.hypot(1, 0.5), 10.0, 30.0))
    assert largest_radius(cell) == pytest.approx(5 / math.hypot(1, 0.5))
