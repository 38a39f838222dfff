"""Scores of a model of the surface charges, always beside two baselines.

The charges spread about as wide as the difference that an electrolyte notices (epsilon, 0.015 e),
so a share within epsilon means nothing without the share that a constant reaches.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from pydantic import BeforeValidator
from rich import box
from rich.progress import track
from rich.table import Table

from voxion.charges.data.bins import EPSILON, ChargeBins
from voxion.charges.data.dataset import ChargeDataset, ChargeFrame
from voxion.charges.data.faces import check_layers
from voxion.charges.data.features import ion_indices, model_inputs, source_runs
from voxion.charges.data.opening import open_dataset
from voxion.charges.data.splits import potential_stages, split_dataset
from voxion.charges.evaluation.force_errors import ForceReport, score_forces
from voxion.charges.models.planar_pair import planar_pair
from voxion.charges.models.site_potentials import layer_of
from voxion.contract.schema import ChargeContract, load_model
from voxion.errors import VoxionError

if TYPE_CHECKING:
    from voxion.contract.schema import LoadedModel

FramesToScore = Literal["all", "held-out"]
# Not a number where all charges are alike, which JSON writes as null.
R2 = Annotated[float, BeforeValidator(lambda value: float("nan") if value is None else value)]


@dataclass(frozen=True)
class Scores:
    """Errors of predicted charges against the reference, over all sites and frames.

    Attributes
    ----------
    mae, rmse, largest : float
        Mean absolute, root mean square and largest absolute error, e.
    r2 : float
        Coefficient of determination: 1 - (sum of squared errors)/(sum of squares about the mean).
    within_epsilon : float
        Share of charges with an error below 0.015 e.
    bin_accuracy, bin_accuracy_filtered : float or None
        For a binned network: share of right bins, and of bins at most one off, which the paper
        counts as right.
    """

    mae: float
    rmse: float
    r2: R2
    largest: float
    within_epsilon: float
    bin_accuracy: float | None = None
    bin_accuracy_filtered: float | None = None


@dataclass(frozen=True)
class ElectrodeCharges:
    """Total charges of one of several electrodes in some frames.

    Attributes
    ----------
    name : str
        Group of the electrode.
    reference, predicted : ndarray [F]
        Elementary charges.
    potentials : ndarray [F]
        Potential of this electrode, V.
    """

    name: str
    reference: NDArray[np.float64]
    predicted: NDArray[np.float64]
    potentials: NDArray[np.float64]


@dataclass(frozen=True)
class ElectrodeScores:
    """Errors of the total charge of one of several electrodes.

    Attributes
    ----------
    name : str
    mean : float
        Mean of the reference, e.
    deviation : float
        Root mean square deviation of the reference from its mean at the same potential, e: the
        error of who knows the mean alone.
    rmse : float
        Root mean square error of the model, e.
    """

    name: str
    mean: float
    deviation: float
    rmse: float


@dataclass(frozen=True)
class LayerScores:
    """Scores of the charges of one layer of the electrodes, beside the layer's own mean.

    Attributes
    ----------
    depth : float
        Depth of the layer behind the face, angstrom.
    model, constant : Scores
        Of the model, and of the layer's mean charge in the same frame for all its atoms.
    """

    depth: float
    model: Scores
    constant: Scores


@dataclass(frozen=True)
class Predictions:
    """Charges of the surface in some frames: the reference, the model's and the baselines'.

    Attributes
    ----------
    reference : ndarray [F, M]
        Labels, e.
    raw : ndarray [F, M]
        What the model says, e; its sum may miss the total charge.
    charges : ndarray [F, M]
        What an engine uses: the difference to the total charge spread evenly, e.
    constant : ndarray [F, M]
        The same charge for all atoms of an electrode, e.
    atom_means : ndarray [M]
        Each atom's own mean in the frames known of this data set, e.
    total_charge : float
        Elementary charges.
    steps : ndarray [F]
        MD steps of the frames.
    bins : ChargeBins or None
        Bins of a binned network.
    open_total : bool
        The model leaves the total charge to whoever uses it, so the sum of `raw` says nothing.
    electrodes : tuple of ElectrodeCharges
        Total charges of electrodes at given potentials; empty where the total charge is given.
    layers : tuple of (float, list of ndarray of int)
        Of electrodes of several layers: depth of each layer (angstrom), and its atoms on each
        electrode; else empty.
    """

    reference: NDArray[np.float64]
    raw: NDArray[np.float64]
    charges: NDArray[np.float64]
    constant: NDArray[np.float64]
    atom_means: NDArray[np.float64]
    total_charge: float
    steps: NDArray[np.int64]
    bins: ChargeBins | None
    open_total: bool
    electrodes: tuple[ElectrodeCharges, ...] = ()
    layers: tuple[tuple[float, list[NDArray[np.int64]]], ...] = ()

    def errors(self) -> dict[str, NDArray[np.float64]]:
        """Differences from the reference of the charges that an engine uses, and of the baselines.

        Returns
        -------
        dict of "model", "constant" and "atom_mean" to ndarray [F, M]
            e.
        """
        return {
            "model": self.charges - self.reference,
            "constant": self.constant - self.reference,
            "atom_mean": self.atom_means - self.reference,
        }


@dataclass(frozen=True)
class ScoreReport:
    """Scores of a model and of the two baselines on the same frames.

    Attributes
    ----------
    model, constant, atom_mean : Scores
        Scores of the model, of the same charge for all atoms of an electrode, and of each atom's
        mean in the training part.
    dataset, model_path : str
    frames, surface_atoms : int
    total_charge_rms_error : float or None
        Root mean square of what the raw charges miss of the total charge, e; None for a model
        that leaves the total open.
    electrodes : tuple of ElectrodeScores
        Errors of the total charges at given potentials; empty where the total charge is given.
    layers : tuple of LayerScores
        Scores of each layer of electrodes of several layers; else empty.
    forces : ForceReport or None
        Errors of the forces on the electrolyte, which `score` adds.
    no_forces : str or None
        Why `score` could not.
    """

    model: Scores
    constant: Scores
    atom_mean: Scores
    dataset: str
    model_path: str
    frames: int
    surface_atoms: int
    total_charge_rms_error: float | None
    electrodes: tuple[ElectrodeScores, ...] = ()
    layers: tuple[LayerScores, ...] = ()
    forces: ForceReport | None = None
    no_forces: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """Return all numbers, fit for JSON."""
        return asdict(self)

    def table(self) -> Table:
        """Lay the scores out for a terminal."""
        table = Table(
            title=f"{self.dataset}: {self.frames} frames of {self.surface_atoms} charges",
            title_justify="left",
            caption=self._caption(),
            caption_justify="left",
            box=box.SIMPLE_HEAD,
            padding=0,
            pad_edge=False,
        )
        table.add_column("", no_wrap=True)
        binned = self.model.bin_accuracy is not None
        names = ["MAE", "RMSE", "R2", "largest", "<eps"]
        for name in [*names, *(["bin", "bin+-1"] if binned else [])]:
            table.add_column(name, justify="right", no_wrap=True)
        rows = {"model": self.model, "constant": self.constant, "atom's mean": self.atom_mean}
        for name, scores in rows.items():
            table.add_row(name, *_cells(scores, binned))
        return table

    def _caption(self) -> str:
        caption = f"errors in e, eps = {EPSILON} e"
        for one in self.electrodes:
            caption += (
                f"\ncharge of {one.name}: error {one.rmse:.2e} e (rms), mean {one.mean:.4f} e, "
                f"deviation {one.deviation:.2e} e"
            )
        for number, layer in enumerate(self.layers, start=1):
            caption += (
                f"\nlayer {number}, {layer.depth:.2f} A behind the face: MAE {layer.model.mae:.2e} "
                f"e, R2 {layer.model.r2:.5f}; its mean for all: MAE {layer.constant.mae:.2e} e"
            )
        if self.total_charge_rms_error is not None:
            caption += f"; raw total off by {self.total_charge_rms_error:.2g} e (rms)"
        return caption


def score_charges(
    reference: ArrayLike, predicted: ArrayLike, bins: ChargeBins | None = None
) -> Scores:
    """Score predicted against reference charges.

    Parameters
    ----------
    reference, predicted : array [F, M]
        Elementary charges.
    bins : ChargeBins, optional
        Also count right bins.
    """
    true, guess = np.asarray(reference, np.float64), np.asarray(predicted, np.float64)
    error = guess - true
    spread = np.square(true - true.mean()).sum()
    off = None if bins is None else np.abs(bins.label(guess) - bins.label(true))
    return Scores(
        mae=float(np.abs(error).mean()),
        rmse=float(np.sqrt(np.square(error).mean())),
        r2=float(1.0 - np.square(error).sum() / spread) if spread > 0 else float("nan"),
        largest=float(np.abs(error).max()),
        within_epsilon=float((np.abs(error) < EPSILON).mean()),
        bin_accuracy=None if off is None else float((off == 0).mean()),
        bin_accuracy_filtered=None if off is None else float((off <= 1).mean()),
    )


def predict(
    model_path: str | Path,
    dataset: ChargeDataset,
    frames: ArrayLike,
    known: ArrayLike,
    progress: bool = False,
) -> Predictions:
    """Run an exported model on frames of a data set.

    Parameters
    ----------
    model_path : str or Path
    dataset : ChargeDataset
    frames : array of int
        Frames to predict.
    known : array of int
        Frames that each atom's own mean is taken from; without any it is total charge / M.
    progress : bool
        Show a progress bar.

    Raises
    ------
    VoxionError
        The file is no model of surface charges, or does not fit the data set; or the data set's
        charges are not finite or miss its total charge.
    """
    module, contract = load_model(model_path)
    check_fits(contract, dataset, model_path)
    wanted, seen = np.asarray(frames, np.int64), np.asarray(known, np.int64)
    labels = dataset.surface_charges()
    total_charges = _total_charges(contract, dataset, model_path)
    raw, charges, constant = (np.empty((len(wanted), dataset.surface_atoms)) for _ in range(3))
    rows: Iterable[int] = range(len(wanted))
    if progress:
        rows = track(rows, f"Charges of {dataset.path.name}")
    members = _members(dataset)
    electrodes = dataset.single_electrodes()
    totals = np.empty((len(wanted), len(electrodes)))
    for row in rows:
        frame = dataset.frame(int(wanted[row]))
        totals[row] = total_charges(frame)
        for atoms, electrode, total in zip(members, electrodes, totals[row], strict=True):
            found = _run(module, model_inputs(electrode, frame, contract, float(total)))
            raw[row, atoms] = found
            charges[row, atoms] = found - (found.sum() - total) / len(found)
            constant[row, atoms] = total / len(found)
    return Predictions(
        reference=labels[wanted],
        raw=raw,
        charges=charges,
        constant=constant,
        atom_means=labels[seen].mean(0) if len(seen) else constant.mean(0),
        total_charge=dataset.total_charge,
        steps=dataset.steps[wanted],
        bins=_bins(module, contract),
        open_total=contract.total_charge is None,
        electrodes=_electrode_charges(dataset, labels, wanted, totals),
        layers=_layers(contract, dataset),
    )


def report(predictions: Predictions, model_path: str | Path, dataset: str | Path) -> ScoreReport:
    """Scores of predictions and of the baselines.

    Bins are counted in the raw charges, everything else in those that an engine uses.
    """
    reference, bins = predictions.reference, predictions.bins
    frames, atoms = reference.shape
    atom_means = np.broadcast_to(predictions.atom_means, reference.shape)
    model = score_charges(reference, predictions.charges)
    if bins is not None:
        raw = score_charges(reference, predictions.raw, bins)
        model = replace(
            model,
            bin_accuracy=raw.bin_accuracy,
            bin_accuracy_filtered=raw.bin_accuracy_filtered,
        )
    missed = None
    if not predictions.open_total:
        excess = predictions.raw.sum(1) - predictions.total_charge
        missed = float(np.sqrt(np.square(excess).mean()))
    return ScoreReport(
        model=model,
        constant=score_charges(reference, predictions.constant, bins),
        atom_mean=score_charges(reference, atom_means, bins),
        dataset=str(dataset),
        model_path=str(model_path),
        frames=frames,
        surface_atoms=atoms,
        total_charge_rms_error=missed,
        electrodes=tuple(_score_electrode(one) for one in predictions.electrodes),
        layers=tuple(_score_layer(predictions, *layer) for layer in predictions.layers),
    )


def score(
    model_path: str | Path,
    dataset_path: str | Path,
    frames: FramesToScore = "all",
    progress: bool = False,
) -> ScoreReport:
    """Score an exported model on a data set.

    Each atom's own mean, one of the baselines, is taken from the first nine tenths of the frames;
    of a single frame it is total charge / M.

    Parameters
    ----------
    model_path, dataset_path : str or Path
    frames : "all" or "held-out"
        ``held-out``: the last tenth, which a training split by time has not used.
    progress : bool
        Show a progress bar.

    Raises
    ------
    VoxionError
        As `predict`, or there is no such data set, or one without frames.
    """
    dataset = open_dataset(dataset_path)
    held_out, seen = _parts(dataset)
    wanted = np.arange(dataset.frames) if frames == "all" else held_out
    predictions = predict(model_path, dataset, wanted, seen, progress)
    result = report(predictions, model_path, dataset_path)
    try:
        forces = score_forces(dataset, wanted, predictions.errors(), progress)
    except VoxionError as error:
        return replace(result, no_forces=str(error))
    return replace(result, forces=forces)


def _parts(dataset: ChargeDataset) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Frames held out, and those that each atom's own mean comes from; a few frames will do."""
    if not dataset.frames:
        raise VoxionError(f"{dataset.path} has no frames: nothing can be scored.")
    if min(map(len, potential_stages(dataset))) < 3:  # too few to split for a training
        order = np.arange(dataset.frames)
        return order[-1:], order[:-1]
    parts = split_dataset(dataset)
    return parts.held_out, parts.seen


