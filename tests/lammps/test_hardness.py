"""The hardness model in LAMMPS: its electrostatics, its matrix, its charges, its forces."""

import json

import numpy as np
import pytest
from typer.testing import CliRunner

from tests.charges.reference import LinearSystem
from tests.charges.training.test_hardness import ewald_2d, gaussian_matrix
from voxion.charges.data.opening import open_dataset
from voxion.charges.models.hardness import constrained_inverse, minimising_charges
from voxion.charges.sampling.electrode import ElectrodeLabels, ElectrodeSettings, label_electrode
from voxion.charges.sampling.electrode_matrix import MatrixSettings, export_matrix
from voxion.charges.sampling.labels import label_frames
from voxion.charges.sampling.run import load_configuration
from voxion.charges.sampling.sheet_potentials import read_matrix, sheet_potentials, write_matrix
from voxion.charges.training.hardness import ETA, score, train
from voxion.cli.charges_hardness import app
from voxion.engines.lammps import cell_of, gather, in_group, lammps_session, scatter
from voxion.errors import VoxionError
from voxion.systems.description import load_system
from voxion.systems.graphene import GrapheneSystem

THOMAS_FERMI = 1.0  # angstrom
CARBON_VOLUME = 8.78


@pytest.fixture(scope="module")
def metal(sheet, tmp_path_factory):
    """Frames of the sheet with ELECTRODE's charges of a perfect conductor."""
    output = tmp_path_factory.mktemp("metal") / "metal.zarr"
    return ElectrodeLabels(sheet).sample(output, 6, 0.1, settle=0.2, progress=False)


@pytest.fixture(scope="module")
def soft(sheet, metal, tmp_path_factory):
    """The same frames with ELECTRODE's Thomas-Fermi charges."""
    settings = ElectrodeSettings(thomas_fermi=THOMAS_FERMI)
    output = tmp_path_factory.mktemp("soft") / "soft.zarr"
    return label_electrode(sheet, metal, output, settings=settings, progress=False)


@pytest.fixture(scope="module")
def electrostatics(metal):
    return sheet_potentials(metal, ETA)


@pytest.fixture(scope="module")
def model(soft, electrostatics):
    return train(soft, electrostatics, np.arange(5), shells=8)


@pytest.fixture(scope="module")
def matrix(sheet, model, tmp_path_factory):
    """Exported file of the model on the sheet."""
    path = tmp_path_factory.mktemp("matrix") / "a b.mat"
    command = export_matrix(model, sheet, path)
    assert command.endswith(f'read_mat "{path}"')
    return path


def test_potentials_and_matrix_are_those_of_an_ewald_sum(tmp_path):
    system = LinearSystem()
    dataset = system.dataset(tmp_path / "random.zarr", 3)
    found = sheet_potentials(dataset, ETA)
    for index in range(3):
        sources = dataset.source_positions(index).astype(float)
        phi = ewald_2d(system.sites, sources, system.cell) @ system.charges
        # the accuracy is a force's root mean square, 1e-5 e/A^2
        assert found.potentials[index] == pytest.approx(phi - phi.mean(), abs=3e-4)
        assert phi.std() > 0.02
    matrix = gaussian_matrix(system.sites, system.cell, ETA)
    difference = found.coulomb - matrix
    # a constant, the potential of the uniform sheet, depends on the boundary along z
    assert difference == pytest.approx(difference.mean(), abs=2e-4)


def test_hardness_of_electrode_itself_is_recovered(metal, soft, electrostatics, model):
    """A perfect conductor has none; Thomas-Fermi has 4 pi l^2/V at the site and none elsewhere."""
    none = train(metal, electrostatics, np.arange(5), shells=8)
    assert none.hardness == pytest.approx(np.zeros(8), abs=0.01)
    expected = [4 * np.pi * THOMAS_FERMI**2 / CARBON_VOLUME, *np.zeros(7)]
    assert model.hardness == pytest.approx(expected, abs=0.01)
    for fitted, labels in ((none, metal), (model, soft)):
        report = score(fitted, "model", labels, "held-out", electrostatics)
        assert report.model.mae < 1e-4 < 2e-3 < report.constant.mae


