"""Models of the surface charges as `torch.export` takes them, for AOTInductor packages.

Looking up neighbours cannot be exported: how many there are depends on the positions. So the
methods take the tables of neighbours as inputs, which the engine makes from the positions
(cpp/core/site_tables.cpp). The answer of a tight-binding sheet's electrons stays a constant: such a
package is for one sheet.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call

from voxion.charges.models.ion_network import IonPositionsModel
from voxion.charges.models.site_potentials import TABLES, SitePotentialsModel, reach_of
from voxion.contract.package import Method, Package

AUTO = torch.export.Dim.AUTO


@dataclass(frozen=True)
class Electrode:
    """An electrode that a package is made with.

    Attributes
    ----------
    positions : Tensor [M, 3], float64
        As the model gets them, angstrom.
    cell : Tensor [3, 3], float64
        Angstrom.
    total_charge : float
        Elementary charges.
    """

    positions: Tensor
    cell: Tensor
    total_charge: float

    def is_same(self, other: Electrode) -> bool:
        """Return True for the same atoms in the same cell with the same total charge."""
        return (
            self.positions.shape == other.positions.shape
            and torch.allclose(self.positions, other.positions, atol=1e-3)
            and torch.allclose(self.cell, other.cell, atol=1e-3)
            and abs(self.total_charge - other.total_charge) < 1e-9
        )


def package_ion_positions(model: IonPositionsModel, inputs: tuple[Tensor, ...]) -> Package:
    """Describe the package of a network of ion positions, with an example of its inputs."""
    bins = {
        "bin_minimum": model.bin_minimum,
        "bin_width": model.bin_width,
        "bin_values": model.bin_values.tolist(),
    }
    return Package({"forward": Method(model, inputs)}, constants=bins)


def package_site_potentials(
    model: SitePotentialsModel, electrode: Electrode, total_charge_input: bool
) -> Package:
    """Describe the package of a model of site potentials.

    Parameters
    ----------
    model : SitePotentialsModel
    electrode : Electrode
        The one sheet of a model with electrons; else an example.
    total_charge_input : bool
        Whether the model gets the total charge.
    """
    model.find_neighbours(electrode.positions, electrode.cell)
    tables = tuple(getattr(model, name).clone() for name in TABLES)
    model.forget_neighbours()
    total = torch.tensor([electrode.total_charge], dtype=torch.float64)
    contents: dict[str, Any] = {
        "shells": {"edges": model.edges.tolist(), "depths": model.depths.tolist()}
    }
    if model.electrons is not None:
        model.electrons.prepare(electrode.positions, electrode.cell, electrode.total_charge)
        contents["sheet"] = {
            "positions": electrode.positions.tolist(),
            "cell": electrode.cell.tolist(),
            "total_charge": electrode.total_charge,
        }
    potentials = torch.zeros(len(electrode.positions), model.weights.size(1), dtype=torch.float64)

    def method(name: str, inputs: tuple[Tensor, ...], columns: int | None = None) -> Method:
        dynamic: tuple[Any, ...] | None = None
        if model.electrons is None:
            sizes = ({0: AUTO}, {}, {0: AUTO})[: len(inputs)]
            dynamic = (sizes, tuple({0: AUTO} for _ in tables))
        return Method(_WithTables(model, name), (inputs, tables), dynamic, columns)

    methods = {"forward": method("charges", (potentials, total)[: 1 + total_charge_input])}
    if reach_of(model) is not None:
        methods["response"] = method("linear_response", (potentials,))
        methods["complete"] = method("completed", (potentials, total, potentials[:, 0].clone()))
    if float(model.training_sites) > 0:
        methods["distance"] = method("furthest", (potentials,))
        methods["whitened"] = method("turned", (potentials,), model.whitening.size(1))
    return Package(methods, contents, {"training_sites": float(model.training_sites)})


class _Called(nn.Module):
    """One method of a model as a module's forward method."""

    def __init__(self, model: SitePotentialsModel, name: str) -> None:
        super().__init__()
        self.model, self.name = model, name

    def forward(self, potentials: Tensor, *more: Tensor) -> Tensor:
        if self.name == "charges" and not more:
            mean = potentials.new_tensor(self.model.mean_charge)
            return self.model.charges(potentials, mean * potentials.size(0))
        if more:
            more = (more[0][0], *more[1:])  # the total charge
        result: Tensor = getattr(self.model, self.name)(potentials, *more)
        return result


class _WithTables(nn.Module):
    """A method of a model whose tables of neighbours come as inputs."""

    def __init__(self, model: SitePotentialsModel, name: str) -> None:
        super().__init__()
        self.called = _Called(model, name)

    def forward(self, inputs: tuple[Tensor, ...], tables: tuple[Tensor, ...]) -> Tensor:
        buffers = {f"model.{name}": table for name, table in zip(TABLES, tables, strict=True)}
        result: Tensor = functional_call(self.called, buffers, inputs)
        return result