def _members(dataset: ChargeDataset) -> list[NDArray[np.bool_]]:
    """Masks of the surface atoms of each electrode."""
    if dataset.electrodes is None:
        return [np.ones(dataset.surface_atoms, bool)]
    return list(dataset.electrodes.members().values())


def _total_charges(
    contract: ChargeContract, dataset: ChargeDataset, model: str | Path
) -> Callable[[ChargeFrame], NDArray[np.float64]]:
    """Return what tells the total charges [E] (e) of the electrodes in a frame."""
    if dataset.electrodes is None:
        return lambda frame: np.array([dataset.total_charge])
    offset = contract.plane_offset
    if offset is None:
        raise VoxionError(
            f"Model {model} has no 'plane_offset', so that it cannot tell the charges of the "
            f"electrodes of {dataset.path}: train it on electrodes at given potentials."
        )
    pair, corrugation = planar_pair(dataset), contract.corrugation or 0.0
    return lambda frame: pair.charges(dataset, frame, offset, corrugation)


def _electrode_charges(
    dataset: ChargeDataset,
    labels: NDArray[np.float64],
    frames: NDArray[np.int64],
    totals: NDArray[np.float64],
) -> tuple[ElectrodeCharges, ...]:
    if dataset.electrodes is None:
        return ()
    return tuple(
        ElectrodeCharges(
            name,
            labels[frames][:, atoms].sum(1),
            totals[:, number],
            dataset.electrodes.potentials[frames, number],
        )
        for number, (name, atoms) in enumerate(dataset.electrodes.members().items())
    )


