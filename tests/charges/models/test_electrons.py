"""The tight-binding model: its response against self-consistent charges, its fit, its transfer."""

from itertools import product
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.special import erfc

from tests.charges.reference import BOND, LinearSystem, graphene
from voxion.charges.data.dataset import ChargeFrame
from voxion.charges.data.dataset_writer import ChargeDatasetWriter
from voxion.charges.data.features import model_inputs
from voxion.charges.data.opening import open_dataset
from voxion.charges.data.splits import Parts
from voxion.charges.evaluation.scores import score
from voxion.charges.models.electrons import BOHR, BOLTZMANN, SheetElectrons
from voxion.charges.models.sheet_lattice import sheet_lattice
from voxion.charges.models.shells import shell_edges
from voxion.charges.training.electron_fit import fit_electrons
from voxion.charges.training.fitted import read_fitted
from voxion.charges.training.run import make_settings, train
from voxion.contract.schema import load_model

NEIGHBOURS = torch.tensor([0.7, 1.9])
HOPPING, BOND_RESPONSE, HUBBARD, TEMPERATURE = 0.09, 1.4, 0.36, 300.0
RADIAL = {"widths": (0.1, 0.2, 0.3), "cutoff": 10.0}


def electrons():
    return SheetElectrons(NEIGHBOURS, HOPPING, BOND_RESPONSE, HUBBARD, TEMPERATURE)


def answer(sites, cell, total, potentials):
    """Charges [M] that the module answers to potentials [M], e/angstrom."""
    module = electrons()
    module.prepare(torch.from_numpy(sites), torch.from_numpy(cell), total)
    return module(torch.from_numpy(potentials)[:, None])[:, 0].numpy()


def pair_sums(sites, cell, function):
    """[M, M] of a function of the distance, summed over lateral images."""
    delta = sites[None] - sites[:, None]
    images = product(range(-3, 4), repeat=2)
    return sum(
        function(np.linalg.norm(delta + a * cell[0] + b * cell[1], axis=2)) for a, b in images
    )


def interaction(sites, cell):
    """DFTB's gamma [M, M] of a periodic sheet, hartree, by a two-dimensional Ewald sum in bohr."""
    sites, cell, split = sites / BOHR, cell / BOHR, 0.15

    def near(r):
        x = 3.2 * HUBBARD * np.where(r > 0, r, 1.0)
        overlap = np.exp(-x) * (48 + 33 * x + 9 * x**2 + x**3) / 48
        value = (erfc(split * r) - overlap) / np.where(r > 0, r, 1.0)
        return np.where(r > 0, value, HUBBARD - 2 * split / np.sqrt(np.pi))

    gamma = pair_sums(sites, cell, near)
    delta = sites[None] - sites[:, None]
    area = cell[0, 0] * cell[1, 1]
    for i, j in product(range(-12, 13), repeat=2):
        wave = 2 * np.pi * np.array([i / cell[0, 0], j / cell[1, 1], 0.0])
        size = np.linalg.norm(wave)
        if size > 0:
            strength = 2 * np.pi / area * erfc(size / (2 * split)) / size
            gamma = gamma + strength * np.cos(delta @ wave)
    return gamma


def self_consistent(sites, cell, total, potentials):
    """Charges [M] of the self-consistent tight binding in potentials [M], e/angstrom."""
    bonds = pair_sums(sites, cell, lambda r: ((r > 0.7) & (r < 1.9)).astype(float))
    gamma, count = interaction(sites, cell), len(sites)
    thermal = BOLTZMANN * TEMPERATURE

    def populations(energy):
        levels, states = np.linalg.eigh(HOPPING * bonds + np.diag(energy))
        low, high = levels[0] - 1, levels[-1] + 1
        for _ in range(200):
            middle = (low + high) / 2
            filling = 1 / (1 + np.exp(np.clip((levels - middle) / thermal, -600, 600)))
            low, high = (low, middle) if 2 * filling.sum() > count - total else (middle, high)
        free = 2 * states**2 @ filling - 1
        return free + BOND_RESPONSE * (bonds @ energy - bonds.sum(1) * energy)

    excess = np.full(count, -total / count)
    for _ in range(4000):
        found = populations(gamma @ excess - potentials * BOHR)
        if np.abs(found - excess).max() < 1e-13:
            break
        excess = excess + 0.05 * (found - excess)
    return -excess


@pytest.mark.parametrize("total", [0.0, -2.0, 3.0])
def test_response_is_the_slope_of_the_self_consistent_charges(total):
    sites, cell = graphene(5, 3)
    step = 1e-5 * np.random.default_rng(0).normal(size=len(sites))
    up, down = (self_consistent(sites, cell, total, s * step) for s in (1, -1))
    expected = (up - down) / 2
    found = answer(sites, cell, total, step)
    assert abs(found.sum()) < 1e-15
    np.testing.assert_allclose(found, expected, atol=1e-4 * np.abs(expected).max())


