"""Small systems and one model trained on them, shared by the tests of the charges."""

from pathlib import Path

import pytest

from voxion.charges.training.run import TrainingResult, make_settings, train

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