def _score_electrode(charges: ElectrodeCharges) -> ElectrodeScores:
    _, stage = np.unique(charges.potentials, return_inverse=True)
    means = np.bincount(stage, charges.reference) / np.bincount(stage)
    return ElectrodeScores(
        name=charges.name,
        mean=float(charges.reference.mean()),
        deviation=float(np.sqrt(np.square(charges.reference - means[stage]).mean())),
        rmse=float(np.sqrt(np.square(charges.predicted - charges.reference).mean())),
    )


def _layers(
    contract: ChargeContract, dataset: ChargeDataset
) -> tuple[tuple[float, list[NDArray[np.int64]]], ...]:
    """Depths of the layers, and the atoms of each on each electrode; nothing of one layer."""
    if contract.layers is None:
        return ()
    depths = torch.tensor(contract.layers, dtype=torch.float64)
    members: list[list[NDArray[np.int64]]] = [[] for _ in depths]
    for atoms, electrode in zip(_members(dataset), dataset.single_electrodes(), strict=True):
        layer = layer_of(torch.from_numpy(electrode.seen_positions), depths).numpy()
        for number, of_layer in enumerate(members):
            of_layer.append(np.flatnonzero(atoms)[layer == number])
    return tuple(zip(contract.layers, members, strict=True))


