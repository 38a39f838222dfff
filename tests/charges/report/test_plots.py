"""Figures: their numbers against independent counts, and wrong arrays."""

from itertools import pairwise

import numpy as np
import pytest
from matplotlib.collections import PolyCollection

from tests.charges.reference import graphene
from voxion.charges.analysis.density import DensityProfile
from voxion.charges.data.bins import EPSILON, ChargeBins
from voxion.charges.evaluation.scores import score_charges
from voxion.charges.report.plots import (
    charge_histogram,
    plot_histograms,
    plot_parity,
    plot_profiles,
    plot_s_curves,
    plot_series,
    plot_total_charges,
    share_below,
)
from voxion.charges.report.sheet_map import plot_error_map, sheet_patches
from voxion.errors import VoxionError

WIDTH = 0.007


@pytest.fixture
def charges() -> tuple[np.ndarray, np.ndarray]:
    """Reference and predicted charges of 12 frames of 60 atoms, errors up to 3 bins."""
    rng = np.random.default_rng(7)
    reference = rng.normal(-0.01, 0.02, (12, 60))
    return reference, reference + rng.normal(0.0, 0.01, reference.shape)


def test_histogram_counts_as_numpy_does(charges):
    reference, predicted = charges
    found = charge_histogram(reference, predicted, reference.min(), WIDTH)
    # bins closed above are numpy's bins, closed below, of the negative charges
    mirrored = -found.edges[::-1]
    for counted, values in ((found.reference, reference), (found.raw, predicted)):
        expected = np.histogram(-values, mirrored)[0][::-1] / len(values)
        np.testing.assert_allclose(counted, expected)
        assert counted.sum() == pytest.approx(60)


def test_within_one_bin_agrees_with_the_score(charges):
    reference, predicted = charges
    bins = ChargeBins.fit(reference, WIDTH)
    found = charge_histogram(reference, predicted, bins.minimum, WIDTH)
    expected = np.zeros_like(found.reference)
    for true, guess in zip(reference.ravel(), predicted.ravel(), strict=True):
        right, said = (int(np.ceil((q - bins.minimum) / WIDTH)) for q in (true, guess))
        index = right if abs(right - said) <= 1 else said
        expected[index - round((found.edges[1] - bins.minimum) / WIDTH)] += 1 / len(reference)
    np.testing.assert_allclose(found.within_one, expected)
    assert (
        np.abs(found.within_one - found.reference).sum() < np.abs(found.raw - found.reference).sum()
    )


def test_prediction_one_bin_off_everywhere_is_forgiven():
    reference = (np.arange(40) % 4 + 0.5).reshape(4, 10) * WIDTH
    found = charge_histogram(reference, reference + WIDTH, 0.0, WIDTH)
    np.testing.assert_allclose(found.within_one, found.reference)
    assert not np.allclose(found.raw, found.reference)
    far = charge_histogram(reference, reference + 2 * WIDTH, 0.0, WIDTH)
    np.testing.assert_allclose(far.within_one, far.raw)


def test_s_curve_at_epsilon_is_the_score(charges):
    reference, predicted = charges
    share = score_charges(reference, predicted).within_epsilon
    assert 0.5 < share < 0.95
    assert share_below(predicted - reference, EPSILON) == share
    figure = plot_s_curves({"model": predicted - reference}, {"constant": -0.01 - reference})
    model, point, constant, _, line = figure.axes[0].lines
    assert point.get_ydata()[0] == share
    assert line.get_xdata()[0] == EPSILON
    x, y = model.get_data()
    np.testing.assert_allclose(y, [(np.abs(predicted - reference) < t).mean() for t in x])
    assert y[-1] == 1.0
    assert np.all(np.diff(y) >= 0)
    assert f"{share:.1%}" in model.get_label()
    assert constant.get_linestyle() == "--"


def test_an_error_of_epsilon_is_not_below_it():
    assert share_below([0.0, EPSILON, -EPSILON, 1.0], EPSILON) == 0.25


def test_patches_tile_the_sheet_and_hold_their_atoms():
    sites, cell = graphene(5, 3)
    patches = sheet_patches(sites, cell)
    assert len(patches) == len(sites)
    for patch, site in zip(patches, sites, strict=True):
        np.testing.assert_allclose(_area(patch), cell[0, 0] * cell[1, 1] / len(sites), rtol=1e-6)
        np.testing.assert_allclose(np.unique(patch.round(6), axis=0).mean(0), site[:2], atol=1e-5)


def test_error_map_shows_errors_in_epsilon():
    sites, cell = graphene(3, 2)
    reference = np.linspace(-0.03, 0.01, len(sites))
    error = np.zeros(len(sites))
    error[:3] = 0.5 * EPSILON, 3 * EPSILON, -1.5 * EPSILON
    figure = plot_error_map(sites, cell, reference, reference + error, "model")
    panels = [axes for axes in figure.axes if axes.collections and axes.get_aspect() == 1.0]
    shown = [panel.collections[0].get_array() for panel in panels]
    assert all(isinstance(panel.collections[0], PolyCollection) for panel in panels)
    np.testing.assert_allclose(shown[0], reference)
    np.testing.assert_allclose(shown[1], reference + error)
    np.testing.assert_allclose(shown[2], error / EPSILON, atol=1e-12)
    np.testing.assert_allclose(shown[3], [0, 3, -1.5, *[0] * (len(sites) - 3)], atol=1e-12)
    assert "2 of 24 atoms" in panels[3].get_title(loc="left")


