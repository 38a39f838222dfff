"""A small equilibrated sheet and a data set sampled from it, shared by the tests."""

import pytest

from voxion.charges.sampling.electrode import ElectrodeLabels
from voxion.engines.lammps import run_lammps
from voxion.systems.graphene import GrapheneSystem


@pytest.fixture(scope="session")
def sheet(tmp_path_factory):
    """96 C at -1 e under 22 A of 1 M NaCl, equilibrated for a moment."""
    folder = tmp_path_factory.mktemp("engines") / "sheet with a space"
    system = GrapheneSystem(cells=(6, 4), total_charge=-1, molarity=1.0, thickness=22.0)
    system.build(folder, seed=5)
    run_lammps(folder / "in.equilibrate", variables={"steps": 200})
    return folder


@pytest.fixture(scope="session")
def sampled(sheet, tmp_path_factory):
    """Four frames, 10 steps apart, with charges updated by ELECTRODE at every step."""
    output = tmp_path_factory.mktemp("sampled") / "sheet.zarr"
    return ElectrodeLabels(sheet).sample(output, 4, 0.02, settle=0.04, progress=False)
