"""Gaussian processes whose kernel is a sum of products over blocks of features.

Rasmussen and Williams, Gaussian Processes for Machine Learning (2006): the predictive equations
are their eqs. 2.25 and 2.26, the evidence and its gradient eqs. 5.8 and 5.9, the predictions of
left-out groups eq. 5.12, written for blocks.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.linalg import cho_factor, cho_solve
from scipy.optimize import minimize
from torch import Tensor

from voxion.activity.data.table import Floats
from voxion.activity.models.kernel import (
    Term,
    covariances,
    cross_covariances,
    distances,
    own_variances,
    products,
    script_terms,
)

Blocks = dict[str, Floats]  # features [N, k] by name of the block

CONSTANT = 4.0  # prior variance of the mean of standardised targets: nearly free
JITTER = 1e-6
# centre of the log-normal priors of scales (standard deviations, targets are standardised), of
# length scales (features are) and of the noise; each may well be wrong by a factor of e
SCALE, LENGTH, NOISE, PRIOR_WIDTH = 0.4, 1.5, 0.1, 1.0
FURTHEST = 5.0  # of ln hyperparameters from their priors' centres
MOST_ITERATIONS = 150
TOLERANCE = 1e-6  # relative, of the evidence


@dataclass
class GaussianProcess:
    """Regression of standardised targets.

    Parameters
    ----------
    terms : tuple of Term
        The kernel is their sum, a constant and white noise.
    """

    terms: tuple[Term, ...]
    theta: Floats = field(default_factory=lambda: np.zeros(0))
    log_evidence: float = 0.0

    def __post_init__(self) -> None:
        self.script_terms = script_terms(self.terms)  # the kernel is computed many times

    def fit(self, blocks: Blocks, targets: Floats, start: Floats | None = None) -> None:
        """Choose scales, length scales and noise by the evidence times their priors.

        Parameters
        ----------
        blocks : dict of ndarray [n, k]
        targets : ndarray [n]
            Standardised.
        start : ndarray or None
            Logarithms of hyperparameters to start from.
        """
        self.blocks, self.targets = blocks, targets
        rows = _tensors(blocks)
        far, product = distances(rows, rows), products(rows, rows)
        centre = self._centre()

        def objective(theta: Floats) -> tuple[float, Floats]:
            kernel, gradients = self._kernel_and_gradients(theta, far, product)
            factor = cho_factor(kernel, lower=True)
            weights = cho_solve(factor, targets)
            away = (theta - centre) / PRIOR_WIDTH
            value = 0.5 * targets @ weights + np.log(np.diag(factor[0])).sum() + 0.5 * away @ away
            inner = np.outer(weights, weights) - cho_solve(factor, np.eye(len(targets)))
            slope = [-0.5 * np.sum(inner * gradient) for gradient in gradients]
            return float(value), np.array(slope) + away / PRIOR_WIDTH

        found = minimize(
            objective,
            centre if start is None else start,
            jac=True,
            method="L-BFGS-B",
            bounds=[(value - FURTHEST, value + FURTHEST) for value in centre],
            options={"maxiter": MOST_ITERATIONS, "ftol": TOLERANCE},
        )
        self.theta = found.x
        self.log_evidence = -float(found.fun)
        kernel, _ = self._kernel_and_gradients(self.theta, far, product)
        self.inverse = np.linalg.inv(kernel)
        self.weights = self.inverse @ targets

    def predict(self, blocks: Blocks) -> tuple[Floats, Floats]:
        """Return mean and standard deviation [N], that of a measurement with its noise."""
        cross = self.kernel(blocks, self.blocks)
        own = self.prior_variances(blocks)
        variance = own - np.einsum("ij,jk,ik->i", cross, self.inverse, cross)
        return cross @ self.weights, np.sqrt(np.maximum(variance, JITTER))

    def left_out(self, groups: NDArray[np.int64]) -> tuple[Floats, Floats]:
        """Predict each group of the training rows by the others, with the same hyperparameters.

        Parameters
        ----------
        groups : ndarray [n] of int

        Returns
        -------
        mean, standard deviation : ndarrays [n]
        """
        mean, variance = np.zeros(len(groups)), np.zeros(len(groups))
        for name in np.unique(groups):
            rows = np.flatnonzero(groups == name)
            covariance = np.linalg.inv(self.inverse[np.ix_(rows, rows)])
            mean[rows] = self.targets[rows] - covariance @ self.weights[rows]
            variance[rows] = np.diag(covariance)
        return mean, np.sqrt(variance)

    def kernel(self, left: Blocks, right: Blocks) -> Floats:
        """Return the covariances [N, M] of the noiseless values."""
        theta, left_rows, right_rows = torch.from_numpy(self.theta), _tensors(left), _tensors(right)
        values = cross_covariances(theta, self.script_terms, left_rows, right_rows)
        return np.asarray(values) + CONSTANT

    def prior_variances(self, blocks: Blocks) -> Floats:
        """Return the variances [N] of measurements before any data."""
        theta = torch.from_numpy(self.theta)
        values = own_variances(theta, self.script_terms, _tensors(blocks))
        return np.asarray(values) + CONSTANT + np.exp(2 * self.theta[-1]) + JITTER

    def _centre(self) -> Floats:
        centre: list[float] = []
        for term in self.terms:
            centre.append(np.log(SCALE))
            centre += [np.log(LENGTH) for factor in term if factor.kind == "smooth"]
        return np.array([*centre, np.log(NOISE)])

    def _kernel_and_gradients(
        self, theta: Floats, far: dict[str, Tensor], product: dict[str, Tensor]
    ) -> tuple[Floats, list[Floats]]:
        """Covariances of measurements [n, n] and their derivatives by each of theta."""
        found = covariances(torch.from_numpy(theta), self.script_terms, far, product)
        values = [value.numpy() for value in found]
        gradients: list[Floats] = []
        place = 0
        for term, value in zip(self.terms, values, strict=True):
            gradients.append(2 * value)
            place += 1
            for factor in term:
                if factor.kind == "smooth":
                    distance = far[factor.block].numpy()
                    gradients.append(value * distance * np.exp(-2 * theta[place]))
                    place += 1
        noise = np.exp(2 * theta[-1])
        identity = np.eye(len(values[0]))
        gradients.append(2 * noise * identity)
        return sum(values) + CONSTANT + (noise + JITTER) * identity, gradients


def _tensors(blocks: Blocks) -> dict[str, Tensor]:
    return {name: torch.from_numpy(np.ascontiguousarray(x)) for name, x in blocks.items()}
