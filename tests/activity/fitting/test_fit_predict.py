"""The commands `fit`, `predict` and `paper`, and what predictions say of strange membranes."""

import csv
import json
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

from voxion.activity.data.domain import SAME_POSITION, familiarity
from voxion.activity.data.table import DESCRIPTORS, ActivityData, read_activity
from voxion.activity.demo import DEMO
from voxion.activity.fitting import fit as fit_module
from voxion.activity.fitting.catalogue import MODELS, Condensation, Graph
from voxion.activity.fitting.export import activity_contract, write_model
from voxion.activity.fitting.fit import KNOWN, NEW, fit_model, half_width
from voxion.activity.fitting.graph_estimator import GraphNetworkEstimator
from voxion.activity.fitting.predict import predict
from voxion.activity.fitting.training import Hyperparameters
from voxion.cli.activity_options import data_files
from voxion.cli.app import app
from voxion.contract.schema import ActivityContract
from voxion.errors import VoxionError

SMALL = Hyperparameters(hidden=8, learning_rate=0.01, batch=32)


def run(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["activity", *[str(one) for one in arguments]])


class Small(Graph):
    """The network with descriptors, small and trained for a moment."""

    def __init__(self, seed: int, kept: bool) -> None:
        super().__init__(True, seed, kept)
        self.network = GraphNetworkEstimator(
            True, SMALL, folds=2, seed=seed, epochs=30 if kept else 10
        )


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The output of `voxion activity fit` for the embedded data, with small networks."""
    out = tmp_path_factory.mktemp("fit") / "out"
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(MODELS, "graph-descriptors", Small)
        result = run("fit", "--out", out, "--model", "graph-descriptors")
    assert result.exit_code == 0, result.output
    assert "synthetic" in result.output
    return out


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def write(path: Path, rows: list[dict[str, str]]) -> Path:
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return path


def test_fit_writes_model_summary_and_figure(fitted: Path) -> None:
    assert sorted(path.name for path in fitted.iterdir()) == [
        "model.pt",
        "parity.png",
        "summary.json",
    ]
    summary = json.loads((fitted / "summary.json").read_text())
    assert (summary["rows"], summary["polymers"], summary["salts"]) == (96, 6, 4)
    assert set(summary["held_out"]) == {
        *(KNOWN, NEW),
        *(f"{KNOWN}, baseline", f"{NEW}, baseline"),
    }
    # without a row of the polymer, the baseline is the mean of all others: worse than a constant
    assert summary["held_out"][f"{NEW}, baseline"]["r2"] < 0


def test_intervals_hold_as_many_held_out_rows_as_they_say(fitted: Path) -> None:
    summary = json.loads((fitted / "summary.json").read_text())
    for name in (KNOWN, NEW):
        assert 0.9 <= summary["held_out"][name]["coverage"] <= 0.93


def test_half_width_is_the_conformal_quantile() -> None:
    # errors of ln gamma: 0.01, 0.02, ... 0.20; the ceil(21 x 0.9) = 19th smallest
    errors = np.arange(1, 21) / 100
    gamma = np.full(20, 0.5)
    signs = np.where(np.arange(20) % 2, 1, -1)
    assert half_width(gamma, gamma * np.exp(signs * errors)) == pytest.approx(0.19)
    assert half_width(gamma[:1], gamma[:1] * math.e) == pytest.approx(1.0)


def test_predictions_of_the_training_data(fitted: Path, tmp_path: Path) -> None:
    out = tmp_path / "predictions.csv"
    rows = rows_of(DEMO / "activity.csv")
    data = write(
        tmp_path / "new.csv",
        [{key: value for key, value in row.items() if key != "gamma_exp"} for row in rows],
    )
    result = run(
        *("predict", fitted / "model.pt", data, DEMO / "molecules.csv", "--out", out),
    )
    assert result.exit_code == 0, result.output
    found = rows_of(out)
    assert len(found) == 96 and "96 rows, 0 of them with a warning" in result.output
    summary = json.loads((fitted / "summary.json").read_text())
    for row, one in zip(rows, found, strict=True):
        assert (one["polymer"], one["salt"]) == (row["polymer"], row["salt"])
        assert (one["nearest_polymer"], one["similarity"]) == (row["polymer"], "1.000")
        factor = math.exp(summary["log_interval_known"])
        assert float(one["upper"]) == pytest.approx(float(one["gamma"]) * factor, rel=1e-3)
        assert float(one["lower"]) == pytest.approx(float(one["gamma"]) / factor, rel=1e-3)


@pytest.fixture
def strange(demo: ActivityData):
    """Makes one row of the demo data with another molecule or number."""

    def make(**changes: str | float) -> ActivityData:
        one = demo.take([0])
        polymer, salt = str(one.polymers[0]), str(one.salts[0])
        if "polymer" in changes:
            one.polymer_smiles.update({"new": str(changes["polymer"])})
            one.polymers[0] = "new"
        if "salt" in changes:
            one.salt_smiles.update({"new": str(changes["salt"])})
            one.salts[0] = "new"
        if "concentration" in changes:
            one.salt_concentration[0] = float(changes["concentration"])
        assert (polymer, salt) == ("SS50-random", "LiCl")
        return one

    # the dictionaries of molecules are those of the session's data
    before = dict(demo.polymer_smiles), dict(demo.salt_smiles)
    yield make
    for kept, now in zip(before, (demo.polymer_smiles, demo.salt_smiles), strict=True):
        now.clear()
        now.update(kept)


@pytest.mark.parametrize(
    ("changes", "known", "warnings"),
    [
        ({}, True, []),
        # the same molecule by another SMILES
        ({"salt": "[Cl-].[Li+]"}, True, []),
        # the descriptors are still those of lithium
        (
            {"salt": "[Na+].[Cl-].[Cl-].[Na+]"},
            False,
            [
                "new salt",
                "r_peak_ion_water is 2.031 where the training data with the same ions have 2.328 "
                "to 2.48: descriptors of another force field?",
            ],
        ),
        (
            {"polymer": "block: [*]CC([*])c1ccc(S(=O)(=O)[O-])cc1 x 4 + [*]CC([*])c1ccccc1 x 6"},
            False,
            ["new polymer"],
        ),
        # the same fingerprint as the random copolymer of the same units, but another chain
        (
            {"polymer": "block: [*]CC([*])c1ccc(S(=O)(=O)[O-])cc1 x 5 + [*]CC([*])c1ccccc1 x 5"},
            False,
            ["new polymer"],
        ),
        ({"polymer": "OCCOCCOCCO"}, False, ["polymer unlike those of the training data"]),
        ({"concentration": 1.9}, True, ["salt_conc_M outside 0.01 to 1"]),
    ],
)
def test_what_is_new_is_said(strange, demo, changes, known, warnings) -> None:
    contract = activity_contract(demo, "graph", "graphs", (0.1, 0.5))
    (found,) = familiarity(strange(**changes), contract)
    assert found.known is known
    assert list(found.warnings) == warnings
    assert (found.similarity == 1.0) == (known or "polymer" not in changes)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"polymer": "C(F)(F)C(F)(F)S(=O)(=O)[O-]"}, "no polymer .* has the element F"),
        ({"salt": "[Na+].[Br-]"}, "no salt .* has the element Br"),
        ({"concentration": 2.2}, "salt_conc_M is 2.2, the training data have 0.01 to 1"),
    ],
)
def test_what_is_wholly_outside_is_refused(strange, demo, changes, complaint) -> None:
    contract = activity_contract(demo, "graph", "graphs", (0.1, 0.5))
    with pytest.raises(VoxionError, match=complaint) as error:
        familiarity(strange(**changes), contract)
    assert "Row 1" in str(error.value)


def test_a_known_polymer_in_a_known_salt_may_be_a_new_pair(demo: ActivityData) -> None:
    rest = demo.take(np.flatnonzero(demo.pairs != "SS50-random/LiCl"))
    contract = activity_contract(rest, "graph", "graphs", (0.1, 0.5))
    (found,) = familiarity(demo.take([0]), contract)
    assert (found.polymer, found.salt, found.known) == ("SS50-random", "LiCl", False)
    assert found.warnings[0] == "polymer that is new in this salt"


def test_the_condensation_process_says_the_same_from_its_file(
    demo: ActivityData, tmp_path: Path
) -> None:
    rest = demo.take(
        np.flatnonzero((demo.polymers != "VP50-block") & (demo.pairs != "SS50-random/KCl"))
    )
    model = Condensation()
    model.process.candidates = ((0, 2),)
    model.fit(rest)
    contract = activity_contract(rest, "condensation", "condensation")
    path = tmp_path / "model.pt"
    write_model(model.module(), contract, path, rest, model.predict(rest))
    found, expected = predict(path, demo).prediction, model.predict(demo)
    for name in ("gamma", "lower", "upper"):
        np.testing.assert_allclose(getattr(found, name), getattr(expected, name), rtol=1e-8)


def test_new_polymers_have_wider_intervals(fitted: Path, strange) -> None:
    summary = json.loads((fitted / "summary.json").read_text())
    found = predict(fitted / "model.pt", strange(polymer="CCCC(C)c1ccccc1"))
    width = float(np.log(found.prediction.upper / found.prediction.lower)[0])
    assert width == pytest.approx(2 * summary["log_interval_new"])
    assert summary["log_interval_new"] > summary["log_interval_known"]


def test_wrong_files_are_refused(fitted: Path, tmp_path: Path, demo: ActivityData) -> None:
    with pytest.raises(VoxionError, match=r"molecules in activity.csv is missing"):
        data_files(Path("activity.csv"), None)
    with pytest.raises(VoxionError, match="no such file"):
        predict(tmp_path / "none.pt", demo)
    electrode = Path(fit_module.__file__).parents[2] / "demo" / "site_potentials.pt"
    with pytest.raises(VoxionError, match="'kind' must be 'ion-activity'"):
        predict(electrode, demo)
    with pytest.raises(VoxionError, match="There is no model 'other'"):
        fit_model(demo, "other", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_molecule_that_cannot_be_read_is_named_before_anything_is_written(
    tmp_path: Path,
) -> None:
    good = read_activity(DEMO / "activity.csv", DEMO / "molecules.csv")
    data = replace(good, polymer_smiles={**good.polymer_smiles, "SS50-random": "CC("})
    with pytest.raises(VoxionError, match="polymer SS50-random: RDKit cannot read"):
        fit_model(data, "graph", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_reproduce_runs_a_reduced_grid(tmp_path: Path) -> None:
    out = tmp_path / "study"
    result = run(
        *("reproduce", "--out", out, "--hidden", 8, "--learning-rate", 0.01, "--batch", 40),
        *("--seed", 28, "--folds", 2, "--epochs", 2),
    )
    assert result.exit_code == 0, result.output
    text = " ".join(result.output.split())
    assert "synthetic" in text and "polymer and salt" in text
    assert len(list((out / "trials").iterdir())) == 2
    assert {"fig5.png", "fig6.png", "fig7.png", "fig9.png", "table3.csv"} <= {
        path.name for path in out.iterdir()
    }


def test_the_demo_data_are_what_the_example_makes(tmp_path: Path) -> None:
    script = Path(__file__).parents[3] / "examples" / "05_ion_activity" / "make_data.py"
    import runpy

    runpy.run_path(str(script))["main"](tmp_path)
    for name in ("activity.csv", "molecules.csv"):
        assert (tmp_path / name).read_text() == (DEMO / name).read_text()


def test_the_demo_data_obey_manning_for_one_to_one_salts() -> None:
    """Eqs. 4 and 5 of Kamcev, Paul and Freeman, Macromolecules 48, 8011 (2015), xi above 1."""
    import runpy

    script = Path(__file__).parents[3] / "examples" / "05_ion_activity" / "make_data.py"
    mean = runpy.run_path(str(script))["mean_coefficient"]
    xi, fixed, salt = 1.8, 2.5, 0.4
    ratio = fixed / salt
    squared = (ratio / xi + 1) / (ratio + 1) * math.exp(-ratio / (ratio + 2 * xi))
    assert mean(xi, fixed, salt, 1, 1) == pytest.approx(math.sqrt(squared))
    weak = math.exp(-0.5 * 0.6 * ratio / (ratio + 2))  # xi below 1: nothing condenses
    assert mean(0.6, fixed, salt, 1, 1) == pytest.approx(weak)


def test_groups_and_signs_that_the_training_data_lack(strange, demo: ActivityData) -> None:
    sulfonates = demo.take(
        [i for i, p in enumerate(demo.polymers) if not str(p).startswith(("VBTMA", "VP"))]
    )
    contract = activity_contract(sulfonates, "graph", "graphs", (0.1, 0.5))
    ammonium = "block: [*]CC([*])c1ccc(C[N+](C)(C)C)cc1 x 4 + [*]CC([*])c1ccccc1 x 6"
    with pytest.raises(VoxionError, match=r"fixed charges are positive.*all have the other sign"):
        familiarity(strange(polymer=ammonium), contract)
    carboxylate = "block: [*]CC([*])c1ccc(C(=O)[O-])cc1 x 4 + [*]CC([*])c1ccccc1 x 6"
    (found,) = familiarity(strange(polymer=carboxylate), contract)
    assert "no polymer of the training data has carboxylate groups" in found.warnings


def test_descriptors_of_another_force_field(demo: ActivityData) -> None:
    contract = activity_contract(demo, "graph", "graphs", (0.1, 0.5))
    one = demo.take([0])
    column = DESCRIPTORS.index("r_peak_ion_water")
    lithium = [demo.descriptors[i, column] for i, s in enumerate(demo.salts) if s == "LiCl"]
    # a value that the training data do have, with other counter-ions
    other = next(
        value
        for value in demo.descriptors[:, column]
        if min(abs(value - own) for own in lithium) > SAME_POSITION
    )
    one.descriptors[0, column] = other
    (found,) = familiarity(one, contract)
    (warning,) = found.warnings
    assert warning.startswith(
        f"r_peak_ion_water is {other:g} where the training data with the same"
    )
    older = contract.model_copy(update={"pair_ranges": None})
    assert familiarity(one, older)[0].warnings == ()


@pytest.mark.parametrize("change", ["number", "order", "width"])
def test_ranges_of_the_pairs_are_checked(demo: ActivityData, change: str) -> None:
    contract = activity_contract(demo, "graph", "graphs", (0.1, 0.5))
    document = contract.model_dump(mode="json")
    first = document["pair_ranges"][0]
    if change == "number":
        document["pair_ranges"] = document["pair_ranges"][1:]
    elif change == "order":
        first["min"], first["max"] = [v + 1 for v in first["max"]], first["min"]
    else:
        first["min"] = first["min"][1:]
    with pytest.raises(ValueError, match="pair_ranges"):
        ActivityContract.model_validate(document)
