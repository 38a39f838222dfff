"""Small systems and small TorchScript models for the tests that run LAMMPS."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from voxion.charges.models.electrons import SheetElectrons
from voxion.charges.models.site_potentials import SitePotentialsModel
from voxion.engines.lammps import run_lammps
from voxion.systems.graphene import GrapheneSystem

CHARGES = {"O": -0.8476, "H": 0.4238, "Na": 1.0, "Cl": -1.0}
COMMON = {
    "contract_version": 1,
    "kind": "surface-charges",
    "length_unit": "angstrom",
    "charge_unit": "e",
    "torch_version": "2.13.0",
    "voxion_version": "0.1.0",
    "data_hash": "sha256:" + "0" * 64,
    "source_order": "ascending atom ID",
}


class LinearResponse(torch.nn.Module):
    """Charges that answer to one smeared potential."""

    def __init__(self, strength: float = -0.02):
        super().__init__()
        self.strength = strength

    def forward(
        self, potentials: torch.Tensor, positions: torch.Tensor, cell: torch.Tensor
    ) -> torch.Tensor:
        return self.strength * potentials[:, 2]


class IonNetwork(torch.nn.Module):
    """A dense network on ion coordinates, like the paper's but small."""

    def __init__(self, ions: int, atoms: int):
        super().__init__()
        torch.manual_seed(0)
        self.layers = torch.nn.Sequential(
            torch.nn.Linear(4 * ions, 64), torch.nn.ReLU(), torch.nn.Linear(64, atoms)
        )

    def forward(
        self,
        sources: torch.Tensor,
        source_charges: torch.Tensor,
        positions: torch.Tensor,
        cell: torch.Tensor,
    ) -> torch.Tensor:
        inputs = torch.cat([sources / 20.0, source_charges[:, None]], 1).flatten()
        return 0.05 * self.layers(inputs.float()).double()


class NotFiniteLater(torch.nn.Module):
    """Gives a NaN for the fourth surface atom at its third call."""

    def __init__(self):
        super().__init__()
        self.calls = 0

    def forward(
        self, potentials: torch.Tensor, positions: torch.Tensor, cell: torch.Tensor
    ) -> torch.Tensor:
        self.calls += 1
        charges = 0.0 * potentials[:, 0]
        if self.calls == 3:
            charges[3] = float("nan")
        return charges


def graphene_electrons() -> torch.nn.Module:
    """A tight-binding model with constants like those that DFTB's charges of graphene give."""
    edges = torch.tensor([0.7, 1.9])
    electrons = SheetElectrons(edges, 0.092, 1.4, 0.36, 300.0)
    model = SitePotentialsModel(edges, 4, 0.0, electrons=electrons)
    model.electron_weights[3] = 1.0
    return model


def local_contract(**changes) -> dict:
    return {
        **COMMON,
        "inputs": "site-potentials",
        "total_charge": None,
        "cell": None,
        "surface_atoms": None,
        "sources": [{"name": n, "charge": q, "count": None} for n, q in CHARGES.items()],
        "radial_functions": {"form": "erfc", "widths": [0.05, 0.1, 0.2, 0.4], "cutoff": 12.0},
        "input_ranges": {"min": [-10.0] * 4, "max": [10.0] * 4},
        **changes,
    }


def save_model(path: Path, module: torch.nn.Module, contract: dict | None) -> Path:
    extra = {} if contract is None else {"voxion.json": json.dumps(contract)}
    torch.jit.script(module).save(str(path), _extra_files=extra)
    return path


@pytest.fixture(scope="session")
def sheet(tmp_path_factory) -> Path:
    """A small sheet in contact with an electrolyte, p p f, briefly equilibrated."""
    folder = tmp_path_factory.mktemp("sheet")
    GrapheneSystem(cells=(6, 4), total_charge=-2, thickness=20.0).build(folder, seed=7)
    run_lammps(folder / "in.equilibrate", variables={"steps": 200})
    return folder


@pytest.fixture(scope="session")
def periodic_sheet(tmp_path_factory) -> Path:
    """The same, periodic in all directions."""
    folder = tmp_path_factory.mktemp("periodic")
    system = GrapheneSystem(
        cells=(6, 4), total_charge=-2, thickness=20.0, boundary="ppp", vacuum=20.0
    )
    system.build(folder, seed=7)
    run_lammps(folder / "in.equilibrate", variables={"steps": 100})
    return folder


@pytest.fixture(scope="session")
def capacitor(tmp_path_factory) -> Path:
    """Two sheets, -1 and +1 e."""
    folder = tmp_path_factory.mktemp("capacitor")
    GrapheneSystem(cells=(6, 4), total_charge=-1, thickness=20.0, capacitor=True).build(
        folder, seed=7
    )
    run_lammps(folder / "in.equilibrate", variables={"steps": 100})
    return folder


@pytest.fixture(scope="session")
def local_model(tmp_path_factory) -> Path:
    return save_model(
        tmp_path_factory.mktemp("model") / "local.pt", LinearResponse(), local_contract()
    )


@pytest.fixture(scope="session")
def electron_model(tmp_path_factory) -> Path:
    return save_model(
        tmp_path_factory.mktemp("model") / "electrons.pt",
        graphene_electrons(),
        local_contract(total_charge_input=True),
    )


@pytest.fixture(scope="session")
def ion_model(tmp_path_factory, sheet) -> Path:
    return save_model(
        tmp_path_factory.mktemp("model") / "ions.pt",
        *ion_network_for(sheet),
    )


def ion_network_for(folder: Path) -> tuple[torch.nn.Module, dict]:
    """A network on the ions of a built system, and its contract."""
    description = json.loads((folder / "system.json").read_text())
    count = {s["name"]: s["count"] for s in description["species"]}
    atoms = description["surfaces"][0]["atoms"]
    x, y = description["edges"]
    low, high = description["box_z"]
    contract = {
        **COMMON,
        "inputs": "positions",
        "total_charge": description["surfaces"][0]["charge"],
        "cell": [[x, 0, 0], [0, y, 0], [0, 0, high - low]],
        "surface_atoms": atoms,
        "sources": [
            {"name": name, "charge": CHARGES[name], "count": count[name]} for name in ("Na", "Cl")
        ],
        "input_ranges": {"min": [0.0, 0.0, low], "max": [x, y, high]},
    }
    return IonNetwork(count["Na"] + count["Cl"], atoms), contract


@pytest.fixture
def make_model(tmp_path) -> Callable[..., Path]:
    """Save a model with a changed contract: make_model(name, module, **changes)."""

    def make(name: str, module: torch.nn.Module | None = None, **changes) -> Path:
        return save_model(tmp_path / name, module or LinearResponse(), local_contract(**changes))

    return make
