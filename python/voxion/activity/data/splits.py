"""Which rows train a model and which ones only score it.

A random split leaves rows of the same membrane, at another concentration, on both sides: its score
says how well the model interpolates. The split that leaves out all of a polymer, or of a polymer
in a salt, says how well it meets the next membrane.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from voxion.activity.data.table import ActivityData
from voxion.errors import VoxionError

SplitKind = Literal["paper", "leave-one-polymer-out", "leave-one-pair-out"]
PAPER_SEEDS = (28, 42, 48)  # Naghshnejad et al., table 3
TEST_SHARE = 5  # one row of so many is tested, 20 %
Indices = NDArray[np.int64]


@dataclass(frozen=True)
class Split:
    """Rows of one data set, by their indices.

    Attributes
    ----------
    name : str
        The seed, or what is left out.
    training, test : ndarray of int
    """

    name: str
    training: Indices
    test: Indices


def splits_of(data: ActivityData, kind: SplitKind) -> list[Split]:
    """Split a data set.

    Parameters
    ----------
    data : ActivityData
    kind : "paper", "leave-one-polymer-out" or "leave-one-pair-out"
        paper: a random fifth is tested, once for each seed of the paper (for its 80 rows and seed
        28 these are its 16 test rows). The others leave out each polymer, or each polymer in one
        salt, once.

    Raises
    ------
    VoxionError
        There is too little to leave something out.
    """
    if kind not in get_args(SplitKind):
        raise VoxionError(
            f"There is no split {kind!r}: give one of {', '.join(get_args(SplitKind))}."
        )
    if kind == "paper":
        if len(data) < TEST_SHARE:
            raise VoxionError(f"{len(data)} rows are too few to test a fifth: give at least 5.")
        return [_random(len(data), seed) for seed in PAPER_SEEDS]
    groups = data.polymers if kind == "leave-one-polymer-out" else data.pairs
    return leave_one_out(groups)


def leave_one_out(groups: NDArray[np.str_]) -> list[Split]:
    """Leave out each group once, in the order of their first rows.

    Raises
    ------
    VoxionError
        There is but one.
    """
    names = list(dict.fromkeys(groups.tolist()))
    if len(names) < 2:
        raise VoxionError(f"There is only {names[0]}: without it, nothing is left to learn from.")
    return [
        Split(str(name), np.flatnonzero(groups != name), np.flatnonzero(groups == name))
        for name in names
    ]


def _random(rows: int, seed: int) -> Split:
    order = np.random.RandomState(seed).permutation(rows)  # the paper's generator
    test = rows // TEST_SHARE
    return Split(f"seed {seed}", np.sort(order[test:]), np.sort(order[:test]))
