"""Bins of charges against cases worked out by hand."""

import numpy as np
import pytest

from voxion.charges.data.bins import BIN_WIDTH, EPSILON, ChargeBins
from voxion.errors import VoxionError

# bin 0: -1.0; bin 1 (-1.0, -0.9]: -0.95, -0.94, -0.91; bin 2: none; bin 3 (-0.8, -0.7]: -0.75
CHARGES = [-0.94, -1.0, -0.75, -0.95, -0.91]


def test_width_is_below_half_of_epsilon():
    assert BIN_WIDTH < EPSILON / 2


def test_bins_decode_to_medians_and_empty_ones_to_their_middle():
    bins = ChargeBins.fit(CHARGES, width=0.1)
    assert len(bins) == 4
    np.testing.assert_allclose(bins.values, [-1.0, -0.94, -0.85, -0.75])


def test_labels_count_bins_from_the_smallest_charge():
    bins = ChargeBins.fit(CHARGES, width=0.1)
    np.testing.assert_array_equal(bins.label([-1.0, -0.99, -0.91, -0.86, -0.75]), [0, 1, 1, 2, 3])


def test_charges_and_labels_beyond_the_bins_are_clamped():
    bins = ChargeBins.fit(CHARGES, width=0.1)
    np.testing.assert_array_equal(bins.label([-2.0, 5.0]), [0, 3])
    np.testing.assert_allclose(bins.decode([-3.4, 17.0]), [-1.0, -0.75])


def test_real_numbers_decode_to_the_nearest_bin():
    bins = ChargeBins.fit(CHARGES, width=0.1)
    np.testing.assert_allclose(bins.decode([[0.4, 0.6], [1.4, 2.6]]), [[-1, -0.94], [-0.94, -0.75]])


def test_decoding_a_label_errs_by_less_than_the_width():
    charges = np.random.default_rng(0).normal(-0.012, 0.0135, 5000)
    bins = ChargeBins.fit(charges)
    error = np.abs(bins.decode(bins.label(charges)) - charges)
    assert 0 < error.max() < BIN_WIDTH
    # a bin off by one is still within epsilon
    assert np.abs(bins.decode(bins.label(charges) + 1) - charges).max() < EPSILON


def test_equal_charges_make_one_bin():
    bins = ChargeBins.fit([0.2, 0.2])
    assert len(bins) == 1
    np.testing.assert_allclose(bins.decode(bins.label([0.2])), [0.2])


@pytest.mark.parametrize(("charges", "width"), [([], 0.1), ([np.nan], 0.1), ([1.0], 0.0)])
def test_unusable_input_is_refused(charges, width):
    with pytest.raises(VoxionError, match="finite charges"):
        ChargeBins.fit(charges, width)
