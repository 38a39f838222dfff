"""An electrode for GROMACS, equilibrated once, and models for it."""

import shutil
from pathlib import Path

import pytest

from tests.gromacs.harness import Electrode
from tests.lammps.conftest import (
    LinearResponse,
    graphene_electrons,
    ion_network_for,
    local_contract,
    save_model,
)
from voxion.systems.graphene import GrapheneSystem

SYSTEM = GrapheneSystem(cells=(9, 6), total_charge=-2, thickness=20.0)
SEED = 3


@pytest.fixture(scope="session")
def equilibrated(gmx, tmp_path_factory) -> Path:
    """216 C, 240 water, 11 Na+, 9 Cl-; 1 ps after the packed start."""
    return equilibrate(gmx, SYSTEM, SEED, tmp_path_factory.mktemp("electrode") / "built")


def equilibrate(gmx: Path, system: GrapheneSystem, seed: int, folder: Path) -> Path:
    """Build a system and run it for 1 ps."""
    system.build(folder, seed, "gromacs")
    electrode = Electrode(gmx, folder)
    for name, start in (("em", []), ("equilibrate", ["-t", "em.trr"])):
        electrode.tool(
            *("grompp", "-f", f"{name}.mdp", "-c", "conf.gro", *start, "-p", "topol.top"),
            *("-n", "index.ndx", "-o", f"{name}.tpr", "-po", "mdout.mdp"),
        )
        steps = ["-nsteps", "500"] * (name == "equilibrate")
        electrode.tool("mdrun", "-deffnm", name, "-ntmpi", "1", "-ntomp", "1", "-reprod", *steps)
    return folder


@pytest.fixture
def electrode(gmx, equilibrated, tmp_path) -> Electrode:
    """A copy of it."""
    folder = tmp_path / "run"
    shutil.copytree(equilibrated, folder)
    return Electrode(gmx, folder)


@pytest.fixture(scope="session")
def strong_model(tmp_path_factory) -> Path:
    """Charges that differ by some 0.05 e among atoms, so that forces feel a wrong one."""
    return save_model(
        tmp_path_factory.mktemp("model") / "strong.pt", LinearResponse(-0.5), local_contract()
    )


@pytest.fixture(scope="session")
def electron_model(tmp_path_factory) -> Path:
    """The electrons of graphene, which answer by the total charge that the fix or job names."""
    return save_model(
        tmp_path_factory.mktemp("model") / "electrons.pt",
        graphene_electrons(),
        local_contract(total_charge_input=True),
    )


@pytest.fixture(scope="session")
def ion_model(tmp_path_factory, equilibrated) -> Path:
    """A network on the ions' coordinates."""
    return save_model(tmp_path_factory.mktemp("model") / "ions.pt", *ion_network_for(equilibrated))
