"""Fits the linear response of a sheet: ridge least squares in float64.

Frames are added up into moments one by one, so that any number of them fits into memory.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from voxion.charges.data.features import SiteFrames
from voxion.charges.models.site_potentials import SitePotentialsModel

# Penalties tried, relative to features of unit variance; the validation part chooses.
PENALTIES = tuple(10.0**n for n in range(-12, 0))
# A mean potential that varies less is none (e/angstrom), and what varies so much less than another
# combination of them is noise.
LEAST_MEAN, SAME_DIRECTION = 1e-9, 1e-6
# What the linear response leaves is not known below this (e): moments are differences.
ROUNDING = 1e-9


@dataclass(frozen=True)
class Moments:
    """Sums over sites of products of features x [P] and response y, per site."""

    xx: NDArray[np.float64]
    xy: NDArray[np.float64]
    yy: float

    def remainder(self, last: NDArray[np.float64]) -> Moments:
        """Moments of the first features, with what the last ones explain taken from the response.

        Parameters
        ----------
        last : ndarray [L]
            Coefficients of the last L features.
        """
        n = len(self.xy) - len(last)
        xy = self.xy - self.xx[:, n:] @ last
        return Moments(self.xx[:n, :n], xy[:n], self.yy - float(last @ (self.xy[n:] + xy[n:])))

    def squared_error(self, coefficients: NDArray[np.float64]) -> float:
        """Mean of (y - x c)^2."""
        fitted = 2 * self.xy @ coefficients - coefficients @ self.xx @ coefficients
        return max(0.0, self.yy - float(fitted))


def centred_sums(
    model: SitePotentialsModel, frames: SiteFrames, layer: int = 0
) -> Iterable[tuple[Tensor, Tensor]]:
    """Shell sums [M, L S K] and charges [M] of a layer's M sites, relative to the layer's mean."""
    model.find_neighbours(torch.from_numpy(frames.surface_positions), torch.from_numpy(frames.cell))
    sites = torch.nonzero(model.members[:, layer]).flatten()
    for potentials, charges in zip(frames.potentials, frames.charges, strict=True):
        sums = model.shell_sums(torch.from_numpy(potentials), sites)
        response = torch.from_numpy(charges)[sites]
        yield sums - sums.mean(0), response - response.mean()


def regressors(
    model: SitePotentialsModel, frames: SiteFrames, layer: int = 0
) -> Iterable[tuple[Tensor, Tensor]]:
    """`centred_sums`, with what the electrons answer to each potential as further columns."""
    if model.electrons is None:
        yield from centred_sums(model, frames, layer)
        return
    positions, cell = torch.from_numpy(frames.surface_positions), torch.from_numpy(frames.cell)
    model.electrons.prepare(positions, cell, float(frames.charges[0].sum()))
    answers = (model.electrons(torch.from_numpy(potentials)) for potentials in frames.potentials)
    for (sums, response), answer in zip(centred_sums(model, frames), answers, strict=True):
        yield torch.cat([sums, answer], 1), response


def moments(model: SitePotentialsModel, systems: Iterable[SiteFrames], layer: int = 0) -> Moments:
    """Moments of a layer of one or several systems; each site of each frame weighs the same."""
    features = model.feature_scale.numel() + model.electron_weights.numel()
    xx, xy = np.zeros((features, features)), np.zeros(features)
    yy, sites = 0.0, 0
    for frames in systems:
        for sums, response in regressors(model, frames, layer):
            x, y = sums.numpy(), response.numpy()
            xx += x.T @ x
            xy += x.T @ y
            yy += float(y @ y)
            sites += len(y)
    return Moments(xx / sites, xy / sites, yy / sites)


def fit_electron_weights(model: SitePotentialsModel, training: Moments) -> None:
    """Set the weights of the potentials that the electrons answer to.

    Before the shells' weights, which are then fitted to what this leaves: the shells do not know
    the total charge, so the electrons should explain all that they can.
    """
    n = model.feature_scale.numel()
    weights = np.linalg.lstsq(training.xx[n:, n:], training.xy[n:])[0]
    model.electron_weights.copy_(torch.from_numpy(weights))


def fit_linear_response(
    model: SitePotentialsModel, training: Moments, validation: Moments, layer: int = 0
) -> tuple[float, float]:
    """Set the weights of a layer's shells and, of the first layer, the scales.

    Parameters
    ----------
    model : SitePotentialsModel
    training, validation : Moments
        As returned by `moments` of this model and layer; the validation part chooses the penalty.
    layer : int

    Returns
    -------
    penalty : float
        The one chosen from `PENALTIES`.
    error : float
        Root mean square error on the validation part, e.
    """
    variance = np.diag(training.xx)
    # a shell sum that never varies (a far shell of a tiny sheet) gets no weight
    scale = np.sqrt(np.where(variance > 0, variance, 1.0))
    correlation = training.xx / np.outer(scale, scale)
    right = training.xy / scale
    # neighbouring shells and widths see nearly the same: eigenvectors keep every penalty stable
    values, vectors = np.linalg.eigh(correlation)
    projected = vectors.T @ right
    trials = []
    for penalty in PENALTIES:
        coefficients = vectors @ (projected / (np.maximum(values, 0.0) + penalty)) / scale
        trials.append((validation.squared_error(coefficients), penalty, coefficients))
    error, penalty, coefficients = min(trials, key=lambda trial: trial[:2])
    model.set_coefficients(torch.from_numpy(coefficients), layer)
    if layer == 0:
        model.feature_scale.copy_(torch.from_numpy(scale))
        left = np.sqrt(training.squared_error(coefficients))
        model.residual_scale.fill_(max(float(left), ROUNDING))
    return penalty, float(np.sqrt(error))


def fit_layer_charges(model: SitePotentialsModel, training: Iterable[SiteFrames]) -> None:
    """Set how the layers share the total charge, by least squares of their mean charges."""
    rows, responses = [], []
    for frames in training:
        positions, cell = torch.from_numpy(frames.surface_positions), torch.from_numpy(frames.cell)
        model.find_neighbours(positions, cell)
        sites = model.members.sum(0)
        for potentials, charges in zip(frames.potentials, frames.charges, strict=True):
            mean_potentials = model.layer_means(torch.from_numpy(potentials))
            of_layers = torch.from_numpy(charges) @ model.members
            rows.append([(of_layers.sum() / sites).numpy(), mean_potentials.numpy()])
            responses.append((of_layers / sites).numpy())
    means = np.array([row[1] for row in rows])
    # plane waves have no mean over a crystal, but for rounding
    means[:, means.std(0) < LEAST_MEAN] = 0.0
    for layer in range(model.layers):
        features = np.column_stack([[row[0][layer] for row in rows], means])
        scale = np.maximum(np.abs(features).max(0), LEAST_MEAN)
        target = np.array(responses)[:, layer]
        found = np.linalg.lstsq(features / scale, target, rcond=SAME_DIRECTION)[0] / scale
        model.shares[layer] = float(found[0])
        weights = torch.from_numpy(found[1:].reshape(model.layers, -1))
        model.mean_weights[:, :, layer] = weights
    model.shares.div_(model.shares.sum())
