"""Tables of membranes and what is read from their runs; tests/test_examples.py runs some."""

import json

import numpy as np
import pytest

from voxion.activity.data.table import DESCRIPTORS, read_activity
from voxion.campaigns.membranes.configuration import (
    COLUMNS,
    Campaign,
    claim_folder,
    read_campaign,
    read_membranes,
)
from voxion.campaigns.membranes.results import read_simulated
from voxion.campaigns.membranes.simulate import simulate
from voxion.campaigns.membranes.table import write_table
from voxion.errors import VoxionError
from voxion.systems.membrane.description import MembraneDescription

PSS = "block: [*]CC([*])c1ccc(S(=O)(=O)[O-])cc1 x 3"
ROW = {
    "polymer": "PSS",
    "polymer_smiles": PSS,
    "salt": "NaCl",
    "salt_smiles": "[Na+].[Cl-]",
    "water_per_ion": "8",
    "salt_conc_M": "0.1",
}


def written(folder, *rows):
    lines = [",".join(COLUMNS), *(",".join(row[name] for name in COLUMNS) for row in rows)]
    (folder / "m.csv").write_text("\n".join(lines) + "\n")
    return folder / "m.csv"


def test_solutions_of_a_membrane_share_its_runs(tmp_path):
    rows = [ROW, {**ROW, "salt_conc_M": "1"}, {**ROW, "water_per_ion": "12.5"}]
    found = read_membranes(written(tmp_path, *rows))
    assert [one.name for one in found] == ["PSS-NaCl-8", "PSS-NaCl-12.5"]
    assert [one.concentrations for one in found] == [(0.1, 1.0), (0.1,)]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"polymer": "a/b"}, r"line 2: polymer: .* found 'a/b'"),
        ({"polymer_smiles": "C1CC"}, "line 2: RDKit cannot read"),
        ({"polymer_smiles": "CCO"}, "line 2: the polymer has no charge"),
        ({"salt_smiles": "Na+"}, "line 2: RDKit cannot read"),
        ({"water_per_ion": "0"}, r"line 2: water_per_ion: .* greater than 0"),
        ({"water_per_ion": "many"}, "water_per_ion is 'many'; a number is expected"),
        ({"salt_conc_M": "nan"}, "line 2: "),
    ],
)
def test_wrong_rows(tmp_path, changes, message):
    with pytest.raises(VoxionError, match=message):
        read_membranes(written(tmp_path, {**ROW, **changes}))


def test_a_name_is_of_one_molecule(tmp_path):
    other = {**ROW, "polymer_smiles": PSS.replace("x 3", "x 4"), "water_per_ion": "9"}
    with pytest.raises(VoxionError, match="line 3: the polymer PSS has another SMILES"):
        read_membranes(written(tmp_path, ROW, other))
    with pytest.raises(VoxionError, match="has no rows"):
        read_membranes(written(tmp_path))


def test_a_folder_belongs_to_its_campaign(tmp_path):
    membranes = read_membranes(written(tmp_path, ROW))
    campaign = Campaign(membranes=membranes)
    claim_folder(tmp_path / "out", campaign)
    assert read_campaign(tmp_path / "out" / "config.yaml") == campaign
    claim_folder(tmp_path / "out", campaign.model_copy(update={"seeds": 3, "frames": 2000}))
    with pytest.raises(VoxionError, match=r"was begun with edge 40.0, now it is 30.0"):
        claim_folder(tmp_path / "out", campaign.model_copy(update={"edge": 30.0}))
    changed = {**ROW, "polymer_smiles": PSS.replace("x 3", "x 4")}
    others = Campaign(membranes=read_membranes(written(tmp_path, changed)))
    with pytest.raises(VoxionError, match="was begun with SMILES of polymer PSS"):
        claim_folder(tmp_path / "out", others)
    with pytest.raises(VoxionError, match="is not empty"):
        claim_folder(tmp_path, campaign)


