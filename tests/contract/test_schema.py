"""The model contract: each of its rules with one example that breaks it."""

import copy
import hashlib
import json
import os
import struct
import warnings
import zipfile

import pytest
import torch

from voxion import _core
from voxion.cli.inspection import inspect_model
from voxion.contract.schema import (
    ChargeContract,
    ClassifierContract,
    Contract,
    load_model,
    parse_contract,
    read_contract,
)
from voxion.demo import model_path
from voxion.errors import VoxionError

POSITIONS = {
    "contract_version": 1,
    "kind": "surface-charges",
    "inputs": "positions",
    "length_unit": "angstrom",
    "charge_unit": "e",
    "torch_version": "2.13.0",
    "voxion_version": "0.1.0",
    "data_hash": "sha256:" + "0" * 64,
    "total_charge": -4,
    "cell": [[29.5, 0, 0], [0, 29.8, 0], [0, 0, 86]],
    "surface_atoms": 336,
    "source_order": "ascending atom ID",
    "sources": [
        {"name": "Na", "charge": 1, "count": 90},
        {"name": "Cl", "charge": -1.0, "count": 86},
    ],
    "input_ranges": {"min": [0, 0, 2.5], "max": [29.5, 29.8, 80]},
}
SITES = {
    **POSITIONS,
    "inputs": "site-potentials",
    "total_charge": None,
    "cell": None,
    "surface_atoms": None,
    "sources": [{"name": "O", "charge": -0.8476}],
    "radial_functions": {"form": "erfc", "widths": [0.05, 0.2], "cutoff": 14.0},
    "input_ranges": {"min": [-1.0, -0.5], "max": [1.0, 0.5]},
}

VOXELS = {
    "contract_version": 1,
    "kind": "voxel-classifier",
    "length_unit": "angstrom",
    "charge_unit": "e",
    "torch_version": "2.13.0",
    "voxion_version": "0.1.0",
    "data_hash": "sha256:" + "a" * 64,
    "channels": ["mass", "charge", "shear"],
    "channel_units": ["g/mol/angstrom^3", "e/angstrom^3", "atm"],
    "grid": [32, 24, 16],
    "spread": "cic",
    "normalisation": "min-max",
    "labels": ["lamellar", "micelles"],
    "input_ranges": {"min": [0.0, -0.1, 0.0], "max": [2.0, 0.1, 5e3]},
}
KINDS = [(POSITIONS, ChargeContract), (SITES, ChargeContract), (VOXELS, ClassifierContract)]


def _changed(base, path, value):
    content = copy.deepcopy(base)
    *parents, last = path.split("/")
    place = content
    for key in parents:
        place = place[int(key) if isinstance(place, list) else key]
    if value is ...:
        del place[last]
    else:
        place[int(last) if isinstance(place, list) else last] = value
    return json.dumps(content)


@pytest.mark.parametrize(("content", "kind"), KINDS)
def test_valid_contracts_survive_writing_and_reading(content, kind):
    contract = parse_contract(json.dumps(content), "m.pt", kind)
    assert type(contract) is kind
    assert parse_contract(contract.to_json(), "m.pt", kind) == contract
    assert parse_contract(contract.to_json(), "m.pt", Contract) == contract


