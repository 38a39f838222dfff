"""The commands `explain` and `morphology`, on an exported classifier and a store."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch
import typer
from typer.testing import CliRunner

from tests.voxels.reference import write_store
from voxion.cli.voxels_explain import explain, morphology, parse_threshold
from voxion.contract.schema import CONTRACT_FILE, ClassifierContract, InputRanges
from voxion.errors import VoxionError
from voxion.voxels.classifier.export import ExportedClassifier
from voxion.voxels.classifier.network import C3D, initialise
from voxion.voxels.explain.layers import convolution_layers, load_network
from voxion.voxels.stores.store import open_store

LABELS = ("lamellar", "spheres", "noise")
CHANNELS = ["charge", "mass"]
PAGE = "explanation.html"

app = typer.Typer()
app.command()(explain)
app.command()(morphology)


def _run(*arguments):
    return CliRunner().invoke(app, [str(one) for one in arguments])


@pytest.fixture(scope="module")
def network() -> C3D:
    found = C3D(2, (16, 16, 16), len(LABELS))
    initialise(found, 3)
    return found.eval()


@pytest.fixture(scope="module")
def model(network: C3D, tmp_path_factory: pytest.TempPathFactory) -> Path:
    contract = ClassifierContract(
        torch_version=torch.__version__,
        voxion_version="0.1.0",
        data_hash="sha256:" + "0" * 64,
        channels=("mass", "charge"),
        channel_units=("g/cm^3", "e/angstrom^3"),
        grid=(16, 16, 16),
        labels=LABELS,
        input_ranges=InputRanges(min=(0.0, 0.0), max=(1.0, 1.0)),
    )
    path = tmp_path_factory.mktemp("model") / "classifier.pt"
    scripted = torch.jit.script(ExportedClassifier(network))
    torch.jit.save(scripted, str(path), _extra_files={CONTRACT_FILE: contract.to_json()})
    return path


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Lamellae across x with two periods, in a box of 32 x 16 x 8; charge is the mass squared."""
    angle = 2 * np.pi * (np.arange(16) + 0.5) / 16
    mass = np.broadcast_to(1 + 0.5 * np.cos(2 * angle), (16, 16, 16))
    noise = np.random.default_rng(1).normal(0, 0.01, (2, 16, 16, 16))
    grids = np.stack([np.stack([mass**2, mass]), np.stack([mass**2, 2 * mass]) + noise])
    path = tmp_path_factory.mktemp("store") / "run.zarr"
    return write_store(path, grids, CHANNELS, box=np.diag([32.0, 16.0, 8.0]))


def test_weights_come_back_from_the_exported_file(model, network):
    loaded, contract = load_network(model)
    assert contract.labels == LABELS
    grid = torch.rand(1, 2, 16, 16, 16)
    assert torch.equal(loaded(grid), network(grid))


def test_explain_writes_page_pictures_and_numbers(model, store, network, tmp_path):
    out = tmp_path / "out"
    result = _run("explain", model, store, "--out", out, "--filters", 2, "--steps", 3)
    assert result.exit_code == 0, result.output
    assert PAGE in result.output.replace("\n", "")
    numbers = json.loads((out / "explanation.json").read_text())
    assert numbers["frame"] == 1 and numbers["step"] == 2000 and numbers["frames_compared"] == 2
    assert numbers["voxel_edges"] == [2.0, 1.0, 0.5]
    # channels in the model's order, not the store's
    grid = torch.from_numpy(open_store(store).normalised(1, ["mass", "charge"]))
    with torch.no_grad():
        expected = network(grid[None])[0].double().softmax(0).numpy()
    np.testing.assert_allclose([numbers["probabilities"][n] for n in LABELS], expected, rtol=1e-5)
    assert numbers["label"] == LABELS[expected.argmax()]
    layers = numbers["layers"]
    assert [one["layer"] for one in layers] == [*(f"conv{i}" for i in range(1, 9)), "classes"]
    assert [len(one["inputs"]) for one in layers] == [2] * 8 + [3]
    assert [one["receptive_field"] for one in layers[:-1]] == [
        layer.receptive_field for layer in convolution_layers(network)
    ]
    assert numbers["length_scales_of_frame"]["moment"] == pytest.approx(8, rel=0.1)
    grids = np.load(out / "maximised.npz")
    assert grids["conv3"].shape == (2, 2, 16, 16, 16)
    assert grids["classes"].shape == (3, 2, 16, 16, 16)
    pictures = {path.stem for path in out.glob("*.png")}
    assert pictures == {
        "filters", "classes", "length_scales", "correlations", "attribution", "deletion",
    }  # fmt: skip
    page = (out / PAGE).read_text()
    assert page.count("data:image/png;base64,") == 6
    assert numbers["label"] in page
    assert not list(tmp_path.glob(".*"))