def _score_layer(
    predictions: Predictions, depth: float, members: list[NDArray[np.int64]]
) -> LayerScores:
    means = predictions.reference.copy()
    for atoms in members:
        means[:, atoms] = predictions.reference[:, atoms].mean(1, keepdims=True)
    every = np.concatenate(members)
    reference = predictions.reference[:, every]
    return LayerScores(
        depth,
        score_charges(reference, predictions.charges[:, every]),
        score_charges(reference, means[:, every]),
    )


def _run(module: LoadedModel, inputs: list[torch.Tensor]) -> NDArray[np.float64]:
    with torch.no_grad(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=DeprecationWarning, message=".*torch.jit.*")
        charges = module(*inputs)
    return np.asarray(charges.numpy(), np.float64)


def check_fits(contract: ChargeContract, dataset: ChargeDataset, model: str | Path) -> None:
    """Make sure that a model knows the sources, or the system, of a data set.

    Raises
    ------
    VoxionError
        It does not.
    """
    if contract.inputs == "site-potentials":
        _check_layers(contract, dataset, model)
        known = {source.charge for source in contract.sources}
        strange = [q for q in np.unique(dataset.source_charges) if not _among(q, known)]
        if strange:
            raise VoxionError(
                f"{dataset.path} has sources of charge {strange[0]:g} e, which model {model} has "
                "not seen: use a model of the same force field."
            )
        return
    runs = source_runs(dataset, ion_indices(dataset))
    found = [(run.charge, run.count) for run in runs], dataset.surface_atoms
    expected = [(s.charge, s.count) for s in contract.sources], contract.surface_atoms
    if found != expected:
        raise VoxionError(
            f"Model {model} knows one system, ions {expected[0]} (charge, count) and "
            f"{expected[1]} surface atoms; {dataset.path} has {found[0]} and {found[1]}."
        )


