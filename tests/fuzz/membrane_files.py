"""Files of membranes: charges of residues, tables of membranes, and descriptions of systems."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np

from tests.conftest import ROOT
from voxion.campaigns.membranes.configuration import Campaign, claim_folder, read_campaign
from voxion.campaigns.membranes.configuration import read_membranes as read_table
from voxion.systems.membrane.parameters import (
    AtomParameters,
    ResidueParameters,
    read_residues,
    write_residues,
)

from .folders import damage_one_of
from .harness import Target

TABLE = ROOT / "examples" / "08_membrane_from_smiles" / "membranes.csv"


def prepare(folder: Path) -> None:
    """Write one good file of each kind."""
    shutil.copyfile(TABLE, folder / "membranes.csv")
    campaign = folder / "campaign"
    claim_folder(campaign, Campaign(membranes=read_table(folder / "membranes.csv")))
    (campaign / "config.yaml").rename(folder / "config.yaml")
    campaign.rmdir()
    carbon = AtomParameters(type="c3", charge=-0.1, hydrogen_type="hc", hydrogen_charge=0.08)
    oxygen = AtomParameters(type="oh", charge=-0.6, hydrogen_type="ho", hydrogen_charge=0.4)
    ethanol = ResidueParameters(smiles="CCO", method="own", atoms=[carbon, carbon, oxygen])
    write_residues(folder / "residues.yaml", [ethanol])


def read(path: Path) -> None:
    """Read a file of this name."""
    if path.name == "membranes.csv":
        assert all(np.isfinite(one.concentrations).all() for one in read_table(path))
    elif path.name == "config.yaml":
        read_campaign(path)
    else:
        for residue in read_residues(path).values():
            assert np.isfinite([atom.charge for atom in residue.atoms]).all()


TARGETS = (Target("membrane-files", prepare, damage_one_of, read),)
