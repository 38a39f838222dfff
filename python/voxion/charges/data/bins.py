"""Charge bins: a charge becomes the number of its bin, and a bin becomes its median charge.

Di Pasquale et al., J. Chem. Theory Comput. 17, 4477 (2021), section 2.3 and eq. 4.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from voxion.errors import VoxionError

# Charges closer than this act alike on the electrolyte (the paper's epsilon, e).
EPSILON = 0.015
# Below epsilon/2, so that a neighbouring bin is still a right answer (e).
BIN_WIDTH = 0.007


@dataclass(frozen=True)
class ChargeBins:
    """Bins of equal width between the smallest and the largest training charge.

    The number of a charge's bin is ceil((q - q_min) / b). (Eq. 4 as printed divides by
    q_max - q_min; q_max only fixes the number of bins.) Bin 0 thus holds q_min alone.

    Attributes
    ----------
    minimum : float
        q_min of the training charges, e.
    width : float
        b, e.
    values : ndarray [bins], float64
        Charge that each bin stands for: the median of the training charges in it, and the middle
        of the bin where there were none; e.
    """

    minimum: float
    width: float
    values: NDArray[np.float64]

    @classmethod
    def fit(cls, charges: ArrayLike, width: float = BIN_WIDTH) -> ChargeBins:
        """Bins of the training charges; pass the training part only, never the held-out frames.

        Parameters
        ----------
        charges : array of any shape
            Elementary charges.
        width : float
            Elementary charges.

        Raises
        ------
        VoxionError
            No charges, one that is not finite, or a width that is not positive.
        """
        values = np.sort(np.asarray(charges, np.float64).ravel())
        if not values.size or not np.isfinite(values).all() or not width > 0:
            raise VoxionError(
                f"Charge bins need finite charges and a positive width, found {values.size} "
                f"charges, {np.count_nonzero(~np.isfinite(values))} of them not finite, "
                f"and width {width} e: check the labels."
            )
        minimum = float(values[0])
        labels = _ceil(values, minimum, width)
        middles = minimum + (np.arange(labels[-1] + 1) - 0.5) * width
        starts = np.searchsorted(labels, np.arange(labels[-1] + 2))
        for label in np.unique(labels):
            middles[label] = np.median(values[starts[label] : starts[label + 1]])
        return cls(minimum, float(width), middles)

    def __len__(self) -> int:
        return len(self.values)

    def label(self, charges: ArrayLike) -> NDArray[np.int64]:
        """Return the number of the bin of each charge; beyond the bins that of the last one."""
        labels = _ceil(np.asarray(charges, np.float64), self.minimum, self.width)
        return np.clip(labels, 0, len(self) - 1)

    def decode(self, labels: ArrayLike) -> NDArray[np.float64]:
        """Turn bin numbers into charges, same shape; real numbers are rounded, then clamped."""
        rounded = np.clip(np.rint(np.asarray(labels, np.float64)), 0, len(self) - 1)
        return self.values[rounded.astype(np.int64)]


def _ceil(charges: NDArray[np.float64], minimum: float, width: float) -> NDArray[np.int64]:
    return np.ceil((charges - minimum) / width).astype(np.int64)