def _check_layers(contract: ChargeContract, dataset: ChargeDataset, model: str | Path) -> None:
    if dataset.electrodes is None and contract.layers is not None:
        raise VoxionError(
            f"Model {model} is for electrodes of {len(contract.layers)} layers at given "
            f"potentials, and {dataset.path} has one electrode of given charge."
        )
    for electrode in dataset.single_electrodes():
        if electrode.behind_face is not None:
            check_layers(electrode.behind_face[:, 2], contract.depths, f"{dataset.path}")


def _among(charge: float, known: set[float]) -> bool:
    return any(abs(charge - other) <= 1e-6 for other in known)


def _bins(module: LoadedModel, contract: ChargeContract) -> ChargeBins | None:
    if contract.inputs != "positions" or not hasattr(module, "bin_values"):
        return None
    minimum, width = float(module.bin_minimum), float(module.bin_width)
    return ChargeBins(minimum, width, module.bin_values.numpy())


def _cells(scores: Scores, binned: bool) -> list[str]:
    cells = [
        f"{scores.mae:.2e}",
        f"{scores.rmse:.2e}",
        f"{scores.r2:.5f}",
        f"{scores.largest:.2e}",
        f"{scores.within_epsilon:.1%}",
    ]
    if binned:
        for share in (scores.bin_accuracy, scores.bin_accuracy_filtered):
            cells.append("" if share is None else f"{share:.1%}")
    return cells
