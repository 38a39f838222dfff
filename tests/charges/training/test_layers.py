"""Two electrodes of several layers: a model of their frames, its scores and refusals."""

import shutil
from dataclasses import replace

import numpy as np
import pytest
import zarr

from tests.capacitor import GOLD, equilibrated, sample_potentials
from voxion.charges.data.dataset import ChargeDataset
from voxion.charges.evaluation.scores import predict, score
from voxion.charges.models.planar_pair import fit_planes, planar_pair
from voxion.charges.training.run import make_settings, train
from voxion.contract.schema import read_contract
from voxion.errors import VoxionError


@pytest.fixture(scope="module")
def unseen(gold_capacitor, tmp_path_factory) -> ChargeDataset:
    """Frames at 1 V, which the training has not."""
    output = tmp_path_factory.mktemp("labels") / "unseen.zarr"
    return sample_potentials(gold_capacitor, output, [1.0], 4)


def test_contract_and_summary_tell_the_layers(trained_gold):
    contract = read_contract(trained_gold.model_path)
    assert contract.layers == pytest.approx((0.0, 4.0782 / 2), abs=1e-5)
    found = trained_gold.summary["layers"]
    assert sum(found["shares"]) == pytest.approx(1.0, abs=1e-9)
    # the charge of a conductor is that of its surface
    assert found["shares"][0] > 0.8 > 0.2 > found["shares"][1] > 0.0


@pytest.mark.training
def test_layers_at_a_voltage_that_was_not_trained(trained_gold, unseen):
    report = score(trained_gold.model_path, unseen.path)
    first, second = report.layers
    assert first.model.r2 > 0.98 and first.model.mae < 0.2 * first.constant.mae
    assert second.model.r2 > 0.9 and second.depth == pytest.approx(4.0782 / 2, abs=1e-5)
    for electrode in report.electrodes:
        assert electrode.rmse < 0.02 * electrode.deviation
    assert "layer 2, 2.04 A behind the face: MAE" in str(report.table().caption)
    found = predict(trained_gold.model_path, unseen, np.arange(4), [])
    np.testing.assert_allclose(found.charges.sum(1), 0.0, atol=1e-12)


def test_electrodes_of_other_layers_are_refused(trained_gold, trained_pair, unseen, at_potentials):
    with pytest.raises(VoxionError, match=r"no nucleus lies 2\.04 A behind the face; .* 0, 2\.0"):
        score(trained_gold.model_path, at_potentials.path)
    with pytest.raises(VoxionError, match=r"a nucleus lies 2\.04 A behind the face; .* at 0 A"):
        score(trained_pair.model_path, unseen.path)


def test_electrodes_of_two_elements_are_not_learned_as_one(at_potentials, tmp_path):
    copy = shutil.copytree(at_potentials.path, tmp_path / "mixed.zarr")
    attributes = zarr.open_group(copy, mode="r+").attrs
    attributes["label_source"] = attributes["label_source"] | {"elements": ["C", "Au"]}
    with pytest.raises(
        VoxionError, match=r"several elements, C \(.*\), Au \(.*\): train a model f"
    ):
        train(make_settings([copy], epochs=0), tmp_path / "trained")


@pytest.mark.training
def test_another_pair_of_the_material_shares_the_model(trained_gold, tmp_path):
    """Of another size and distance; nothing is fitted again."""
    wider = replace(GOLD, cells=(7, 6), thickness=23.0, molarity=2.0)
    folder = equilibrated(wider, tmp_path / "wider", seed=8)
    data = sample_potentials(folder, tmp_path / "wider.zarr", [1.5], 3)
    report = score(trained_gold.model_path, data.path)
    for layer, share in zip(report.layers, (0.2, 0.5), strict=True):
        assert layer.model.mae < share * layer.constant.mae
    for electrode in report.electrodes:
        assert electrode.rmse < 0.01 * abs(electrode.mean)


def test_corrugation_is_recovered(tmp_path, gold_capacitor):
    """From charges that a known one gave, on where water stands on gold."""
    data = sample_potentials(gold_capacitor, tmp_path / "v.zarr", [0.0, 1.0], 4)
    pair = planar_pair(data)
    assert data.electrodes is not None
    atoms = data.electrodes.of_atom
    charges = []
    for frame in data:
        totals = pair.charges(data, frame, plane_offset=-0.1, corrugation=0.25)
        charges.append(totals[atoms] / np.bincount(atoms)[atoms])
    known = replace(data, _charges=np.array(charges))
    found = fit_planes([(known, pair, np.arange(8))])
    assert found.corrugation == pytest.approx(0.25, rel=1e-3)
    assert found.plane_offset == pytest.approx(-0.1, abs=1e-4) and found.error < 1e-5
