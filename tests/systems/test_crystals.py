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
from voxion.systems.crystals import MATERIALS, MOST_STRAIN, Crystal, CrystalCapacitor
from voxion.systems.description import load_system

METAL = "platinum"
NEAREST = ff.METALS[METAL].lattice_constant / np.sqrt(2)


def slab(name=METAL, surface=None, layers=4, **parameters) -> CrystalCapacitor:
    return CrystalCapacitor(
        crystal=Crystal(name, surface, layers), **{"cells": (5, 5)} | parameters
    )


def distances(crystal: CrystalCapacitor) -> np.ndarray:
    """Distances of all pairs of nuclei in one electrode, periodic in the plane."""
    sites = crystal.lower.behind_face
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
    sites, near = crystal.lower.behind_face, distances(crystal)
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
    metal, graphite = slab(surface="100"), slab("graphite", cells=(6, 4))
    for crystal, unfilled in ((metal, 1.0), (graphite, 6.75)):
        waters, cations, _ = crystal.counts()
        height = (29.94 * waters + 30.0 * cations) / np.prod(crystal.edges)
        assert crystal.thickness - height == pytest.approx(unfilled, abs=0.1)


def test_materials_of_the_command_are_those_of_the_builder():
    assert tuple(choice.value for choice in MaterialChoice) == MATERIALS


def test_graphite_has_bernals_stacking():
    crystal = slab("graphite", layers=3, cells=(6, 4))
    sites, found = crystal.lower.behind_face, distances(crystal)
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
        heights = gather(engine, "x")[:, 2]
        lower, upper = (in_group(engine, group) for group in ("lower", "upper"))
        electrolyte = in_group(engine, "electrolyte")
        assert np.isfinite(engine.get_thermo("pe"))
    assert heights[lower].max() == 0.0 and heights[upper].min() == pytest.approx(18.0)
    assert np.ptp(heights[lower]) == pytest.approx(4.0782 / np.sqrt(3), abs=1e-5)
    assert heights[electrolyte].min() > 2.5 and heights[electrolyte].max() < 15.5


def test_upper_electrode_of_another_material_is_strained_to_the_cell_of_the_lower_one():
    system = slab("gold", "100", 2, cells=(6, 6), upper_crystal=Crystal("graphite", layers=3))
    lower, upper = system.electrodes
    assert (lower.atoms, upper.atoms) == (72, 3 * 7 * 4 * 4)
    assert [kind.name for kind in (lower.kind, upper.kind)] == ["Au", "C"]
    # nuclei fill the cell evenly: their lattice vectors are those of the cell, divided
    phases = 2 * np.pi * upper.behind_face[:, :2] / system.edges * [7, 4]
    assert np.abs(np.exp(1j * phases[:, 0] * 2).mean()) == pytest.approx(1.0)
    assert np.abs(np.exp(1j * phases[:, 1]).mean()) < 1e-12
    bond = np.linalg.norm(upper.behind_face[1] - upper.behind_face[0])
    assert 1.42 * (1 - MOST_STRAIN) < bond < 1.42 * (1 + MOST_STRAIN)
    # half of the height that the liquid leaves is that of each side
    height = 29.94 * system.counts()[0] + 30.0 * system.counts()[1]
    assert system.thickness - height / np.prod(system.edges) == pytest.approx(3.875, abs=0.1)


def test_command_builds_electrodes_of_two_materials(tmp_path):
    options = ["--material", "graphite", "--layers", "1", "--cells", "7", "4", "--thickness", "20"]
    upper = ["--upper-material", "silver", "--upper-layers", "2"]
    command = ["systems", "electrodes", *options, *upper, "--out", str(tmp_path / "s")]
    done = CliRunner().invoke(app, command)
    assert done.exit_code == 0, done.output
    description = load_system(tmp_path / "s")
    assert [(one.element, one.atoms) for one in description.surfaces] == [("C", 112), ("Ag", 72)]
    assert "graphite of 1 layer, 112 C, and silver (100) of 2 layers" in description.title
    assert {ff.HEINZ, ff.WERDER} <= set(description.sources)
    with lammps_session() as engine:
        load_configuration(engine, tmp_path / "s", tmp_path / "s" / "system.data")
        engine.command("run 0")
        positions = gather(engine, "x")
        lower, upper = (positions[in_group(engine, group)] for group in ("lower", "upper"))
        assert np.isfinite(engine.get_thermo("pe"))
    assert len(lower) == 112 and lower[:, 2].max() == 0.0
    assert len(upper) == 72 and upper[:, 2].min() == pytest.approx(20.0)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"name": "lead"}, "must be one of gold, silver, copper, platinum, graphite; found"),
        ({"surface": "211"}, "surface of platinum must be one of 100, 110, 111; found '211'"),
        ({"surface": None}, "surface of platinum must be one of 100, 110, 111; found None"),
        ({"name": "graphite"}, "Graphite has its basal plane only"),
        ({"layers": 0}, "layers must be 1 to 100, found 0"),
        ({"cells": (2, 5)}, "both edges must be at least the cutoff"),
        (
            {"upper_crystal": Crystal("graphite")},
            r"5 x 5 cells of platinum .* of graphite, is strained by -6.0% along x and "
            r"\+8.6% along y; expected 2% at most: use 7 x 14 cells",
        ),
    ],
)
def test_wrong_parameters_are_refused(parameters, message):
    with pytest.raises(VoxionError, match=message):
        slab(**{"surface": "100"} | parameters)
