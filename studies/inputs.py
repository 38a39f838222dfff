"""Inputs that the charges of an electrode can be told from: ions, water, or both.

python studies/inputs.py DFTB_DATA ELECTRODE_DATA

The two data sets have the same frames with the charges of two theories. Five contiguous parts are
held out in turn, with a gap of 1 ps to the frames that are trained on. The models see smeared
potentials of each kind of source, summed over the neighbour shells of a site, so what the sheet's
translations, rotations and mirrors make of a frame is learned with it. Writes inputs.md and
inputs.json beside this file, and docs/figures/inputs.png; parts that inputs.json has are not done
again.
"""

from __future__ import annotations

import json
import tempfile
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from matplotlib.figure import Figure
from numpy.typing import NDArray
from rich.progress import track

from voxion.charges.data.dataset import ChargeDataset
from voxion.charges.data.features import SiteFrames, ion_indices, site_frames
from voxion.charges.data.opening import open_dataset
from voxion.charges.evaluation.scores import score_charges
from voxion.charges.models.linear_response import (
    centred_sums,
    fit_linear_response,
    moments,
)
from voxion.charges.models.shells import shell_edges
from voxion.charges.models.site_potentials import SitePotentialsModel
from voxion.charges.training.loops import CorrectionTraining, run_loop, stack_frames
from voxion.contract.schema import RadialFunctions
from voxion.figures import COLOURS, REFERENCE, styled
from voxion.training_folder import torch_threads

# Wider and farther than the models' own, so that no kind of source lacks for detail.
RADIAL = RadialFunctions(widths=(0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.6), cutoff=24.0)
SHELLS = 10
PARTS, GAP = 5, 2  # frames of 0.5 ps
SEEDS = 2
HIDDEN, EPOCHS, PATIENCE = 64, 200, 10
INPUTS = {"ions only": ("Na", "Cl"), "water only": ("water",), "both": ("Na", "Cl", "water")}
RESULT = Path(__file__).with_suffix(".md")
FIGURES = Path(__file__).parents[1] / "docs" / "figures"


@dataclass(frozen=True)
class Trial:
    """Scores of one model on one held-out part."""

    labels: str
    inputs: str
    model: str
    part: int
    mae: float
    r2: float
    within_epsilon: float


def main(
    dftb: Annotated[Path, typer.Argument(help="Data set with DFTB charges.")],
    electrode: Annotated[Path, typer.Argument(help="The same frames with ELECTRODE's.")],
    out: Annotated[Path, typer.Option()] = RESULT,
) -> None:
    """Train on each kind of input, for both labels; a table and a figure."""
    labels = {"DFTB": open_dataset(dftb), "ELECTRODE": open_dataset(electrode)}
    potentials = {kind: _potentials(labels["DFTB"], kind) for kind in INPUTS["both"]}
    record = out.with_suffix(".json")
    trials = [Trial(**one) for one in json.loads(record.read_text())] if record.exists() else []
    done = {(trial.labels, trial.part) for trial in trials}
    with torch_threads(1):
        for name, dataset in labels.items():
            charges = dataset.surface_charges()
            for part in track([p for p in range(PARTS) if (name, p) not in done], name):
                split = _split(dataset.frames, part)
                trials += _baselines(name, charges, part, split)
                for inputs, kinds in INPUTS.items():
                    columns = np.concatenate([potentials[kind] for kind in kinds], axis=2)
                    frames = SiteFrames(
                        columns, charges, dataset.surface_positions, dataset.cells[0]
                    )
                    trials += _trials(name, inputs, frames, part, split)
                record.write_text(json.dumps([asdict(trial) for trial in trials], indent=1))
    table = _table(trials)
    typer.echo(table)
    out.write_text(f"# {__doc__.splitlines()[0]}\n\n{table}")
    _figure(trials).savefig(FIGURES / "inputs.png", dpi=150)


def _potentials(dataset: ChargeDataset, kind: str) -> NDArray[np.float64]:
    """Potentials [F, M, K] of one kind of source."""
    species = dataset.species_of_sources
    chosen = species == kind
    if kind == "water":
        chosen = np.ones(len(species), bool)
        chosen[ion_indices(dataset)] = False
    charges = np.where(chosen, dataset.source_charges, 0.0)
    return site_frames(replace(dataset, source_charges=charges), RADIAL).potentials


def _split(frames: int, part: int) -> tuple[NDArray[np.int64], ...]:
    """Frames to train on, to validate with (the next part), and held out."""
    blocks = np.array_split(np.arange(frames), PARTS)
    held, validation = blocks[part], blocks[(part + 1) % PARTS]
    training = [
        frame
        for frame in range(frames)
        if all(frame < b[0] - GAP or frame > b[-1] + GAP for b in (held, validation))
    ]
    return np.array(training), validation[GAP:-GAP], held


def _baselines(
    labels: str, charges: NDArray[np.float64], part: int, split: tuple[NDArray[np.int64], ...]
) -> list[Trial]:
    training, validation, held = split
    means = charges[np.concatenate([training, validation])].mean(0)
    baselines = {"the same for all": charges.mean(), "each atom's mean": means}
    return [
        _trial(
            labels, "none", name, part, charges[held], np.broadcast_to(value, charges[held].shape)
        )
        for name, value in baselines.items()
    ]


