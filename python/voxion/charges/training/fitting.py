"""Fits one model to the training frames of some data sets; validation frames stop and choose."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import lightning
import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import TensorDataset

from voxion import __version__
from voxion.charges.data.bins import ChargeBins
from voxion.charges.data.dataset import ChargeDataset
from voxion.charges.data.faces import find_layers
from voxion.charges.data.features import (
    SiteFrames,
    ion_frames,
    ion_indices,
    site_frames,
    source_runs,
    source_species,
)
from voxion.charges.data.splits import Parts
from voxion.charges.evaluation.distance import learn_distance
from voxion.charges.models.electrons import SheetElectrons
from voxion.charges.models.ion_network import IonPositionsModel, dense_network
from voxion.charges.models.linear_response import (
    centred_sums,
    fit_electron_weights,
    fit_layer_charges,
    fit_linear_response,
    moments,
)
from voxion.charges.models.planar_pair import fit_planes, planar_pair
from voxion.charges.models.shells import layer_shell_edges
from voxion.charges.models.site_potentials import (
    SitePotentialsModel,
    layer_of,
    reach_of,
)
from voxion.charges.training.electron_fit import fit_electrons
from voxion.charges.training.fitted import FittedModel
from voxion.charges.training.loops import (
    CorrectionTraining,
    IonPositionsTraining,
    run_loop,
    stack_frames,
)
from voxion.charges.training.settings import TrainingSettings
from voxion.contract.schema import ChargeContract, InputRanges
from voxion.errors import VoxionError

# The paper: early stopping after 100 epochs. It does not give the batch; 32 is its library's own.
ION_PATIENCE, ION_BATCH = 100, 32
CORRECTION_PATIENCE, CORRECTION_BATCH, CORRECTION_HIDDEN = 30, 2, 32
# The correction doubles a prediction's time and more: it has to earn that (share of the
# validation error that it must take away).
CORRECTION_GAIN = 0.02
ROUNDING = 1e-9  # e; where the linear response leaves less, nothing is left to correct


@dataclass(frozen=True)
class Fit:
    """A fitted model and, for the record, what its fit found."""

    fitted: FittedModel
    summary: dict[str, Any]


def fit_model(
    datasets: Sequence[ChargeDataset],
    parts: Sequence[Parts],
    settings: TrainingSettings,
    folder: Path,
    progress: bool = False,
) -> Fit:
    """Fit the model that the settings name.

    Parameters
    ----------
    datasets, parts
        Data sets and their frames for training and validation, in the same order.
    settings : TrainingSettings
    folder : Path
        Gets checkpoints and metrics; a state found there is continued.
    progress : bool
        Show progress bars.

    Raises
    ------
    VoxionError
        The data sets do not fit the model or each other.
    """
    lightning.seed_everything(settings.seed, verbose=False)
    fits = {
        "ion-positions": fit_ion_positions,
        "site-potentials": fit_site_potentials,
        "tight-binding": fit_tight_binding,
    }
    return fits[settings.model](datasets, parts, settings, folder, progress)


def fit_ion_positions(
    datasets: Sequence[ChargeDataset],
    parts: Sequence[Parts],
    settings: TrainingSettings,
    folder: Path,
    progress: bool,
) -> Fit:
    """Fit the network of the paper: one system, ions only, bins of the training part."""
    if len(datasets) != 1:
        raise VoxionError(
            f"The ion-positions model is for one system, found {len(datasets)} data sets: train "
            "on one, or use the site-potentials model."
        )
    if not settings.epochs:
        raise VoxionError("The ion-positions model needs at least 1 epoch, found 0.")
    dataset, part = datasets[0], parts[0]
    ions = ion_frames(dataset)
    bins = ChargeBins.fit(ions.charges[part.training])
    network = dense_network(len(ions.ion_charges), dataset.surface_atoms)
    origin = torch.from_numpy(dataset.cell_origin)
    model = IonPositionsModel(network, bins, origin, dataset.periodic)
    charges = torch.from_numpy(ions.ion_charges)
    inputs = torch.stack(
        [
            model.features(torch.from_numpy(positions), charges, torch.from_numpy(cell))
            for positions, cell in zip(ions.positions, ions.cells, strict=True)
        ]
    )
    labels = torch.from_numpy(bins.label(ions.charges)).to(torch.float32)
    result = run_loop(
        IonPositionsTraining(network, settings.constraint),
        TensorDataset(inputs[part.training], labels[part.training]),
        TensorDataset(inputs[part.validation], labels[part.validation]),
        folder,
        batch=ION_BATCH,
        epochs=settings.epochs,
        patience=ION_PATIENCE,
        seed=settings.seed,
        progress=progress,
    )
    contract = _contract(
        settings,
        inputs="positions",
        total_charge=dataset.total_charge,
        cell=_rows(dataset.cells[part.training].mean(0)),
        surface_atoms=dataset.surface_atoms,
        sources=source_runs(dataset, ion_indices(dataset)),
        input_ranges=_position_ranges(dataset, ions.positions[part.training]),
    )
    summary = {
        "bins": len(bins),
        "validation_loss": result.best_loss,
        "epochs": result.epochs,
        "parameters": sum(weight.numel() for weight in network.parameters()),
    }
    return Fit(FittedModel(model.eval(), contract), summary)


def fit_site_potentials(
    datasets: Sequence[ChargeDataset],
    parts: Sequence[Parts],
    settings: TrainingSettings,
    folder: Path,
    progress: bool,
) -> Fit:
    """Fit the linear response, then a correction that is kept if it lowers the validation error.

    Electrodes at given potentials are learned one by one; what gives their total charges is fitted
    to the training frames of the pairs.
    """
    pairs = [
        (d, planar_pair(d), part.training)
        for d, part in zip(datasets, parts, strict=True)
        if d.electrodes
    ]
    _check_elements([d for d, _, _ in pairs])
    singles = [(one, part) for d, part in zip(datasets, parts, strict=True)
               for one in d.single_electrodes()]  # fmt: skip
    datasets, parts = [one for one, _ in singles], [part for _, part in singles]
    depths = _common_layers(datasets)
    edges = _common_edges(datasets, settings.shells, depths)
    training, validation = _site_frames(datasets, parts, settings, progress)
    model = _new_model(edges, settings, training, datasets, depths=depths)
    seen = moments(model, training)
    penalty, linear_error = fit_linear_response(model, seen, moments(model, validation))
    learn_distance(model, training, seen)
    if model.layers > 1:
        _fit_deeper_layers(model, training, validation)
    summary: dict[str, Any] = {
        "penalty": penalty,
        "validation_rmse_linear": linear_error,
        "correction_kept": False,
    }
    # of several layers the linear response is all
    if settings.epochs and len(depths) == 1:
        corrected = _new_model(edges, settings, training, datasets, hidden=CORRECTION_HIDDEN)
        # only the correction's own weights are missing
        corrected.load_state_dict(model.state_dict(), strict=False)
        error, epochs = _fit_correction(corrected, training, validation, settings, folder, progress)
        summary |= {"validation_rmse_corrected": error, "epochs": epochs}
        if linear_error > ROUNDING and error < (1 - CORRECTION_GAIN) * linear_error:
            model = corrected
            summary["correction_kept"] = True
    if not pairs:
        return Fit(_fitted(model, settings, datasets, training), summary)
    planes = fit_planes(pairs)
    summary |= {
        "plane_offset": planes.plane_offset,
        "corrugation": planes.corrugation,
        "electrode_charge_rmse": planes.error,
    }
    values: dict[str, Any] = {"plane_offset": planes.plane_offset, "total_charge_input": True}
    if planes.corrugation:
        values["corrugation"] = planes.corrugation
    if len(depths) > 1:
        values["layers"] = tuple(depths.tolist())
        summary["layers"] = {"depths": depths.tolist(), "shares": model.shares.tolist()}
    return Fit(_fitted(model, settings, datasets, training, **values), summary)


def _fit_deeper_layers(
    model: SitePotentialsModel, training: Sequence[SiteFrames], validation: Sequence[SiteFrames]
) -> None:
    """Fit the linear response of the layers behind the first, and the charges of all."""
    for layer in range(1, model.layers):
        seen, unseen = moments(model, training, layer), moments(model, validation, layer)
        fit_linear_response(model, seen, unseen, layer)
    fit_layer_charges(model, training)


def fit_tight_binding(
    datasets: Sequence[ChargeDataset],
    parts: Sequence[Parts],
    settings: TrainingSettings,
    folder: Path,
    progress: bool,
) -> Fit:
    """Fit the electrons, then the weights of the potentials: the electrons', then the shells'."""
    edges = _common_edges(datasets, settings.shells, np.zeros(1))[0, 0]
    training, validation = _site_frames(datasets, parts, settings, progress)
    electrons = fit_electrons(datasets, parts, edges, progress)
    model = _new_model(edges, settings, training, datasets, electrons=electrons)
    seen, unseen = moments(model, training), moments(model, validation)
    fit_electron_weights(model, seen)
    weights = model.electron_weights.numpy()
    seen, unseen = seen.remainder(weights), unseen.remainder(weights)
    penalty, error = fit_linear_response(model, seen, unseen)
    learn_distance(model, training, seen)
    hopping, bond_response, hubbard, _ = electrons.constants.tolist()
    summary = {
        "hopping": hopping,
        "bond_response": bond_response,
        "hubbard": hubbard,
        "penalty": penalty,
        "validation_rmse": error,
    }
    return Fit(_fitted(model, settings, datasets, training, total_charge_input=True), summary)


def _site_frames(
    datasets: Sequence[ChargeDataset],
    parts: Sequence[Parts],
    settings: TrainingSettings,
    progress: bool,
) -> tuple[list[SiteFrames], list[SiteFrames]]:
    """Training and validation frames of every data set."""
    systems = [
        site_frames(dataset, settings.radial_functions, settings.largest_wave_vector, progress)
        for dataset in datasets
    ]
    training = [s.take(part.training) for s, part in zip(systems, parts, strict=True)]
    return training, [s.take(part.validation) for s, part in zip(systems, parts, strict=True)]


def _fitted(
    model: SitePotentialsModel,
    settings: TrainingSettings,
    datasets: Sequence[ChargeDataset],
    training: Sequence[SiteFrames],
    **values: Any,
) -> FittedModel:
    """Put a model of site potentials together with its contract."""
    potentials = np.concatenate([s.potentials.reshape(-1, s.potentials.shape[2]) for s in training])
    contract = _contract(
        settings,
        inputs="site-potentials",
        sources=source_species(datasets),
        radial_functions=settings.radial_functions,
        largest_wave_vector=settings.largest_wave_vector,
        input_ranges=_ranges(potentials),
        reach=reach_of(model),
        **values,
    )
    return FittedModel(model.eval(), contract)


def _fit_correction(
    model: SitePotentialsModel,
    training: Sequence[SiteFrames],
    validation: Sequence[SiteFrames],
    settings: TrainingSettings,
    folder: Path,
    progress: bool,
) -> tuple[float, int]:
    """Train the correction; its validation error (e) and the epochs run."""
    assert model.correction is not None
    held = _residuals(model, validation)
    result = run_loop(
        CorrectionTraining(model.correction),
        _residuals(model, training),
        held,
        folder,
        batch=CORRECTION_BATCH,
        epochs=settings.epochs,
        patience=CORRECTION_PATIENCE,
        seed=settings.seed,
        stack=stack_frames,
        progress=progress,
    )
    return float(np.sqrt(result.best_loss) * model.residual_scale), result.epochs


def _residuals(
    model: SitePotentialsModel, systems: Sequence[SiteFrames]
) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """Standardised shell sums of each frame, and what the linear response leaves, scaled."""
    coefficients = model.coefficients()
    return [
        (sums / model.feature_scale, (response - sums @ coefficients) / model.residual_scale)
        for system in systems
        for sums, response in centred_sums(model, system)
    ]


def _new_model(
    edges: NDArray[np.float64],
    settings: TrainingSettings,
    training: Sequence[SiteFrames],
    datasets: Sequence[ChargeDataset],
    hidden: int = 0,
    electrons: SheetElectrons | None = None,
    depths: NDArray[np.float64] | None = None,
) -> SitePotentialsModel:
    means = [dataset.total_charge / dataset.surface_atoms for dataset in datasets]
    # trained on several total charges, the model leaves the mean to whoever knows the total
    mean = means[0] if np.ptp(means) < 1e-9 else 0.0  # also where one is not a number
    model = SitePotentialsModel(
        torch.from_numpy(edges),
        training[0].potentials.shape[2],
        mean,
        hidden,
        electrons,
        None if depths is None else torch.from_numpy(depths),
    )
    if settings.largest_wave_vector is not None:
        # A cell has few lengths of waves, which the shells of one layer tell apart: with those of
        # more layers the least squares would fit the waves of this cell, and fail in another one.
        model.used[1:, -1] = 0.0
    return model


def _check_elements(pairs: Sequence[ChargeDataset]) -> None:
    """Make sure that all electrodes are of one element; data sets of before do not tell theirs."""
    elements = {one: d for d in pairs for one in d.label_source.get("elements", [])}
    if len(elements) > 1:
        told = ", ".join(f"{element} ({d.path})" for element, d in elements.items())
        raise VoxionError(
            f"The electrodes are of several elements, {told}: train a model for each material, on "
            "pairs of two such electrodes."
        )


def _common_layers(datasets: Sequence[ChargeDataset]) -> NDArray[np.float64]:
    """Depths of the layers of electrodes of a pair, angstrom; a single electrode is one layer."""

    def layers_of(dataset: ChargeDataset) -> NDArray[np.float64]:
        if dataset.behind_face is None:
            return np.zeros(1)
        return find_layers(dataset.behind_face[:, 2], f"{dataset.path}")

    first = layers_of(datasets[0])
    for dataset in datasets[1:]:
        others = layers_of(dataset)
        if len(others) != len(first) or np.abs(others - first).max() > 0.1:
            raise VoxionError(
                f"The electrodes of {datasets[0].path} and {dataset.path} have different layers "
                f"({np.round(first, 2)} and {np.round(others, 2)} A behind the face): train a "
                "model for each."
            )
    return first


def _common_edges(
    datasets: Sequence[ChargeDataset], shells: int, depths: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Boundaries [L, L, S] of the shells, angstrom."""

    def edges_of(dataset: ChargeDataset) -> NDArray[np.float64]:
        positions = dataset.seen_positions
        layer = layer_of(torch.from_numpy(positions), torch.from_numpy(depths))
        return layer_shell_edges(positions, dataset.cells[0], shells, layer)

    first = datasets[0]
    edges = edges_of(first)
    for dataset in datasets[1:]:
        others = edges_of(dataset)
        if np.abs(others - edges).max() > 0.1:
            raise VoxionError(
                f"The electrodes of {first.path} and {dataset.path} have different neighbour "
                f"shells ({np.round(edges[0, 0], 2)} and {np.round(others[0, 0], 2)} A in the "
                "first layer): train a model for each."
            )
    return edges


