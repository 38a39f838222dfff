import numpy as np
import pytest
import torch
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import RBF, ConstantKernel, WhiteKernel

from voxion.activity.models.condensation_process import KNOWN_TERMS, NEW_TERMS
from voxion.activity.models.gaussian_process import (
    CONSTANT,
    JITTER,
    Blocks,
    GaussianProcess,
    Term,
)
from voxion.activity.models.kernel import Factor, distances, products


@pytest.fixture
def blocks() -> Blocks:
    generator = np.random.default_rng(1)
    codes = np.repeat(np.arange(6), 4)[:, None].astype(float)
    return {
        "chain": np.repeat(generator.normal(size=(6, 3)), 4, axis=0),
        "ions": np.repeat(generator.integers(1, 3, (6, 2)), 4, axis=0).astype(float),
        "concentration": generator.normal(size=(24, 1)),
        "polymer": codes // 2,
        "pair": codes,
    }


@pytest.fixture
def targets(blocks: Blocks) -> np.ndarray:
    generator = np.random.default_rng(2)
    trend = blocks["chain"][:, 0] + 0.3 * blocks["concentration"][:, 0]
    found = trend + 0.1 * generator.normal(size=24)
    return (found - found.mean()) / found.std()


def test_predictions_are_those_of_scikit_learn(blocks: Blocks, targets: np.ndarray) -> None:
    process = GaussianProcess(((Factor("smooth", "chain"),),))
    process.fit(blocks, targets)
    scale, length, noise = np.exp(process.theta)
    features = blocks["chain"]
    kernel = ConstantKernel(scale**2) * RBF(length * np.sqrt(features.shape[1]))
    kernel = kernel + ConstantKernel(CONSTANT) + WhiteKernel(noise**2 + JITTER)
    other = GaussianProcessRegressor(kernel, alpha=0, optimizer=None).fit(features, targets)
    asked = dict(blocks, chain=features + 0.5)
    mean, deviation = process.predict(asked)
    expected = other.predict(asked["chain"], return_std=True)
    np.testing.assert_allclose(mean, expected[0], rtol=1e-6)
    np.testing.assert_allclose(deviation, expected[1], rtol=1e-5)
    # the evidence less the priors of the hyperparameters; scikit-learn's has 2 pi in it
    away = process.theta - process._centre()
    likelihood = other.log_marginal_likelihood() + 12 * np.log(2 * np.pi)
    assert process.log_evidence == pytest.approx(likelihood - 0.5 * away @ away, rel=1e-6)


@pytest.mark.parametrize("terms", [KNOWN_TERMS, NEW_TERMS])
def test_gradients_of_the_kernel(blocks: Blocks, terms: tuple[Term, ...]) -> None:
    process = GaussianProcess(terms)
    theta = process._centre() + np.random.default_rng(3).normal(0, 0.3, len(process._centre()))
    rows = {name: torch.from_numpy(x) for name, x in blocks.items()}
    far = distances(rows, rows)
    product = products(rows, rows)
    _, gradients = process._kernel_and_gradients(theta, far, product)
    assert len(gradients) == len(theta)
    step = 1e-6
    for index, gradient in enumerate(gradients):
        shift = np.zeros(len(theta))
        shift[index] = step
        above, _ = process._kernel_and_gradients(theta + shift, far, product)
        below, _ = process._kernel_and_gradients(theta - shift, far, product)
        np.testing.assert_allclose(gradient, (above - below) / (2 * step), atol=1e-8)


def test_optimum_is_one(blocks: Blocks, targets: np.ndarray) -> None:
    process = GaussianProcess(NEW_TERMS)
    process.fit(blocks, targets)
    for shift in np.random.default_rng(4).normal(0, 0.2, (10, len(process.theta))):
        other = GaussianProcess(NEW_TERMS)
        other.fit(blocks, targets, process.theta + shift)
        assert other.log_evidence <= process.log_evidence + 0.5


def test_left_out_groups_are_as_if_never_seen(blocks: Blocks, targets: np.ndarray) -> None:
    process = GaussianProcess(NEW_TERMS)
    process.fit(blocks, targets)
    groups = blocks["polymer"][:, 0].astype(int)
    mean, deviation = process.left_out(groups)
    for group in range(3):
        test = groups == group
        kept = {name: values[~test] for name, values in blocks.items()}
        asked = {name: values[test] for name, values in blocks.items()}
        own = process.kernel(kept, kept)
        own += np.eye(len(own)) * (np.exp(2 * process.theta[-1]) + JITTER)
        cross = process.kernel(asked, kept)
        np.testing.assert_allclose(
            mean[test], cross @ np.linalg.solve(own, targets[~test]), rtol=1e-6
        )
        prior = process.kernel(asked, asked) + np.eye(test.sum()) * (
            np.exp(2 * process.theta[-1]) + JITTER
        )
        variance = np.diag(prior - cross @ np.linalg.solve(own, cross.T))
        np.testing.assert_allclose(deviation[test], np.sqrt(variance), rtol=1e-6)
