"""Descriptors of published membranes from our own runs, beside the published ones.

python studies/published_membranes.py activity.csv molecules.csv --work FOLDER

with the two files of the data of Naghshnejad et al. Simulates the membranes from their SMILES,
reduced in size and length, and writes published_membranes.md beside this file. What is in the
work folder is continued; more --seeds or --frames may be asked for later.
--edge 40 --scale 1 --block 50000 --frames 2000 --every 500 --seeds 3 has the sizes of publications.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from voxion.activity.data.domain import familiarity
from voxion.activity.data.table import DESCRIPTORS, ActivityData, read_activity
from voxion.activity.fitting.export import activity_contract
from voxion.activity.models.baselines import ManningTheory, kernel_ridge, random_forest
from voxion.activity.models.condensation_process import CondensationProcess
from voxion.campaigns.membranes.configuration import Campaign, Membrane
from voxion.campaigns.membranes.results import Simulated, read_simulated
from voxion.campaigns.membranes.simulate import simulate

RESULT = Path(__file__).with_suffix(".md")
# both signs of the fixed charge, a chain and cross-linked oligomers, and one polymer in two salts
CHOSEN = ["CR61/NaCl", "CR61/KCl", "NAFION/NaCl", "AR103/NaCl"]


def main(
    data: Annotated[Path, typer.Argument(help="activity.csv")],
    molecules: Annotated[Path, typer.Argument(help="molecules.csv")],
    work: Annotated[Path, typer.Option(help="Folder of the runs.")],
    membrane: Annotated[list[str], typer.Option(help="Polymer/salt.")] = CHOSEN,
    seeds: int = 1,
    edge: float = 23.0,
    scale: float = 0.01,
    block: int = 2500,
    frames: int = 100,
    every: int = 250,
    jobs: int = 2,
    out: Annotated[Path, typer.Option(help="The page.")] = RESULT,
) -> None:
    measured = read_activity(data, molecules)
    campaign = Campaign(
        label="reduced in size and length",
        membranes=[_membrane(measured, pair) for pair in membrane],
        seeds=seeds,
        edge=edge,
        scale=scale,
        block=block,
        blocks=60,
        frames=frames,
        every=every,
    )
    simulate(work, campaign, jobs)
    found = read_simulated(work, campaign)
    out.write_text(_page(campaign, measured, found))
    typer.echo(f"wrote {out}")


def _membrane(measured: ActivityData, pair: str) -> Membrane:
    polymer, salt = pair.split("/")
    rows = np.flatnonzero(measured.pairs == pair)
    if not len(rows):
        raise typer.BadParameter(f"the data have no {pair}")
    return Membrane(
        polymer=polymer,
        polymer_smiles=measured.polymer_smiles[polymer],
        salt=salt,
        salt_smiles=measured.salt_smiles[salt],
        water_per_ion=float(measured.water_per_ion[rows[0]]),
        concentrations=tuple(measured.salt_concentration[rows].tolist()),
    )


def _page(campaign: Campaign, measured: ActivityData, found: list[Simulated]) -> str:
    length = 0.001 * found[0].system.timestep * campaign.frames * campaign.every
    lines = [
        "# Published membranes from our own runs",
        "",
        f"**Reduced**: boxes of some {campaign.edge:g} angstrom, {campaign.seeds} start"
        f"{'s' if campaign.seeds > 1 else ''} of each, {length:g} ps after "
        f"{1560 * campaign.scale:g} ps of compression and decompression; GAFF2, "
        "SPC/E and the ions of Joung and Cheatham. "
        "`python studies/published_membranes.py activity.csv molecules.csv --work FOLDER` makes "
        "this page; its head has the command of full size.",
        "",
        "## Descriptors",
        "",
        "Published: the range over the concentrations outside. Ours: ± standard error "
        + ("between the seeds" if campaign.seeds > 1 else "of five blocks in time")
        + ", without salt from outside; in brackets how many errors it is off the range.",
        "",
    ]
    names = [f"{one.membrane.polymer}/{one.membrane.salt}" for one in found]
    lines += ["| | " + " | ".join(f"{n}, published | ours" for n in names) + " |"]
    lines += ["|---" * (1 + 2 * len(names)) + "|"]
    for column, name in enumerate(DESCRIPTORS):
        cells = [name]
        for pair, one in zip(names, found, strict=True):
            values = measured.descriptors[measured.pairs == pair, column]
            cells += [_range(values), _ours(one, name, values)]
        lines.append("| " + " | ".join(cells) + " |")
    lines += ["", "## Density", "", "| | g/cm3 | water, % of the mass |", "|---|---|---|"]
    for pair, one in zip(names, found, strict=True):
        density, error = one.final_density
        text = f"{density:.2f}" + ("" if error is None else f" ± {error:.2f}")
        lines.append(f"| {pair} | {text} | {100 * _water_share(one):.0f} |")
    return "\n".join([*lines, *_predictions(measured, names, found)]) + "\n"


def _range(values: np.ndarray) -> str:
    low, high = values.min(), values.max()
    return f"{low:.3g}" if low == high else f"{low:.3g} to {high:.3g}"


def _ours(one: Simulated, name: str, published: np.ndarray) -> str:
    found = one.descriptors[name]
    if found.value is None:
        return "none"
    if found.error is None:
        return f"{found.value:.3g}"
    off = max(published.min() - found.value, found.value - published.max(), 0.0)
    return f"{found.value:.3g} ± {found.error:.2g} ({off / found.error:.1f})"


def _water_share(one: Simulated) -> float:
    """Return the mass of water over that of the membrane with it, as its SMILES has it."""
    from rdkit import Chem
    from rdkit.Chem import Descriptors

    polymer = one.system.chains * Descriptors.MolWt(Chem.MolFromSmiles(one.system.polymer))  # type: ignore[attr-defined]
    ions = sum(
        ion.count * Descriptors.MolWt(Chem.MolFromSmiles(ion.name))  # type: ignore[attr-defined]
        for ion in one.system.ions
    )
    water = 18.015 * one.system.waters
    return float(water / (polymer + ions + water))


def _predictions(measured: ActivityData, names: list[str], found: list[Simulated]) -> list[str]:
    lines = [
        "",
        "## Predictions",
        "",
        "Activity coefficients by models fitted to all other polymers. Kernel ridge regression and "
        "the random forest take the twelve descriptors, the published ones and ours; the "
        "condensation process and Manning's theory need none.",
        "",
    ]
    errors: dict[str, list[float]] = {}
    notes: list[str] = []
    rows_told = []
    for pair, one in zip(names, found, strict=True):
        asked = measured.take(np.flatnonzero(measured.pairs == pair))
        others = measured.take(np.flatnonzero(measured.polymers != one.membrane.polymer))
        own = None
        if one.complete:
            values = [one.descriptors[name].value for name in DESCRIPTORS]
            own = replace(
                asked, descriptors=np.tile(np.array(values, float), (len(asked.measured), 1))
            )
            contract = activity_contract(measured, "condensation", "condensation")
            notes += [f"* {pair}: {told}" for told in familiarity(own, contract)[0].warnings]
        told = _told(others, asked, own)
        for name, gamma in told.items():
            off = [] if own is None else np.abs(gamma - asked.measured).tolist()
            errors.setdefault(name, []).extend(off)
        for i, gamma in enumerate(asked.measured):
            cells = [f"{values[i]:.3f}" if len(values) else "–" for values in told.values()]
            rows_told.append(
                f"| {pair} | {asked.salt_concentration[i]:g} | {gamma:.3f} | {' | '.join(cells)} |"
            )
    lines.append(f"| | outside, mol/L | measured | {' | '.join(errors)} |")
    lines.append("|---" * (3 + len(errors)) + "|")
    mean = " | ".join(f"{np.mean(e):.3f}" for e in errors.values())
    lines += [*rows_told, f"| mean absolute error where ours are complete | | | {mean} |"]
    if notes:
        lines += [
            "",
            "What the check of the domain says of our descriptors, asked of a model of all data:",
            "",
            *notes,
        ]
    return lines


def _told(
    others: ActivityData, asked: ActivityData, own: ActivityData | None
) -> dict[str, np.ndarray]:
    """Coefficients by model and by whose descriptors; empty where ours are not complete."""
    told = {}
    for name, make in (("kernel ridge", kernel_ridge), ("random forest", random_forest)):
        model = make("leave-one-polymer-out")
        model.fit(others)
        told[f"{name}, published"] = model.predict_gamma(asked)
        told[f"{name}, ours"] = np.zeros(0) if own is None else model.predict_gamma(own)
    process, theory = CondensationProcess(), ManningTheory()
    process.fit(others)
    theory.fit(others)
    told["condensation process"] = process.predict(asked).gamma
    told["Manning"] = theory.predict_gamma(asked)
    return told


if __name__ == "__main__":
    typer.run(main)