@pytest.mark.parametrize(
    ("base", "path", "value", "message"),
    [
        (POSITIONS, "contract_version", 2, "contract version 2 is unknown"),
        (POSITIONS, "contract_version", ..., "contract version null is unknown"),
        (POSITIONS, "contract_version", 1.9, "contract version 1.9 is unknown"),
        (POSITIONS, "contract_version", True, "contract version true is unknown"),
        (POSITIONS, "contract_version", 2**32 + 1, "contract version 4294967297 is unknown"),
        (POSITIONS, "kind", "voxel-classifier", "'kind' must be 'surface-charges'"),
        (POSITIONS, "inputs", "voxels", "'inputs'"),
        (POSITIONS, "length_unit", "nm", "'length_unit'"),
        (POSITIONS, "length_unit", ..., "lacks 'length_unit'"),
        (POSITIONS, "total_charge", 1e300, "'total_charge'"),
        (POSITIONS, "total_charge", True, "'total_charge'"),
        (POSITIONS, "sources/0/name", "a\nb", "'sources.0.name'"),
        (SITES, "radial_functions/form", ..., "lacks 'form'"),
        (SITES, "radial_functions/widths", [0.1] * 100_000, "'radial_functions.widths'"),
        (SITES, "radial_functions/widths", [0.1, 1e300], "'radial_functions.widths.1'"),
        *((SITES, "radial_functions/cutoff", x, "cutoff'") for x in (1e300, 2e3, 1e-300, True)),
        (VOXELS, "grid", [4096, 4096, 4096], "'grid' must have at most"),
        (VOXELS, "grid/0", 2**32 + 8, "'grid.0'"),
        (POSITIONS, "charge_unit", "C", "'charge_unit'"),
        (POSITIONS, "torch_version", ..., "'torch_version'"),
        (POSITIONS, "voxion_version", 1, "'voxion_version'"),
        (POSITIONS, "data_hash", "md5:0", "'data_hash'"),
        (POSITIONS, "source_order", "by type", "'source_order'"),
        (POSITIONS, "sources", [], "'sources'"),
        (POSITIONS, "sources/0/charge", "1", "'sources.0.charge'"),
        (POSITIONS, "sources/1/count", 0, "'sources.1.count'"),
        (POSITIONS, "sources/1/count", None, "need a 'count'"),
        (POSITIONS, "total_charge", None, "need 'total_charge'"),
        (POSITIONS, "cell", None, "need 'cell'"),
        (POSITIONS, "cell", [[1, 0, 0], [0, 1, 0]], "'cell.2'"),
        (POSITIONS, "surface_atoms", None, "need 'surface_atoms'"),
        (POSITIONS, "surface_atoms", 0, "'surface_atoms'"),
        (POSITIONS, "surface_atoms", 3.5, "'surface_atoms'"),
        (POSITIONS, "radial_functions", SITES["radial_functions"], "'radial_functions' are not"),
        (POSITIONS, "largest_wave_vector", 1.2, "'largest_wave_vector' is not used"),
        (SITES, "largest_wave_vector", 0.0, "'largest_wave_vector'"),
        (SITES, "largest_wave_vector", 1.2, "3 numbers"),
        (POSITIONS, "input_ranges", ..., "'input_ranges'"),
        (POSITIONS, "input_ranges/min", [0, 0], "3 numbers"),
        (POSITIONS, "input_ranges/min", [0, 0, 99], "min <= max"),
        (SITES, "radial_functions", None, "need 'radial_functions'"),
        (SITES, "radial_functions/form", "gauss", "'radial_functions.form'"),
        (SITES, "radial_functions/widths", [], "'radial_functions.widths'"),
        (SITES, "radial_functions/widths", [-0.1, 0.2], "'radial_functions.widths.0'"),
        (SITES, "radial_functions/cutoff", 0, "'radial_functions.cutoff'"),
        (SITES, "input_ranges/max", [1.0, 1.0, 1.0], "2 numbers"),
        (VOXELS, "contract_version", 2, "contract version 2 is unknown"),
        (VOXELS, "kind", "voxels", "'kind' must be 'voxel-classifier', found \"voxels\""),
        (VOXELS, "kind", ["voxel-classifier"], "'kind' must be 'voxel-classifier'"),
        (VOXELS, "kind", "surface-charges", "'kind' must be 'voxel-classifier'"),
        (VOXELS, "length_unit", "sigma", "'length_unit'"),
        (VOXELS, "charge_unit", "C", "'charge_unit'"),
        (VOXELS, "data_hash", "sha256:" + "A" * 64, "'data_hash'"),
        (VOXELS, "channels", [], "'channels'"),
        (VOXELS, "channels", "mass", "'channels'"),
        (VOXELS, "channels/1", "", "'channels.1'"),
        (VOXELS, "channels/1", "mass", "'channels' must be distinct"),
        (VOXELS, "channel_units", ["1", "1"], "one unit for each channel"),
        (VOXELS, "channel_units/0", 1, "'channel_units.0'"),
        (VOXELS, "grid", [32, 32], "'grid.2'"),
        (VOXELS, "grid/1", 0, "'grid.1'"),
        (VOXELS, "grid/1", 16.5, "'grid.1'"),
        (VOXELS, "normalisation", "z-score", "'normalisation'"),
        (VOXELS, "spread", "even", "'spread'"),
        (VOXELS, "labels", ["lamellar"], "'labels'"),
        (VOXELS, "labels/1", "lamellar", "'labels' must be distinct"),
        (VOXELS, "labels/0", "", "'labels.0'"),
        (VOXELS, "labels", ..., "'labels'"),
        (VOXELS, "input_ranges/min", [0, 0], "3 numbers"),
        (VOXELS, "input_ranges/min/1", 0.2, "min <= max"),
    ],
)
def test_each_broken_rule_is_named(base, path, value, message):
    kind = ClassifierContract if base is VOXELS else ChargeContract
    with pytest.raises(VoxionError) as error:
        parse_contract(_changed(base, path, value), "m.pt", kind)
    assert message in str(error.value)
    assert "m.pt" in str(error.value) and "\n" not in str(error.value)
    remedy = "voxels export" if base is VOXELS else "charges export"
    assert f"'voxion {remedy}'" in str(error.value)


