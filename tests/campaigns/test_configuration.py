"""Configurations of campaigns: what is not given, what is wrong, and what may change."""

from pathlib import Path

import pytest
import yaml

from voxion.campaigns.surfactants.configuration import claim_folder, read_configuration
from voxion.errors import VoxionError

EXAMPLES = Path(__file__).parents[2] / "examples" / "03_surfactants_to_nafion"
MINIMAL = {"surfactant": {"hydrations": [0, 6]}, "nafion": {"hydrations": [4]}}


def written(folder, change=None):
    content = yaml.safe_load(yaml.safe_dump(MINIMAL))
    if change:
        change(content)
    (folder / "c.yaml").write_text(yaml.safe_dump(content))
    return folder / "c.yaml"


def test_the_paper_is_the_default(tmp_path):
    config = read_configuration(written(tmp_path))
    assert (config.surfactant.starts, config.surfactant.beads) == (2, 32_000)
    assert config.nafion.chains * config.nafion.side_chains == 1080
    assert config.production.windows * config.production.window * 2e-6 == pytest.approx(20)  # ns
    assert list(config.scattering.contrasts) == ["h2o", "d2o", "xray"]


@pytest.mark.parametrize("name", ["paper", "reduced"])
def test_examples_are_proper(name):
    config = read_configuration(EXAMPLES / f"{name}.yaml")
    assert len(config.surfactant.hydrations) == {"paper": 16, "reduced": 6}[name]
    assert bool(config.label) == (name == "reduced")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda c: c.pop("nafion"), "nafion"),
        (lambda c: c["surfactant"].update(hydrations=[0]), "surfactant.hydrations"),
        (lambda c: c["surfactant"].update(hydrations=[3, 3]), "are not different"),
        (lambda c: c["nafion"].update(hydrations=[-1]), "nafion.hydrations"),
        (
            lambda c: c.update(production={"window": 100, "every": 90}),
            "half a window has no sample",
        ),
        (lambda c: c.update(production={"voxels": 8}), "production.voxels"),
        (lambda c: c.update(scattering={"contrasts": {}}), "scattering.contrasts"),
        (lambda c: c.update(scattering={"contrasts": {"x": {"probe": "light"}}}), "probe"),
        (lambda c: c.update(seed=0), "seed"),
        (lambda c: c.update(colour="red"), "colour"),
    ],
)
def test_refusals(tmp_path, change, message):
    with pytest.raises(VoxionError, match=message):
        read_configuration(written(tmp_path, change))


def test_no_yaml(tmp_path):
    (tmp_path / "c.yaml").write_text("surfactant: [")
    with pytest.raises(VoxionError, match="not proper YAML"):
        read_configuration(tmp_path / "c.yaml")
    (tmp_path / "c.yaml").write_text("")
    with pytest.raises(VoxionError, match="does not hold what it should"):
        read_configuration(tmp_path / "c.yaml")


def test_aliases_are_refused(tmp_path):
    """Nine lines of them would be a thousand million numbers."""
    lines = ["a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 9)]
    (tmp_path / "c.yaml").write_text("\n".join(lines))
    with pytest.raises(VoxionError, match="anchors and aliases"):
        read_configuration(tmp_path / "c.yaml")


def test_a_campaign_may_grow_but_not_change(tmp_path):
    folder = tmp_path / "campaign"
    claim_folder(folder, read_configuration(written(tmp_path)))

    def grown(content):
        content["surfactant"].update(hydrations=[0, 6, 12], starts=3)
        content["production"] = {"windows": 2000}

    claim_folder(folder, read_configuration(written(tmp_path, grown)))
    assert read_configuration(folder / "config.yaml").surfactant.starts == 3
    other = read_configuration(written(tmp_path, lambda c: c["surfactant"].update(beads=999)))
    with pytest.raises(VoxionError, match=r"begun with surfactant.beads 32000, now it is 999"):
        claim_folder(folder, other)


def test_a_folder_of_something_else_is_refused(tmp_path):
    with pytest.raises(VoxionError, match=r"has no config.yaml and is not empty"):
        claim_folder(tmp_path, read_configuration(written(tmp_path)))
