"""Models on a CUDA device give what they give on the CPU."""

import numpy as np
import pytest
import torch
from benchmarks.common.demonstration import demonstration

from tests.lammps.harness import charge_fix
from voxion import _core
from voxion.charges.sampling.run import load_configuration
from voxion.demo import copy_system, model_path
from voxion.engines.lammps import gather, lammps_session
from voxion.voxels.classifier.network import C3D

pytestmark = pytest.mark.skipif(
    not torch.cuda.is_available(), reason="there is no CUDA device here"
)


def test_charges():
    sources, charges, surface, cell = demonstration()
    found = [
        _core.ChargePredictor(str(model_path()), device)
        .predict(sources, charges, surface, cell, (True, True, False), -4.0)
        .charges
        for device in ("cpu", "cuda")
    ]
    np.testing.assert_allclose(found[1], found[0], rtol=0, atol=1e-10)


def test_charges_in_lammps(tmp_path):
    folder = copy_system(tmp_path / "system")
    found = []
    for device in ("cpu", "cuda"):
        with lammps_session() as engine:
            load_configuration(engine, folder, folder / "equilibrated.data")
            engine.command(charge_fix(model_path(), more=f"total -4.0 device {device}"))
            engine.command("run 2 post no")
            found.append(gather(engine, "q"))
    np.testing.assert_allclose(found[1], found[0], rtol=0, atol=1e-9)


def test_classifier():
    torch.manual_seed(0)
    network, grids = C3D(channels=2).eval(), torch.rand(2, 2, 32, 32, 32)
    with torch.inference_mode():
        expected, found = network(grids), network.cuda()(grids.cuda()).cpu()
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-4)
