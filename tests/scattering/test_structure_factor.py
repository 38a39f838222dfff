"""Structure factors against direct sums, an ideal gas, a crystal, freud and dynasor."""

import freud
import MDAnalysis
import numpy as np
import pytest
from dynasor.core.reciprocal import calc_rho_q

from voxion.errors import VoxionError
from voxion.scattering.amplitudes import amplitudes, summed_amplitudes, wave_vectors
from voxion.scattering.structure_factor import StructureFactor

CUBE = np.diag([21.0, 21.0, 21.0])
SHEARED = np.array([[18.0, 0.0, 0.0], [4.0, 22.0, 0.0], [-3.0, 5.0, 20.0]])


def universe(frames, cell, types=None) -> MDAnalysis.Universe:
    """Trajectory of positions [F, N, 3]; of one box, or of one for each frame."""
    frames = np.asarray(frames, np.float32)
    made = MDAnalysis.Universe.empty(frames.shape[1], trajectory=True)
    made.add_TopologyAttr("types", ["A"] * frames.shape[1] if types is None else types)
    cells = np.broadcast_to(cell, (len(frames), 3, 3))
    boxes = np.array([MDAnalysis.lib.mdamath.triclinic_box(*one) for one in cells], np.float32)
    made.load_new(frames, dimensions=boxes)
    return made


def random_positions(count, cell, seed=1, frames=1):
    rng = np.random.default_rng(seed)
    return rng.random((frames, count, 3)) @ cell


@pytest.mark.parametrize("cell", [CUBE, SHEARED])
def test_transform_is_the_sum(cell):
    """Also for positions outside of the box."""
    positions = random_positions(300, cell)[0] + 3 * cell[1]
    weights = np.random.default_rng(2).normal(size=(2, 300))
    waves = wave_vectors(cell, 2.5)
    fast = amplitudes(positions, weights, cell, waves)
    slow = summed_amplitudes(positions, weights, cell, waves)
    assert np.abs(fast - slow).max() < 1e-7 * np.abs(slow).max()


@pytest.mark.parametrize("cell", [CUBE, SHEARED])
def test_all_wave_vectors_are_there_once(cell):
    """All whole numbers in a range that is too large, and of Q and -Q one."""
    waves = wave_vectors(cell, 1.5)
    reach = np.arange(-9, 10)
    every = np.stack(np.meshgrid(reach, reach, reach, indexing="ij"), -1).reshape(-1, 3)
    lengths = np.linalg.norm(every @ (2 * np.pi * np.linalg.inv(cell).T), axis=1)
    expected = {tuple(one) for one in every[(lengths <= 1.5) & (lengths > 0)].tolist()}
    found = {tuple(one) for one in waves.indices.tolist()}
    assert len(found) == len(waves.indices) == len(expected) / 2
    assert found | {tuple(-np.array(one)) for one in found} == expected


def test_ideal_gas():
    """One everywhere; the spread of an average over M wave vectors is the inverse root of M."""
    frames = random_positions(2000, SHEARED, frames=20)
    run = StructureFactor(universe(frames, SHEARED).atoms, largest=2.0, bin_width=0.1).run()
    values, errors = run.weighted({"A": 1.0})
    assert errors is not None
    deviations = (values - 1.0) * np.sqrt(run.results.count)
    assert np.square(deviations).mean() == pytest.approx(1.0, abs=0.9)
    assert np.abs(deviations).max() < 4.5
    assert errors * np.sqrt(run.results.count) == pytest.approx(1.0, abs=0.95)


def test_bragg_peaks_of_a_crystal():
    """A simple cubic lattice scatters at the vectors of its reciprocal lattice, with N there."""
    spacing, count = 3.5, 6
    sites = spacing * np.stack(np.meshgrid(*[np.arange(count)] * 3, indexing="ij"), -1)
    cell = np.diag([spacing * count] * 3)
    positions = sites.reshape(1, -1, 3)
    run = StructureFactor(universe(positions, cell).atoms, largest=4.0, bin_width=0.01).run()
    values, errors = run.weighted({"A": 1.0})
    assert errors is None
    first = 2 * np.pi / spacing
    total = values * run.results.count
    peaks = run.results.wave_vector[total > 1e-3]
    assert peaks == pytest.approx([first, np.sqrt(2) * first, np.sqrt(3) * first, 2 * first], 1e-5)
    # of 3, 6, 4 and 3 pairs of vectors
    assert total[total > 1e-3] == pytest.approx(count**3 * np.array([3, 6, 4, 3]), rel=1e-5)


def test_freud_has_the_same():
    """Of the wave vectors without a negative number, which are those that freud takes."""
    positions = random_positions(500, CUBE)[0]
    waves = wave_vectors(CUBE, 2.9)
    octant = (waves.indices >= 0).all(1)
    intensity = np.abs(amplitudes(positions, np.ones((1, 500)), CUBE, waves)[0]) ** 2 / 500
    bins = (waves.lengths / 0.1).astype(int)[octant]
    count = np.bincount(bins, minlength=29)
    theirs = freud.diffraction.StaticStructureFactorDirect(bins=30, k_max=3.0)
    box = freud.box.Box.from_matrix(CUBE.T)
    theirs.compute((box, box.wrap(positions)))  # its boxes have their middle at the origin
    ours = np.bincount(bins, intensity[octant], 29)[count > 0] / count[count > 0]
    assert len(ours) > 20
    np.testing.assert_allclose(ours, theirs.S_k[:29][count > 0], rtol=2e-3)


