"""Small systems and one model trained on them, shared by the tests of the charges."""

from pathlib import Path

import pytest

from voxion.charges.data.dataset import ChargeDataset
from voxion.charges.sampling.electrode import ElectrodeLabels
from voxion.charges.training.run import TrainingResult, make_settings, train
from voxion.engines.lammps import run_lammps
from voxion.systems.graphene import GrapheneSystem

from .reference import RADIAL, LinearSystem


@pytest.fixture(scope="session")
def linear_dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Data set of 60 frames whose charges are an exactly linear response."""
    path = tmp_path_factory.mktemp("data") / "linear.zarr"
    LinearSystem().dataset(path, 60)
    return path


@pytest.fixture(scope="session")
def linear_training(
    linear_dataset: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[TrainingResult, Path]:
    """Result and folder of a site-potentials training on it."""
    out = tmp_path_factory.mktemp("training") / "linear"
    settings = make_settings([linear_dataset], radial_functions=RADIAL, shells=3, epochs=3)
    return train(settings, out), out


@pytest.fixture(scope="session")
def ion_positions_training(
    linear_dataset: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[TrainingResult, Path]:
    """Result and folder of an uninterrupted training of the paper's network, 20 epochs."""
    out = tmp_path_factory.mktemp("training") / "paper"
    settings = make_settings([linear_dataset], model="ion-positions", epochs=20)
    return train(settings, out), out


CAPACITOR = GrapheneSystem(
    cells=(6, 4), total_charge=0, capacitor=True, molarity=1.0, thickness=24.0
)


def sample_potentials(folder, output, differences, frames, **options) -> ChargeDataset:
    total = frames * len(differences)
    return ElectrodeLabels(folder).sample(
        output, total, 0.05, differences=differences, settle=0.13, progress=False, **options
    )


@pytest.fixture(scope="session")
def capacitor(tmp_path_factory) -> Path:
    """Two sheets of 96 C without a charge of their own, 24 A apart."""
    folder = tmp_path_factory.mktemp("system") / "capacitor"
    CAPACITOR.build(folder, seed=2)
    run_lammps(folder / "in.equilibrate", variables={"steps": 200})
    return folder


@pytest.fixture(scope="session")
def at_potentials(capacitor, tmp_path_factory) -> ChargeDataset:
    """Six frames at 0 V and six at 2 V."""
    output = tmp_path_factory.mktemp("labels") / "v.zarr"
    return sample_potentials(capacitor, output, [0.0, 2.0], 6)
