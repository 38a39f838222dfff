"""Forces from errors of the charges, against LAMMPS and against sums over periodic images."""

import json
from itertools import product

import numpy as np
import pytest

from tests.charges.reference import LinearSystem, graphene
from voxion.charges.data.opening import open_dataset
from voxion.charges.evaluation import force_errors
from voxion.charges.evaluation.force_errors import COULOMB, lateral_forces, score_forces
from voxion.charges.evaluation.scores import ScoreReport, score
from voxion.engines.lammps import gather, lammps_session, scatter
from voxion.errors import VoxionError
from voxion.files import parse_json


def surface_and_sources(sheets=1, seed=0, ripple=0.0):
    """One or two sheets with charges of zero sum, and a neutral electrolyte beside them."""
    rng = np.random.default_rng(seed)
    sites, cell = graphene(5, 3)
    sites = np.concatenate([sites + np.array([0, 0, 20.0 * i]) for i in range(sheets)])
    sites[:, 2] += ripple * rng.uniform(-1, 1, len(sites))
    positions = rng.uniform(size=(40, 3)) * np.diag(cell)
    positions[:, 2] = rng.uniform(1.8, 18.2, 40)
    if sheets == 1:
        positions[:10, 2] *= -1  # electrolyte on both sides
    charges = rng.normal(scale=0.01, size=len(sites))
    sources = rng.choice([-0.8476, 0.4238, 1.0], 40)
    return charges - charges.mean(), sites, positions, sources - sources.mean(), cell


def image_sum(charges, sites, positions, sources, cell, reach):
    """Coulomb forces [N, 3] of the periodic images in a square of (2 reach + 1)^2 cells."""
    forces = np.zeros_like(positions)
    for a, b in product(range(-reach, reach + 1), repeat=2):
        delta = positions[:, None] - sites - a * cell[0] - b * cell[1]
        inverse = np.linalg.norm(delta, axis=2) ** -3
        forces += np.einsum("ij,ijx->ix", inverse * charges, delta)
    return COULOMB * sources[:, None] * forces


def lammps_forces(charges, sites, positions, sources, cell):
    """Forces [N, 3] on the electrolyte by LAMMPS's Ewald sum with its slab correction."""
    everything = np.concatenate([sites, positions])
    low, high = everything[:, 2].min() - 1, everything[:, 2].max() + 1
    with lammps_session() as engine:
        for command in (
            "units real", "atom_style charge", "atom_modify map array", "boundary p p f",
            f"region box block 0 {cell[0, 0]} 0 {cell[1, 1]} {low} {high}",
            "create_box 1 box", "mass 1 1.0",
        ):  # fmt: skip
            engine.command(command)
        engine.create_atoms(
            len(everything), list(range(1, len(everything) + 1)), [1] * len(everything),
            everything.ravel().tolist(),
        )  # fmt: skip
        for command in (
            "pair_style coul/long 9.0", "pair_coeff * *", "kspace_style ewald 1.0e-7",
            "kspace_modify slab 5.0", "neigh_modify one 10000 page 100000",
        ):  # fmt: skip
            engine.command(command)
        found = []
        for surface in (charges, np.zeros_like(charges)):
            scatter(engine, "q", np.concatenate([surface, sources]))
            engine.command("run 0 post no")
            found.append(gather(engine, "f")[len(sites) :])
    return found[0] - found[1]


