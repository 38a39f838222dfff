"""Real trainings on synthetic phases: what is learned, schedule, resumption, several processes."""

import json
import shutil

import numpy as np
import pytest
import torch

from tests.voxels.phases import (
    CHANNELS,
    EDGE,
    PHASES,
    grids,
    settings,
    sources,
    trained,
    write_phases,
)
from tests.voxels.reference import UNITS, random_grids, write_store
from voxion.contract.schema import ClassifierContract, read_contract
from voxion.errors import VoxionError
from voxion.voxels.classifier.export import read_classifier
from voxion.voxels.classifier.loops import Devices, read_metrics
from voxion.voxels.classifier.settings import make_settings
from voxion.voxels.classifier.training import train

__all__ = ["settings", "sources", "trained"]


def _weights(folder):
    return torch.cat([v.flatten() for v in read_classifier(folder).network.state_dict().values()])


@pytest.fixture
def few(tmp_path):
    """Settings of the smallest training there is: 3 phases of 3 frames."""
    return make_settings(write_phases(tmp_path / "few", 3), epochs=2, batch=2)


@pytest.mark.training
def test_the_network_learns_what_the_baselines_cannot(trained):
    """Worst of ten seeds of grids and weights under four instruction sets: 23 of 24 right.

    The cross-entropy was at most 0.26 of that of the channels' statistics, which were right for at
    most half of the grids.
    """
    scores = trained[0].scores
    assert scores.frames == 24 and scores.labels == PHASES
    assert scores.model.accuracy >= 0.75  # by chance, 18 of 24 right: 2e-5
    assert scores.majority.accuracy == pytest.approx(1 / 3)
    assert scores.majority.cross_entropy == pytest.approx(np.log(3))
    assert scores.channel_statistics.accuracy <= 0.6
    assert scores.model.cross_entropy < 0.6 * scores.channel_statistics.cross_entropy


@pytest.mark.training
def test_shuffled_labels_are_not_learned(tmp_path):
    """The same training on stores that hold all phases: no label tells anything.

    Lowest of ten seeds under four instruction sets: 0.96 of the logarithm of 3.
    """
    mixed = np.concatenate([grids(phase, 16) for phase in PHASES])
    order = np.random.default_rng(0).permutation(len(mixed))
    shuffled = [
        (label, str(write_store(tmp_path / f"{label}.zarr", mixed[part], CHANNELS)))
        for label, part in zip(PHASES, np.split(order, 3), strict=True)
    ]
    result = train(make_settings(shuffled, epochs=3, batch=8), tmp_path / "out")
    assert result.summary["best_validation_loss"] > 0.8 * np.log(
        3
    )  # what is learned comes down to 0.05


@pytest.mark.training
def test_training_folder_is_complete(trained, settings):
    result, out = trained
    found = {path.name for path in out.iterdir()}
    assert {"settings.json", "summary.json", "scores.json", "metrics.csv", "classifier.pt"} <= found
    assert {"model.pt", "checkpoints", "training.png", "confusion.svg", "reliability.png"} <= found
    assert not any(name.startswith(".") for name in found)
    rows = read_metrics(out / "metrics.csv")
    assert [row["epoch"] for row in rows] == list(range(settings.epochs))
    # at most 0.06 of it, of ten seeds under four instruction sets
    assert rows[-1]["train_loss"] < 0.5 * rows[0]["train_loss"]
    best = min(rows, key=lambda row: row["val_loss"])
    summary = json.loads((out / "summary.json").read_text())
    assert summary == result.summary
    assert summary["best_epoch"] == best["epoch"]
    assert summary["last_validation_loss"] == rows[-1]["val_loss"]
    assert [summary[f"{part}_samples"] for part in ("training", "validation", "held_out")] == [
        192, 24, 24,
    ]  # fmt: skip
    assert json.loads((out / "scores.json").read_text())["labels"] == list(PHASES)


def test_contract_tells_channels_labels_and_raw_ranges_of_the_training_part(trained, sources):
    contract = read_contract(trained[0].model_path, ClassifierContract)
    assert contract.channels == CHANNELS and contract.labels == PHASES
    assert contract.grid == (EDGE,) * 3
    assert contract.channel_units == tuple(UNITS[name] for name in CHANNELS)
    values = np.concatenate([grids(phase, 80)[:64] for phase in PHASES])
    np.testing.assert_allclose(contract.input_ranges.min, values.min((0, 2, 3, 4)), rtol=1e-6)
    np.testing.assert_allclose(contract.input_ranges.max, values.max((0, 2, 3, 4)), rtol=1e-6)


def test_best_epoch_is_kept_not_the_last(tmp_path, few):
    """With a step so large that the second epoch destroys what the first has left."""
    wild = few.model_copy(update={"learning_rate": 3.0})
    result = train(wild, tmp_path / "out")
    rows = read_metrics(tmp_path / "out" / "metrics.csv")
    kept = torch.load(tmp_path / "out/checkpoints/best.ckpt", weights_only=True)["state_dict"]
    last = torch.load(tmp_path / "out/checkpoints/last.ckpt", weights_only=False)["state_dict"]
    best = min(range(2), key=lambda epoch: rows[epoch]["val_loss"])
    assert result.summary["best_epoch"] == best
    network = read_classifier(tmp_path / "out").network.state_dict()
    for name, value in network.items():
        torch.testing.assert_close(value, kept[f"network.{name}"], rtol=0, atol=0)
    same = all(torch.equal(kept[name], last[name]) for name in kept)
    assert same == (best == 1)