def test_label_chooses_the_class(model, store, tmp_path):
    out = tmp_path / "out"
    result = _run(
        "explain", model, store, "--out", out, "--filters", 1, "--steps", 1, "--label", "noise",
        "--select", 0,
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    numbers = json.loads((out / "explanation.json").read_text())
    assert numbers["label"] == "noise" and numbers["frame"] == 0


def test_explain_refuses_what_does_not_fit(model, store, tmp_path):
    rng = np.random.default_rng(2)
    small = write_store(tmp_path / "small.zarr", rng.random((1, 2, 8, 8, 8)), CHANNELS)
    other = write_store(tmp_path / "other.zarr", rng.random((1, 1, 16, 16, 16)), ["mass"])
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "of another program").touch()
    for arguments, message in (
        ((small, "--out", tmp_path / "a"), r"small.zarr has grids of \[8, 8, 8\].*\[16, 16, 16\]"),
        ((other, "--out", tmp_path / "a"), "no channel 'charge'"),
        ((store, "--out", tmp_path / "there"), "there exists: choose another --out"),
        ((store, "--out", tmp_path / "a", "--select", 7), "no frame 7"),
        ((store, "--out", tmp_path / "a", "--label", "cubic"), "no class 'cubic'.*lamellar"),
    ):
        result = _run("explain", model, *arguments)
        assert isinstance(result.exception, VoxionError)
        with pytest.raises(VoxionError, match=message):
            raise result.exception
    assert not (tmp_path / "a").exists()


def test_morphology_of_lamellae(store):
    result = _run("morphology", store, "--channel", "mass", "--threshold", 1.0, "--json",
                  "--select", 0)  # fmt: skip
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert found["units"]["length"] == "angstrom"
    (frame,) = found["frames"]
    assert frame["frame"] == 0 and frame["step"] == 1000 and frame["threshold"] == 1.0
    assert frame["volume_fraction"] == 0.5
    assert frame["clusters"] == 2
    assert frame["percolates"] == {"x": False, "y": True, "z": True}
    assert frame["tortuosity"] == {"x": "infinite", "y": 1.0, "z": 1.0}
    assert frame["mean_chord"]["x"] == 8
    assert frame["interface_area"] == pytest.approx(4 * 16 * 8 / (32 * 16 * 8), rel=0.01)


def test_morphology_of_all_frames_with_otsu(store):
    result = _run("morphology", store, "--channel", "mass", "--json")
    assert result.exit_code == 0, result.output
    first, second = json.loads(result.stdout)["frames"]
    # the second frame has twice the mass
    assert second["threshold"] == pytest.approx(2 * first["threshold"], rel=0.1)
    table = _run("morphology", store, "--channel", "mass", "--below")
    assert table.exit_code == 0, table.output
    assert "2 frames" in table.output and "in 2 of 2 frames" in table.output
    assert "infinite" in table.output and "domain size / angstrom" in table.output


def test_morphology_refuses(store, tmp_path):
    grids = np.random.default_rng(1).random((1, 1, 4, 4, 4))
    slab = write_store(tmp_path / "s.zarr", grids, ["mass"], periodic=(True, True, False))
    for arguments, message in (
        ((slab, "--channel", "mass"), "not periodic"),
        ((store, "--channel", "shear"), "no channel 'shear'"),
        ((store, "--channel", "mass", "--threshold", "half"), "'half'"),
        ((store, "--channel", "mass", "--threshold", "99"), "99 puts no voxel"),
        ((store, "--channel", "mass", "--select", "5"), "no frame 5"),
    ):
        result = _run("morphology", *arguments)
        assert isinstance(result.exception, VoxionError), result.output
        assert message in str(result.exception)


def test_thresholds():
    assert parse_threshold("otsu") is None
    assert parse_threshold("-1.5e-3") == -0.0015
    for wrong in ("nan", "inf", ""):
        with pytest.raises(VoxionError, match="number or 'otsu'"):
            parse_threshold(wrong)
    assert not math.isnan(parse_threshold("0"))
