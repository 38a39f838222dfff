"""Distance of a configuration from those that a model was trained on.

For a linear model, x^T (X^T X)^-1 x is the leverage of an input x: what the noise of the training
labels X was fitted to does to the prediction at x, and a Mahalanobis distance from them. It grows
where inputs are larger than, or combined otherwise than, any that were seen. The most distant site
stands for a configuration.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from rich.progress import track

from voxion.charges.data.dataset import ChargeDataset
from voxion.charges.data.features import SiteFrames, model_inputs
from voxion.charges.evaluation.scores import check_fits
from voxion.charges.models.linear_response import Moments, centred_sums
from voxion.charges.models.site_potentials import SitePotentialsModel
from voxion.contract.schema import load_model
from voxion.errors import VoxionError

# Variance (of 1 for each standardised input) below which a direction counts as noise: neighbouring
# shells see nearly the same, and combinations that hardly occur hardly matter to the charges.
NOISE = 1e-6


def learn_distance(
    model: SitePotentialsModel, training: Sequence[SiteFrames], moments: Moments
) -> None:
    """Set what the model's `whitened` and `distance` need.

    Parameters
    ----------
    model : SitePotentialsModel
        With its scales set.
    training : sequence of SiteFrames
    moments : Moments
        Moments of these frames.
    """
    scale = model.feature_scale.numpy()
    variances, vectors = np.linalg.eigh(moments.xx / np.outer(scale, scale))
    whitening = vectors / np.sqrt(np.maximum(variances, 0.0) + NOISE)
    model.whitening.copy_(torch.from_numpy(whitening))
    largest, sites = 0.0, 0
    for frames in training:
        for sums, _ in centred_sums(model, frames):
            whitened = (sums / model.feature_scale) @ model.whitening
            largest = max(largest, float(torch.linalg.norm(whitened, dim=1).max()))
            sites += len(sums)
    model.training_sites.fill_(sites)
    model.largest_norm.fill_(largest)


class TrainedGround:
    """Training data as an exported model keeps them.

    Parameters
    ----------
    model_path : str or Path

    Raises
    ------
    VoxionError
        The file is no model of surface charges, or one without a distance measure.
    """

    def __init__(self, model_path: str | Path) -> None:
        self.path = Path(model_path)
        self._module, self._contract = load_model(model_path)
        if not hasattr(self._module, "distance"):
            raise VoxionError(
                f"Model {model_path} tells no distance from its training data: train a "
                "site-potentials model with this voxion ('voxion charges train')."
            )

    @property
    def sites(self) -> float:
        """Surface atoms, those of the first layer, in all frames of the training data."""
        return float(self._module.training_sites)

    def look(self, dataset: ChargeDataset, index: int) -> tuple[NDArray[np.float64], float]:
        """See where one frame lies.

        Returns
        -------
        inputs : ndarray [M, P]
            Inputs of each site of the first layer, uncorrelated in the training data with a mean
            square of 1.
        distance : float
            1 is the furthest of the training data.
        """
        # only models of site potentials have a distance, which does not take the total charge
        arguments = model_inputs(dataset, dataset.frame(index), self._contract)[:3]
        with torch.no_grad():
            inputs = self._module.whitened(*arguments).numpy()
            return np.asarray(inputs), float(self._module.distance(*arguments))

    def look_at_all(
        self, dataset: ChargeDataset, progress: bool = False
    ) -> Iterator[tuple[NDArray[np.float64], float]]:
        """See where every frame of a data set lies, one after the other.

        Raises
        ------
        VoxionError
            The data set does not fit the model.
        """
        check_fits(self._contract, dataset, self.path)
        frames: Iterable[int] = range(dataset.frames)
        if progress:
            frames = track(frames, f"Distances of {dataset.path.name}")
        return (self.look(dataset, index) for index in frames)
