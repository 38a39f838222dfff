"""The hardness model without an engine: least energy, symmetry, recovery of a known hardness."""

import numpy as np
import pytest
from scipy.special import erf, erfc

from tests.charges.reference import TOTAL, LinearSystem
from voxion.charges.data.dataset import ChargeFrame
from voxion.charges.data.dataset_writer import ChargeDatasetWriter
from voxion.charges.data.opening import open_dataset
from voxion.charges.models.hardness import (
    HardnessModel,
    constrained_inverse,
    minimising_charges,
    read_model,
)
from voxion.charges.models.shells import shell_edges
from voxion.charges.sampling.sheet_potentials import SheetPotentials
from voxion.charges.training.hardness import ETA, predict, score, train
from voxion.errors import VoxionError

HARDNESS = (-0.5, -0.06, 0.03, 0.02)


def ewald_2d(points, sources, cell, alpha=0.35, images=3, waves=12):
    """Potential at points [M, 3] of unit charges [N, 3], periodic along x and y only; [M, N].

    Parry, Surf. Sci. 49, 433 (1975), without the self term; all distances must be positive.
    """
    lx, ly = cell[0, 0], cell[1, 1]
    delta = points[:, None] - sources[None]
    phi = np.zeros(delta.shape[:2])
    for i in range(-images, images + 1):
        for j in range(-images, images + 1):
            r = np.linalg.norm(delta + np.array([i * lx, j * ly, 0.0]), axis=2)
            phi += np.where(r > 1e-6, erfc(alpha * r) / np.where(r > 1e-6, r, 1.0), 0.0)
    z = delta[..., 2]
    area = lx * ly
    phi -= 2 / area * (np.sqrt(np.pi) / alpha * np.exp(-((alpha * z) ** 2)))
    phi -= 2 / area * np.pi * z * erf(alpha * z)
    for i in range(-waves, waves + 1):
        for j in range(-waves, waves + 1):
            if (i, j) == (0, 0):
                continue
            kx, ky = 2 * np.pi * i / lx, 2 * np.pi * j / ly
            k = np.hypot(kx, ky)
            up = np.exp(k * z) * erfc(k / (2 * alpha) + alpha * z)
            down = np.exp(-k * z) * erfc(k / (2 * alpha) - alpha * z)
            phase = np.cos(kx * delta[..., 0] + ky * delta[..., 1])
            phi += np.pi / area / k * phase * (up + down)
    return phi


def gaussian_matrix(sites, cell, eta, alpha=0.35):
    """Interaction of Gaussian charges of a sheet, periodic along x and y; [M, M]."""
    matrix = ewald_2d(sites, sites, cell, alpha)
    matrix[np.diag_indices(len(sites))] -= 2 * alpha / np.sqrt(np.pi)  # its own screening charge
    for i in (-1, 0, 1):
        for j in (-1, 0, 1):
            shift = i * cell[0] + j * cell[1]
            r = np.linalg.norm(sites[:, None] - sites[None] + shift, axis=2)
            there = r > 1e-6
            near = erfc(eta / np.sqrt(2) * r) / np.where(there, r, 1.0)
            matrix -= np.where(there, near, 0.0)
    matrix[np.diag_indices(len(sites))] += np.sqrt(2 / np.pi) * eta
    return matrix


@pytest.fixture(scope="module")
def system():
    return LinearSystem()


@pytest.fixture(scope="module")
def coulomb(system):
    return gaussian_matrix(system.sites, system.cell, ETA)


@pytest.fixture(scope="module")
def model(system):
    edges = shell_edges(system.sites, system.cell, len(HARDNESS))
    return HardnessModel(
        eta=ETA,
        edges=tuple(edges),
        hardness=HARDNESS,
        label_source={"name": "synthetic"},
        data_hash="sha256:0",
        voxion_version="0",
    )


@pytest.fixture(scope="module")
def data(system, coulomb, model, tmp_path_factory):
    """Twelve frames labelled with the bordered (Lagrange) system, and their electrostatics."""
    writer = ChargeDatasetWriter(
        tmp_path_factory.mktemp("hardness") / "known.zarr",
        surface_positions=system.sites,
        source_charges=system.charges,
        source_species=system.names.tolist(),
        total_charge=TOTAL,
        periodic=(True, True, False),
        cell_origin=np.zeros(3),
        label_source={"name": "synthetic"},
        title="known hardness",
    )
    rng = np.random.default_rng(3)
    matrix = coulomb + model.hardness_matrix(system.sites, system.cell).toarray()
    ones = np.ones((len(matrix), 1))
    bordered = np.block([[matrix, ones], [ones.T, np.zeros((1, 1))]])
    potentials = []
    for step in range(12):
        sources = system.sources(rng)
        phi = ewald_2d(system.sites, sources, system.cell) @ system.charges
        charges = np.linalg.solve(bordered, np.append(-phi, TOTAL))[:-1]
        writer.append(ChargeFrame(sources, charges, system.cell, step, 0.1 * step))
        potentials.append(phi)
    return open_dataset(writer.path), SheetPotentials(coulomb, np.array(potentials))


