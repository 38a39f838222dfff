"""Crystals as electrodes: their lattices, and their systems in LAMMPS."""

import numpy as np
import pytest
from typer.testing import CliRunner

from voxion.charges.sampling.run import load_configuration
from voxion.cli.app import app
from voxion.cli.systems import MaterialChoice
from voxion.engines.lammps import gather, in_group, lammps_session
from voxion.errors import VoxionError
from voxion.systems import forcefields as ff
from voxion.systems.crystals import MATERIALS, CrystalCapacitor
from voxion.systems.description import load_system

METAL = "platinum"
NEAREST = ff.METALS[METAL].lattice_constant / np.sqrt(2)


def slab(**parameters) -> CrystalCapacitor:
    return CrystalCapacitor(**{"crystal": METAL, "layers": 4, "cells": (5, 5)} | parameters)


def distances(crystal: CrystalCapacitor) -> np.ndarray:
    """Distances of all pairs of nuclei in one electrode, periodic in the plane."""
    sites = crystal.behind_face()
    delta = sites[:, None] - sites
    edges = np.array(crystal.edges)
    delta[..., :2] -= edges * np.rint(delta[..., :2] / edges)
    found = np.linalg.norm(delta, axis=2)
    np.fill_diagonal(found, np.inf)
    return found


@pytest.mark.parametrize(
    ("surface", "in_plane", "neighbours"),
    # neighbours of a nucleus in the first, second, ... of four layers
    [("100", 4, [8, 12, 12, 8]), ("110", 2, [7, 11, 11, 7]), ("111", 6, [9, 12, 12, 9])],
)
def test_neighbours_in_a_face_centred_crystal(surface, in_plane, neighbours):
    crystal = slab(surface=surface)
    sites, near = crystal.behind_face(), distances(crystal)
    assert near.min() == pytest.approx(NEAREST)
    near = near < 1.01 * NEAREST
    layers = np.unique(np.round(sites[:, 2], 6))
    assert len(layers) == 4 and layers[0] == 0.0
    for depth, count in zip(layers, neighbours, strict=True):
        of_layer = np.isclose(sites[:, 2], depth)
        assert set(near[of_layer].sum(1)) == {count}
        assert set(near[of_layer][:, of_layer].sum(1)) == {in_plane}
    # one nucleus for a quarter of the cube of the lattice constant
    volume = np.prod(crystal.edges) * layers[1] * 4
    assert volume / len(sites) == pytest.approx(ff.METALS[METAL].lattice_constant ** 3 / 4)


def test_water_fills_what_is_between_metals():
    """Metals are wetted, graphite leaves room at both sides."""
    metal, graphite = slab(surface="100"), slab(crystal="graphite", cells=(6, 4))
    for crystal, unfilled in ((metal, 1.0), (graphite, 6.75)):
        waters, cations, _ = crystal.counts()
        height = (29.94 * waters + 30.0 * cations) / np.prod(crystal.edges)
        assert crystal.thickness - height == pytest.approx(unfilled, abs=0.1)


def test_materials_of_the_command_are_those_of_the_builder():
    assert tuple(choice.value for choice in MaterialChoice) == MATERIALS


def test_graphite_has_bernals_stacking():
    crystal = slab(crystal="graphite", layers=3, cells=(6, 4))
    sites, found = crystal.behind_face(), distances(crystal)
    assert set((found < 1.43).sum(1)) == {3}
    # half of the atoms of a layer have one right below them, half a hexagon
    below = np.isclose(found, 3.35, atol=1e-6)
    top, middle = sites[:, 2] == 0.0, np.isclose(sites[:, 2], 3.35)
    assert sorted(set(below[np.ix_(top, middle)].sum(1))) == [0, 1]
    assert below[np.ix_(top, middle)].sum() == top.sum() / 2
    np.testing.assert_allclose(sites[top, :2], sites[np.isclose(sites[:, 2], 6.7), :2])


def test_command_builds_a_system_that_runs(tmp_path):
    options = ["--material", "gold", "--surface", "111", "--layers", "2", "--cells", "5", "3"]
    command = ["systems", "electrodes", *options, "--thickness", "18", "--out", str(tmp_path / "s")]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 0, done.output
    assert "60 Au" in done.output
    description = load_system(tmp_path / "s")
    assert [one.element for one in description.surfaces] == ["Au", "Au"]
    assert ff.HEINZ in description.sources and ff.WERDER not in description.sources
    with lammps_session() as engine:
        load_configuration(engine, tmp_path / "s", tmp_path / "s" / "system.data")
        engine.command("run 0")
        heights = gather(engine, "x", 3)[:, 2]
        lower, upper = (in_group(engine, group) for group in ("lower", "upper"))
        electrolyte = in_group(engine, "electrolyte")
        assert np.isfinite(engine.get_thermo("pe"))
    assert heights[lower].max() == 0.0 and heights[upper].min() == pytest.approx(18.0)
    assert np.ptp(heights[lower]) == pytest.approx(4.0782 / np.sqrt(3), abs=1e-5)
    assert heights[electrolyte].min() > 2.5 and heights[electrolyte].max() < 15.5


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"crystal": "lead"}, "must be one of gold, silver, copper, platinum, graphite; found"),
        ({"surface": "211"}, "surface of platinum must be one of 100, 110, 111; found '211'"),
        ({"surface": None}, "surface of platinum must be one of 100, 110, 111; found None"),
        ({"crystal": "graphite"}, "Graphite has its basal plane only"),
        ({"layers": 0}, "layers must be 1 to 100, found 0"),
        ({"cells": (2, 5)}, "both edges must be at least the cutoff"),
    ],
)
def test_wrong_parameters_are_refused(parameters, message):
    with pytest.raises(VoxionError, match=message):
        slab(**{"surface": "100"} | parameters)