def _trials(
    labels: str,
    inputs: str,
    frames: SiteFrames,
    part: int,
    split: tuple[NDArray[np.int64], ...],
) -> list[Trial]:
    """Scores of the linear model, and of a network on what it leaves, for every seed."""
    training, validation, held = (frames.take(indices) for indices in split)
    edges = shell_edges(frames.surface_positions, frames.cell, SHELLS)
    widths = frames.potentials.shape[2]
    model = SitePotentialsModel(torch.from_numpy(edges), widths, float(frames.charges[0].mean()))
    fit_linear_response(model, moments(model, [training]), moments(model, [validation]))
    trials = [_trial(labels, inputs, "linear", part, held.charges, _predict(model, held))]
    for seed in range(SEEDS):
        torch.manual_seed(seed)
        corrected = SitePotentialsModel(torch.from_numpy(edges), widths, model.mean_charge, HIDDEN)
        corrected.load_state_dict(model.state_dict(), strict=False)
        with tempfile.TemporaryDirectory() as folder:
            run_loop(
                CorrectionTraining(corrected.correction),
                _residuals(corrected, training),
                _residuals(corrected, validation),
                Path(folder),
                batch=4,
                epochs=EPOCHS,
                patience=PATIENCE,
                seed=seed,
                stack=stack_frames,
            )
        predicted = _predict(corrected.eval(), held)
        trials.append(_trial(labels, inputs, "network", part, held.charges, predicted))
    return trials


def _residuals(
    model: SitePotentialsModel, frames: SiteFrames
) -> list[tuple[torch.Tensor, torch.Tensor]]:
    weights = model.coefficients()
    return [
        (sums / model.feature_scale, (response - sums @ weights) / model.residual_scale)
        for sums, response in centred_sums(model, frames)
    ]


def _predict(model: SitePotentialsModel, frames: SiteFrames) -> NDArray[np.float64]:
    surface, cell = torch.from_numpy(frames.surface_positions), torch.from_numpy(frames.cell)
    with torch.no_grad():
        return np.stack([model(torch.from_numpy(p), surface, cell) for p in frames.potentials])


def _trial(
    labels: str,
    inputs: str,
    model: str,
    part: int,
    reference: NDArray[np.float64],
    predicted: NDArray[np.float64],
) -> Trial:
    scores = score_charges(reference, predicted)
    return Trial(labels, inputs, model, part, scores.mae, scores.r2, scores.within_epsilon)


def _groups(trials: list[Trial]) -> dict[tuple[str, str, str], list[Trial]]:
    groups: dict[tuple[str, str, str], list[Trial]] = {}
    for trial in trials:
        groups.setdefault((trial.labels, trial.inputs, trial.model), []).append(trial)
    return groups


def _table(trials: list[Trial]) -> str:
    lines = [
        "Mean and standard deviation over the held-out parts (and seeds); MAE in e.",
        "",
        "| labels | inputs | model | MAE | R2 | within 0.015 e |",
        "|---|---|---|---|---|---|",
    ]
    for key, group in _groups(trials).items():
        mae, r2, within = (
            np.array([getattr(trial, name) for trial in group])
            for name in ("mae", "r2", "within_epsilon")
        )
        cells = [
            f"{mae.mean():.2e} +- {mae.std():.0e}",
            f"{r2.mean():.4f} +- {r2.std():.4f}",
            f"{within.mean():.1%} +- {within.std():.1%}",
        ]
        lines.append("| " + " | ".join([*key, *cells]) + " |")
    return "\n".join(lines) + "\n"


@styled
def _figure(trials: list[Trial]) -> Figure:
    """MAE of each kind of input, with the spread over the held-out parts."""
    figure = Figure(figsize=(8.0, 3.6), layout="constrained")
    panels = figure.subplots(1, 2, sharey=True)
    groups = _groups(trials)
    for axes, labels in zip(panels, ("DFTB", "ELECTRODE"), strict=True):
        for offset, colour, model in zip(
            (-0.17, 0.17), COLOURS, ("linear", "network"), strict=False
        ):
            values = [[t.mae for t in groups[labels, inputs, model]] for inputs in INPUTS]
            places = np.arange(len(INPUTS)) + offset
            axes.errorbar(
                places,
                [np.mean(v) for v in values],
                [np.std(v) for v in values],
                fmt="o",
                color=colour,
                capsize=3,
                label=model,
            )
        constant = np.mean([t.mae for t in groups[labels, "none", "the same for all"]])
        axes.axhline(constant, color=REFERENCE, linestyle="--", label="the same for all atoms")
        axes.set(yscale="log", title=f"{labels} charges", xlim=(-0.5, len(INPUTS) - 0.5))
        axes.set_xticks(range(len(INPUTS)), list(INPUTS))
    panels[0].set_ylabel("MAE on held-out frames / e")
    panels[0].legend(loc="lower left")
    return figure


if __name__ == "__main__":
    typer.run(main)