@pytest.fixture
def finished(tmp_path):
    """What the steps of a campaign of two membranes leave, without its runs."""
    rows = [ROW, {**ROW, "water_per_ion": "12"}]
    campaign = Campaign(membranes=read_membranes(written(tmp_path, *rows)))
    folder = tmp_path / "out"
    claim_folder(folder, campaign)
    system = MembraneDescription(
        title="", polymer="C", salt="C", chains=4, chain_atoms=50, tethered=12, water_model="spce",
        waters=96, ions=[], edge=30, target_edge=21, temperature=300, pressure=1, timestep=2,
        selections={"counter_ion": "a", "tethered": "b", "water": "c", "atoms_per_charge": 3},
        guessed=[], sources=[],
        seed=1, voxion_version="",
    )  # fmt: skip
    for one in campaign.membranes:
        for seed, value in ((1, 2.0), (2, 2.4)):
            run = folder / f"runs/{one.name}-{seed}"
            described(run / "descriptors", value)
            (run / "system.json").write_text(system.model_dump_json())
            # a run that went on from a restart: the later rows of the same steps count
            (run / "density.dat").write_text(
                "# head\n500 0.5 9\n1000 9 9\n1000 1.0 8\n1500 1.2 7\n"
            )
        described(folder / "descriptors" / one.name, 2.1)
    return folder, campaign


def described(folder, value, missing=()):
    folder.mkdir(parents=True, exist_ok=True)
    content = {
        "frames": 5,
        "water_per_ion": 8.0,
        "descriptors": {name: value for name in DESCRIPTORS if name not in missing},
        "errors": {name: 0.01 for name in DESCRIPTORS if name not in missing},
        "missing": list(missing),
    }
    (folder / "summary.json").write_text(json.dumps(content))


def test_descriptors_and_errors(finished):
    folder, campaign = finished
    one = read_simulated(folder, campaign)[0]
    found = one.descriptors["cn_fixed_ion"]
    assert (found.value, found.seeds) == (2.1, (2.0, 2.4))
    assert found.error == pytest.approx(0.4 / 2)  # of the mean of two
    assert one.final_density == (pytest.approx(1.2), pytest.approx(0.0))
    np.testing.assert_allclose(one.densities[0].time, [1.0, 2.0, 3.0])
    np.testing.assert_allclose(one.densities[0].density, [0.5, 1.0, 1.2])


def test_membranes_without_all_descriptors_are_left_out_of_the_table(finished):
    folder, campaign = finished
    described(folder / "descriptors" / "PSS-NaCl-12", 2.1, missing=["r_min_fixed_ion"])
    described(folder / "runs" / "PSS-NaCl-12-2" / "descriptors", 2.1, missing=["r_min_fixed_ion"])
    write_table(folder)
    data = read_activity(folder / "activity.csv", folder / "molecules.csv", measured=False)
    assert data.water_per_ion.tolist() == [8.0]
    assert (data.descriptors == 2.1).all()
    found = read_simulated(folder, campaign)[1].descriptors
    assert found["r_min_fixed_ion"].value is None
    assert found["cn_fixed_ion"].error == pytest.approx(abs(2.0 - 2.1) / 2)
    # one of the seeds has none: the error is that of blocks, where there is a value
    described(folder / "descriptors" / "PSS-NaCl-12", 2.1)
    assert read_simulated(folder, campaign)[1].descriptors["r_min_fixed_ion"].error == 0.01


def test_damaged_results(finished):
    folder, campaign = finished
    path = folder / "runs" / "PSS-NaCl-8-1" / "density.dat"
    path.write_text("500 0.5 x\n")
    with pytest.raises(VoxionError, match=r"density.dat: '500 0.5 x' is no row of numbers"):
        read_simulated(folder, campaign)
    path.write_text("# head\n")
    with pytest.raises(VoxionError, match="has no rows"):
        read_simulated(folder, campaign)


def test_membranes_that_cannot_be_built_are_refused_at_once(tmp_path):
    pytest.importorskip("snakemake", reason="campaigns need Snakemake, for Python 3.11 or newer")
    for changes, message in (
        (
            {"salt_smiles": "[Ag+].[Cl-]"},
            r"PSS-NaCl-8: there are no parameters of the ion \[Ag\+\]",
        ),
        ({"salt_smiles": "[Na+].[K+].[Cl-].[Cl-]"}, "one kind of cation and one of anion"),
    ):
        membranes = read_membranes(written(tmp_path, {**ROW, **changes}))
        with pytest.raises(VoxionError, match=message):
            simulate(tmp_path / "out", Campaign(membranes=membranes))
    assert not (tmp_path / "out").exists()
