"""Charges of two electrodes at potential differences, by fix electrode/conp."""

from dataclasses import replace

import numpy as np
import pytest
import zarr

from tests.capacitor import CAPACITOR, sample_potentials
from voxion.charges.data.dataset import ChargeDataset
from voxion.charges.data.dataset_writer import ChargeDatasetWriter
from voxion.charges.data.opening import open_dataset
from voxion.charges.sampling.electrode import ElectrodeLabels, ElectrodeSettings
from voxion.errors import VoxionError

ATOMS, GAP = CAPACITOR.lower.atoms, CAPACITOR.thickness
VACUUM_PERMITTIVITY = 0.0055263  # e/(V angstrom)


def dipole(dataset: ChargeDataset) -> np.ndarray:
    """Sum of q z over the electrolyte, e angstrom, for each frame."""
    return np.array([frame.source_positions[:, 2] @ dataset.source_charges for frame in dataset])


def test_frames_have_the_potentials_of_both_electrodes(at_potentials):
    electrodes = at_potentials.electrodes
    assert electrodes.names == ("lower", "upper")
    assert electrodes.of_atom.tolist() == [0] * ATOMS + [1] * ATOMS
    np.testing.assert_array_equal(electrodes.potentials[:6], 0.0)
    np.testing.assert_array_equal(electrodes.potentials[6:], [[-1.0, 1.0]] * 6)
    assert at_potentials.frame(7).potentials.tolist() == [-1.0, 1.0]
    assert at_potentials.total_charge == 0.0
    # intervals of 25 steps; the 65 steps of settling are drawn out to the next multiple
    assert np.diff(at_potentials.steps).tolist() == [25] * 5 + [100] + [25] * 5
    assert at_potentials.label_source["style"] == "electrode/conp"
    assert at_potentials.label_source["potentials"] == [0.0, 2.0]
    np.testing.assert_allclose(at_potentials.surface_charges().sum(axis=1), 0.0, atol=1e-9)


def test_charge_is_the_functional_of_planar_electrodes(at_potentials):
    """Shockley and Ramo: the charge is C0 V - sum(q z)/L, with the capacitance C0 of a vacuum.

    The planes of the induced charge lie somewhat before the nuclei, 0.3 angstrom on graphene.
    """
    upper = at_potentials.surface_charges()[:, ATOMS:].sum(axis=1)
    difference = np.ptp(at_potentials.electrodes.potentials, axis=1)
    terms = np.stack([difference, dipole(at_potentials), np.ones(12)], axis=1)
    (capacitance, slope, constant), *_ = np.linalg.lstsq(terms, upper, rcond=None)
    length = -1.0 / slope
    assert GAP - 1.0 < length < GAP
    area = np.linalg.det(at_potentials.cells[0][:2, :2])
    assert capacitance == pytest.approx(VACUUM_PERMITTIVITY * area / length, rel=0.01)
    assert np.abs(terms @ [capacitance, slope, constant] - upper).max() < 2e-3 * np.std(upper)


def test_interrupted_run_continues_at_its_potential(
    neutral_capacitor, at_potentials, tmp_path, monkeypatch
):
    """Stopped between the restart and the frame, within the second potential."""
    append = ChargeDatasetWriter.append

    def stop(writer, frame):
        if writer.frames == 8:
            raise KeyboardInterrupt
        append(writer, frame)

    monkeypatch.setattr(ChargeDatasetWriter, "append", stop)
    with pytest.raises(KeyboardInterrupt):
        sample_potentials(neutral_capacitor, tmp_path / "v.zarr", [0.0, 2.0], 6)
    monkeypatch.undo()
    assert open_dataset(tmp_path / "v.zarr").frames == 8
    again = sample_potentials(neutral_capacitor, tmp_path / "v.zarr", [0.0, 2.0], 6, resume=True)
    np.testing.assert_array_equal(again.steps, at_potentials.steps)
    np.testing.assert_array_equal(again.electrodes.potentials, at_potentials.electrodes.potentials)
    np.testing.assert_allclose(again.surface_charges(), at_potentials.surface_charges(), atol=1e-3)
    # the frame of the restart, which was not made anew
    np.testing.assert_allclose(
        again.source_positions(8), at_potentials.source_positions(8), atol=1e-4
    )


