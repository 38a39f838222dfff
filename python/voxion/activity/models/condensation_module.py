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

Inputs = tuple[Tensor, Tensor, Tensor, Tensor, Tensor]


class ProcessModule(nn.Module):
    """One Gaussian process: kernel, training rows and weights.

    Parameters
    ----------
    fitted : Fitted
    smooth_chain : bool
        Whether its last term is that of `KNOWN_TERMS`, else that of `NEW_TERMS`.
    """

    chain: Tensor
    theta: Tensor
    rows: Tensor
    codes: Tensor
    weights: Tensor
    inverse: Tensor

    def __init__(self, fitted: Fitted, smooth_chain: bool) -> None:
        super().__init__()
        process = fitted.process
        known = process.blocks
        self.smooth_chain, self.constant, self.jitter = smooth_chain, CONSTANT, JITTER
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
            Polymer and pair.
        """
        last = columns.shape[1]
        asked = torch.cat([columns[:, self.chain], columns[:, last - 3 :]], dim=1)
        cross = self.kernel(asked, codes)
        variance = self.prior(asked) - ((cross @ self.inverse) * cross).sum(dim=1)
        return cross @ self.weights, variance.clamp_min(self.jitter).sqrt()

    def kernel(self, asked: Tensor, codes: Tensor) -> Tensor:
        """Covariances [N, n] with the training rows."""
        count = self.chain.shape[0]
        left, right = asked[:, :count], self.rows[:, :count]
        product = left @ right.t() / count
        far_chain = (left[:, None] - right[None]).square().mean(dim=2)
        far_ions = (
            asked[:, None, count : count + 2] - self.rows[None, :, count : count + 2]
        ).square()
        ions = far_ions.mean(dim=2)
        here, there = asked[:, count + 2], self.rows[:, count + 2]
        level = (here[:, None] - there[None]).square()
        same = (codes[:, None] == self.codes[None]).to(asked.dtype)
        slope = here[:, None] * there[None]
        return self.terms(product, far_chain, ions, level, slope, same[:, :, 0], same[:, :, 1])

    def prior(self, asked: Tensor) -> Tensor:
        """Variances [N] of measurements before any data."""
        count = self.chain.shape[0]
        product = asked[:, :count].square().mean(dim=1)
        zero, one = torch.zeros_like(product), torch.ones_like(product)
        slope = asked[:, count + 2].square()
        noise = torch.exp(2 * self.theta[-1]) + self.jitter
        return self.terms(product, zero, zero, zero, slope, one, one) + noise

    def terms(
        self,
        product: Tensor,
        far_chain: Tensor,
        ions: Tensor,
        level: Tensor,
        slope: Tensor,
        polymer: Tensor,
        pair: Tensor,
    ) -> Tensor:
        """Sum the terms, whose hyperparameters stand in `theta` in the order of the terms."""
        scale, inverse = torch.exp(2 * self.theta), torch.exp(-2 * self.theta)
        total = scale[0] * product + scale[1] * polymer
        total = total + scale[2] * torch.exp(-0.5 * ions * inverse[3])
        total = total + scale[4] * pair
        total = total + scale[5] * torch.exp(-0.5 * level * inverse[6])
        total = total + scale[7] * torch.exp(-0.5 * (level * inverse[8] + ions * inverse[9]))
        total = total + scale[10] * torch.exp(-0.5 * level * inverse[11]) * pair
        if self.smooth_chain:
            together = level * inverse[13] + far_chain * inverse[14]
            return total + scale[12] * torch.exp(-0.5 * together) + self.constant
        return total + scale[12] * slope * product + self.constant


class CondensationModule(nn.Module):
    """What `CondensationProcess.predict` does, for numbers that were made from the molecules."""

    mean: Tensor
    deviation: Tensor
    widths: Tensor

    def __init__(self, estimator: CondensationProcess) -> None:
        super().__init__()
        self.known = ProcessModule(estimator.known, smooth_chain=True)
        self.new = ProcessModule(estimator.new, smooth_chain=False)
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