def test_response_depends_on_the_total_charge():
    sites, cell = graphene(12, 7)
    potentials = np.cos(2 * np.pi * sites[:, 0] / cell[0, 0])
    neutral, charged = (answer(sites, cell, q, potentials) for q in (0.0, -8.0))
    assert np.abs(charged - neutral).max() > 0.02 * np.abs(neutral).max()


def test_numbering_and_place_of_the_sites_do_not_matter():
    sites, cell = graphene(5, 4)
    rng = np.random.default_rng(1)
    potentials, order = rng.normal(size=len(sites)), rng.permutation(len(sites))
    expected = answer(sites, cell, -1.0, potentials)
    moved = (sites + np.array([1.3, -2.1, 4.0]))[order]
    moved[:, :2] %= np.diag(cell)[:2]
    np.testing.assert_allclose(
        answer(moved, cell, -1.0, potentials[order]), expected[order], atol=1e-12
    )
    # a quarter turn of sheet and cell
    turned = np.column_stack([-sites[:, 1], sites[:, 0], sites[:, 2]])
    frame = np.array([[0, cell[0, 0], 0], [-cell[1, 1], 0, 0], [0, 0, 24.0]])
    np.testing.assert_allclose(answer(turned, frame, -1.0, potentials), expected, atol=1e-12)


def test_a_change_of_the_total_charge_is_noticed():
    sites, cell = graphene(5, 4)
    potentials = np.random.default_rng(2).normal(size=len(sites))
    module, inputs = electrons(), (torch.from_numpy(sites), torch.from_numpy(cell))
    for total in (0.0, -3.0, 0.0):
        module.prepare(*inputs, total)
        found = module(torch.from_numpy(potentials)[:, None])[:, 0].numpy()
        np.testing.assert_array_equal(found, answer(sites, cell, total, potentials))


# --- the lattice


@pytest.mark.parametrize(("nx", "ny"), [(5, 3), (16, 9), (12, 13)])
def test_lattice_of_a_shaken_sheet_is_found(nx, ny):
    sites, cell = graphene(nx, ny)
    rng = np.random.default_rng(3)
    order = rng.permutation(len(sites))
    shaken = sites[order] + rng.normal(scale=0.02, size=sites.shape)
    table, basis = sheet_lattice(torch.from_numpy(shaken), torch.from_numpy(cell))
    assert table.shape == (4, nx, ny) and basis.shape == (4, 3)
    np.testing.assert_array_equal(np.sort(table.flatten()), np.arange(len(sites)))
    steps = shaken[table[:, 1:]] - shaken[table[:, :-1]]
    steps -= np.round(steps @ np.linalg.inv(cell)) @ cell
    np.testing.assert_allclose(steps, np.broadcast_to(cell[0] / nx, steps.shape), atol=0.2)


def test_lattice_of_a_skewed_cell_is_found():
    period = BOND * np.sqrt(3)
    a, b = np.array([period, 0, 0]), np.array([period / 2, 1.5 * BOND, 0])
    sites = np.array(
        [i * a + j * b + [0, s * BOND, 0] for i in range(7) for j in range(5) for s in (0, 1)]
    )
    cell = np.array([7 * a, 5 * b, [0, 0, 20.0]])
    table, _ = sheet_lattice(torch.from_numpy(sites), torch.from_numpy(cell))
    assert table.shape == (2, 7, 5)


def test_a_sheet_without_a_lattice_is_refused():
    sites, cell = graphene(6, 4)
    disordered = sites + np.random.default_rng(4).normal(scale=0.7, size=sites.shape) * [1, 1, 0]
    with pytest.raises(ValueError, match="the sheet has no lattice"):
        sheet_lattice(torch.from_numpy(disordered), torch.from_numpy(cell))


# --- training


def bare_potentials(sites, sources, charges, cell):
    """Potential [M] of all periodic sources at the sites, but for a constant, by lateral waves."""
    total = np.zeros(len(sites))
    for i, j in product(range(-28, 29), repeat=2):
        wave = 2 * np.pi * np.array([i / cell[0, 0], j / cell[1, 1]])
        size = np.linalg.norm(wave)
        if size > 0:
            weights = charges * np.exp(-size * sources[:, 2] - 1j * sources[:, :2] @ wave)
            strength = 2 * np.pi / (cell[0, 0] * cell[1, 1] * size)
            total += (strength * weights.sum() * np.exp(1j * sites[:, :2] @ wave)).real
    return total