def test_error_map_of_a_perfect_model():
    sites, cell = graphene(2, 2)
    reference = np.linspace(-0.03, 0.01, len(sites))
    figure = plot_error_map(sites, cell, reference, reference, "model")
    figure.draw_without_rendering()
    assert "0 of 16 atoms" in figure.axes[3].get_title(loc="left")


def test_total_charges_show_sums_and_their_deviation():
    times = np.arange(20) * 0.5
    drifting, exact = -4 + 0.3 * np.sin(times), np.full(20, -4.0)
    figure = plot_total_charges(times, {"drifting": drifting, "exact": exact}, -4.0)
    lines = figure.axes[0].lines
    np.testing.assert_allclose(lines[0].get_ydata(), drifting)
    rms = np.sqrt(np.square(drifting + 4).mean())
    assert lines[0].get_label() == f"drifting: off by {rms:.2g} e (rms)"
    assert lines[1].get_label() == "exact: exact"
    np.testing.assert_allclose(lines[2].get_ydata(), -4.0)


def test_parity_counts_every_charge(charges):
    figure = plot_parity(*charges, "model")
    for axes in figure.axes[:2]:
        assert axes.collections[0].get_array().sum() == charges[0].size


def test_series_takes_the_least_and_the_most_varying_atom():
    rng = np.random.default_rng(1)
    reference = rng.normal(size=(30, 5)) * np.array([3.0, 1.0, 5.0, 0.1, 2.0])
    figure = plot_series(np.arange(30), reference, {"model": reference + 1})
    for axes, atom in zip(figure.axes, (3, 4, 2), strict=True):
        np.testing.assert_allclose(axes.lines[0].get_ydata(), reference[:, atom])
        np.testing.assert_allclose(axes.lines[1].get_ydata(), reference[:, atom] + 1)
        assert f"atom {atom + 1} " in axes.get_title(loc="left")


def test_profiles_overlay_runs_species_by_species():
    def profile(species: str, shift: float) -> DensityProfile:
        distance = np.arange(0.1, 30, 0.2)
        relative = 1 + shift + np.exp(-((distance - 3) ** 2))
        error = np.full_like(distance, 0.05)
        return DensityProfile(species, distance, relative, error, 0.03, 0.001, (10, 20), 50, 5)

    runs = {
        name: {species: profile(species, shift) for species in ("O", "Na")}
        for name, shift in (("reference", 0.0), ("model", 0.2))
    }
    figure = plot_profiles(runs, {"O": "water", "Na": "Na⁺"})
    near = figure.axes[::2]
    assert [axes.get_title(loc="left") for axes in near] == ["water", "Na⁺"]
    for axes in near:
        for line, run in zip(axes.lines, runs, strict=False):
            np.testing.assert_allclose(line.get_ydata(), runs[run]["Na"].relative)
        assert len(axes.collections) == len(runs)
    for axes in figure.axes[1::2]:
        x, y = axes.lines[0].get_data()
        fine = runs["reference"]["Na"].relative
        np.testing.assert_allclose(x, np.arange(30) + 0.5)
        np.testing.assert_allclose(y, fine.reshape(30, 5).mean(1))


def test_histogram_figure_draws_both_panels(charges):
    histogram = charge_histogram(*charges, charges[0].min(), WIDTH)
    left, right = plot_histograms(histogram, "model").axes
    for axes, counts in ((left, histogram.raw), (right, histogram.within_one)):
        np.testing.assert_allclose(axes.patches[1].get_data().values, counts)
        np.testing.assert_allclose(axes.patches[0].get_data().values, histogram.reference)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: charge_histogram(np.zeros((2, 3)), np.zeros((2, 4)), 0.0), r"\[2, 3\].*\[2, 4\]"),
        (lambda: charge_histogram(np.zeros(3), np.zeros(3), 0.0), "frames, surface atoms"),
        (lambda: plot_parity(np.zeros((0, 3)), np.zeros((0, 3)), "m"), "surface atoms"),
        (lambda: plot_parity(np.zeros((1, 2)), [[np.nan, 0]], "m"), "predicted.*not finite"),
        (lambda: plot_series([0.0], np.zeros((1, 3)), {"m": np.zeros((1, 2))}), "surface atoms"),
        (lambda: plot_total_charges([0, 1], {"m": [1.0]}, 1.0), "sums of m .* 2 frames"),
        (lambda: plot_s_curves({"m": [np.inf]}, {}), "errors, those of m"),
        (lambda: sheet_patches(np.zeros((4, 2)), np.eye(3)), r"positions \[M, 3\]"),
    ],
)
def test_wrong_arrays_are_refused(call, message):
    with pytest.raises(VoxionError, match=message):
        call()


def _area(polygon: np.ndarray) -> float:
    corners = [*polygon, polygon[0]]
    return 0.5 * abs(sum(a[0] * b[1] - a[1] * b[0] for a, b in pairwise(corners)))
