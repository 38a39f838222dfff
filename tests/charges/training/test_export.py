"""Export: what is written is what was trained, or nothing is written."""

import numpy as np
import pytest
import torch

from tests.charges.reference import CUTOFF, WIDTHS
from voxion import _core
from voxion.charges.data.features import ion_indices, model_inputs
from voxion.charges.data.opening import open_dataset
from voxion.charges.evaluation.scores import predict
from voxion.charges.models.site_potentials import SitePotentialsModel
from voxion.charges.training.export import export_model, write_model
from voxion.charges.training.fitted import FittedModel, read_fitted
from voxion.contract.schema import load_model, read_contract
from voxion.errors import VoxionError


@pytest.mark.parametrize("which", ["linear_training", "ion_positions_training"])
def test_exported_model_predicts_in_cpp_what_python_predicts(
    which, request, linear_dataset, tmp_path
):
    _, folder = request.getfixturevalue(which)
    path = export_model(folder, tmp_path / "exported.pt")
    fitted, dataset = read_fitted(folder), open_dataset(linear_dataset)
    assert read_contract(path) == fitted.contract
    frame = dataset.frame(7)
    positions, charges = frame.source_positions.astype(float), dataset.source_charges
    if fitted.contract.inputs == "positions":
        ions = ion_indices(dataset)
        positions, charges = positions[ions], charges[ions]
        inputs = [positions, charges]
    else:
        periodic = list(dataset.periodic)
        inputs = [
            _core.site_potentials(
                dataset.surface_positions, positions, charges, frame.cell, periodic, WIDTHS, CUTOFF
            )
        ]
    arrays = [*inputs, dataset.surface_positions, frame.cell]
    with torch.no_grad():
        expected = fitted.model(*(torch.from_numpy(a) for a in arrays)).numpy()
    found = _core.ChargePredictor(str(path)).predict(
        positions, charges, dataset.surface_positions, frame.cell, list(dataset.periodic), -2.0
    )
    expected += (-2.0 - expected.sum()) / len(expected)
    np.testing.assert_allclose(found.charges, expected, atol=1e-9)
    assert np.ptp(found.charges) > 1e-3
    assert np.sum(found.charges) == pytest.approx(-2.0, abs=1e-12)


@pytest.mark.parametrize("which", ["linear_training", "ion_positions_training"])
def test_packages_are_made_without_torchscript(
    which, request, linear_dataset, tmp_path, monkeypatch
):
    """As on Python 3.14, where torch does not support it any more."""
    _, folder = request.getfixturevalue(which)
    archive = export_model(folder, tmp_path / "exported.pt")
    for name in ("script", "load", "save"):
        monkeypatch.setattr(torch.jit, name, None)
    package = export_model(folder, tmp_path / "exported.pt2")
    monkeypatch.undo()
    dataset = open_dataset(linear_dataset)
    inputs = model_inputs(dataset, dataset.frame(7), read_contract(archive))
    expected, found = load_model(archive)[0](*inputs), load_model(package)[0](*inputs)
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)
    assert float(expected.std()) > 1e-3
    by_archive, by_package = (predict(path, dataset, [1, 2], [0]) for path in (archive, package))
    np.testing.assert_allclose(by_package.charges, by_archive.charges, atol=1e-12)
    assert (by_package.bins is None) == (by_archive.bins is None)


def test_weights_that_are_not_finite_are_refused(linear_training, linear_dataset, tmp_path):
    fitted = read_fitted(linear_training[1])
    fitted.model.weights[0, 0] = float("nan")
    with pytest.raises(VoxionError, match=r"not finite \(weights\)"):
        write_model(fitted, tmp_path / "bad.pt", [open_dataset(linear_dataset)])
    assert list(tmp_path.iterdir()) == []


class _Different(SitePotentialsModel):
    """Says something else once it is TorchScript."""

    def forward(
        self, site_potentials: torch.Tensor, surface_positions: torch.Tensor, cell: torch.Tensor
    ) -> torch.Tensor:
        self.find_neighbours(surface_positions, cell)
        response = self.linear_response(site_potentials)
        if torch.jit.is_scripting():
            response[0] += 1e-6
        return response


def test_a_model_that_changes_on_export_is_not_written(linear_training, linear_dataset, tmp_path):
    fitted = read_fitted(linear_training[1])
    different = _Different(fitted.model.edges, len(WIDTHS), 0.0)
    different.load_state_dict(fitted.model.state_dict())
    with pytest.raises(VoxionError, match="differs from the trained one"):
        write_model(
            FittedModel(different, fitted.contract),
            tmp_path / "bad.pt",
            [open_dataset(linear_dataset)],
        )
    assert list(tmp_path.iterdir()) == []


def test_unfinished_training_is_refused(tmp_path, linear_training):
    settings = (linear_training[1] / "settings.json").read_text()
    (tmp_path / "settings.json").write_text(settings)
    with pytest.raises(VoxionError, match="no finished training"):
        export_model(tmp_path, tmp_path / "model.pt")


def test_a_folder_without_settings_is_refused(tmp_path):
    with pytest.raises(VoxionError, match="not a training folder"):
        export_model(tmp_path, tmp_path / "model.pt")