@pytest.mark.parametrize("text", ["", "{", "[1]"])
def test_text_that_is_no_object_is_refused(text):
    with pytest.raises(VoxionError, match="not a JSON object"):
        parse_contract(text, "m.pt")


def test_a_text_that_is_too_long_is_refused():
    text = json.dumps({**SITES, "extra": "x" * 2**20})
    with pytest.raises(VoxionError, match=r"has \d+ bytes, at most 1048576 are read"):
        parse_contract(text, "m.pt")


def _save(path, extra):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.jit.save(torch.jit.script(torch.nn.ReLU()), str(path), _extra_files=extra)


def test_contract_is_read_from_an_archive_and_printed(tmp_path, capsys):
    path = tmp_path / "m.pt"
    _save(path, {"voxion.json": json.dumps(SITES)})
    assert read_contract(path).radial_functions.cutoff == 14
    inspect_model(path)
    assert "site-potentials" in capsys.readouterr().out
    inspect_model(path, as_json=True)
    assert json.loads(capsys.readouterr().out)["sources"][0]["name"] == "O"


def test_a_classifier_is_printed(tmp_path, capsys):
    path = tmp_path / "cnn.pt"
    _save(path, {"voxion.json": json.dumps(VOXELS)})
    inspect_model(path)
    printed = " ".join(capsys.readouterr().out.split())
    assert "16 x 24 x 32 voxels along x, y, z" in printed
    assert "lamellar, micelles" in printed and "shear [0, 5000] atm" in printed
    inspect_model(path, as_json=True)
    assert json.loads(capsys.readouterr().out)["channels"] == VOXELS["channels"]


def test_a_model_of_another_kind_is_refused(tmp_path):
    _save(tmp_path / "cnn.pt", {"voxion.json": json.dumps(VOXELS)})
    _save(tmp_path / "charges.pt", {"voxion.json": json.dumps(SITES)})
    for read in (read_contract, load_model):
        with pytest.raises(VoxionError, match="must be 'surface-charges', found \"voxel-class"):
            read(tmp_path / "cnn.pt")
        with pytest.raises(VoxionError, match="must be 'voxel-classifier', found \"surface-char"):
            read(tmp_path / "charges.pt", ClassifierContract)
    assert read_contract(tmp_path / "cnn.pt", Contract).kind == "voxel-classifier"
    assert load_model(tmp_path / "charges.pt", Contract)[1].kind == "surface-charges"


def test_files_that_are_no_models_are_refused(tmp_path):
    with pytest.raises(VoxionError, match="no such file"):
        read_contract(tmp_path / "none.pt")
    (tmp_path / "text.pt").write_text("hello")
    with pytest.raises(VoxionError, match="not a whole TorchScript archive"):
        read_contract(tmp_path / "text.pt")
    with pytest.raises(VoxionError, match=r"charges export' or 'voxion voxels export'"):
        inspect_model(tmp_path / "text.pt")
    torch.save({"a": 1}, tmp_path / "state.pt")
    with pytest.raises(VoxionError, match=r"carries no voxion\.json"):
        read_contract(tmp_path / "state.pt")
    _save(tmp_path / "bare.pt", {})
    with pytest.raises(VoxionError, match=r"carries no voxion\.json"):
        read_contract(tmp_path / "bare.pt")