@pytest.mark.parametrize(("sheets", "ripple"), [(1, 0.0), (2, 0.0), (1, 0.3)])
def test_forces_are_those_of_lammps(sheets, ripple):
    charges, sites, positions, sources, cell = surface_and_sources(sheets, ripple=ripple)
    if sheets == 2:  # charge has moved from one sheet to the other: a uniform field between them
        charges[: len(charges) // 2] += 0.01
        charges[len(charges) // 2 :] -= 0.01
    found = lateral_forces(charges[None], sites, positions, sources, cell)[0]
    expected = lammps_forces(charges, sites, positions, sources, cell)
    size = np.sqrt(np.square(expected).sum(1).mean())
    assert size > 0.1
    np.testing.assert_allclose(found, expected, atol=3e-5 * size)


def test_forces_are_those_of_a_sum_over_images_also_in_a_tilted_cell():
    charges, sites, positions, sources, cell = surface_and_sources(seed=1)
    cell[1, 0] = 2.1
    # the dipole of the cell makes the sum converge as 1/reach: extrapolated to 1/reach = 0
    near = image_sum(charges, sites, positions, sources, cell, 20)
    far = image_sum(charges, sites, positions, sources, cell, 41)  # square of 83 = 2 41 + 1 cells
    expected = far + (far - near) * 41 / (83 - 41)
    found = lateral_forces(charges[None], sites, positions, sources, cell)[0]
    size = np.sqrt(np.square(expected).mean())
    np.testing.assert_allclose(found, expected, atol=5e-4 * size)


def test_sets_of_charges_add_up():
    charges, sites, positions, sources, cell = surface_and_sources()
    other = np.roll(charges, 7)
    sets = np.stack([charges, other, 2 * charges - other])
    forces = lateral_forces(sets, sites, positions, sources, cell)
    np.testing.assert_allclose(forces[2], 2 * forces[0] - forces[1], atol=1e-10)
    assert np.abs(forces[0] - forces[1]).max() > 0.1


def test_large_sheets_are_summed_in_parts(monkeypatch):
    arguments = surface_and_sources(ripple=0.2)
    charges, *rest = arguments
    whole = lateral_forces(charges[None], *rest)
    monkeypatch.setattr(force_errors, "_CHUNK", 1000)
    monkeypatch.setattr(force_errors, "_BLOCK", 7)
    np.testing.assert_allclose(lateral_forces(charges[None], *rest), whole, atol=1e-5)


def test_atoms_inside_the_surface_and_tilted_sheets_are_refused():
    charges, sites, positions, sources, cell = surface_and_sources()
    positions[3, 2] = 0.4
    with pytest.raises(VoxionError, match=r"within 0\.5 A of the heights"):
        lateral_forces(charges[None], sites, positions, sources, cell)
    cell[0, 2] = 1.0
    with pytest.raises(VoxionError, match="across z"):
        lateral_forces(charges[None], sites, positions, sources, cell)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return LinearSystem().dataset(tmp_path_factory.mktemp("forces") / "linear.zarr", 25)


def test_report_is_the_root_mean_square_over_atoms_and_frames(dataset):
    rng = np.random.default_rng(3)
    labels = dataset.surface_charges()
    errors = {
        "model": rng.normal(scale=1e-3, size=labels.shape),
        "constant": labels.mean() - labels,
        "atom_mean": labels.mean(0) - labels,
    }
    frames = np.array([4, 17])
    report = score_forces(dataset, frames, {name: e[frames] for name, e in errors.items()})
    squares, near_squares = [], []
    for index in frames:
        positions = dataset.source_positions(index).astype(float)
        force = lateral_forces(
            errors["model"][[index]],
            dataset.surface_positions,
            positions,
            dataset.source_charges,
            dataset.cells[index],
        )[0]
        square = (force**2).sum(1)
        squares += square.tolist()
        near_squares += square[positions[:, 2] < 5.0].tolist()
    assert report.frames == 2
    assert report.model.rms == pytest.approx(np.sqrt(np.mean(squares)))
    assert report.model.rms_first_layer == pytest.approx(np.sqrt(np.mean(near_squares)))
    assert report.first_layer_atoms == len(near_squares) / 2
    assert report.constant.relative == report.constant.relative_first_layer == 1.0
    ratio = report.model.rms / report.constant.rms
    assert report.model.relative == pytest.approx(ratio)


def test_score_reports_forces_of_at_most_20_frames(linear_training, dataset):
    result = score(linear_training[0].model_path, dataset.path)
    assert result.frames == 25 and result.forces is not None and result.forces.frames == 20
    assert result.forces.model.relative < 1e-3 < result.forces.atom_mean.relative
    assert parse_json(json.dumps(result.to_dict()), ScoreReport, "s", "score again") == result
    assert open_dataset(dataset.path).frames == 25