def test_rate_is_halved_after_two_epochs_without_improvement_and_resumes_there(tmp_path, few):
    """With steps too small to improve, however often the training is interrupted."""
    still = few.model_copy(update={"learning_rate": 1e-12})
    for epochs in (2, 6):
        last = still.model_copy(update={"epochs": epochs})
        train(last, tmp_path / "out", resume=True)
    rates = [row["learning_rate"] / 1e-12 for row in read_metrics(tmp_path / "out/metrics.csv")]
    assert rates == pytest.approx([1, 1, 1, 0.5, 0.5, 0.25])


def test_resumed_training_equals_an_uninterrupted_one(tmp_path, few):
    moved = few.model_copy(update={"augment": True, "epochs": 4})
    train(moved, tmp_path / "whole")
    first = moved.model_copy(update={"epochs": 2})
    train(first, tmp_path / "parts")
    # killed after its third epoch was logged, before its state was saved
    with (tmp_path / "parts" / "metrics.csv").open("a") as file:
        file.write("2,9.0,9.0,9.0,9.0,9.0\n")
    (tmp_path / "parts" / "classifier.pt").unlink()
    train(moved, tmp_path / "parts", resume=True)
    whole, parts = ((tmp_path / name / "metrics.csv").read_text() for name in ("whole", "parts"))
    assert whole == parts
    assert torch.equal(_weights(tmp_path / "whole"), _weights(tmp_path / "parts"))


def test_two_processes_train_as_one(tmp_path):
    settings = make_settings(write_phases(tmp_path, 10), epochs=1, batch=8)
    one = train(settings, tmp_path / "one", devices=Devices(accelerator="cpu"))
    two = train(settings, tmp_path / "two", devices=Devices(count=2, accelerator="cpu"))
    torch.testing.assert_close(
        _weights(tmp_path / "two"), _weights(tmp_path / "one"), atol=1e-4, rtol=0
    )
    start = torch.cat([v.flatten() for v in _untrained(tmp_path / "one").values()])
    assert float((_weights(tmp_path / "one") - start).abs().max()) > 5e-4  # it has moved
    expected, found = (read_metrics(r.model_path.parent / "metrics.csv")[0] for r in (one, two))
    assert found == pytest.approx(expected, rel=1e-3)


def _untrained(folder):
    from voxion.voxels.classifier.network import C3D, initialise

    trained = read_classifier(folder).network
    network = C3D(trained.channels, trained.shape, trained.classes)
    initialise(network, 0)
    return network.state_dict()


def test_workers_read_the_same_batches(tmp_path, few):
    one = few.model_copy(update={"epochs": 1, "augment": True})
    train(one, tmp_path / "none")
    train(one, tmp_path / "two", devices=Devices(workers=2))
    assert torch.equal(_weights(tmp_path / "none"), _weights(tmp_path / "two"))


@pytest.mark.parametrize("workers", [0, 1])
def test_a_grid_that_cannot_be_read_ends_in_one_line(tmp_path, few, workers):
    chunk = next(iter((tmp_path / "few" / "noise.zarr" / "grid" / "c").rglob("0*")), None)
    chunk = chunk or tmp_path / "few" / "noise.zarr" / "grid" / "c.0.0.0.0.0"
    chunk.unlink()
    with pytest.raises(VoxionError, match=r"noise\.zarr: frame 0") as error:
        train(few, tmp_path / "out", devices=Devices(workers=workers))
    assert "\n" not in str(error.value)


def test_a_folder_is_not_trained_over(trained, settings, tmp_path):
    _, out = trained
    with pytest.raises(VoxionError, match="--resume"):
        train(settings, out)
    other = settings.model_copy(update={"seed": 7})
    with pytest.raises(VoxionError, match="seed 0, now it is 7"):
        train(other, out, resume=True)
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(VoxionError, match="not empty and not a training"):
        train(settings, tmp_path)


def test_stores_that_changed_are_not_resumed(tmp_path, few):
    (tmp_path / "out").mkdir()
    few.write(tmp_path / "out")
    shutil.rmtree(tmp_path / "few")
    changed = make_settings(write_phases(tmp_path / "few", 3, seed=1), epochs=2, batch=2)
    with pytest.raises(VoxionError, match="fingerprints"):
        train(changed, tmp_path / "out", resume=True)


@pytest.mark.parametrize(
    ("devices", "message"),
    [
        (Devices(count=3, accelerator="cpu"), "3 devices cannot share batches of 8"),
        (Devices(accelerator="gpu"), "cannot start"),
    ],
)
def test_devices_that_do_not_fit_are_refused(settings, tmp_path, devices, message):
    if devices.accelerator == "gpu" and torch.cuda.is_available():
        pytest.skip("there is a GPU")
    with pytest.raises(VoxionError, match=message):
        train(settings, tmp_path / "out", devices=devices)


def test_stores_that_make_no_training_are_refused(tmp_path, sources):
    with pytest.raises(VoxionError, match="at least 2 labels"):
        make_settings(sources[:1])
    shutil.copytree(sources[0][1], tmp_path / "copy.zarr")
    with pytest.raises(VoxionError, match=r"copy\.zarr holds the same grids as .*lamellar\.zarr"):
        make_settings([*sources, ("spheres", str(tmp_path / "copy.zarr"))])
    with pytest.raises(VoxionError, match="batch"):
        make_settings(sources, batch=0)
    small = [
        (label, str(write_store(tmp_path / f"{label}.zarr", random_grids(n, (8, 8, 8)), CHANNELS)))
        for label, n in (("a", 3), ("b", 4))
    ]
    with pytest.raises(VoxionError, match="at least 16 voxels"):
        train(make_settings(small), tmp_path / "out")
    assert not (tmp_path / "out").exists()