def _contract(settings: TrainingSettings, **values: Any) -> ChargeContract:
    return ChargeContract(
        torch_version=torch.__version__.split("+")[0],
        voxion_version=__version__,
        data_hash=data_hash(settings.fingerprints),
        **values,
    )


def data_hash(fingerprints: Sequence[str]) -> str:
    """One hash for the training data: of one data set its own, of several that of their hashes."""
    if len(fingerprints) == 1:
        return fingerprints[0]
    digest = hashlib.sha256("\n".join(sorted(fingerprints)).encode())
    return f"sha256:{digest.hexdigest()}"


def _ranges(values: NDArray[np.float64]) -> InputRanges:
    low, high = values.min(0).tolist(), values.max(0).tolist()
    return InputRanges(min=tuple(low), max=tuple(high))


def _position_ranges(dataset: ChargeDataset, positions: NDArray[np.float64]) -> InputRanges:
    """Ranges of the ions' coordinates; along periodic directions the whole cell was seen."""
    ranges = _ranges(positions.reshape(-1, 3))
    corners = np.array(list(product((0, 1), repeat=3))) @ dataset.cells[0] + dataset.cell_origin
    whole = _ranges(corners)
    return InputRanges(
        min=tuple(np.where(dataset.periodic, whole.min, ranges.min).tolist()),
        max=tuple(np.where(dataset.periodic, whole.max, ranges.max).tolist()),
    )


def _rows(cell: NDArray[np.float64]) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(row) for row in cell.tolist())
