"""Models of the surface's charges that are measured: a local one, and the paper's network."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path

import numpy as np
import torch

from voxion import __version__
from voxion.charges.data.bins import EPSILON, ChargeBins
from voxion.charges.models.ion_network import IonPositionsModel, dense_network
from voxion.charges.training.export import write_model
from voxion.charges.training.fitted import FittedModel
from voxion.contract.schema import ChargeContract, InputRanges, Source, read_contract
from voxion.demo import model_path
from voxion.errors import VoxionError
from voxion.systems.description import SystemDescription

EMBEDDED = model_path()
IONS = ("Na", "Cl")
UNTRAINED = (
    "The paper's network has not been trained: 4 inputs per ion, 4 layers of 1024, one output per "
    "electrode atom, random weights. Its cost does not depend on them."
)


def check_local(model: Path) -> None:
    """Refuse a model that is not a local one.

    Raises
    ------
    VoxionError
    """
    inputs = read_contract(model).inputs
    if inputs != "site-potentials":
        raise VoxionError(
            f"{model} is not a local model: expected inputs 'site-potentials', found {inputs!r}; "
            "export one from a training of that kind."
        )


def write_untrained(system: SystemDescription, path: Path) -> Path:
    """Export the paper's network with random weights for the ions and the sheet of a system.

    Its bins lie about the mean charge, so that the run stays a sensible one.
    """
    ions = [s for s in system.species if s.name in IONS]
    atoms = sum(s.atoms for s in system.surfaces)
    total = sum(s.charge for s in system.surfaces)
    mean = total / atoms
    low, high = system.box_z
    x, y = system.edges
    torch.manual_seed(0)
    model = IonPositionsModel(
        dense_network(sum(s.count for s in ions), atoms),
        ChargeBins.fit(np.linspace(mean - EPSILON, mean + EPSILON, 1000)),
        torch.tensor([0.0, 0.0, low]),
        system.periodic,
    )
    contract = ChargeContract(
        inputs="positions",
        torch_version=metadata.version("torch"),
        voxion_version=__version__,
        data_hash="sha256:" + "0" * 64,
        total_charge=total,
        cell=((x, 0.0, 0.0), (0.0, y, 0.0), (0.0, 0.0, high - low)),
        surface_atoms=atoms,
        sources=tuple(Source(name=s.name, charge=s.charge, count=s.count) for s in ions),
        input_ranges=InputRanges(min=(0.0, 0.0, low), max=(x, y, high)),
    )
    return write_model(FittedModel(model, contract), path, [])
