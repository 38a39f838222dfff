"""Files of a campaign: force field, configuration, structure factors and mixtures."""

from __future__ import annotations

import shutil
from importlib import resources
from pathlib import Path

import numpy as np

from tests.conftest import ROOT
from voxion.campaigns.surfactants.configuration import read_configuration
from voxion.scattering.reconstruction import read_curve
from voxion.systems.united_atom.forcefield import load_forcefield
from voxion.systems.united_atom.molecules import nafion
from voxion.voxels.classifier.mixture import read_mixture

from .folders import damage_one_of
from .harness import Target

CONFIGURATION = ROOT / "examples" / "03_surfactants_to_nafion" / "reduced.yaml"


def prepare(folder: Path) -> None:
    """Write one good file of each kind."""
    beads = resources.files("voxion.systems.united_atom") / "beads" / "real.yaml"
    (folder / "beads.yaml").write_text(beads.read_text())
    shutil.copyfile(CONFIGURATION, folder / "config.yaml")
    rows = "".join(f"{0.1 * i:g},12,{9 / i:g},0.1\n" for i in range(1, 12))
    (folder / "curve.csv").write_text(f"q,wave_vectors,s,s_error\n{rows}")
    (folder / "mixture.csv").write_text("label,fraction,error\n0,0.25,0.01\n6,0.75,0.02\n")


def read(path: Path) -> None:
    """Read a file of this name."""
    if path.name == "beads.yaml":
        forcefield = load_forcefield(path)
        chain = nafion(2)
        for entries, members in (
            (forcefield.bonds, chain.bonds),
            (forcefield.angles, chain.angles),
            (forcefield.dihedrals, chain.dihedrals),
        ):
            for indices in members:
                forcefield.find(entries, [chain.beads[i] for i in indices])
        shapes = (forcefield.water_positions(), forcefield.hydronium_positions())
        assert all(np.isfinite(shape).all() for shape in shapes)
    elif path.name == "config.yaml":
        read_configuration(path)
    elif path.name == "curve.csv":
        curve = read_curve(path)
        assert np.isfinite([curve.q, curve.s, curve.error]).all()
    else:
        mixture = read_mixture(path)
        assert abs(mixture.fractions.sum() - 1) < 1e-2


TARGETS = (Target("campaign-files", prepare, damage_one_of, read),)
