"""Export of a classifier: what is written is what was trained, or nothing is written."""

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.voxels.phases import settings, sources, trained
from voxion import _core
from voxion.contract.schema import ClassifierContract, load_model, read_contract
from voxion.errors import VoxionError
from voxion.voxels.classifier.dataset import open_labelled
from voxion.voxels.classifier.export import export_classifier, read_classifier, write_model
from voxion.voxels.classifier.network import C3D, initialise
from voxion.voxels.explain.layers import load_network

__all__ = ["settings", "sources", "trained"]


@pytest.fixture
def classifier(trained):
    return read_classifier(trained[1])


@pytest.mark.parametrize("name", ["exported.pt", "exported.pt2"])
def test_exported_model_says_what_python_says(trained, classifier, sources, tmp_path, name):
    path = export_classifier(trained[1], tmp_path / name)
    assert read_contract(path, ClassifierContract) == classifier.contract
    store = open_labelled(sources).stores[1]
    grid = torch.from_numpy(store.normalised(20))
    with torch.no_grad():
        expected = classifier.network(grid[None])[0]
    module, _ = load_model(path, ClassifierContract)
    found = module(grid[None].double())
    assert found.dtype == torch.float64 and not found.requires_grad
    torch.testing.assert_close(found[0].float(), expected, atol=1e-5, rtol=1e-5)
    # the engine takes the raw grid, with its channels in any order
    engine = _core.VoxelClassifier(str(path), ["charge", "mass"], list(store.shape))
    chances = engine.classify(np.ascontiguousarray(store.grid(20)[::-1]))
    np.testing.assert_allclose(chances, torch.softmax(expected, 0).numpy(), atol=1e-5)
    assert list(engine.labels) == list(classifier.contract.labels)
    assert float(np.ptp(chances)) > 0.1
    several = torch.stack([grid, 0.5 * grid, 0.1 * grid])
    with torch.no_grad():
        expected = classifier.network(several)
    torch.testing.assert_close(module(several.double()).float(), expected, atol=1e-5, rtol=1e-5)
    if name == "exported.pt2":
        with pytest.raises(VoxionError, match="package of compiled code"):
            load_network(path)


def test_weights_have_the_names_of_the_network(trained):
    module, _ = load_model(trained[0].model_path, ClassifierContract)
    names = {name.removeprefix("network.") for name in module.state_dict()}
    assert names == set(C3D(2, (16, 16, 16), 3).state_dict())


def test_weights_that_are_not_finite_are_refused(classifier, sources, tmp_path):
    with torch.no_grad():
        classifier.network.classifier[1].bias[3] = float("nan")
    with pytest.raises(VoxionError, match=r"not finite \(network.classifier\.1\.bias\)"):
        write_model(classifier, tmp_path / "bad.pt", open_labelled(sources))
    assert list(tmp_path.iterdir()) == []


class _Different(C3D):
    """Says something else once it is TorchScript."""

    def forward(self, grid: torch.Tensor) -> torch.Tensor:
        logits = self.classifier(self.features(grid))
        if torch.jit.is_scripting():
            logits = logits + torch.arange(3) * 1e-2
        return logits


def test_a_model_that_changes_on_export_is_not_written(classifier, sources, tmp_path):
    different = _Different(2, (16, 16, 16), 3)
    different.load_state_dict(classifier.network.state_dict())
    with pytest.raises(VoxionError, match="differs from the trained one"):
        write_model(
            replace(classifier, network=different), tmp_path / "bad.pt", open_labelled(sources)
        )
    assert list(tmp_path.iterdir()) == []


def test_a_contract_of_another_order_is_found_out_by_the_engine(classifier, sources, tmp_path):
    """Channels named the wrong way round: TorchScript agrees, the engine does not.

    Untrained, since a trained network may know these phases as well from their negative.
    """
    network = C3D(2, (16, 16, 16), 3)
    initialise(network, 0)
    swapped = classifier.contract.model_copy(update={"channels": ("charge", "mass")})
    labelled = open_labelled(sources)
    with pytest.raises(VoxionError, match=r"differs .* in C\+\+"):
        write_model(
            replace(classifier, network=network, contract=swapped), tmp_path / "bad.pt", labelled
        )
    assert list(tmp_path.iterdir()) == []


def test_export_leaves_the_network_trainable(classifier, sources, tmp_path):
    before = copy.deepcopy(classifier.network.state_dict())
    write_model(classifier, tmp_path / "m.pt", open_labelled(sources))
    assert all(p.requires_grad for p in classifier.network.parameters())
    for name, value in classifier.network.state_dict().items():
        assert torch.equal(value, before[name])


def test_unfinished_training_and_other_folders_are_refused(trained, tmp_path):
    with pytest.raises(VoxionError, match="not a training folder"):
        export_classifier(tmp_path, tmp_path / "model.pt")
    (tmp_path / "settings.json").write_text((trained[1] / "settings.json").read_text())
    with pytest.raises(VoxionError, match="no finished training"):
        export_classifier(tmp_path, tmp_path / "model.pt")
    (tmp_path / "settings.json").write_text("{}")
    with pytest.raises(VoxionError, match="does not hold what it should"):
        export_classifier(tmp_path, tmp_path / "model.pt")
