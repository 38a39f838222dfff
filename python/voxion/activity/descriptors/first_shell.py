"""The first peak and the first minimum of a radial distribution function, found in spite of noise.

Extrema are looked for in g(r) smoothed by a Gaussian, which makes none of its own: a polynomial
filter rings beside a sharp peak. A peak or minimum counts when it differs from the ground on either
side, as scipy's prominences define it, by more than the noise. Whether there is a minimum is asked
of a more strongly smoothed g, because shells are broader than peaks and noise averages out over
them; where it is, of the finer one. The peak's height is that of a quartic fitted to g around it
(Savitzky-Golay), since a Gaussian flattens narrow peaks.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import gaussian_filter1d
from scipy.signal import find_peaks, savgol_filter

from voxion.activity.descriptors.rdf import Floats, coordination_at

SMOOTHING = 0.07  # standard deviation of the Gaussian, angstrom
SHELL_SMOOTHING = 0.2  # the same, for whether there is a minimum
FIT_WIDTH, FIT_ORDER = 0.3, 4  # of the polynomial, angstrom
LARGEST_BIN = 0.05  # angstrom: a fit has seven bins at least
SIGNIFICANCE = 4.0  # standard errors of a difference that it must exceed
LEAST_PROMINENCE = 0.05  # of g; less is not called a peak, however good the statistics


@dataclass(frozen=True)
class Extrema:
    """Bins of the first peak, the first minimum and the next rise; None where there is none."""

    peak: int | None
    minimum: int | None
    following: int


def smoothed(g: Floats, width: float, deviation: float = SMOOTHING) -> Floats:
    """Smooth g [..., bins], bins of `width` angstrom, by a Gaussian."""
    return np.asarray(gaussian_filter1d(g, deviation / width, axis=-1, mode="nearest"))


def jackknife_error(left_out: Floats) -> Floats:
    """Return the error of B estimates [B, ...] that leave out one of B equal blocks each."""
    blocks = len(left_out)
    spread = ((left_out - left_out.mean(0)) ** 2).sum(0)
    return np.asarray(np.sqrt((blocks - 1) / blocks * spread))


def find_extrema(g: Floats, counting_error: Floats, left_out: Floats, width: float) -> Extrema:
    """Find the first peak and the first minimum after it.

    Parameters
    ----------
    g : ndarray [bins]
    counting_error : ndarray [bins]
        Standard error of g if all counted pairs are independent: the least that it can be.
    left_out : ndarray [B, bins]
        g without each of B blocks, from which the error is found too; B may be 0.
    width : float
        Width of a bin, angstrom.
    """
    fine, noise = _with_noise(g, counting_error, left_out, width, SMOOTHING)
    coarse, coarse_noise = _with_noise(g, counting_error, left_out, width, SHELL_SMOOTHING)
    last = len(g) - 1
    peak = _first_significant(fine, noise)
    if peak is None:
        return Extrema(None, None, last)
    after = _first_significant(-coarse[peak:], coarse_noise[peak:])
    if after is None:
        return Extrema(peak, None, last)
    minimum = peak + after
    beyond = _first_significant(coarse[minimum:], coarse_noise[minimum:])
    return Extrema(peak, minimum, last if beyond is None else minimum + beyond)


def measure_shell(
    g: Floats, smooth: Floats, running: Floats, extrema: Extrema, r_max: float
) -> dict[str, float]:
    """Measure the extrema that were found, of this or of a slightly different g(r).

    Parameters
    ----------
    g, smooth, running : ndarray [bins]
        g(r), smoothed g(r), coordination number at the outer edges.
    extrema : Extrema
        The peak is the highest point before the minimum, the minimum the lowest one between the
        peak and the next rise.
    r_max : float
        Outer edge of the last bin, angstrom.

    Returns
    -------
    dict
        ``r_peak``, ``g_peak`` and ``r_min``, ``cn``, as far as there is such an extremum.
    """
    width = r_max / len(g)
    found: dict[str, float] = {}
    if extrema.peak is None:
        return found
    end = extrema.following if extrema.minimum is None else extrema.minimum
    peak = int(np.argmax(smooth[: end + 1]))
    window = 2 * round(FIT_WIDTH / width / 2) + 1
    fitted = savgol_filter(g, window, FIT_ORDER, mode="nearest")
    found["r_peak"] = (peak + 0.5 + _vertex(smooth, peak)) * width
    found["g_peak"] = float(fitted[peak])
    if extrema.minimum is not None:
        valley = smooth[extrema.peak : extrema.following + 1]
        lowest = np.flatnonzero(valley <= valley.min())  # several where g is zero
        minimum = extrema.peak + int(lowest[len(lowest) // 2])
        found["r_min"] = (minimum + 0.5 + _vertex(smooth, minimum)) * width
        found["cn"] = coordination_at(running, r_max, found["r_min"])
    return found


def _with_noise(
    g: Floats, counting_error: Floats, left_out: Floats, width: float, deviation: float
) -> tuple[Floats, Floats]:
    """Smooth g, and give its standard error."""
    impulse = np.zeros(len(g))
    impulse[len(g) // 2] = 1.0
    weights = smoothed(impulse, width, deviation) ** 2
    variance = np.convolve(counting_error**2, weights, "same")
    if len(left_out):
        blocks = jackknife_error(smoothed(left_out, width, deviation)) ** 2
        # an error from few blocks is itself noisy: averaged over neighbouring bins
        variance = np.maximum(variance, smoothed(blocks, width, 2 * deviation))
    return smoothed(g, width, deviation), np.sqrt(variance)


def _first_significant(values: Floats, noise: Floats) -> int | None:
    """Return the first peak that stands out of the noise on both sides."""
    peaks, found = find_peaks(values, prominence=LEAST_PROMINENCE)
    significant = np.ones(len(peaks), bool)
    for ground in (found["left_bases"], found["right_bases"]):
        error = np.hypot(noise[peaks], noise[ground])
        significant &= values[peaks] - values[ground] > SIGNIFICANCE * error
    return int(peaks[significant][0]) if significant.any() else None


def _vertex(values: Floats, at: int) -> float:
    """Return the offset of a parabola's vertex from the middle one of three points, in bins."""
    if not 0 < at < len(values) - 1:
        return 0.0
    before, here, after = values[at - 1 : at + 2]
    curvature = before - 2.0 * here + after
    return 0.0 if curvature == 0 else float(np.clip(0.5 * (before - after) / curvature, -0.5, 0.5))
