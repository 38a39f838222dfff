"""The distance from the training data, against its formula and on configurations beyond it."""

import numpy as np
import pytest
import torch
from scipy.stats import spearmanr

from tests.charges.reference import (
    CUTOFF,
    RADIAL,
    TOTAL,
    WIDTHS,
    LinearSystem,
    brute_force_potentials,
    graphene,
)
from voxion.charges.data.dataset import ChargeFrame
from voxion.charges.data.dataset_writer import ChargeDatasetWriter
from voxion.charges.data.opening import open_dataset
from voxion.charges.data.splits import split_frames
from voxion.charges.evaluation.distance import NOISE, TrainedGround
from voxion.charges.evaluation.scores import predict
from voxion.charges.training.fitted import read_fitted
from voxion.charges.training.run import make_settings, train
from voxion.contract.schema import load_model
from voxion.errors import VoxionError


def beyond(path, heights, seed=5, **system):
    """Data set of a linear system, one frame for each lower bound of the sources' heights."""
    linear = LinearSystem(seed=seed, **system)
    rng = np.random.default_rng(seed)
    writer = ChargeDatasetWriter(
        path,
        surface_positions=linear.sites,
        source_charges=linear.charges,
        source_species=linear.names.tolist(),
        total_charge=TOTAL,
        periodic=(True, True, False),
        cell_origin=np.zeros(3),
        label_source={"name": "linear response"},
        title="beyond",
    )
    for step, lowest in enumerate(heights):
        sources = linear.sources(rng)
        sources[:, 2] += np.float32(lowest) - sources[:, 2].min()
        charges = linear.response(sources.astype(np.float64))
        writer.append(ChargeFrame(sources, charges, linear.cell, step, 0.1 * step))
    return open_dataset(path)


def inputs_of(dataset, index):
    """Shell sums [M, S K] relative to their means, one image at a time."""
    system = LinearSystem()
    phi = brute_force_potentials(
        system.sites,
        dataset.source_positions(index).astype(np.float64),
        dataset.source_charges,
        dataset.cells[index],
        (True, True, False),
        WIDTHS,
        CUTOFF,
    )
    sums = np.einsum("sij,jk->isk", system.neighbours, phi).reshape(len(phi), -1)
    return sums - sums.mean(0)


def test_distance_is_the_leverage_of_the_furthest_site(linear_training, linear_dataset, tmp_path):
    data = open_dataset(linear_dataset)
    seen = [inputs_of(data, i) for i in split_frames(data.frames).training]
    stacked = np.concatenate(seen)
    covariance = stacked.T @ stacked / len(stacked)
    inverse = np.linalg.inv(covariance + NOISE * np.diag(np.diag(covariance)))

    def furthest(x):
        return np.sqrt(np.einsum("ip,pq,iq->i", x, inverse, x).max())

    other = beyond(tmp_path / "beyond.zarr", [1.0, 2.0, 4.0])
    ground = TrainedGround(linear_training[0].model_path)
    found = [distance for _, distance in ground.look_at_all(other)]
    expected = [furthest(inputs_of(other, i)) for i in range(3)]
    largest = max(furthest(x) for x in seen)
    np.testing.assert_allclose(found, np.array(expected) / largest, rtol=1e-4)
    assert found[0] > 2 > found[2]


def test_training_data_lie_within_1_and_have_unit_covariance(linear_training, linear_dataset):
    data = open_dataset(linear_dataset)
    training = split_frames(data.frames).training
    ground = TrainedGround(linear_training[0].model_path)
    looks = [ground.look(data, int(i)) for i in training]
    assert max(distance for _, distance in looks) == pytest.approx(1.0, abs=1e-9)
    inputs = np.concatenate([x for x, _ in looks])
    assert len(inputs) == ground.sites
    np.testing.assert_allclose(inputs.T @ inputs / len(inputs), np.eye(6), atol=5e-3)


def test_distance_grows_in_proportion_to_the_potentials(linear_training):
    module, _ = load_model(linear_training[0].model_path)
    sites, cell = (torch.from_numpy(x) for x in graphene(5, 3))
    potentials = torch.from_numpy(np.random.default_rng(0).normal(size=(60, 2)))
    with torch.no_grad():
        once = module.distance(potentials, sites, cell)
        shifted = module.distance(3 * potentials + 7.0, sites, cell)  # a shift changes no charge
    assert once.shape == () and once.dtype == torch.float64
    assert float(shifted) == pytest.approx(3 * float(once), rel=1e-9)


def test_charges_are_the_same_after_a_look_at_another_sheet(linear_training):
    module, _ = load_model(linear_training[0].model_path)
    sites, cell = (torch.from_numpy(x) for x in graphene(5, 3))
    other_sites, other_cell = (torch.from_numpy(x) for x in graphene(6, 4))
    potentials = torch.from_numpy(np.random.default_rng(0).normal(size=(96, 2)))
    with torch.no_grad():
        before = module(potentials[:60], sites, cell)
        module.distance(potentials, other_sites, other_cell)
        after = module(potentials[:60], sites, cell)
    assert torch.equal(before, after)


@pytest.mark.training
def test_distance_ranks_the_errors_of_a_bent_response(tmp_path):
    # a response that is not linear: the correction holds where it was made, and fails with distance
    LinearSystem(bend=0.5).dataset(tmp_path / "bent.zarr", 40)
    settings = make_settings([tmp_path / "bent.zarr"], radial_functions=RADIAL, shells=3, epochs=40)
    result = train(settings, tmp_path / "trained")
    assert result.summary["correction_kept"]
    other = beyond(tmp_path / "other.zarr", np.linspace(1.0, 3.0, 30), bend=0.5)
    looks = TrainedGround(result.model_path).look_at_all(other)
    distances = [distance for _, distance in looks]
    predictions = predict(result.model_path, other, np.arange(30), [0])
    errors = np.square(predictions.charges - predictions.reference).mean(1)
    # at least 0.91, of ten seeds under four instruction sets
    assert spearmanr(distances, errors).statistic > 0.8


def test_the_papers_network_has_no_distance(ion_positions_training):
    with pytest.raises(VoxionError, match="tells no distance"):
        TrainedGround(ion_positions_training[0].model_path)


def test_a_data_set_of_another_force_field_is_refused(linear_training, tmp_path):
    system = LinearSystem()
    system.charges[:] = 0.3
    other = system.dataset(tmp_path / "other.zarr", 1)
    with pytest.raises(VoxionError, match=r"0\.3 e"):
        TrainedGround(linear_training[0].model_path).look_at_all(other)


def test_a_training_from_before_the_distance_is_refused_in_one_message(linear_training, tmp_path):
    content = torch.load(linear_training[1] / "fitted.pt", weights_only=True)
    del content["state"]["whitening"]
    torch.save(content, tmp_path / "fitted.pt")
    with pytest.raises(VoxionError, match="another version of voxion"):
        read_fitted(tmp_path)
