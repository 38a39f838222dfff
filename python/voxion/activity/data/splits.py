"""Splits of rows into those that train a model and those that only score it.

A random split leaves rows of the same membrane, at another concentration, on both sides: its score
is that of an interpolation. The split that leaves out all rows of a polymer, or of a polymer in a
salt, scores predictions for a new membrane.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import LeaveOneGroupOut, ShuffleSplit

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
        There is only one.
    """
    if len(np.unique(groups)) < 2:
        raise VoxionError(
            f"There is only {groups[0]}: without it, there are no rows left to train on."
        )
    parts = sorted(LeaveOneGroupOut().split(groups, groups=groups), key=lambda part: part[1][0])
    return [Split(str(groups[test[0]]), training, test) for training, test in parts]


def _random(rows: int, seed: int) -> Split:
    splitter = ShuffleSplit(1, test_size=rows // TEST_SHARE, random_state=seed)
    training, test = next(splitter.split(np.zeros(rows)))
    return Split(f"seed {seed}", np.sort(training), np.sort(test))
