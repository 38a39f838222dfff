"""Two electrodes at a voltage: small pairs, their frames by fix electrode/conp, their models."""

from pathlib import Path

import pytest

from voxion.charges.data.dataset import ChargeDataset
from voxion.charges.defaults import WIDTHS
from voxion.charges.sampling.electrode import ElectrodeLabels
from voxion.charges.training.run import TrainingResult, make_settings, train
from voxion.engines.lammps import run_lammps
from voxion.systems.crystals import Crystal, CrystalCapacitor
from voxion.systems.electrode_cell import ElectrodeCell
from voxion.systems.graphene import GrapheneSystem

CAPACITOR = GrapheneSystem(
    cells=(6, 4), total_charge=0, capacitor=True, molarity=1.0, thickness=24.0
)


GOLD = CrystalCapacitor(
    crystal=Crystal("gold", "100", layers=2), cells=(6, 5), molarity=1.0, thickness=20.0
)


def equilibrated(system: ElectrodeCell, folder: Path, seed: int) -> Path:
    """Build a system and run it for some steps; return its folder."""
    system.build(folder, seed=seed)
    run_lammps(folder / "in.equilibrate", variables={"steps": 200})
    return folder


def sample_potentials(folder, output, differences, frames, **options) -> ChargeDataset:
    total = frames * len(differences)
    return ElectrodeLabels(folder).sample(
        output, total, 0.05, differences=differences, settle=0.13, progress=False, **options
    )


@pytest.fixture(scope="session")
def neutral_capacitor(tmp_path_factory) -> Path:
    """Two sheets of 96 C without a charge of their own, 24 A apart."""
    return equilibrated(CAPACITOR, tmp_path_factory.mktemp("system") / "capacitor", seed=2)


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


@pytest.fixture(scope="session")
def gold_capacitor(tmp_path_factory) -> Path:
    """Two slabs of gold, two layers of 30 atoms each, 20 A apart."""
    return equilibrated(GOLD, tmp_path_factory.mktemp("system") / "gold", seed=4)


@pytest.fixture(scope="session")
def trained_gold(gold_capacitor, tmp_path_factory) -> TrainingResult:
    """Model of eight frames at 0 V and eight at 2 V."""
    folder = tmp_path_factory.mktemp("gold")
    data = sample_potentials(gold_capacitor, folder / "train.zarr", [0.0, 2.0], 8)
    settings = make_settings(
        [data.path],
        shells=5,
        radial_functions={"widths": WIDTHS, "cutoff": 8.0},
        largest_wave_vector=1.2,
    )
    return train(settings, folder / "trained")
