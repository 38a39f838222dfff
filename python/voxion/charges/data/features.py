"""Inputs of the models from a data set: smeared potentials at the sites, or ions' coordinates."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby

import numpy as np
import torch  # before voxion._core, which links against the libraries that it loads
from numpy.typing import NDArray
from rich.progress import track
from torch import Tensor

import voxion._core as _core
from voxion.charges.data.dataset import ChargeDataset, ChargeFrame
from voxion.contract.schema import ChargeContract, RadialFunctions, Source
from voxion.errors import VoxionError


@dataclass(frozen=True)
class SiteFrames:
    """Potentials at the sites of one sheet, and its charges, in some frames.

    Attributes
    ----------
    potentials : ndarray [F, M, K], float64
        e/angstrom.
    charges : ndarray [F, M], float64
        Elementary charges.
    surface_positions : ndarray [M, 3], float64
        As a model gets them (`ChargeDataset.seen_positions`), angstrom.
    cell : ndarray [3, 3], float64
        Lattice vectors of the first frame as rows, angstrom.
    """

    potentials: NDArray[np.float64]
    charges: NDArray[np.float64]
    surface_positions: NDArray[np.float64]
    cell: NDArray[np.float64]

    def take(self, frames: NDArray[np.int64]) -> SiteFrames:
        """Keep some of the frames."""
        return SiteFrames(
            self.potentials[frames], self.charges[frames], self.surface_positions, self.cell
        )


@dataclass(frozen=True)
class IonFrames:
    """Coordinates of the ions and the charges of the sheet in some frames.

    Attributes
    ----------
    positions : ndarray [F, N, 3], float64
        Ions in ascending atom ID, angstrom.
    ion_charges : ndarray [N], float64
        Elementary charges.
    charges : ndarray [F, M], float64
        Charges of the sheet, e.
    cells : ndarray [F, 3, 3], float64
        Angstrom.
    """

    positions: NDArray[np.float64]
    ion_charges: NDArray[np.float64]
    charges: NDArray[np.float64]
    cells: NDArray[np.float64]


def site_potentials(
    dataset: ChargeDataset,
    frame: ChargeFrame,
    radial: RadialFunctions,
    largest_wave_vector: float | None = None,
) -> NDArray[np.float64]:
    """Smeared potentials of all electrolyte atoms at the sites of one frame.

    phi[i, k] = sum_j q_j (erfc(a_k r_ij)/r_ij - erfc(a_k rc)/rc), over periodic images within rc.

    Parameters
    ----------
    dataset : ChargeDataset
    frame : ChargeFrame
    radial : RadialFunctions
    largest_wave_vector : float, optional
        1/angstrom; adds the potential of plane waves along the sheet, see docs/models.md.

    Returns
    -------
    ndarray [M, K] or, with plane waves, [M, K + 1], float64
        e/angstrom.
    """
    return np.asarray(
        _core.site_potentials(
            dataset.surface_positions,
            frame.source_positions,
            dataset.source_charges,
            frame.cell,
            list(dataset.periodic),
            list(radial.widths),
            radial.cutoff,
            largest_wave_vector,
        )
    )


def model_inputs(
    dataset: ChargeDataset,
    frame: ChargeFrame,
    contract: ChargeContract,
    total: float | None = None,
) -> list[Tensor]:
    """Return the arguments of a model of charges for one frame, in the order of its contract.

    Parameters
    ----------
    dataset : ChargeDataset
        Data set of one electrode.
    frame : ChargeFrame
    contract : ChargeContract
    total : float, optional
        Total charge, e; that of the frame by default.

    Returns
    -------
    list of Tensor, float64
        For a model of site potentials: potentials [M, K] (e/angstrom), positions of the surface
        atoms [M, 3] (angstrom), cell [3, 3], and the total charge [1] (e) if the model takes it.
        For one of positions: positions [N, 3] and charges [N] of the ions, then positions of the
        surface atoms and cell.

    Raises
    ------
    VoxionError
        The model takes positions of ions, and the data set has none.
    """
    require_one_electrode(dataset)
    surface, cell = torch.from_numpy(dataset.seen_positions), torch.from_numpy(frame.cell)
    if contract.radial_functions is not None:
        potentials = site_potentials(
            dataset, frame, contract.radial_functions, contract.largest_wave_vector
        )
        inputs = [torch.from_numpy(potentials), surface, cell]
        if contract.total_charge_input:
            total = dataset.total_of(frame) if total is None else total
            inputs.append(torch.tensor([total], dtype=torch.float64))
        return inputs
    ions = ion_indices(dataset)
    positions = torch.from_numpy(frame.source_positions[ions].astype(np.float64))
    return [positions, torch.from_numpy(dataset.source_charges[ions]), surface, cell]


def site_frames(
    dataset: ChargeDataset,
    radial: RadialFunctions,
    largest_wave_vector: float | None = None,
    progress: bool = False,
) -> SiteFrames:
    """Potentials and charges of every frame of a data set of one electrode."""
    require_one_electrode(dataset)
    frames: Iterable[ChargeFrame] = dataset
    if progress:
        frames = track(dataset, f"Potentials of {dataset.path.name}", total=dataset.frames)
    potentials, charges = [], []
    for frame in frames:
        potentials.append(site_potentials(dataset, frame, radial, largest_wave_vector))
        charges.append(frame.surface_charges)
    return SiteFrames(
        np.asarray(potentials), np.asarray(charges), dataset.seen_positions, dataset.cells[0]
    )


def ion_indices(dataset: ChargeDataset) -> NDArray[np.int64]:
    """Find the ions among the sources: whole charges other than zero, unlike the solvent's.

    Raises
    ------
    VoxionError
        The data set has no ions.
    """
    charges = dataset.source_charges
    whole = np.isclose(charges, np.rint(charges), rtol=0, atol=1e-6) & (np.rint(charges) != 0)
    if not whole.any():
        raise VoxionError(
            f"{dataset.path} has no ions (sources of whole charge): the ion-positions model sees "
            "nothing but ions; use the site-potentials model."
        )
    return np.flatnonzero(whole)


def ion_frames(dataset: ChargeDataset) -> IonFrames:
    """Ions and charges of every frame of a data set of one electrode."""
    require_one_electrode(dataset)
    ions = ion_indices(dataset)
    return IonFrames(
        np.asarray([dataset.source_positions(i)[ions] for i in range(len(dataset))], np.float64),
        dataset.source_charges[ions],
        dataset.surface_charges(),
        dataset.cells,
    )


def source_runs(dataset: ChargeDataset, indices: NDArray[np.int64]) -> tuple[Source, ...]:
    """List runs of equal species among some sources, in ascending atom ID."""
    keys = zip(
        dataset.species_of_sources[indices].tolist(),
        dataset.source_charges[indices].tolist(),
        strict=True,
    )
    return tuple(
        Source(name=name, charge=charge, count=len(list(run)))
        for (name, charge), run in groupby(keys)
    )


def source_species(datasets: Sequence[ChargeDataset]) -> tuple[Source, ...]:
    """Species of several data sets, each with its one charge, of any number.

    Raises
    ------
    VoxionError
        A species has different charges.
    """
    charges: dict[str, float] = {}
    for dataset in datasets:
        everything = np.arange(dataset.sources)
        for source in source_runs(dataset, everything):
            known = charges.setdefault(source.name, source.charge)
            if abs(known - source.charge) > 1e-6:
                raise VoxionError(
                    f"{dataset.path}: {source.name} has charge {source.charge:g} e, elsewhere "
                    f"{known:g} e: train one model on one force field."
                )
    return tuple(Source(name=name, charge=charge) for name, charge in charges.items())


def require_one_electrode(dataset: ChargeDataset) -> None:
    """Refuse a data set with electrodes at given potentials.

    Raises
    ------
    VoxionError
    """
    if dataset.electrodes is not None:
        names = ", ".join(dataset.electrodes.names)
        raise VoxionError(
            f"{dataset.path} has electrodes at given potentials ({names}): expected one electrode "
            "of given charge. Several are for 'voxion charges train' (site-potentials), "
            "'cross-validate', 'score' and 'capacitance'."
        )
