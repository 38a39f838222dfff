"""A fitted model on disk, before export: constructor arguments, weights and contract."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from voxion.charges.bins import ChargeBins
from voxion.charges.models.electrons import SheetElectrons
from voxion.charges.models.paper import PaperModel, dense_network
from voxion.charges.models.site_potentials import SitePotentialsModel
from voxion.contract import ChargeContract, parse_contract
from voxion.errors import VoxionError

FITTED_FILE = "fitted.pt"


@dataclass(frozen=True)
class FittedModel:
    """A model in Python together with what it will say of itself when exported.

    Attributes
    ----------
    model : SitePotentialsModel or PaperModel
    contract : ChargeContract
    """

    model: nn.Module
    contract: ChargeContract

    def write(self, folder: Path) -> None:
        """Write `fitted.pt` into a training folder."""
        temporary = folder / f".{FITTED_FILE}"
        torch.save(
            {
                "contract": self.contract.to_json(),
                "arguments": _arguments(self.model),
                "state": self.model.state_dict(),
            },
            temporary,
        )
        temporary.replace(folder / FITTED_FILE)


def read_fitted(folder: Path) -> FittedModel:
    """Read the fitted model of a training folder.

    Raises
    ------
    VoxionError
        The training has not finished, or the folder is none.
    """
    path = folder / FITTED_FILE
    if not path.is_file():
        raise VoxionError(
            f"{folder} holds no finished training ({FITTED_FILE} is missing): finish it with "
            "'voxion charges train ... --resume'."
        )
    content = torch.load(path, weights_only=True)
    contract = parse_contract(content["contract"], str(path))
    build = _build_paper if contract.inputs == "positions" else _build_site_potentials
    model = build(content["arguments"], content["state"])
    try:
        model.load_state_dict(content["state"])
    except RuntimeError:  # a buffer that the model has got since
        raise VoxionError(
            f"{path} was written by another version of voxion: train the model again."
        ) from None
    return FittedModel(model.eval(), contract)


def _arguments(model: nn.Module) -> dict[str, Any]:
    if isinstance(model, SitePotentialsModel):
        first = None if model.correction is None else model.correction[0]
        hidden = first.out_features if isinstance(first, nn.Linear) else 0
        return {"mean_charge": model.mean_charge, "hidden": hidden}
    assert isinstance(model, PaperModel)
    return {"bin_minimum": model.bin_minimum, "bin_width": model.bin_width}


def _build_site_potentials(arguments: dict[str, Any], state: dict[str, Any]) -> nn.Module:
    electrons = None
    if "electrons.constants" in state:
        constants = state["electrons.constants"].tolist()
        electrons = SheetElectrons(state["electrons.neighbours"], *constants)
    return SitePotentialsModel(
        state["edges"],
        len(state["weights"]),
        arguments["mean_charge"],
        arguments["hidden"],
        electrons,
    )


def _build_paper(arguments: dict[str, Any], state: dict[str, Any]) -> nn.Module:
    weights = [value for name, value in state.items() if name.endswith("weight")]
    x, y, z = (bool(p) for p in state["periodic"])
    return PaperModel(
        dense_network(ions=weights[0].shape[1] // 4, surface_atoms=weights[-1].shape[0]),
        ChargeBins(
            arguments["bin_minimum"],
            arguments["bin_width"],
            np.asarray(state["bin_values"], np.float64),
        ),
        state["cell_origin"],
        (x, y, z),
    )
