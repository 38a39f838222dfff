"""AOTInductor packages: the numbers of TorchScript, and refusals of what does not fit."""

import json
import subprocess
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from tests.packages import crystal, graphene, packaged
from voxion import _core
from voxion.charges.models.packaged import Electrode
from voxion.charges.training.fitted import restored
from voxion.cli.inspection import inspect_model
from voxion.contract.package import PACKAGE_FILE, PackagedModel
from voxion.contract.schema import load_model, read_contract
from voxion.demo import model_path
from voxion.errors import VoxionError

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
SHIPPED = [
    model_path(),
    EXAMPLES / "06_dftb_labels/graphene-dftb.pt",
    EXAMPLES / "07_capacitor/gold-conp.pt",
    EXAMPLES / "07_capacitor/graphene-conp.pt",
]


def potentials(electrode, widths: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(0)
    shape = (len(electrode.positions), widths)
    return 0.1 * torch.randn(shape, dtype=torch.float64, generator=generator)


def answers(module, inputs, total_charge_input: bool, total: float):
    totals = [torch.tensor([total], dtype=torch.float64)] if total_charge_input else []
    with torch.no_grad():
        yield module(*inputs, *totals)
        if hasattr(module, "distance"):
            yield module.distance(*inputs).reshape(1)
            yield module.whitened(*inputs)


@pytest.mark.parametrize("archive", SHIPPED, ids=lambda path: path.stem)
def test_packages_say_what_torchscript_says(archive, tmp_path):
    contract = read_contract(archive)
    if contract.layers is None:
        electrode, others = graphene((6, 4)), [graphene((9, 5), total=-1.0)]
    else:
        electrode, others = crystal(6, list(contract.layers)), [crystal(9, list(contract.layers))]
    path = packaged(archive, electrode, tmp_path / "model.pt2")
    script, _ = load_model(archive)
    package, its_contract = load_model(path)
    assert isinstance(package, PackagedModel)
    assert its_contract == contract.model_copy(update={"reach": its_contract.reach})
    assert hasattr(package, "distance") == hasattr(script, "distance")
    if restored(archive).model.electrons is not None:
        others = []
        _is_for_one_sheet(package, electrode)
    for one in [electrode, *others]:
        inputs = [potentials(one, len(contract.input_ranges.min)), one.positions, one.cell]
        given = (inputs, contract.total_charge_input, one.total_charge)
        expected, found = list(answers(script, *given)), list(answers(package, *given))
        assert len(found) == (3 if hasattr(script, "distance") else 1)
        for a, b in zip(found, expected, strict=True):
            torch.testing.assert_close(a, b, rtol=1e-12, atol=1e-12 * float(b.abs().max()))
        assert float(expected[0].std()) > 1e-3


def _is_for_one_sheet(package: PackagedModel, sheet: Electrode) -> None:
    """Packages with electrons hold the answer of one sheet's electrons."""

    def run(**changes):
        one = replace(sheet, **changes)
        total = torch.tensor([one.total_charge], dtype=torch.float64)
        return package(potentials(one, 4), one.positions, one.cell, total)

    moved = sheet.positions + torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64)
    torch.testing.assert_close(run(positions=moved), run())
    for changes, what in (
        ({"positions": graphene((5, 3)).positions}, "60 atoms, not 96"),
        ({"total_charge": -1.0}, "total charge is -1.0* e, not -2"),
        ({"positions": sheet.positions.flip(0)}, "in another order"),
        ({"cell": 1.1 * sheet.cell}, "its cell is another one"),
    ):
        with pytest.raises(VoxionError, match=what):
            run(**changes)


def changed(source: Path, path: Path, **contents) -> Path:
    """Write a package anew whose package.json says something else."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            if name.endswith(PACKAGE_FILE):
                data = json.dumps({**json.loads(data), **contents}).encode()
            new.writestr(name, data)
    return path


@pytest.mark.parametrize(
    ("contents", "message"),
    [
        ({"torch_version": "2.6.0"}, r"made by torch 2\.6\.0, this is torch"),
        ({"processor": "riscv64"}, "made for processors of kind riscv64, this is none"),
        ({"methods": ["another"]}, "not a whole TorchScript archive or package"),
        ({"shells": {"edges": [[[2.0, 1.0]]], "depths": [0.0]}}, "contradict each other"),
    ],
)
def test_packages_for_something_else_are_refused(packaged_model, tmp_path, contents, message):
    path = changed(packaged_model, tmp_path / "model.pt2", **contents)
    for load in (load_model, lambda p: _core.ChargePredictor(str(p))):
        with pytest.raises(VoxionError, match=message):
            load(path)


def test_a_damaged_package_is_refused(packaged_model, tmp_path):
    data = bytearray(packaged_model.read_bytes())
    data[len(data) // 2] ^= 1
    path = tmp_path / "model.pt2"
    path.write_bytes(data)
    for load in (load_model, lambda p: _core.ChargePredictor(str(p))):
        with pytest.raises(VoxionError, match="not a whole TorchScript archive or package"):
            load(path)


def test_packages_need_no_executable_stack(packaged_model, tmp_path):
    """Newer C libraries refuse to load what does."""
    with zipfile.ZipFile(packaged_model) as archive:
        libraries = [name for name in archive.namelist() if name.endswith(".so")]
        archive.extractall(tmp_path, libraries)
    assert libraries
    for name in libraries:
        told = subprocess.run(
            ["readelf", "--program-headers", "--wide", str(tmp_path / name)],
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        (stack,) = [line for line in told.splitlines() if "GNU_STACK" in line]
        assert "RWE" not in stack and "RW" in stack


def test_a_package_tells_its_contract_without_being_loaded(packaged_model, tmp_path, capsys):
    path = changed(packaged_model, tmp_path / "model.pt2", torch_version="2.6.0")
    inspect_model(path)
    assert "site-potentials" in capsys.readouterr().out