def test_charges_in_lammps_are_the_minimum(sheet, matrix, soft, tmp_path):
    """Potentials by the unit matrix in the same run's long-range solver; charges by numpy."""
    _, energy = read_matrix(matrix)
    unit = tmp_path / "unit"
    write_matrix(unit, np.arange(1, len(energy) + 1), np.eye(len(energy)))
    with ElectrodeLabels(sheet, MatrixSettings(matrix=str(unit))) as source:
        potentials = -label_frames(source, soft)
    with ElectrodeLabels(sheet, MatrixSettings(matrix=str(matrix))) as source:
        charges = label_frames(source, soft)
    minimum = minimising_charges(energy, constrained_inverse(energy), potentials, -2.0)
    assert charges == pytest.approx(minimum, abs=1e-9)
    # and they are those that the labels came from, noise of the long-range solver included
    assert np.abs(charges - soft.surface_charges()).max() < 2e-4


def test_forces_are_the_gradient_of_the_energy(sheet, matrix, model):
    """Compared with LAMMPS's energy and 1/2 q U q, by moving single atoms to and fro."""
    with lammps_session(variables={"kspace": "pppm/electrode"}) as engine:
        load_configuration(engine, sheet, sheet / "equilibrated.data")
        # a plain Ewald sum without a step at the cutoff: forces of PPPM are no exact gradient
        for command in (
            "kspace_style ewald/electrode 1.0e-6",
            f"kspace_modify gewald 0.4 slab {load_system(sheet).slab_factor}",
            "pair_modify table 0 shift yes",
            "bond_coeff OH 0.0 1.0",
            "angle_coeff HOH 0.0 109.47",
        ):
            engine.command(command)
        electrode = f"fix electrode surface electrode/conq -2.0 {ETA} symm off algo mat_inv"
        own = matrix.with_name("own")
        engine.command(f'{electrode} write_mat "{own}"')
        engine.command("run 0 post no")
        engine.command("unfix electrode")
        # A of this Ewald sum and not of the mesh; U of the model
        surface, cell = in_group(engine, "surface"), cell_of(engine)[0]
        positions = gather(engine, "x")
        identifiers, coulomb = read_matrix(own)
        hardness = model.hardness_matrix(positions[surface], cell).toarray()
        write_matrix(own, identifiers, coulomb + hardness)
        engine.command(f'{electrode} read_mat "{own}"')
        engine.command("run 0 post no")

        def energy(x):
            scatter(engine, "x", x)
            engine.command("run 1 pre no post no")
            q = gather(engine, "q")[surface]
            learned = float(model.hardness_energy(q, positions[surface], cell))
            return engine.get_thermo("pe") + learned, gather(engine, "f"), learned

        _, forces, learned = energy(positions)
        assert learned > 1.0  # kcal/mol: leaving it out would show
        near = np.argsort(np.where(surface, np.inf, positions[:, 2]))[:3]
        h = 5e-4
        for atom in near:
            for axis in range(3):
                low, high = positions.copy(), positions.copy()
                low[atom, axis] -= h
                high[atom, axis] += h
                gradient = (energy(high)[0] - energy(low)[0]) / (2 * h)
                assert -gradient == pytest.approx(forces[atom, axis], abs=2e-4, rel=1e-5)
        energy(positions)  # charges of where it started
        frozen = _gradient_at_frozen_charges(engine, positions, near[0], h)
        assert -frozen == pytest.approx(forces[near[0], 2], abs=2e-4, rel=1e-5)


