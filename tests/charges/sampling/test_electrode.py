"""ELECTRODE as a label source: exact totals, physical response, labels of given frames."""

import numpy as np
import pytest

from voxion.charges.data.opening import open_dataset
from voxion.charges.sampling.electrode import (
    ElectrodeLabels,
    ElectrodeSettings,
    label_electrode,
)
from voxion.charges.sampling.labels import label_frames
from voxion.engines.lammps import run_lammps
from voxion.errors import VoxionError
from voxion.systems.graphene import GrapheneSystem


@pytest.fixture(scope="module")
def labels(sheet):
    with ElectrodeLabels(sheet) as source:
        yield source


def with_sodium_at(dataset, position):
    positions = dataset.source_positions(0).copy()
    positions[np.flatnonzero(dataset.species_of_sources == "Na")[0]] = position
    return positions


def test_total_charge_is_exact(sampled):
    charges = sampled.surface_charges()
    assert charges.sum(axis=1) == pytest.approx(-1.0, abs=1e-12)
    assert charges.std(axis=1).min() > 1e-3  # they answer to the electrolyte


def test_labels_of_sampled_frames_equal_the_sampled_charges(labels, sampled):
    # stored positions are single precision: 1e-6 A of them, some 1e-7 e of the charges
    again = label_frames(labels, sampled)
    assert again == pytest.approx(sampled.surface_charges(), abs=2e-6)
    assert np.ptp(sampled.surface_charges(), axis=0).max() > 1e-3  # frames do differ


def test_labels_do_not_depend_on_the_frame_before(labels, sampled):
    forward = label_frames(labels, sampled)
    backward = label_frames(labels, [sampled.frame(i) for i in reversed(range(4))])
    assert backward[::-1] == pytest.approx(forward, abs=1e-9)


def test_labels_do_not_depend_on_the_periodic_image(labels, sampled):
    positions = sampled.source_positions(1).astype(float)
    shifted = positions + sampled.cells[1, 0] - 2 * sampled.cells[1, 1]
    assert labels.label(shifted) == pytest.approx(labels.label(positions), abs=1e-8)


def test_a_cation_near_the_sheet_induces_negative_charge(labels, sampled):
    carbon, up = sampled.surface_positions[40], np.array([0.0, 0.0, 1.0])
    near = labels.label(with_sodium_at(sampled, carbon + 2.5 * up))
    far = labels.label(with_sodium_at(sampled, carbon + 15.0 * up))
    change = near - far
    assert np.argmin(change) == 40
    assert change[40] < -0.02
    assert change.sum() == pytest.approx(0.0, abs=1e-12)


def test_matrix_and_conjugate_gradients_agree(labels, sampled, sheet):
    settings = ElectrodeSettings(algorithm="cg", tolerance=1e-12)
    with ElectrodeLabels(sheet, settings) as gradients:
        other = gradients.label(sampled.source_positions(0))
    assert other.sum() == pytest.approx(-1.0, abs=1e-10)
    assert other == pytest.approx(labels.label(sampled.source_positions(0)), abs=1e-6)


def test_thomas_fermi_screens_less(labels, sampled, sheet):
    with ElectrodeLabels(sheet, ElectrodeSettings(thomas_fermi=1.0)) as softer:
        charges = softer.label(sampled.source_positions(0))
        assert softer.settings["thomas_fermi"] == 1.0
    assert charges.sum() == pytest.approx(-1.0, abs=1e-12)
    assert charges.std() < 0.9 * labels.label(sampled.source_positions(0)).std()


def test_capacitor_holds_the_charge_of_each_sheet(tmp_path):
    folder = tmp_path / "capacitor"
    GrapheneSystem(
        cells=(6, 4), total_charge=-2, capacitor=True, molarity=1.0, thickness=22.0
    ).build(folder)
    run_lammps(folder / "in.equilibrate", variables={"steps": 50})
    dataset = ElectrodeLabels(folder).sample(
        tmp_path / "c.zarr", 2, 0.02, settle=0.0, progress=False
    )
    charges = dataset.surface_charges()
    assert charges.shape == (2, 192)
    lower, upper = charges[:, :96], charges[:, 96:]
    assert lower.sum(axis=1) == pytest.approx(-2.0, abs=1e-12)
    assert upper.sum(axis=1) == pytest.approx(2.0, abs=1e-12)
    assert dataset.total_charge == 0.0


def test_relabelled_data_set(sheet, sampled, tmp_path):
    output = tmp_path / "relabelled.zarr"
    again = label_electrode(sheet, sampled, output, progress=False)
    assert again.steps.tolist() == sampled.steps.tolist()
    assert again.surface_charges() == pytest.approx(sampled.surface_charges(), abs=2e-6)
    assert again.label_source == sampled.label_source
    settings = ElectrodeSettings(eta=1.5)
    with pytest.raises(VoxionError, match="was written with label_source"):
        label_electrode(sheet, sampled, output, settings=settings, progress=False)
    assert open_dataset(output).frames == 4


def test_frames_of_another_system(labels, sampled):
    with pytest.raises(VoxionError, match="Expected positions of"):
        labels.label(sampled.source_positions(0)[:-1])
    outside = sampled.source_positions(0).copy()
    outside[0, 2] = 500.0
    with pytest.raises(VoxionError, match="outside the box"):
        labels.label(outside)


def test_an_error_of_lammps_does_not_spoil_the_next_label(sheet, sampled):
    with ElectrodeLabels(sheet) as source:
        first = source.label(sampled.source_positions(0))
        source._engine.command("change_box all z final -2.0 5.0")  # now atoms leave the box
        with pytest.raises(VoxionError, match="LAMMPS stopped: ERROR"):
            source.label(sampled.source_positions(0))
        assert source.label(sampled.source_positions(0)) == pytest.approx(first, abs=1e-9)


def test_periodic_box_is_refused(tmp_path):
    GrapheneSystem(cells=(6, 4), total_charge=0, thickness=22.0, boundary="ppp").build(
        tmp_path / "ppp"
    )
    with pytest.raises(VoxionError, match="needs a box bounded along z"):
        ElectrodeLabels(tmp_path / "ppp")


def test_wrong_settings():
    with pytest.raises(VoxionError, match="'mat_inv' or 'cg'"):
        ElectrodeSettings(algorithm="magic")
    with pytest.raises(VoxionError, match="eta must be positive"):
        ElectrodeSettings(eta=0.0)
