"""The command line `voxion charges`, from a data set to scores."""

import json

from typer.testing import CliRunner

from voxion.cli.charges import app
from voxion.contract.schema import read_contract
from voxion.errors import VoxionError

SYSTEM = ["--width", "0.1", "--width", "0.3", "--cutoff", "7", "--shells", "3", "--epochs", "0"]


def _run(*arguments):
    return CliRunner().invoke(app, [str(a) for a in arguments])


def test_train_export_and_score(linear_dataset, tmp_path):
    trained = _run("train", linear_dataset, "--out", tmp_path / "run", *SYSTEM)
    assert trained.exit_code == 0, trained.output
    assert "constant" in trained.output and "atom's mean" in trained.output
    exported = _run("export", tmp_path / "run", "--out", tmp_path / "model.pt")
    assert exported.exit_code == 0, exported.output
    radial = read_contract(tmp_path / "model.pt").radial_functions
    assert radial is not None and radial.widths == (0.1, 0.3) and radial.cutoff == 7
    scored = _run("score", tmp_path / "model.pt", linear_dataset, "--select", "held-out", "--json")
    assert scored.exit_code == 0, scored.output
    scores = json.loads(scored.stdout)
    assert scores["frames"] == 6 and scores["model"]["mae"] < 1e-6 < scores["constant"]["mae"]


def test_export_of_a_model_file_names_its_data_sets(linear_training, linear_dataset, tmp_path):
    model, folder = linear_training[0].model_path, linear_training[1]
    anew = _run("export", model, "--data", linear_dataset, "--out", tmp_path / "anew.pt")
    assert anew.exit_code == 0, anew.output
    assert read_contract(tmp_path / "anew.pt") == read_contract(model)
    for source, data in ((model, []), (folder, ["--data", linear_dataset])):
        refused = _run("export", source, *data, "--out", tmp_path / "refused.pt")
        assert "--data names the data sets" in str(refused.exception)
        assert not (tmp_path / "refused.pt").exists()


def test_train_with_plane_waves(linear_dataset, tmp_path):
    trained = _run("train", linear_dataset, "--out", tmp_path / "run", *SYSTEM, "--largest-wave", 1)
    assert trained.exit_code == 0, trained.output
    contract = read_contract(tmp_path / "run" / "model.pt")
    assert contract.largest_wave_vector == 1.0 and len(contract.input_ranges.min) == 3
    refused = _run("train", linear_dataset, "--out", tmp_path / "bad", "--largest-wave", 11)
    assert "largest_wave_vector" in str(refused.exception) and not (tmp_path / "bad").exists()


def test_cross_validate(linear_dataset, tmp_path):
    result = _run(
        "cross-validate", linear_dataset, "--model", "ion-positions", "--out", tmp_path / "cv",
        "--folds", 2, "--epochs", 1, "--json",
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert [one["frames"] for one in json.loads(result.stdout)] == [27, 27]


def test_a_missing_data_set_is_named(tmp_path):
    result = _run("train", tmp_path / "none.zarr", "--out", tmp_path / "run")
    assert isinstance(result.exception, VoxionError)
    assert "none.zarr" in str(result.exception)