class Hostile(torch.nn.Module):
    """Writes a file as soon as it is loaded."""

    def __init__(self, path: str):
        super().__init__()
        self.path = path

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x

    @torch.jit.export
    def __getstate__(self) -> tuple[str, bool]:
        return self.path, self.training

    @torch.jit.export
    def __setstate__(self, state: tuple[str, bool]) -> None:
        self.path = state[0]
        self.training = state[1]
        torch.save(torch.zeros(1), state[0])


def test_reading_a_contract_runs_nothing_of_the_model(tmp_path, capsys):
    written = tmp_path / "written"
    model = tmp_path / "hostile.pt"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        scripted = torch.jit.script(Hostile(str(written)))
        torch.jit.save(scripted, str(model), _extra_files={"voxion.json": json.dumps(SITES)})
    written.unlink(missing_ok=True)
    read_contract(model)
    inspect_model(model)
    assert not written.exists()
    assert (
        f"file sha256:{hashlib.sha256(model.read_bytes()).hexdigest()}\n" in capsys.readouterr().out
    )
    load_model(model)
    assert written.exists()  # as the docs say


def _archive(path, contract):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("m/extra/voxion.json", contract)
    return path


def test_contracts_that_are_no_text_are_refused(tmp_path):
    path = _archive(tmp_path / "m.pt", json.dumps(SITES).encode("utf-16"))
    with pytest.raises(VoxionError, match=r"voxion\.json is not UTF-8 text"):
        read_contract(path)
    for text in ("[" * 100_000, '{"a": ' * 100_000, "1" * 5000, '{"a": NaN}', '{"a": 1e999}'):
        path = _archive(tmp_path / "m.pt", text)
        with pytest.raises(VoxionError, match="not a JSON object") as error:
            read_contract(path)
        assert len(str(error.value)) < 500


def test_no_more_is_unpacked_than_a_contract_can_have(tmp_path):
    """Two GiB of zeros that take two MiB in the file."""
    path = tmp_path / "bomb.pt"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open("m/extra/voxion.json", "w", force_zip64=True) as file:
            for _ in range(2**11):
                file.write(bytes(2**20))
    assert path.stat().st_size < 2**22
    for read in (read_contract, _core.ChargePredictor):
        with pytest.raises(VoxionError, match=r"at most|unpack to more than"):
            read(str(path))


def test_a_pipe_is_no_model(tmp_path):
    os.mkfifo(tmp_path / "pipe.pt")
    for read in (read_contract, load_model, inspect_model, _core.ChargePredictor):
        with pytest.raises(VoxionError, match="it is not a file"):
            read(str(tmp_path / "pipe.pt"))


@pytest.mark.parametrize("part", ["data/0", "code/", "data.pkl", "voxion.json", "version"])
def test_a_changed_byte_anywhere_is_noticed(tmp_path, part):
    """By its checksum, since torch would read it."""
    path = tmp_path / "m.pt"
    path.write_bytes(model_path().read_bytes())
    with zipfile.ZipFile(path) as archive:
        entry = next(e for e in archive.infolist() if part in e.filename and e.file_size)
    content = bytearray(path.read_bytes())
    name, extra = struct.unpack_from("<HH", content, entry.header_offset + 26)
    content[entry.header_offset + 30 + name + extra + entry.compress_size // 2] ^= 1
    path.write_bytes(content)
    for read in (read_contract, load_model, _core.ChargePredictor):
        with pytest.raises(VoxionError, match="not a whole TorchScript archive"):
            read(str(path))


def test_a_file_that_is_cut_anywhere_is_refused(tmp_path):
    whole = model_path().read_bytes()
    for size in range(0, len(whole), 997):
        (tmp_path / "cut.pt").write_bytes(whole[:size])
        for read in (read_contract, _core.ChargePredictor):
            with pytest.raises(VoxionError, match="not a whole TorchScript archive"):
                read(str(tmp_path / "cut.pt"))


def test_what_a_contract_says_is_no_markup(tmp_path, capsys):
    content = copy.deepcopy(SITES)
    content["sources"][0]["name"] = "[/red] [bold]O"
    _save(tmp_path / "m.pt", {"voxion.json": json.dumps(content)})
    inspect_model(tmp_path / "m.pt")
    assert "[/red] [bold]O" in capsys.readouterr().out
