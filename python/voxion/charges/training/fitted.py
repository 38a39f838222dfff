"""A fitted model on disk, before export: constructor arguments, weights and contract."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import torch
from pydantic import BaseModel, Field
from torch import nn

from voxion.charges.data.bins import ChargeBins
from voxion.charges.models.electrons import SheetElectrons
from voxion.charges.models.ion_network import IonPositionsModel, dense_network
from voxion.charges.models.site_potentials import SitePotentialsModel, reach_of
from voxion.checkpoints import load_module, read_checkpoint
from voxion.contract.package import PackagedModel
from voxion.contract.schema import ChargeContract, load_model, parse_contract
from voxion.errors import VoxionError, one_line
from voxion.files import check_content, refusing

FITTED_FILE = "fitted.pt"
_ADVICE = "train the model again"


@dataclass(frozen=True)
class FittedModel:
    """A model in Python together with what it will say of itself when exported.

    Attributes
    ----------
    model : SitePotentialsModel or IonPositionsModel
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
        The training has not finished, the folder is none, or the file is damaged.
    """
    path = folder / FITTED_FILE
    if not path.is_file():
        raise VoxionError(
            f"{folder} holds no finished training ({FITTED_FILE} is missing): finish it with "
            "'voxion charges train ... --resume'."
        )
    content = read_checkpoint(path, _ADVICE)
    contract = parse_contract(str(content.get("contract")), str(path))
    build = _build_ion_positions if contract.inputs == "positions" else _build_site_potentials
    arguments, state = content.get("arguments"), content.get("state")
    with refusing(path, "fitted model, or one of another version of voxion,", _ADVICE):
        model = load_module(lambda: build(arguments, state), state)
    return FittedModel(model.eval(), contract)


def restored(path: str | Path) -> FittedModel:
    """Build the Python model of a TorchScript archive of site potentials again.

    Raises
    ------
    VoxionError
        No such archive, or its model is none that this version can build.
    """
    module, contract = load_model(path)
    advice = f"export it from its training folder again, model {path}"
    if isinstance(module, PackagedModel) or contract.inputs != "site-potentials":
        raise VoxionError(
            "Only TorchScript models of site potentials can be written in another format: "
            f"{advice}."
        )
    state = _in_layers(dict(module.state_dict()), module)
    arguments = {"mean_charge": module.mean_charge, "hidden": _hidden(state)}
    try:
        model = _build_site_potentials(arguments, state)
        known = model.state_dict()
        # what a version of voxion did not have yet stays as it is in a new model
        model.load_state_dict({**known, **{k: v for k, v in state.items() if k in known}})
    except (KeyError, RuntimeError, ValueError) as error:
        raise VoxionError(
            f"The model is of another version of voxion ({one_line(error, 200)}): {advice}."
        ) from None
    assert isinstance(model, SitePotentialsModel)
    return FittedModel(model.eval(), contract.model_copy(update={"reach": reach_of(model)}))


def _in_layers(state: dict[str, Any], module: Any) -> dict[str, Any]:
    """Return the weights as a model of one layer has them, also of models that knew no layers."""
    state.setdefault("depths", torch.zeros(1, dtype=torch.float64))
    if state["edges"].dim() == 1:
        state["edges"] = state["edges"][None, None]
        state["weights"] = state["weights"][None, :, None]
    if not hasattr(module, "distance"):
        state["training_sites"] = torch.zeros((), dtype=torch.float64)
    return state


def _hidden(state: dict[str, Any]) -> int:
    first = state.get("correction.0.bias")
    return 0 if first is None else len(first)


def _arguments(model: nn.Module) -> dict[str, Any]:
    if isinstance(model, SitePotentialsModel):
        first = None if model.correction is None else model.correction[0]
        hidden = first.out_features if isinstance(first, nn.Linear) else 0
        return {"mean_charge": model.mean_charge, "hidden": hidden}
    assert isinstance(model, IonPositionsModel)
    return {"bin_minimum": model.bin_minimum, "bin_width": model.bin_width}


class _SiteArguments(BaseModel):
    mean_charge: Annotated[float, Field(ge=-100, le=100)]
    hidden: Annotated[int, Field(ge=0, le=100_000)]


class _IonPositionsArguments(BaseModel):
    bin_minimum: Annotated[float, Field(ge=-100, le=100)]
    bin_width: Annotated[float, Field(gt=0, le=100)]


def _build_site_potentials(arguments: Any, state: Any) -> nn.Module:
    told = check_content(arguments, _SiteArguments)
    electrons = None
    if "electrons.constants" in state:
        constants = state["electrons.constants"].tolist()
        electrons = SheetElectrons(state["electrons.neighbours"], *constants)
    return SitePotentialsModel(
        state["edges"],
        state["weights"].size(1),
        told.mean_charge,
        told.hidden,
        electrons,
        state["depths"],
    )


def _build_ion_positions(arguments: Any, state: Any) -> nn.Module:
    told = check_content(arguments, _IonPositionsArguments)
    weights = [value for name, value in state.items() if name.endswith("weight")]
    x, y, z = (bool(p) for p in state["periodic"])
    return IonPositionsModel(
        dense_network(ions=weights[0].shape[1] // 4, surface_atoms=weights[-1].shape[0]),
        ChargeBins(
            told.bin_minimum,
            told.bin_width,
            np.asarray(state["bin_values"], np.float64),
        ),
        state["cell_origin"],
        (x, y, z),
    )
