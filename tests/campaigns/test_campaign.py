"""A campaign from surfactants to Nafion at toy size: killed, continued, and its page."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest
import yaml

from voxion.campaigns.surfactants.configuration import claim_folder, read_configuration
from voxion.campaigns.surfactants.run import run_campaign
from voxion.errors import VoxionError
from voxion.voxels.stores.store import open_store

pytest.importorskip("snakemake", reason="campaigns need Snakemake, for Python 3.11 or newer")
CONFIG = {
    "label": "toy",
    "surfactant": {"hydrations": [0, 3], "starts": 1, "beads": 700},
    "nafion": {"hydrations": [2], "starts": 1, "chains": 1, "side_chains": 12},
    "equilibration": {"hot_steps": 300, "cool_steps": 200, "steps": 200},
    "production": {"windows": 20, "window": 100, "every": 25, "voxels": 16},
    "training": {"epochs": 2, "augment": False},
    "scattering": {"largest": 1.5, "bin": 0.1, "contrasts": {"d2o": {"probe": "neutron",
                                                                     "deuteration": 1.0}}},
}  # fmt: skip
SYSTEMS = ("surfactant-0-1", "surfactant-3-1", "nafion-2-1")


@pytest.fixture(scope="module")
def campaign(tmp_path_factory):
    """A campaign that was killed in its second run and continued; what was there at the kill."""
    folder = tmp_path_factory.mktemp("campaign")
    config = folder / "c.yaml"
    config.write_text(yaml.safe_dump(CONFIG))
    command = [sys.executable, "-m", "voxion", "campaign", "surfactant-nafion", "work"]
    with (folder / "first.log").open("w") as log:
        first = subprocess.Popen(
            [*command, "--config", "c.yaml"],
            cwd=folder,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        deadline = time.monotonic() + 300
        while len(finished := list(folder.glob("work/runs/*/produced"))) < 1:
            assert first.poll() is None and time.monotonic() < deadline, "the first run ended"
            time.sleep(0.2)
        os.killpg(first.pid, signal.SIGKILL)
        first.wait()
    kept = {path: path.stat().st_mtime_ns for path in finished}
    second = subprocess.run(
        [*command, "--config", "c.yaml", "--jobs", "2"], cwd=folder, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert second.returncode == 0, second.stdout + second.stderr
    return folder / "work", kept, second.stdout + second.stderr


def test_what_was_finished_is_not_done_again(campaign):
    folder, kept, _ = campaign
    assert len(kept) >= 1
    assert {path: path.stat().st_mtime_ns for path in kept} == kept
    for system in SYSTEMS:
        store = open_store(folder / "runs" / system / "voxels.zarr")
        assert store.frames == 20 and sorted(store.steps) == list(range(100, 2001, 100))


def test_page_and_summary(campaign):
    folder, _, output = campaign
    assert "Page: work/report.html" in output
    summary = json.loads((folder / "summary.json").read_text())
    assert summary["label"] == "toy" and len(summary["systems"]) == 3
    shares = summary["mixtures"]["2"]
    assert set(shares) == {"0", "3"}
    assert sum(one["fraction"] for one in shares.values()) == pytest.approx(1.0, abs=1e-5)
    residuals = summary["residuals"]["d2o"]["2"]
    assert list(residuals) == ["classifier", "untrained", "uniform", "best single", "least squares"]
    assert min(one["residual"] for one in residuals.values()) == pytest.approx(
        residuals["least squares"]["residual"]
    )
    for system in summary["systems"]:
        assert 0.8 < system["densities"][0] < 3.0
    curves = (folder / "curves.csv").read_text().splitlines()
    assert {line.split(",")[1] for line in curves[1:]} == {"surfactant", "nafion"}
    page = (folder / "report.html").read_text()
    assert page.count("data:image/png") == 3 and "Cui, Siepmann" in page


def test_a_finished_campaign_is_left_alone_and_grows(campaign):
    folder, _, _ = campaign
    before = (folder / "report.html").stat().st_mtime_ns
    config = read_configuration(folder / "config.yaml")
    run_campaign(folder, config)
    assert (folder / "report.html").stat().st_mtime_ns == before
    more = config.production.model_copy(update={"windows": 22})
    run_campaign(folder, config.model_copy(update={"production": more}))
    assert open_store(folder / "runs" / SYSTEMS[0] / "voxels.zarr").frames == 22
    assert (folder / "report.html").stat().st_mtime_ns > before


def test_two_at_a_time_are_refused(campaign):
    import fcntl

    folder, _, _ = campaign
    with (folder / ".lock").open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        with pytest.raises(VoxionError, match="Another process runs the campaign in"):
            run_campaign(folder, read_configuration(folder / "config.yaml"))


def test_a_step_that_fails_is_named(tmp_path):
    config = tmp_path / "c.yaml"
    config.write_text(yaml.safe_dump(CONFIG))
    # a system without its inputs
    broken = tmp_path / "work" / "runs" / "surfactant-0-1"
    claim_folder(tmp_path / "work", read_configuration(config))
    broken.mkdir(parents=True)
    (broken / "system.json").write_text("{}")
    with pytest.raises(VoxionError, match=r"A step of the campaign in .* failed"):
        run_campaign(
            tmp_path / "work", read_configuration(config), options=["runs/surfactant-0-1/produced"]
        )
    log = next((tmp_path / "work" / ".snakemake" / "log").iterdir()).read_text()
    assert "rule equilibrate" in log


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"forcefield": "no-such-file.yaml"}, "no-such-file.yaml"),
        ({"surfactant": {**CONFIG["surfactant"], "beads": 300}}, "box could shrink to"),
        ({"nafion": {**CONFIG["nafion"], "side_chains": 2}}, "box could shrink to"),
    ],
)
def test_systems_that_cannot_be_built_are_refused_at_once(tmp_path, changes, message):
    config = tmp_path / "c.yaml"
    config.write_text(yaml.safe_dump({**CONFIG, **changes}))
    with pytest.raises(VoxionError, match=message):
        run_campaign(tmp_path / "work", read_configuration(config))
    assert not (tmp_path / "work").exists()
