"""Kernels that are sums of products over blocks of features, for fits and for TorchScript.

No postponed annotations here: TorchScript compiles these functions, and reads their types.
"""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor


@dataclass(frozen=True)
class Factor:
    """A kernel of one block of features.

    Attributes
    ----------
    kind : "linear", "smooth" or "same"
        x·y / k; exp(-|x - y|² / (2 k l²)) with a length scale l; 1 if x equals y, else 0.
    block : str
    """

    kind: Literal["linear", "smooth", "same"]
    block: str


Term = tuple[Factor, ...]  # the product of its factors, times the square of a scale
ScriptTerms = list[list[tuple[str, str]]]  # kind and block of each factor of each term


def script_terms(terms: tuple[Term, ...]) -> ScriptTerms:
    """Return terms as TorchScript takes them."""
    return [[(factor.kind, factor.block) for factor in term] for term in terms]


def distances(left: dict[str, Tensor], right: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return the mean squared difference [N, M] of each block, exactly 0 for equal rows."""
    found: dict[str, Tensor] = {}
    for name, x in left.items():
        found[name] = (x[:, None, :] - right[name][None, :, :]).square().mean(dim=2)
    return found


def products(left: dict[str, Tensor], right: dict[str, Tensor]) -> dict[str, Tensor]:
    """Return the mean product [N, M] of each block."""
    found: dict[str, Tensor] = {}
    for name, x in left.items():
        found[name] = x @ right[name].t() / x.shape[1]
    return found


def covariances(
    theta: Tensor,
    terms: list[list[tuple[str, str]]],
    far: dict[str, Tensor],
    product: dict[str, Tensor],
) -> list[Tensor]:
    """Return the covariances of each term.

    Parameters
    ----------
    theta : Tensor
        Logarithms of the hyperparameters in the order of the terms: the scale of each, followed
        by the length scales of its smooth factors.
    terms : list of list of tuple of str
        See `script_terms`.
    far, product : dict of Tensor
        See `distances` and `products`; of any shape.
    """
    found: list[Tensor] = []
    place = 0
    for term in terms:
        value = torch.exp(2 * theta[place])
        place += 1
        for kind, block in term:
            if kind == "linear":
                value = value * product[block]
            elif kind == "same":
                value = value * (far[block] == 0).to(theta.dtype)
            else:
                value = value * torch.exp(-0.5 * far[block] * torch.exp(-2 * theta[place]))
                place += 1
        found.append(value)
    return found


def cross_covariances(
    theta: Tensor,
    terms: list[list[tuple[str, str]]],
    left: dict[str, Tensor],
    right: dict[str, Tensor],
) -> Tensor:
    """Return the sum of the terms [N, M] between the rows of two sets of blocks."""
    values = covariances(theta, terms, distances(left, right), products(left, right))
    return torch.stack(values).sum(dim=0)


def own_variances(
    theta: Tensor, terms: list[list[tuple[str, str]]], blocks: dict[str, Tensor]
) -> Tensor:
    """Return the sum of the terms [N] of each row with itself."""
    far: dict[str, Tensor] = {}
    product: dict[str, Tensor] = {}
    for name, x in blocks.items():
        product[name] = x.square().mean(dim=1)
        far[name] = torch.zeros_like(product[name])
    return torch.stack(covariances(theta, terms, far, product)).sum(dim=0)
