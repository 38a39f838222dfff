"""Two electrodes at a voltage: a small pair, its frames by fix electrode/conp, their model."""

from pathlib import Path

import pytest

from voxion.charges.data.dataset import ChargeDataset
from voxion.charges.defaults import WIDTHS
from voxion.charges.sampling.electrode import ElectrodeLabels
from voxion.charges.training.run import TrainingResult, make_settings, train
from voxion.engines.lammps import run_lammps
from voxion.systems.graphene import GrapheneSystem

CAPACITOR = GrapheneSystem(
    cells=(6, 4), total_charge=0, capacitor=True, molarity=1.0, thickness=24.0
)


def sample_potentials(folder, output, differences, frames, **options) -> ChargeDataset:
    total = frames * len(differences)
    return ElectrodeLabels(folder).sample(
        output, total, 0.05, differences=differences, settle=0.13, progress=False, **options
    )


@pytest.fixture(scope="session")
def neutral_capacitor(tmp_path_factory) -> Path:
    """Two sheets of 96 C without a charge of their own, 24 A apart."""
    folder = tmp_path_factory.mktemp("system") / "capacitor"
    CAPACITOR.build(folder, seed=2)
    run_lammps(folder / "in.equilibrate", variables={"steps": 200})
    return folder


@pytest.fixture(scope="session")
def at_potentials(neutral_capacitor, tmp_path_factory) -> ChargeDataset:
    """Six frames at 0 V and six at 2 V."""
    output = tmp_path_factory.mktemp("labels") / "v.zarr"
    return sample_potentials(neutral_capacitor, output, [0.0, 2.0], 6)


@pytest.fixture(scope="session")
def trained_pair(at_potentials, tmp_path_factory) -> TrainingResult:
    """Model of these frames, with plane waves."""
    out = tmp_path_factory.mktemp("training") / "pair"
    radial = {"widths": WIDTHS, "cutoff": 10.0}
    settings = make_settings(
        [at_potentials.path],
        epochs=0,
        shells=6,
        radial_functions=radial,
        largest_wave_vector=1.2,
    )
    return train(settings, out)
