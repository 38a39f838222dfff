"""The condensation process as a module that TorchScript can hold."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from voxion.activity.data.chemistry import features, ions_of
from voxion.activity.data.table import ActivityData
from voxion.activity.models.condensation_process import (
    CHARGE_DENSITY,
    UNKNOWN,
    CondensationProcess,
    Fitted,
)
from voxion.activity.models.gaussian_process import CONSTANT, JITTER
from voxion.activity.models.kernel import cross_covariances, own_variances

Inputs = tuple[Tensor, Tensor, Tensor, Tensor, Tensor]


class ProcessModule(nn.Module):
    """One Gaussian process: kernel, training rows and weights."""

    terms: list[list[tuple[str, str]]]
    chain: Tensor
    theta: Tensor
    rows: Tensor
    codes: Tensor
    weights: Tensor
    inverse: Tensor

    def __init__(self, fitted: Fitted) -> None:
        super().__init__()
        process = fitted.process
        known = process.blocks
        self.terms, self.constant, self.jitter = process.script_terms, CONSTANT, JITTER
        self.register_buffer("chain", torch.tensor(fitted.chain))
        columns = [known["chain"], known["ions"], known["concentration"]]
        for name, values in (
            ("theta", process.theta),
            ("rows", np.hstack(columns)),
            ("codes", np.hstack([known["polymer"], known["pair"]])),
            ("weights", process.weights),
            ("inverse", process.inverse),
        ):
            self.register_buffer(name, torch.from_numpy(np.asarray(values, dtype=np.float64)))

    def forward(self, columns: Tensor, codes: Tensor) -> tuple[Tensor, Tensor]:
        """Return mean and standard deviation [N].

        Parameters
        ----------
        columns : Tensor [N, F + 3]
            Standardised chain features, valences, ln concentration.
        codes : Tensor [N, 2]
            Numbers of polymer and pair.
        """
        last = columns.shape[1]
        chosen = torch.cat([columns[:, self.chain], columns[:, last - 3 :]], dim=1)
        asked, known = self.blocks(chosen, codes), self.blocks(self.rows, self.codes)
        cross = cross_covariances(self.theta, self.terms, asked, known) + self.constant
        noise = torch.exp(2 * self.theta[-1]) + self.jitter
        prior = own_variances(self.theta, self.terms, asked) + self.constant + noise
        variance = prior - ((cross @ self.inverse) * cross).sum(dim=1)
        return cross @ self.weights, variance.clamp_min(self.jitter).sqrt()

    def blocks(self, columns: Tensor, codes: Tensor) -> dict[str, Tensor]:
        """Return the blocks of features that the terms name."""
        count = self.chain.shape[0]
        return {
            "chain": columns[:, :count],
            "ions": columns[:, count : count + 2],
            "concentration": columns[:, count + 2 :],
            "polymer": codes[:, :1],
            "pair": codes[:, 1:],
        }


class CondensationModule(nn.Module):
    """`CondensationProcess.predict` in TorchScript, for inputs made from the molecules."""

    mean: Tensor
    deviation: Tensor
    widths: Tensor

    def __init__(self, estimator: CondensationProcess) -> None:
        super().__init__()
        self.known = ProcessModule(estimator.known)
        self.new = ProcessModule(estimator.new)
        scaling = estimator.scaling
        self.target_mean, self.target_deviation = scaling.target_mean, scaling.target_deviation
        self.charge_density, self.unknown = CHARGE_DENSITY, UNKNOWN
        for name, values in (
            ("mean", scaling.mean),
            ("deviation", scaling.deviation),
            ("widths", estimator.widths),
        ):
            self.register_buffer(name, torch.from_numpy(np.asarray(values, dtype=np.float64)))

    def forward(
        self, chain: Tensor, ions: Tensor, concentration: Tensor, polymer: Tensor, pair: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Return gamma and the ends of its interval, each [N].

        Parameters
        ----------
        chain : Tensor [N, F]
            `chemistry.FEATURES`.
        ions : Tensor [N, 4]
            Valences of counter- and co-ion, and how many of each a formula unit has.
        concentration : Tensor [N]
            Outside, mol/L.
        polymer, pair : Tensor [N] of int
            As the training data number them, -1 for what they do not have.
        """
        columns = torch.cat([chain, ions[:, :2], torch.log(concentration)[:, None]], dim=1)
        columns = (columns - self.mean) / self.deviation
        codes = torch.stack([polymer, pair], dim=1).to(columns.dtype)
        known_mean, known_deviation = self.known(columns, codes)
        new_mean, new_deviation = self.new(columns, codes)
        known = pair != self.unknown
        mean = torch.where(known, known_mean, new_mean)
        what = torch.where(polymer != self.unknown, 1, 2)
        width = self.widths[torch.where(known, 0, what)]
        away = width * torch.where(known, known_deviation, new_deviation)
        return self.gamma(mean, ions), self.gamma(mean - away, ions), self.gamma(mean + away, ions)

    def gamma(self, scaled: Tensor, ions: Tensor) -> Tensor:
        """From the standardised deviation of one ion's ln gamma to the product of all."""
        z, other, number, others = ions[:, 0], ions[:, 1], ions[:, 2], ions[:, 3]
        # Manning's limit without salt, condensed: see `theory.log_manning`
        screening = 0.5 * (number + others * (other / z).square())
        limit = -number * torch.log(self.charge_density * z) - screening
        deviation = scaled * self.target_deviation + self.target_mean
        return torch.exp(limit + (number + others) * deviation)


def module_inputs(
    data: ActivityData, polymer: NDArray[np.int64], pair: NDArray[np.int64]
) -> Inputs:
    """Return the tensors that `CondensationModule.forward` takes.

    Parameters
    ----------
    data : ActivityData
    polymer, pair : ndarray [N]
        The training data's numbers of polymers and pairs, or `UNKNOWN`.
    """
    ions = [
        [one.counter_valence, one.co_valence, one.counter_number, one.co_number]
        for one in ions_of(data)
    ]
    return (
        torch.from_numpy(features(data)),
        torch.tensor(ions, dtype=torch.float64),
        torch.from_numpy(data.salt_concentration.astype(np.float64)),
        torch.from_numpy(polymer),
        torch.from_numpy(pair),
    )