def dataset(path, total, nx, ny, frames, seed):
    """Labels of the electrons themselves, under random sources."""
    system = LinearSystem(nx=nx, ny=ny)
    writer = ChargeDatasetWriter(
        path,
        surface_positions=system.sites,
        source_charges=system.charges,
        source_species=system.names.tolist(),
        total_charge=total,
        periodic=(True, True, False),
        cell_origin=np.zeros(3),
        label_source={"name": "tight binding"},
        title="synthetic",
    )
    rng = np.random.default_rng(seed)
    for step in range(frames):
        sources = system.sources(rng)
        bare = bare_potentials(system.sites, sources.astype(float), system.charges, system.cell)
        charges = total / len(system.sites) + answer(system.sites, system.cell, total, bare)
        writer.append(ChargeFrame(sources, charges, system.cell, step, 0.1 * step))
    return open_dataset(path)


def predictions(path, data):
    """Charges [F, M] of an exported model that is told the total charge."""
    module, contract = load_model(path)
    total = torch.tensor(data.total_charge, dtype=torch.float64)
    inputs = [model_inputs(data, frame, contract)[:3] for frame in data]
    return np.stack([module(*one, total).numpy() for one in inputs])


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Folders of a tight-binding and a site-potentials training on the same labels."""
    folder = tmp_path_factory.mktemp("electrons")
    dataset(folder / "charged.zarr", -4.0, 6, 4, 8, seed=1)
    results = {}
    for model in ("tight-binding", "site-potentials"):
        settings = make_settings(
            [folder / "charged.zarr"], model=model, epochs=0, radial_functions=RADIAL, shells=4
        )
        results[model] = train(settings, folder / model)
    return folder, results


def test_constants_are_recovered(trained):
    _, results = trained
    summary = results["tight-binding"].summary
    assert summary["hopping"] == pytest.approx(HOPPING, rel=0.01)
    assert summary["bond_response"] == pytest.approx(BOND_RESPONSE, rel=0.01)
    assert summary["hubbard"] == pytest.approx(HUBBARD, rel=0.01)


def test_another_total_charge_and_sheet_are_predicted(trained, tmp_path):
    _, results = trained
    neutral = dataset(tmp_path / "neutral.zarr", 0.0, 7, 5, 3, seed=2)
    reference = neutral.surface_charges()
    errors = {
        name: np.abs(predictions(result.model_path, neutral) - reference).mean()
        for name, result in results.items()
    }
    assert errors["tight-binding"] < 0.5 * errors["site-potentials"]
    assert errors["tight-binding"] < 0.1 * np.abs(reference).mean()


def test_the_total_is_what_the_model_is_told(trained, tmp_path):
    _, results = trained
    charged = dataset(tmp_path / "charged.zarr", 3.0, 6, 4, 2, seed=3)
    for result in results.values():
        sums = predictions(result.model_path, charged).sum(1)
        np.testing.assert_allclose(sums, 3.0, atol=1e-12)


def test_a_fitted_model_is_read_as_it_was_written(trained):
    folder, results = trained
    fitted = read_fitted(folder / "tight-binding")
    constants = fitted.model.electrons.constants.tolist()
    summary = results["tight-binding"].summary
    names = ("hopping", "bond_response", "hubbard")
    assert constants == [*(summary[name] for name in names), TEMPERATURE]
    data = open_dataset(folder / "charged.zarr")
    inputs = model_inputs(data, data.frame(0), fitted.contract)
    exported, _ = load_model(folder / "tight-binding" / "model.pt")
    torch.testing.assert_close(exported(*inputs), fitted.model(*inputs), rtol=0, atol=1e-12)


def test_one_frame_of_dftb_tells_hubbards_u(shared_data):
    path = shared_data / "graphene-dftb" / "frames.h5"
    if not path.is_file():
        pytest.skip(f"reference data not found: {path} does not exist")
    data = open_dataset(path)
    parts = Parts(np.array([0]), np.array([1]), np.array([164]))
    edges = shell_edges(data.surface_positions, data.cells[0], 2)
    fitted = fit_electrons([data], [parts], edges).constants.tolist()
    # of C in the parameters mio-1-1, with which these charges were computed
    assert fitted[2] == pytest.approx(0.3647, rel=0.03)
    assert 27.2114 * fitted[0] == pytest.approx(2.5, abs=0.2)  # eV


def test_the_example_has_learned_dftb(shared_data):
    path = shared_data / "graphene-dftb" / "frames.h5"
    if not path.is_file():
        pytest.skip(f"reference data not found: {path} does not exist")
    model = Path(__file__).parents[3] / "examples" / "06_dftb_labels" / "graphene-dftb.pt"
    report = score(model, path, frames="held-out")
    assert report.model.mae < 6e-5 and report.model.r2 > 0.9999
    assert report.constant.mae > 1e-2 and report.atom_mean.mae > 1e-2
