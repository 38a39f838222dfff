"""Correlations, structure factors and length scales against analytic cases."""

import numpy as np
import pytest

from voxion.errors import VoxionError
from voxion.voxels.morphology.length_scales import length_scales, spatial_correlation

BOX = np.diag([24.0, 24.0, 24.0])


def _wave(cells: int, waves: int) -> np.ndarray:
    x = np.arange(cells) / cells
    return np.broadcast_to(np.cos(2 * np.pi * waves * x), (cells, cells, cells)).copy()


def _coordinates(cells: int) -> tuple[np.ndarray, ...]:
    return tuple(np.meshgrid(*[np.arange(cells)] * 3, indexing="ij"))


def _random_field(cells: int, edge: float, xi: float) -> np.ndarray:
    """Field whose spectrum is exactly exp(-(q xi)^2), with random phases."""
    noise = np.fft.fftn(np.random.default_rng(5).normal(size=(cells,) * 3))
    k = 2 * np.pi * np.fft.fftfreq(cells, edge / cells)
    z, y, x = np.meshgrid(k, k, k, indexing="ij")
    amplitude = np.exp(-(x**2 + y**2 + z**2) * xi**2 / 2)
    return np.fft.ifftn(amplitude * noise / np.abs(noise)).real


def test_cosine_has_its_period_and_the_correlation_of_lamellae():
    found = spatial_correlation(_wave(48, 4), BOX)
    period, q = 6.0, 2 * np.pi / 6.0
    # the average of cos(q x) over directions is sin(q r) / (q r)
    np.testing.assert_allclose(found.correlation[1:], np.sinc(q * found.r[1:] / np.pi), atol=0.03)
    assert found.q[found.structure_factor.argmax()] == pytest.approx(q, rel=0.02)
    scales = length_scales(found)
    assert scales.moment == pytest.approx(period, rel=1e-9)
    assert scales.zero_crossing == pytest.approx(period / 2, rel=0.03)
    assert scales.first_minimum == pytest.approx(4.4934 / q, rel=0.03)
    assert scales.first_maximum == pytest.approx(7.7253 / q, rel=0.03)


def test_random_field_of_known_correlation_length():
    xi = 1.5
    found = spatial_correlation(_random_field(32, 24.0, xi), BOX)
    inside = found.r < 5
    np.testing.assert_allclose(
        found.correlation[inside], np.exp(-((found.r[inside] / (2 * xi)) ** 2)), atol=0.02
    )
    small = (found.q > 0.3) & (found.q < 2)
    slope = np.polyfit(found.q[small] ** 2, np.log(found.structure_factor[small]), 1)[0]
    assert slope == pytest.approx(-(xi**2), rel=0.03)


def test_moment_of_a_gaussian_spectrum():
    xi = 0.7
    found = length_scales(spatial_correlation(_random_field(48, 48.0, xi), np.eye(3) * 48))
    # modes below the first are not in the box, so the moment is a little short
    assert found.moment == pytest.approx(2 * np.pi**1.5 * xi, rel=0.1)


def test_moment_of_two_waves():
    one, two = 3 * _wave(24, 2), _wave(24, 6)
    found = length_scales(spatial_correlation(one + two, np.eye(3) * 24))
    first, second = 9 * 12**2, 4**2  # amplitude^2 over q^2, in units of (2 pi)^2
    mean = (first / 12 + second / 4) / (first + second)
    assert found.moment == pytest.approx(1 / mean, rel=1e-9)


@pytest.mark.parametrize("box", [BOX, np.array([[20.0, 0, 0], [4, 18, 0], [-3, 5, 30]])])
def test_variance_is_the_grids(box):
    rng = np.random.default_rng(1)
    grid = rng.normal(size=(6, 8, 10))
    found = spatial_correlation(grid, box)
    assert found.variance == pytest.approx(grid.var(), rel=1e-12)
    assert found.correlation[0] == pytest.approx(1.0)