def test_dynasor_has_the_same():
    """In a triclinic box, at all wave vectors; its sum is over float64."""
    positions = random_positions(400, SHEARED)[0]
    waves = wave_vectors(SHEARED, 2.0)
    vectors = waves.indices @ (2 * np.pi * np.linalg.inv(SHEARED).T)
    theirs = calc_rho_q(np.ascontiguousarray(positions), np.ascontiguousarray(vectors))
    ours = amplitudes(positions, np.ones((1, 400)), SHEARED, waves)[0]
    np.testing.assert_allclose(np.abs(ours) ** 2 / 400, np.abs(theirs) ** 2 / 400, atol=1e-6)


def test_partial_structure_factors_and_weights():
    types = ["A"] * 200 + ["B"] * 100
    positions = random_positions(300, SHEARED)
    run = StructureFactor(universe(positions, SHEARED, types).atoms, largest=1.0).run()
    assert run.results.types == ("A", "B")
    b = {"A": -3.7, "B": 5.8}
    values, _ = run.weighted(b)
    waves = wave_vectors(SHEARED, 1.0)
    weights = np.array([[b[t] for t in types]])
    intensity = np.abs(summed_amplitudes(positions[0], weights, SHEARED, waves)[0]) ** 2 / 300
    # means over bins, weighted by the number of wave vectors: the mean over all of them
    mean = values @ run.results.count / run.results.count.sum()
    assert mean == pytest.approx(intensity.mean(), rel=1e-5)
    assert run.results.count.sum() == len(waves.indices)
    np.testing.assert_allclose(run.results.partial, run.results.partial.swapaxes(1, 2))


def test_a_box_that_changes():
    """Each frame has the wave vectors of its box."""
    cells = np.array([CUBE, 1.3 * CUBE])
    frames = np.array([random_positions(50, cell)[0] for cell in cells])
    run = StructureFactor(universe(frames, cells).atoms, largest=1.2, bin_width=0.05).run()
    numbers = [len(wave_vectors(cell, 1.2).indices) for cell in cells]
    assert run.results.count.sum() == sum(numbers)
    assert run.results.wave_vector[0] == pytest.approx(2 * np.pi / (1.3 * 21.0), rel=1e-6)


def test_what_cannot_scatter_is_refused():
    gas = universe(random_positions(10, CUBE), CUBE)
    with pytest.raises(VoxionError, match="largest Q must be positive, found 0"):
        StructureFactor(gas.atoms, largest=0.0)
    with pytest.raises(VoxionError, match="no atoms"):
        StructureFactor(gas.atoms[:0])
    with pytest.raises(VoxionError, match=r"largest Q must be 0\.299 1/A at least"):
        StructureFactor(gas.atoms, largest=0.1).run()
    with pytest.raises(VoxionError, match="no scattering length for A"):
        StructureFactor(gas.atoms, largest=1.0).run().weighted({"B": 1.0})
    with pytest.raises(VoxionError, match="too many wave vectors"):
        StructureFactor(gas.atoms, largest=1e4).run()
    bare = MDAnalysis.Universe.empty(3, trajectory=True)
    bare.add_TopologyAttr("types", ["A"] * 3)
    with pytest.raises(VoxionError, match="frame 0 has no box"):
        StructureFactor(bare.atoms).run()
    broken = random_positions(10, CUBE)
    broken[0, 3] = np.nan
    with pytest.raises(VoxionError, match="positions that are not finite"):
        StructureFactor(universe(broken, CUBE).atoms).run()


def test_smallest_valid_is_that_of_the_shortest_edge():
    cell = np.diag([10.0, 20.0, 40.0])
    found = StructureFactor(universe(random_positions(50, cell), cell).atoms, 2.0).run().results
    assert found.smallest_valid == pytest.approx(2 * np.pi / 10, rel=1e-6)
    assert found.wave_vector[0] == pytest.approx(2 * np.pi / 40, rel=1e-6)


def test_form_factors_weigh_each_wave_vector():
    atoms = universe(random_positions(60, CUBE), CUBE, ["A"] * 40 + ["B"] * 20).atoms
    analysis = StructureFactor(atoms, 1.5).run()
    q = analysis.results.wave_vector
    values, _ = analysis.weighted({"A": np.exp(-q), "B": 2.0})
    partial = analysis.results.partial
    expected = np.exp(-2 * q) * partial[:, 0, 0] + 4 * partial[:, 1, 1]
    expected += 2 * np.exp(-q) * 2 * partial[:, 0, 1]
    assert values == pytest.approx(expected)