def test_ewald_sum_does_not_depend_on_its_splitting(system):
    rng = np.random.default_rng(0)
    points, sources = system.sites[:3], system.sources(rng)
    one = ewald_2d(points, sources, system.cell, alpha=0.3)
    assert one == pytest.approx(ewald_2d(points, sources, system.cell, alpha=0.5), abs=1e-6)


def test_charges_are_those_of_the_bordered_system(model, data):
    dataset, electrostatics = data
    charges = predict(model, dataset, electrostatics)
    assert charges == pytest.approx(dataset.surface_charges(), abs=1e-10)
    assert charges.sum(1) == pytest.approx(TOTAL, abs=1e-10)
    assert np.ptp(charges) > 0.02


def test_known_hardness_is_recovered(data):
    dataset, electrostatics = data
    fitted = train(dataset, electrostatics, np.arange(9), shells=6)
    assert fitted.hardness == pytest.approx([*HARDNESS, 0.0, 0.0], abs=1e-5)
    report = score(fitted, "model.json", dataset, "held-out", electrostatics)
    assert report.frames == 1
    assert report.model.mae < 1e-7 < 1e-3 < report.constant.mae


def test_fit_stays_among_positive_matrices(data):
    """From the wrong labels, too: those that a negative hardness would give."""
    dataset, electrostatics = data
    flipped = SheetPotentials(electrostatics.coulomb, -electrostatics.potentials)
    fitted = train(dataset, flipped, np.arange(4), shells=4)
    assert np.isfinite(predict(fitted, dataset, flipped)).all()  # refuses what is not positive


def test_any_other_charges_have_more_energy(system, coulomb, model, data):
    dataset, electrostatics = data
    matrix = coulomb + model.hardness_matrix(system.sites, system.cell).toarray()
    phi = electrostatics.potentials[0]
    charges = predict(model, dataset, electrostatics)[0]
    rng = np.random.default_rng(5)
    for _ in range(5):
        other = rng.normal(scale=1e-3, size=len(charges))
        other = charges + other - other.mean()
        energies = [0.5 * q @ matrix @ q + q @ phi for q in (charges, other)]
        assert energies[1] > energies[0]


def test_hardness_is_symmetric_and_the_same_everywhere(system, model):
    u = model.hardness_matrix(system.sites, system.cell).toarray()
    assert np.array_equal(u, u.T)
    assert u.sum(0) == pytest.approx(u.sum(0)[0], abs=1e-12)
    assert sorted(u[0]) == pytest.approx(sorted(u[7]), abs=1e-12)
    moved = system.sites + np.array([0.7, 3.1, 0.0])
    assert model.hardness_matrix(moved, system.cell).toarray() == pytest.approx(u, abs=1e-12)
    charges = np.random.default_rng(1).normal(size=(2, len(u)))
    energy = model.hardness_energy(charges, system.sites, system.cell)
    assert energy == pytest.approx(0.5 * 332.06371 * np.einsum("fi,ij,fj->f", charges, u, charges))


def test_inverse_ignores_a_constant_and_refuses_what_is_not_positive(coulomb):
    inverse = constrained_inverse(coulomb)
    assert constrained_inverse(coulomb - 3.0) == pytest.approx(inverse, abs=1e-10)
    assert inverse.sum(0) == pytest.approx(0.0, abs=1e-10)
    with pytest.raises(VoxionError, match="not positive"):
        constrained_inverse(coulomb - 1.0 * np.eye(len(coulomb)))


def test_total_charge_of_a_sheet_with_unlike_sites(coulomb):
    unlike = coulomb + np.diag(np.linspace(0.0, 1.0, len(coulomb)))
    phi = np.zeros((1, len(coulomb)))
    charges = minimising_charges(unlike, constrained_inverse(unlike), phi, TOTAL)[0]
    assert charges.sum() == pytest.approx(TOTAL, abs=1e-12)
    assert np.ptp(unlike @ charges) < 1e-10  # one chemical potential
    assert np.ptp(charges) > 1e-3


def test_file_of_a_model(model, tmp_path):
    path = tmp_path / "new" / "model.json"
    model.write(path)
    assert read_model(path) == model
    path.write_text("{}")
    with pytest.raises(VoxionError, match=r"does not hold what it should \(eta: Field required"):
        read_model(path)
    path.write_text(model.model_dump_json().replace("-0.06,", ""))
    with pytest.raises(VoxionError, match="4 edges and 3 hardnesses"):
        read_model(path)
    with pytest.raises(VoxionError, match="cannot be read"):
        read_model(tmp_path / "none.json")