def _gradient_at_frozen_charges(engine, positions, atom, h):
    """Compared with LAMMPS's energy, the charges being held."""
    engine.command("unfix electrode")
    energies = []
    for sign in (-1, 1):
        moved = positions.copy()
        moved[atom, 2] += sign * h
        scatter(engine, "x", moved)
        engine.command("run 0 post no")
        energies.append(engine.get_thermo("pe"))
    return (energies[1] - energies[0]) / (2 * h)


def test_one_model_serves_a_capacitor_of_other_sheets(model, tmp_path):
    folder = tmp_path / "capacitor"
    GrapheneSystem(cells=(7, 4), total_charge=-1, thickness=20.0, capacitor=True).build(folder)
    path = tmp_path / "capacitor.mat"
    export_matrix(model, folder, path)
    settings = ElectrodeSettings(thomas_fermi=THOMAS_FERMI)
    with lammps_session(variables={"kspace": "pppm/electrode"}) as engine:
        load_configuration(engine, folder, folder / "system.data")
        charges = []
        for method in (MatrixSettings(matrix=str(path)), settings):
            for command in method.method(load_system(folder)).commands:
                engine.command(command)
            engine.command("run 0 post no")
            charges.append(gather(engine, "q")[in_group(engine, "surface")])
            engine.command("unfix electrode")
    assert charges[0][:112].sum() == pytest.approx(-1.0, abs=1e-9)
    assert charges[0] == pytest.approx(charges[1], abs=1e-3)
    assert np.abs(charges[1]).max() > 0.02


def test_refusals(model, metal, sheet, tmp_path):
    with pytest.raises(VoxionError, match="voxion charges hardness export"):
        MatrixSettings(matrix=str(tmp_path / "none"))
    strained = model.model_copy(update={"edges": tuple(1.1 * e for e in model.edges)})
    with pytest.raises(VoxionError, match="other neighbour shells"):
        export_matrix(strained, sheet, tmp_path / "m")
    soft = model.model_copy(update={"hardness": (-1.5, *model.hardness[1:])})
    with pytest.raises(VoxionError, match="not positive"):
        export_matrix(soft, sheet, tmp_path / "m")
    assert not list(tmp_path.iterdir())
    periodic = LinearSystem()
    dataset = periodic.dataset(tmp_path / "ppp.zarr", 1)
    object.__setattr__(dataset, "periodic", (True, True, True))
    with pytest.raises(VoxionError, match="not along z"):
        sheet_potentials(dataset, ETA)
    object.__setattr__(dataset, "periodic", (True, True, False))
    dataset.surface_positions[:30, 2] = 1.0
    with pytest.raises(VoxionError, match="one flat sheet"):
        sheet_potentials(dataset, ETA)


def test_dftb_response_is_learned(shared_data):
    """Quantum charges of the paper's system from a handful of frames, and held-out ones."""
    frames = open_dataset(shared_data / "graphene-dftb" / "frames.h5")
    few = frames.subset(0, 10)
    potentials = sheet_potentials(few, ETA)
    fitted = train(few, potentials, np.arange(6))
    report = score(fitted, "model", few, "held-out", potentials)
    assert report.model.mae < 2e-4 < 8e-3 < report.constant.mae


def test_command_line(sheet, soft, tmp_path):
    """Train, score and export."""
    runner = CliRunner()
    model, matrix = tmp_path / "model.json", tmp_path / "matrix"

    def told(*words):
        result = runner.invoke(app, [str(word) for word in words], catch_exceptions=False)
        assert result.exit_code == 0
        return result.output

    assert f"Model: {model}" in told("train", soft.path, "--out", model, "--shells", 4)
    scores = json.loads(told("score", model, soft.path, "--select", "held-out", "--json"))
    assert scores["model"]["mae"] < 1e-4 < scores["constant"]["mae"]
    assert f'read_mat "{matrix}"' in told("export", model, sheet, "--out", matrix)
    identifiers, values = read_matrix(matrix)
    assert identifiers.tolist() == list(range(1, 97))
    assert np.abs(values).max() > 1.0
