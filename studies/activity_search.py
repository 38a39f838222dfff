"""Features that help a model of activity coefficients with a polymer that it does not know.

    python studies/activity_search.py --data activity.csv --molecules molecules.csv

writes activity_search.md beside itself. Each line is leave-one-polymer-out. Features are chosen
inside each training part ("nested"), by three criteria: from all 147 subsets of the features, or
from the 28 with one size of the chain, one hydrophobicity and at most one more. The last table
shows what single choices would give.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.progress import track
from sklearn.ensemble import ExtraTreesRegressor, HistGradientBoostingRegressor
from sklearn.linear_model import RidgeCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from voxion.activity.data.chemistry import ALTERNATIVES as EITHER
from voxion.activity.data.chemistry import FEATURES, ions_of
from voxion.activity.data.splits import splits_of
from voxion.activity.data.table import ActivityData, Floats, read_activity
from voxion.activity.data.theory import absorbed_salt, fixed_concentration, log_manning
from voxion.activity.fitting.scores import between_extremes, score, take
from voxion.activity.models.condensation_process import (
    CHARGE_DENSITY,
    KNOWN_TERMS,
    NEW_TERMS,
    Inputs,
    Scaling,
    blocks,
    fit_scaling,
    inputs_of,
    subsets,
)
from voxion.activity.models.estimator import Prediction
from voxion.activity.models.gaussian_process import GaussianProcess
from voxion.activity.models.kernel import Factor, Term

HERE = Path(__file__).parent
SHOWN = 12  # single choices in the last table


@dataclass(frozen=True)
class Variant:
    """A way to build the process."""

    name: str
    inputs: Inputs
    terms: tuple[Term, ...] = NEW_TERMS


@dataclass(frozen=True)
class Found:
    """Results of all choices of features: [S, N] predictions, [K, S] criteria of the K splits."""

    gamma: Floats
    criteria: dict[str, Floats]


def variants(data: ActivityData) -> list[Variant]:
    own = inputs_of(data)
    ones = np.ones(len(data))
    membrane = NEW_TERMS[1], NEW_TERMS[3], NEW_TERMS[6]
    return [
        Variant("as it is", own),
        Variant("without the theory", replace(own, limit=0 * ones, number=ones)),
        Variant("the product's deviation, not an ion's", replace(own, number=ones)),
        Variant("theory with the salt absorbed (Donnan)", replace(own, limit=_donnan(data))),
        Variant("slope by a smooth function of the chain", own, KNOWN_TERMS),
        Variant("level also smooth in the chain", own, (*NEW_TERMS, (Factor("smooth", "chain"),))),
        Variant(
            "nothing of a membrane's own", own, tuple(t for t in NEW_TERMS if t not in membrane)
        ),
    ]


def _donnan(data: ActivityData) -> Floats:
    found = []
    for row, ions in enumerate(ions_of(data)):
        fixed = fixed_concentration(float(data.water_per_ion[row]))
        outside = float(data.salt_concentration[row])
        salt = absorbed_salt(CHARGE_DENSITY, fixed, outside, ions)
        found.append(log_manning(CHARGE_DENSITY, fixed, salt, ions))
    return np.array(found)


def search(data: ActivityData, variant: Variant, chains: list[tuple[int, ...]]) -> Found:
    gamma, inputs = data.measured, variant.inputs
    target = (np.log(gamma) - inputs.limit) / inputs.number
    _, polymer = np.unique(data.polymers, return_inverse=True)
    _, pair = np.unique(data.pairs, return_inverse=True)
    splits = splits_of(data, "leave-one-polymer-out")
    found = np.zeros((len(chains), len(data)))
    criteria = {
        name: np.zeros((len(splits), len(chains))) for name in ("MAE", "ln MAE", "evidence")
    }
    for place, split in enumerate(track(splits, variant.name)):
        seen, asked = split.training, split.test
        scaling = fit_scaling(_rows(inputs, seen), target[seen])
        columns = scaling.standardised(inputs)
        scaled = (target - scaling.target_mean) / scaling.target_deviation

        def back(values: Floats, rows: Floats, scaling: Scaling = scaling) -> Floats:
            deviation = values * scaling.target_deviation + scaling.target_mean
            return np.exp(inputs.limit[rows] + inputs.number[rows] * deviation)

        start = None
        for index, chain in enumerate(chains):
            whole = blocks(columns, chain, polymer, pair)
            process = GaussianProcess(variant.terms)
            process.fit({n: x[seen] for n, x in whole.items()}, scaled[seen], start)
            start = process.theta
            mean, _ = process.predict({n: x[asked] for n, x in whole.items()})
            found[index, asked] = back(mean, asked)
            held_out = back(process.left_out(polymer[seen])[0], seen)
            criteria["MAE"][place, index] = np.abs(held_out - gamma[seen]).mean()
            criteria["ln MAE"][place, index] = np.abs(np.log(held_out / gamma[seen])).mean()
            criteria["evidence"][place, index] = -process.log_evidence
    return Found(found, criteria)


def _rows(inputs: Inputs, rows: Floats) -> Inputs:
    return Inputs(**{name: values[rows] for name, values in vars(inputs).items()})


def chosen(data: ActivityData, found: Found, criterion: str) -> tuple[Floats, Counter[int]]:
    """Each polymer by the features that the others choose, and how often which was."""
    gamma, best = np.zeros(len(data)), found.criteria[criterion].argmin(axis=1)
    for split, index in zip(splits_of(data, "leave-one-polymer-out"), best, strict=True):
        gamma[split.test] = found.gamma[index, split.test]
    return gamma, Counter(best.tolist())


def others(data: ActivityData) -> dict[str, Floats]:
    """Usual learners of ln gamma on all features, valences and ln concentration."""
    inputs = inputs_of(data)
    features = np.column_stack([inputs.chain, inputs.ions, inputs.concentration])
    rising = [0] * (features.shape[1] - 1) + [1]
    makers: dict[str, Callable] = {
        "ridge": lambda: make_pipeline(StandardScaler(), RidgeCV(np.logspace(-2, 3, 11))),
        "extra trees": lambda: ExtraTreesRegressor(300, random_state=0),
        "boosting, rising with concentration": lambda: HistGradientBoostingRegressor(
            monotonic_cst=rising, min_samples_leaf=3, random_state=0
        ),
    }
    result = {}
    for theory in (False, True):
        offset, number = (inputs.limit, inputs.number) if theory else (0 * inputs.limit, 1)
        target = (np.log(data.measured) - offset) / number
        for name, make in makers.items():
            gamma = np.zeros(len(data))
            for split in splits_of(data, "leave-one-polymer-out"):
                model = make()
                model.fit(features[split.training], target[split.training])
                gamma[split.test] = np.exp(offset + number * model.predict(features))[split.test]
            result[name + (", deviation from the theory" if theory else "")] = gamma
    return result


def line(data: ActivityData, gamma: Floats, *cells: str) -> str:
    found = score(data.measured, Prediction(gamma, gamma, gamma))
    inner = between_extremes(data.measured, data.pairs)
    between = score(data.measured[inner], take(Prediction(gamma, gamma, gamma), inner))
    numbers = (f"{found.r2:.3f}", f"{found.mae:.3f}", f"{found.log_mae:.2f}", f"{between.r2:.3f}")
    return "| " + " | ".join([*cells, *numbers]) + " |"


def named(chain: tuple[int, ...]) -> str:
    return ", ".join(FEATURES[index] for index in chain)


def report(data: ActivityData) -> str:
    scores = "R2 | MAE | ln MAE | R2 between extremes |"
    rule = "|---|---|---|---|"
    lines = ["# Leave-one-polymer-out: what helped", ""]
    lines += [f"Made by `search.py`; {len(data)} rows, {len(set(data.polymers))} polymers.", ""]
    everything = list(subsets())
    few = [chain for chain in everything if all({FEATURES[i] for i in chain} & e for e in EITHER)]
    lines += [f"| process | choices | features chosen by | {scores}", f"|---|---|---{rule}"]
    first: Found | None = None
    for index, variant in enumerate(variants(data)):
        for chains in (everything, few) if index == 0 else (few,):
            found = search(data, variant, chains)
            first = first or found
            for criterion in found.criteria:
                gamma, counts = chosen(data, found, criterion)
                most, times = counts.most_common(1)[0]
                how = f"{criterion}: {named(chains[most])} ({times} of {sum(counts.values())})"
                lines.append(line(data, gamma, variant.name, str(len(chains)), how))
    lines += ["", f"| other learners of ln gamma | {scores}", f"|---{rule}"]
    lines += [line(data, gamma, name) for name, gamma in others(data).items()]
    assert first is not None
    lines += ["", "The same features for all (not nested), by inner MAE:", ""]
    lines += [f"| features | inner MAE | {scores}", f"|---|---{rule}"]
    inner = first.criteria["MAE"].mean(axis=0)
    for index in inner.argsort()[:SHOWN]:
        cells = (named(subsets()[index]), f"{inner[index]:.3f}")
        lines.append(line(data, first.gamma[index], *cells))
    spread = np.array([score(data.measured, Prediction(g, g, g)).r2 for g in first.gamma])
    quartiles = ", ".join(f"{value:.2f}" for value in np.percentile(spread, [5, 25, 50, 75, 95]))
    lines += ["", f"R2 of all {len(spread)} choices, percentiles 5, 25, 50, 75, 95: {quartiles}."]
    return "\n".join(lines) + "\n"


def main(data: Annotated[Path, typer.Option()], molecules: Annotated[Path, typer.Option()]) -> None:
    with threadpool_limits(1):
        (HERE / "activity_search.md").write_text(report(read_activity(data, molecules)))


if __name__ == "__main__":
    typer.run(main)
