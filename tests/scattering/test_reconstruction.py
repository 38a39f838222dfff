"""Mixtures of structure factors: known ones are found again, and others are not."""

import numpy as np
import pytest

from voxion.errors import VoxionError
from voxion.scattering.reconstruction import Curve, peak_position, read_curve, reconstruct

Q = np.linspace(0.1, 2.0, 120)


def curve(period, error=0.0, q=Q):
    """A phase with a peak at 2 pi over its period."""
    s = 50 * np.exp(-(((q - 2 * np.pi / period) / 0.05) ** 2)) + 10 / (1 + (5 * q) ** 2) + 1
    return Curve(q, s, np.full(len(q), error))


PARTS = {"a": curve(20.0), "b": curve(25.0), "c": curve(32.0)}
SHARES = np.array([0.2, 0.5, 0.3])
TARGET = Curve(Q, sum(c * part.s for c, part in zip(SHARES, PARTS.values(), strict=True)), 0 * Q)


def test_a_true_mixture_is_rebuilt():
    q, found = reconstruct(TARGET, PARTS, {"classifier": (SHARES, np.zeros(3))})
    assert q[0] == Q[0] and q[-1] <= 1.0
    assert list(found) == ["classifier", "uniform", "best single", "least squares"]
    assert found["classifier"].residual == pytest.approx(0.0, abs=1e-12)
    assert found["classifier"].error == 0.0
    assert found["least squares"].fractions == pytest.approx(SHARES, abs=1e-6)
    assert list(found["best single"].fractions) == [0, 1, 0]
    assert found["uniform"].residual > 0.1


def test_nothing_is_better_than_least_squares():
    target = curve(28.0)
    rng = np.random.default_rng(2)
    mixtures = {str(i): (rng.dirichlet(np.ones(3)), np.zeros(3)) for i in range(50)}
    _, found = reconstruct(target, PARTS, mixtures)
    best = found.pop("least squares")
    assert best.residual <= min(one.residual for one in found.values())
    assert best.fractions.min() >= 0 and best.fractions.sum() == pytest.approx(1.0)


def test_errors_follow_from_those_of_the_shares_and_the_curves():
    _, exact = reconstruct(curve(28.0), PARTS, {"classifier": (SHARES, np.zeros(3))})
    _, shares = reconstruct(curve(28.0), PARTS, {"classifier": (SHARES, np.full(3, 0.05))})
    _, curves = reconstruct(curve(28.0, 2.0), PARTS, {"classifier": (SHARES, np.zeros(3))})
    assert exact["classifier"].error == pytest.approx(0.0, abs=1e-12)
    assert shares["classifier"].error > 0 and shares["uniform"].error == pytest.approx(
        0.0, abs=1e-12
    )
    assert curves["classifier"].error > 0 and curves["uniform"].error > 0


def test_only_common_wave_vectors_count():
    parts = {**PARTS, "c": curve(32.0, q=np.linspace(0.3, 0.8, 60))}
    q, _ = reconstruct(TARGET, parts, {"classifier": (SHARES, np.zeros(3))})
    assert q[0] >= 0.3 and q[-1] <= 0.8
    far = {**PARTS, "c": curve(32.0, q=np.linspace(1.5, 2.0, 60))}
    with pytest.raises(VoxionError, match="have 0 values of Q in common"):
        reconstruct(TARGET, far, {"classifier": (SHARES, np.zeros(3))})


def test_peaks():
    position, error = peak_position(curve(21.0, 0.5))
    assert position == pytest.approx(2 * np.pi / 21, abs=0.004)
    assert 0 < error < 0.01
    falling = Curve(Q, 1 / Q, 0 * Q)
    assert peak_position(falling) is None
    # noise alone
    assert peak_position(Curve(Q, 1 + 1 / Q, np.full(len(Q), 0.1)), largest=0.15) is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,b\n1,2\n", "no columns q and s"),
        ("q,s\n0.2,1\n0.1,2\n", "do not ascend"),
        ("q,s\n0.1,nan\n0.2,2\n", "not finite"),
        ("q,s\n0.1,x\n0.2,2\n", "could not convert"),
        ("", "no columns q and s"),
    ],
)
def test_damaged_tables_are_refused(tmp_path, text, message):
    path = tmp_path / "structure_factor.csv"
    path.write_text(text)
    with pytest.raises(VoxionError, match=message):
        read_curve(path)
