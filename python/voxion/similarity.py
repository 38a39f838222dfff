"""Similarity of attributions, whichever the network."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray


def similarity(one: NDArray[Any], other: NDArray[Any]) -> float:
    """Return Spearman's rank correlation of two attributions; 0 if one of them is constant.

    Parameters
    ----------
    one, other : ndarray
        Arrays of the same shape.
    """
    from scipy.stats import spearmanr  # here, since it takes a second to import

    if not np.ptp(one) or not np.ptp(other):
        return 0.0
    return float(spearmanr(one, other, axis=None).statistic)
