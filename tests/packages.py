"""Packages of compiled code that tests of several parts use."""

from pathlib import Path

import numpy as np
import pytest
import torch

from voxion.charges.models.packaged import Electrode, package_site_potentials
from voxion.charges.training.fitted import restored
from voxion.contract.model_file import write_model_file
from voxion.contract.schema import CONTRACT_FILE
from voxion.demo import model_path


def graphene(cells: tuple[int, int], total: float = -2.0) -> Electrode:
    """Return a sheet of 4 atoms in each of the cells, periodic along x and y."""
    edges = np.array([2.46, 4.26])
    atoms = np.array([(0, 0), (0, 1.42), (1.23, 2.13), (1.23, 3.55)])
    corners = edges * np.stack(np.meshgrid(*map(range, cells), indexing="ij"), -1).reshape(-1, 2)
    flat = (corners[:, None] + atoms).reshape(-1, 2)
    positions = np.column_stack([flat, np.full(len(flat), 5.0)])
    cell = np.diag([*(edges * cells), 40.0])
    return Electrode(torch.from_numpy(positions), torch.from_numpy(cell), total)


def crystal(cells: int, depths: list[float], total: float = 1.25) -> Electrode:
    """Return layers of (100) gold, by depth behind the face."""
    edge = 4.08 / np.sqrt(2)
    corners = edge * np.stack(np.meshgrid(range(cells), range(cells), indexing="ij"), -1)
    layers = [
        np.column_stack([corners.reshape(-1, 2) + number % 2 * edge / 2, np.full(cells**2, depth)])
        for number, depth in enumerate(depths)
    ]
    cell = np.diag([cells * edge, cells * edge, 60.0])
    return Electrode(torch.from_numpy(np.concatenate(layers)), torch.from_numpy(cell), total)


def packaged(archive: Path, electrode: Electrode, path: Path) -> Path:
    """Write the model of a TorchScript archive as a package."""
    fitted = restored(archive)
    contract = fitted.contract
    return write_model_file(
        fitted.model,
        {CONTRACT_FILE: contract.to_json()},
        path,
        check=lambda written: None,
        package=lambda: package_site_potentials(
            fitted.model, electrode, contract.total_charge_input
        ),
    )


@pytest.fixture(scope="session")
def packaged_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demonstration's model as a package."""
    path = tmp_path_factory.mktemp("package") / "model.pt2"
    return packaged(model_path(), graphene((6, 4)), path)
