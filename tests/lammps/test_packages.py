"""AOTInductor packages in LAMMPS: the charges of the TorchScript model."""

import numpy as np
import pytest

from tests.lammps.harness import charge_fix, started, surface_charges
from voxion.demo import model_path


def test_a_package_sets_the_charges_of_its_archive(sheet, packaged_model):
    found = []
    for model in (model_path(), packaged_model):
        with started(sheet, charge_fix(model, more="range ignore")) as engine:
            engine.command("run 20")
            found.append(surface_charges(engine))
    np.testing.assert_allclose(found[1], found[0], atol=1e-12)
    assert np.ptp(found[0]) > 1e-3
    assert found[1].sum() == pytest.approx(-2.0, abs=1e-12)


def test_a_package_on_a_gpu_is_refused(sheet, packaged_model):
    import torch

    message = "runs on the CPU only" if torch.cuda.is_available() else "finds no CUDA device"
    with (
        pytest.raises(Exception, match=message),
        started(sheet, charge_fix(packaged_model, more="device cuda")) as engine,
    ):
        engine.command("run 0")