def test_shell_sums_give_the_variance():
    """Sum over all modes of S/V is the variance: shells times their number of modes."""
    grid = np.random.default_rng(2).normal(size=(8, 8, 8))
    found = spatial_correlation(grid)
    index = np.fft.fftfreq(8, 1 / 8)
    z, y, x = np.meshgrid(index, index, index, indexing="ij")
    shells = np.floor(np.sqrt(x**2 + y**2 + z**2) + 0.5).astype(int)
    numbers = np.bincount(shells.ravel())[1:]
    assert (numbers * found.structure_factor).sum() / 512 == pytest.approx(grid.var(), rel=1e-10)


def test_correlation_is_the_mean_product_of_neighbours():
    grid = np.random.default_rng(3).normal(size=(8, 8, 8))
    grid -= grid.mean()
    # shells reach half an edge either side: 1 along the axes, sqrt(2) along face diagonals
    shifts = [s for s in np.ndindex(3, 3, 3) if 0 < sum((i - 1) ** 2 for i in s) < 2.25]
    products = [(grid * np.roll(grid, tuple(i - 1 for i in s), (0, 1, 2))).mean() for s in shifts]
    found = spatial_correlation(grid)
    assert found.correlation[1] == pytest.approx(np.mean(products) / grid.var())
    assert found.r[1] == pytest.approx((6 + 12 * np.sqrt(2)) / 18)


def test_axes_are_x_y_z_of_the_box():
    z, _, _ = _coordinates(16)
    wave = np.cos(2 * np.pi * 2 * z / 16)
    long_z = spatial_correlation(wave, np.diag([10.0, 10.0, 40.0]))
    assert length_scales(long_z).moment == pytest.approx(20)
    long_x = spatial_correlation(wave, np.diag([40.0, 10.0, 10.0]))
    assert length_scales(long_x).moment == pytest.approx(5)


def test_triclinic_lags_take_the_nearest_image():
    """A box sheared by a whole lattice vector is the same crystal: the same radial averages."""
    z, y, x = _coordinates(12)
    rng = np.random.default_rng(4)
    kx, ky, kz = rng.integers(-2, 3, (3, 8))
    phase = rng.uniform(0, 6, 8)
    straight = sum(
        np.cos(2 * np.pi * (a * x + b * y + c * z) / 12 + p)
        for a, b, c, p in zip(kx, ky, kz, phase, strict=True)
    )
    # b' = b + a: the same point has x' = x - y, y' = y
    sheared = sum(
        np.cos(2 * np.pi * (a * (x + y) + b * y + c * z) / 12 + p)
        for a, b, c, p in zip(kx, ky, kz, phase, strict=True)
    )
    one = spatial_correlation(straight, np.eye(3) * 12)
    other = spatial_correlation(sheared, np.array([[12.0, 0, 0], [12, 12, 0], [0, 0, 12]]))
    kept = min(len(one.r), len(other.r))
    np.testing.assert_allclose(other.correlation[: kept - 1], one.correlation[: kept - 1], atol=0.1)
    assert length_scales(other).moment == pytest.approx(length_scales(one).moment)


def test_channels_add_their_covariances():
    rng = np.random.default_rng(6)
    one, two = rng.normal(size=(2, 8, 8, 8))
    both = spatial_correlation(np.stack([one, two]))
    first, second = spatial_correlation(one), spatial_correlation(two)
    weighted = first.variance * first.correlation + second.variance * second.correlation
    np.testing.assert_allclose(both.correlation, weighted / both.variance, atol=1e-12)


def test_a_correlation_without_a_crossing_has_no_such_lengths():
    smooth = spatial_correlation(_wave(16, 1))
    scales = length_scales(smooth)
    assert scales.zero_crossing is None
    assert scales.first_minimum is None
    assert scales.first_maximum is None
    assert scales.moment == pytest.approx(16, rel=1e-9)


@pytest.mark.parametrize(
    ("grid", "message"),
    [
        (np.ones((4, 4, 4)), "constant"),
        (np.full((4, 4, 4), np.nan), "finite"),
        (np.ones((4, 4)), r"\[4, 4\]"),
    ],
)
def test_wrong_grids_are_refused(grid, message):
    with pytest.raises(VoxionError, match=message):
        spatial_correlation(grid)
