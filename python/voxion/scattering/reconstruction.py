"""Structure factor of one material as a mixture of those of others, without a fit.

Dumortier and Mossa (J. Phys. Chem. B 124, 8918 (2020), equation 3) write that of Nafion as the sum
of those of surfactants with the shares that a classifier sees; beside it stand mixtures that need
no network, and the best that any mixture can do.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from voxion.errors import VoxionError
from voxion.files import parsing, read_text, refusing

DRAWS = 200  # for errors
SUM_WEIGHT = 1e3  # of the condition that shares add up to one, over the values'
_ADVICE = "write it again with 'voxion scattering structure-factor'"
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Curve:
    """A structure factor.

    Attributes
    ----------
    q : ndarray [B]
        1/angstrom, ascending.
    s : ndarray [B]
    error : ndarray [B]
        Standard errors; zero where they are not known.
    """

    q: Floats
    s: Floats
    error: Floats

    def drawn(self, random: np.random.Generator) -> Curve:
        """Return the curve with normal noise of its standard error."""
        return Curve(self.q, self.s + self.error * random.normal(size=len(self.s)), self.error)


@dataclass(frozen=True)
class Reconstruction:
    """A structure factor from a mixture.

    Attributes
    ----------
    fractions : ndarray [K]
    s : ndarray [B]
        At the Q of `overlap`.
    residual, error : float
        Root of the sum of (S - S_mixture)^2 over that of S^2, and its standard error from the
        errors of the structure factors.
    """

    fractions: Floats
    s: Floats
    residual: float
    error: float


def read_curve(path: Path) -> Curve:
    """Read ``structure_factor.csv``.

    Raises
    ------
    VoxionError
        It is another table, or has numbers that are not finite or Q that do not ascend.
    """
    rows = list(csv.DictReader(read_text(path, _ADVICE).splitlines()))
    with refusing(path, "structure factor", _ADVICE), parsing():
        if not rows or not {"q", "s"} <= set(rows[0]):
            raise ValueError("it has no columns q and s")
        q, s = (np.array([float(row[name]) for row in rows]) for name in ("q", "s"))
        error = np.array([float(row.get("s_error") or 0.0) for row in rows])
        if not (np.isfinite([q, s, error]).all() and (np.diff(q) > 0).all() and q[0] > 0):
            raise ValueError("its Q do not ascend, or a number is not finite")
    return Curve(q, s, error)


def overlap(target: Curve, parts: Sequence[Curve], largest: float) -> Floats:
    """Return those Q of a curve that all parts reach too, up to `largest`.

    Raises
    ------
    VoxionError
        There are fewer than five.
    """
    low = max(curve.q[0] for curve in (target, *parts))
    high = min(largest, *(curve.q[-1] for curve in (target, *parts)))
    q = target.q[(target.q >= low - 1e-9) & (target.q <= high)]
    if len(q) < 5:
        raise VoxionError(
            f"The structure factors have {len(q)} values of Q in common, from {low:.3g} to "
            f"{high:.3g} 1/A; at least five are needed: take smaller bins or a larger Q."
        )
    return q


def reconstruct(
    target: Curve,
    parts: Mapping[str, Curve],
    mixtures: Mapping[str, tuple[Floats, Floats]],
    largest: float = 1.0,
    seed: int = 0,
) -> tuple[Floats, dict[str, Reconstruction]]:
    """Rebuild a structure factor from mixtures of others, and from the trivial alternatives.

    Parameters
    ----------
    target : Curve
    parts : mapping of label to Curve
        K structure factors.
    mixtures : mapping of name to (fractions [K], errors [K])
        In the order of the parts. None of them is fitted.
    largest : float
        Largest Q, 1/angstrom.
    seed : int
        Of the draws that errors are taken from.

    Returns
    -------
    q : ndarray [B]
    reconstructions : dict of name to Reconstruction
        The mixtures; then ``uniform``, equal shares; ``best single``, that part which is closest;
        and ``least squares``, the best mixture there is. The last two know the target.

    Raises
    ------
    VoxionError
        The curves have too few Q in common.
    """
    q = overlap(target, list(parts.values()), largest)
    random = np.random.default_rng(seed)
    given = {**mixtures, "uniform": (np.full(len(parts), 1 / len(parts)), np.zeros(len(parts)))}
    names = [*given, "best single", "least squares"]

    def all_of(
        target: Curve, parts: Sequence[Curve], shares: Mapping[str, Floats]
    ) -> list[tuple[Floats, Floats, float]]:
        wanted = np.interp(q, target.q, target.s)
        basis = np.array([np.interp(q, part.q, part.s) for part in parts])
        found = [*shares.values(), _best_single(wanted, basis), _least_squares(wanted, basis)]
        return [(c, c @ basis, _residual(wanted, c @ basis)) for c in found]

    exact = all_of(target, list(parts.values()), {name: c for name, (c, _) in given.items()})
    drawn = [
        all_of(
            target.drawn(random),
            [part.drawn(random) for part in parts.values()],
            {name: _drawn_shares(c, error, random) for name, (c, error) in given.items()},
        )
        for _ in range(DRAWS)
    ]
    errors = np.std([[residual for _, _, residual in draw] for draw in drawn], axis=0)
    return q, {
        name: Reconstruction(c, s, residual, float(error))
        for name, (c, s, residual), error in zip(names, exact, errors, strict=True)
    }


def peak_position(curve: Curve, largest: float = 0.6, seed: int = 0) -> tuple[float, float] | None:
    """Return the position of the highest peak at small Q and its standard error, 1/angstrom.

    Parameters
    ----------
    curve : Curve
    largest : float
        Largest Q of a peak.
    seed : int
        Of the draws that the error is taken from.

    Returns
    -------
    (position, error) or None
        None where S(Q) has no maximum between its smallest Q and `largest`, as that of a phase
        whose period is longer than the box; or none in half of the draws.
    """
    position = _peak(curve, largest)
    random = np.random.default_rng(seed)
    drawn = [_peak(curve.drawn(random), largest) for _ in range(DRAWS)]
    found = [one for one in drawn if one is not None]
    if position is None or len(found) < DRAWS / 2:
        return None
    return position, float(np.std(found))


def _peak(curve: Curve, largest: float) -> float | None:
    near = curve.q <= largest
    q, s = curve.q[near], curve.s[near]
    if len(q) < 3:
        return None
    top = int(s.argmax())
    if top in (0, len(q) - 1):
        return None
    # the vertex of the parabola through the three points
    a, b, _ = np.polyfit(q[top - 1 : top + 2], s[top - 1 : top + 2], 2)
    return float(-b / (2 * a))


def _residual(wanted: Floats, found: Floats) -> float:
    return float(np.sqrt(((wanted - found) ** 2).sum() / (wanted**2).sum()))


def _best_single(wanted: Floats, basis: Floats) -> Floats:
    best = np.argmin([_residual(wanted, part) for part in basis])
    shares: Floats = np.eye(len(basis))[best]
    return shares


def _least_squares(wanted: Floats, basis: Floats) -> Floats:
    """Return shares that are not negative, add up to one, and fit best."""
    scale = np.sqrt((wanted**2).mean())
    rows = np.vstack([basis.T / scale, SUM_WEIGHT * np.ones(len(basis))])
    shares: Floats = nnls(rows, np.append(wanted / scale, SUM_WEIGHT))[0]
    return shares / shares.sum()


def _drawn_shares(shares: Floats, error: Floats, random: np.random.Generator) -> Floats:
    drawn: Floats = np.maximum(shares + np.nan_to_num(error) * random.normal(size=len(shares)), 0)
    return drawn / drawn.sum()
