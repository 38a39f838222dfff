"""The builder: counts, charges, geometry, files that LAMMPS reads, and its errors."""

import numpy as np
import pytest
from MDAnalysis.lib.distances import capped_distance

from voxion.errors import VoxionError
from voxion.systems import packing
from voxion.systems.description import load_system
from voxion.systems.graphene import BOND_LENGTH, GrapheneSystem, cells_for, graphene_sheet

AVOGADRO_PER_CUBIC_ANGSTROM = 6.02214076e-4


def test_defaults_are_the_paper_system():
    system = GrapheneSystem()
    assert system.lower.atoms == 336
    assert system.counts() == (2065, 90, 86)
    assert system.edges == pytest.approx((29.51, 29.82), abs=0.01)


@pytest.mark.parametrize("charge", [-5, -4, -1, 0, 1, 3])
@pytest.mark.parametrize("molarity", [0.0, 0.05, 1.0, 3.0])
def test_ions_make_up_for_any_charge(charge, molarity):
    system = GrapheneSystem(cells=(8, 5), total_charge=charge, molarity=molarity, thickness=40.0)
    waters, cations, anions = system.counts()
    assert cations - anions == -charge
    assert min(cations, anions) >= 0 and waters > 0
    expected = molarity * AVOGADRO_PER_CUBIC_ANGSTROM * system.liquid_volume
    assert (cations + anions) / 2 == pytest.approx(max(expected, abs(charge) / 2), abs=1.0)


def test_capacitor_needs_no_excess_ions():
    _, cations, anions = GrapheneSystem(total_charge=-4, capacitor=True).counts()
    assert cations == anions


@pytest.mark.parametrize("cells", [(5, 3), (12, 7)])
def test_sheet_is_periodic_graphene(cells):
    positions = graphene_sheet(cells, z=3.0)
    box = [cells[0] * np.sqrt(3) * BOND_LENGTH, cells[1] * 3 * BOND_LENGTH, 50.0, 90, 90, 90]
    pairs, lengths = capped_distance(positions, positions, 1.6, 0.1, box=box)
    assert len(positions) == 4 * cells[0] * cells[1]
    assert np.all(np.bincount(pairs[:, 0], minlength=len(positions)) == 3)
    assert lengths == pytest.approx(1.42, abs=1e-5)
    assert np.all(positions[:, :2] > 0) and np.all(positions[:, :2] < box[:2])


def test_cells_for_a_number_of_carbons():
    assert cells_for(336) == (12, 7)
    assert cells_for(96) == (6, 4)
    with pytest.raises(VoxionError, match="No nearly square sheet has 338"):
        cells_for(338)


def test_water_is_spce():
    oxygen, first, second = packing.water_molecule()
    a, b = first - oxygen, second - oxygen
    assert np.linalg.norm(a) == pytest.approx(1.0)
    assert np.degrees(np.arccos(a @ b)) == pytest.approx(109.47)


def test_files_hold_what_was_asked_for(built):
    lines = (built / "system.data").read_text().splitlines()
    start = lines.index("Atoms # full") + 2
    rows = [line.split() for line in lines[start : lines.index("Bonds") - 1]]
    description = load_system(built)
    names = np.array([row[2] for row in rows])
    charges = np.array([float(row[3]) for row in rows])
    positions = np.array([row[4:7] for row in rows], float)
    assert np.bincount([int(row[1]) for row in rows])[1] == 96
    assert charges[names == "C"].sum() == pytest.approx(-1.0, abs=1e-12)
    assert charges.sum() == pytest.approx(0.0, abs=1e-9)
    for species in description.species:
        assert (names == species.name).sum() == species.count
    electrolyte = positions[names != "C"]
    assert electrolyte[:, 2].min() > 2.0
    assert electrolyte[:, 2].max() < description.thickness
    # no overlap across the periodic faces either; 0.9 A is inside a water molecule
    box = [*description.edges, 200.0, 90, 90, 90]
    pairs, distances = capped_distance(electrolyte, electrolyte, 1.8, 0.1, box=box)
    molecule = np.array([int(row[1]) for row in rows])[names != "C"]
    between = molecule[pairs[:, 0]] != molecule[pairs[:, 1]]
    assert not between.any(), distances[between]


def test_same_seed_same_files(built, tmp_path):
    system = GrapheneSystem(cells=(6, 4), total_charge=-1, molarity=1.0, thickness=22.0)
    system.build(tmp_path / "again", seed=7)
    system.build(tmp_path / "other", seed=8)
    data = (built / "system.data").read_text()
    assert (tmp_path / "again" / "system.data").read_text() == data
    assert (tmp_path / "other" / "system.data").read_text() != data


def test_existing_system_is_not_overwritten(built):
    with pytest.raises(VoxionError, match="already holds a system"):
        GrapheneSystem().build(built)


def test_packmol_failure_is_reported():
    with pytest.raises(VoxionError, match="packmol could not pack 20 water and 1 ions into"):
        packing.pack(20, {"Na": 1}, (6.0, 6.0), (0.0, 6.0), seed=1)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"cells": (0, 7)}, "cells must be two positive numbers"),
        ({"cells": (2, 7)}, "at least the cutoff"),
        ({"total_charge": -3.5}, "whole number of e"),
        ({"thickness": 5.0}, "15 A at least"),
        ({"molarity": -1.0}, "molarity must not be negative"),
        ({"molarity": 1.0, "cations": 4}, "not both"),
        ({"cations": 90, "anions": 90}, "do not make up for -4 e"),
        ({"molarity": 60.0}, "no room for water"),
        ({"waters": 4000}, "4000 water molecules do not fit"),
        ({"boundary": "fff"}, "must be 'ppf' or 'ppp'"),
    ],
)
def test_wrong_parameters(parameters, message):
    with pytest.raises(VoxionError, match=message):
        GrapheneSystem(**parameters)


def test_folder_without_a_system(tmp_path):
    with pytest.raises(VoxionError, match="holds no built system"):
        load_system(tmp_path)