def test_run_stopped_between_two_potentials_settles_at_the_second(
    neutral_capacitor, at_potentials, tmp_path, monkeypatch
):
    append = ChargeDatasetWriter.append

    def stop(writer, frame):
        append(writer, frame)
        if writer.frames == 6:
            raise KeyboardInterrupt

    monkeypatch.setattr(ChargeDatasetWriter, "append", stop)
    with pytest.raises(KeyboardInterrupt):
        sample_potentials(neutral_capacitor, tmp_path / "v.zarr", [0.0, 2.0], 6)
    monkeypatch.undo()
    again = sample_potentials(neutral_capacitor, tmp_path / "v.zarr", [0.0, 2.0], 6, resume=True)
    np.testing.assert_array_equal(again.steps, at_potentials.steps)
    np.testing.assert_array_equal(again.electrodes.potentials, at_potentials.electrodes.potentials)


def test_other_potentials_are_not_appended(neutral_capacitor, at_potentials):
    with pytest.raises(VoxionError, match="was written with label_source"):
        sample_potentials(neutral_capacitor, at_potentials.path, [0.0, 1.0], 6, resume=True)


def test_what_has_no_potential_difference_is_refused(tmp_path):
    one, charged = tmp_path / "one", tmp_path / "charged"
    replace(CAPACITOR, capacitor=False).build(one)
    replace(CAPACITOR, total_charge=-1).build(charged)
    settings = ElectrodeSettings()
    description = ElectrodeLabels(one).description
    with pytest.raises(VoxionError, match=r"has one electrode; .* --capacitor"):
        settings.potential_method(description, [1.0], 2)
    description = ElectrodeLabels(charged).description
    for differences in ([1.0, np.nan], [1.0, 1.0]):
        with pytest.raises(VoxionError, match="must be finite and different"):
            settings.potential_method(description, differences, 2)
    with pytest.raises(VoxionError, match=r"must be a multiple of the 2 .*, found 3"):
        settings.potential_method(description, [0.0, 1.0], 3)


def test_subsets_and_the_fingerprint_know_the_potentials(at_potentials, tmp_path):
    part = at_potentials.subset(5, 7)
    assert part.electrodes.potentials.tolist() == [[0.0, 0.0], [-1.0, 1.0]]
    assert part.frame(1).potentials.tolist() == [-1.0, 1.0]
    first = part.fingerprint()
    potentials = part.electrodes.potentials.copy()
    potentials[0] = [-0.5, 0.5]
    other = replace(part, electrodes=replace(part.electrodes, potentials=potentials))
    assert other.fingerprint() != first


HALVES = {"lower": np.arange(192) < ATOMS, "upper": np.arange(192) >= ATOMS}


def writer_like(dataset: ChargeDataset, path, electrodes=HALVES) -> ChargeDatasetWriter:
    return ChargeDatasetWriter(
        path,
        surface_positions=dataset.surface_positions,
        source_charges=dataset.source_charges,
        source_species=dataset.species_of_sources.tolist(),
        total_charge=0.0,
        periodic=dataset.periodic,
        cell_origin=dataset.cell_origin,
        label_source={},
        title="copy",
        electrodes=electrodes,
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda group: group["potential"].__setitem__((2, 0), np.nan), "potential"),
        (lambda group: group["potential"].__setitem__((2, 0), 1e5), "potential"),
        (lambda group: group["electrode"].__setitem__(0, 5), "expected 0 to 1"),
        (lambda group: group.attrs.update(electrodes=["lower"]), "expected 1 columns"),
        (lambda group: group.attrs.update(electrodes=[]), "version 2 has 0 electrodes"),
        (lambda group: group.attrs.update(format_version=1), "version 1 has 2 electrodes"),
    ],
)
def test_damaged_electrodes_are_refused(at_potentials, tmp_path, change, message):
    writer = writer_like(at_potentials, tmp_path / "v.zarr")
    for frame in at_potentials.subset(0, 3):
        writer.append(frame)
    assert (
        open_dataset(tmp_path / "v.zarr").fingerprint() == at_potentials.subset(0, 3).fingerprint()
    )
    change(zarr.open_group(tmp_path / "v.zarr", mode="r+"))
    with pytest.raises(VoxionError, match=message):
        open_dataset(tmp_path / "v.zarr")


def test_frames_without_their_potentials_are_refused(at_potentials, tmp_path):
    writer = writer_like(at_potentials, tmp_path / "v.zarr")
    with pytest.raises(VoxionError, match="expected potentials of 2 electrodes, found None"):
        writer.append(replace(at_potentials.frame(0), potentials=None))
    overlapping = {**HALVES, "upper": np.ones(192, bool)}
    with pytest.raises(VoxionError, match="must belong to one of the electrodes lower, upper"):
        writer_like(at_potentials, tmp_path / "w.zarr", overlapping)
