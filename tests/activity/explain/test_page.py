"""The command `voxion activity explain`, on the embedded data with small random networks."""

import csv
import json
import re
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
import torch
from typer.testing import CliRunner, Result

from voxion.activity.data.table import ActivityData, read_activity
from voxion.activity.demo import DEMO
from voxion.activity.explain.page import explain_model
from voxion.activity.fitting.export import activity_contract, write_model
from voxion.activity.fitting.training import network_inputs, predict
from voxion.activity.models.estimator import Prediction
from voxion.activity.models.network import ActivityNetwork, NetworkEnsemble
from voxion.cli.app import app
from voxion.errors import VoxionError

PAIRS = ("SS50-random/LiCl", "SS50-random/MgCl2", "VP50-block/NaCl")


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["activity", "explain", *[str(one) for one in arguments]])


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Three membranes of the embedded data."""
    folder = tmp_path_factory.mktemp("data")
    with (DEMO / "activity.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    with (folder / "activity.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(r for r in rows if f"{r['polymer']}/{r['salt']}" in PAIRS)
    return folder / "activity.csv", DEMO / "molecules.csv"


@pytest.fixture(scope="module")
def few(files: tuple[Path, Path]) -> ActivityData:
    return read_activity(*files)


@pytest.fixture
def model(few: ActivityData, tmp_path: Path) -> Path:
    torch.manual_seed(0)
    networks = [ActivityNetwork(8, True).eval() for _ in range(3)]
    numbers = torch.tensor(few.numbers, dtype=torch.float32)
    for network in networks:
        network.set_scaling(numbers, torch.tensor(few.measured, dtype=torch.float32))
    gamma = predict(networks, network_inputs(few)).mean(axis=0)
    assert gamma.min() > 0
    contract = activity_contract(few, "graph-descriptors", "graphs", (0.0, 0.0))
    path = tmp_path / "fitted" / "model.pt"
    expected = Prediction(gamma, gamma, gamma)
    return write_model(NetworkEnsemble(networks, 1e-4), contract, path, few, expected)


def write_summary(model: Path, few: ActivityData) -> None:
    """As `voxion activity fit` does; errors are 0.01, 0.02, ... and 0.1."""
    steps = np.arange(1, len(few) + 1) / 100
    predictions = {
        "known membrane": (few.measured + steps).tolist(),
        "new polymer": (few.measured + 0.1).tolist(),
    }
    (model.parent / "summary.json").write_text(json.dumps({"predictions": predictions}))


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_explain_writes_maps_tables_and_page(
    model: Path, files: tuple[Path, Path], few: ActivityData, tmp_path: Path
) -> None:
    write_summary(model, few)
    out = tmp_path / "out"
    result = run(model, *files, "--out", out)
    assert result.exit_code == 0, result.output
    assert "page.html" in result.output.replace("\n", "")
    assert sorted(path.name for path in out.iterdir()) == [
        *("atoms.csv", "maps", "maps.png", "page.html", "saliency.csv", "sanity.csv"),
        *("sanity.png", "table4.csv", "table4.md"),
    ]
    names = [pair.replace("/", "_") + ".svg" for pair in PAIRS]
    assert sorted(path.name for path in (out / "maps").iterdir()) == names
    assert not list(tmp_path.glob(".*"))

    sums: dict[tuple[str, ...], float] = defaultdict(float)
    keys = ("polymer", "salt", "molecule", "method", "type")
    for row in rows_of(out / "atoms.csv"):
        sums[tuple(row[key] for key in keys)] += float(row["saliency"])
    types = rows_of(out / "saliency.csv")
    assert len(types) == len(sums)
    largest: dict[tuple[str, ...], float] = defaultdict(float)
    for row in types:
        key = tuple(row[name] for name in keys)
        assert float(row["sum"]) == pytest.approx(sums[key], rel=1e-4, abs=1e-8)
        assert float(row["normalised"]) * float(row["sum"]) >= 0
        largest[key[:4]] = max(largest[key[:4]], abs(float(row["normalised"])))
    assert set(largest.values()) == {1.0} and len(largest) == 3 * 2 * 2

    assert [(row["polymer"], row["kind"]) for row in rows_of(out / "table4.csv")] == [
        *(("SS50-random", "CEM"), ("SS50-random", "CEM"), ("VP50-block", "AEM")),
    ]
    assert (out / "table4.md").read_text().count("\n") == 2 + 3
    checks = rows_of(out / "sanity.csv")
    assert len(checks) == 3 * 2
    for row in checks:
        assert abs(float(row["shuffled"])) <= float(row["shuffled_absolute"]) <= 1


def test_the_page_is_one_file_with_everything(
    model: Path, few: ActivityData, tmp_path: Path
) -> None:
    write_summary(model, few)
    explain_model(model, few, tmp_path / "out")
    page = (tmp_path / "out" / "page.html").read_text(encoding="utf-8")
    assert page.count("data:image/png;base64,") == 3  # parity, errors, checks
    assert page.count('role="img"') == len(PAIRS)
    links = re.findall(r'(?:src|href)=["\'](.*?)["\']', page)
    assert all(link.startswith("data:") for link in links)
    ids = re.findall(r'\bid="(.*?)"', page)
    assert len(ids) == len(set(ids)) == len(PAIRS)
    for pair in PAIRS:
        assert pair in page
    assert "fitted to these rows" in page


def test_other_data_and_missing_predictions_are_said(
    model: Path, few: ActivityData, tmp_path: Path
) -> None:
    explain_model(model, few, tmp_path / "one")
    assert "fit it again" in (tmp_path / "one" / "page.html").read_text(encoding="utf-8")
    write_summary(model, few)
    explain_model(model, few.take(range(1, len(few))), tmp_path / "two")
    page = (tmp_path / "two" / "page.html").read_text(encoding="utf-8")
    assert "not the data that the model was fitted to" in page
    assert page.count("data:image/png;base64,") == 1


def test_what_cannot_be_explained_is_refused(
    model: Path, few: ActivityData, tmp_path: Path
) -> None:
    (tmp_path / "there").mkdir()
    with pytest.raises(VoxionError, match="there exists already"):
        explain_model(model, few, tmp_path / "there")
    (model.parent / "summary.json").write_text("{")
    with pytest.raises(VoxionError, match=r"summary.json cannot be read.*fit the model again"):
        explain_model(model, few, tmp_path / "out")
    with pytest.raises(VoxionError, match="no such file"):
        explain_model(tmp_path / "none.pt", few, tmp_path / "out")
    assert not (tmp_path / "out").exists() and not list(tmp_path.glob(".*"))


def test_a_model_that_does_not_see_atoms_is_refused(few: ActivityData, tmp_path: Path) -> None:
    from voxion.contract.model_file import write_model_file
    from voxion.contract.schema import CONTRACT_FILE

    contract = activity_contract(few, "condensation", "condensation")
    path = tmp_path / "model.pt"
    write_model_file(
        torch.nn.Identity(), {CONTRACT_FILE: contract.to_json()}, path, lambda written: None
    )
    with pytest.raises(
        VoxionError,
        match="explain needs a graph model: fit with --model graph or graph-descriptors",
    ):
        explain_model(path, few, tmp_path / "out")
    assert not (tmp_path / "out").exists()
