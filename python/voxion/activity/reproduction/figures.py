"""Figures 5, 6, 7 and 9 of Naghshnejad et al., from the trials of a study."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from voxion.activity.data.table import Floats
from voxion.activity.fitting.training import Hyperparameters
from voxion.activity.reproduction.study import Study, Trial
from voxion.figures import COLOURS, REFERENCE, WIDTH, styled
from voxion.files import replacing

BARS = (42, 10)  # seed and batch of figs. 5 and 6
SHOWN = (28, Hyperparameters(256, 0.005, 10))  # seed and hyperparameters of figs. 7 and 9
TITLES = {"graph-descriptors": "with descriptors", "graph": "without descriptors"}
_COLOUR = {"graph-descriptors": COLOURS[0], "graph": COLOURS[4]}


def save_figures(study: Study, out: Path) -> list[Path]:
    """Draw all figures; `out` gets fig5.png, fig6.png, fig7.png and fig9.png."""
    figures = {
        "fig5.png": plot_bars(study, "r2"),
        "fig6.png": plot_bars(study, "mae"),
        "fig7.png": plot_parity(study),
        "fig9.png": plot_folds(study),
    }
    for name, figure in figures.items():
        with replacing(out / name) as temporary:
            figure.savefig(temporary, format="png", dpi=150)
    return [out / name for name in figures]


@styled
def plot_bars(study: Study, quantity: str) -> Figure:
    """Test score by learning rate and width, with and without descriptors: figs. 5 and 6.

    They show the seed and batch of the paper's figures if the study has them, else its first.

    Parameters
    ----------
    study : Study
    quantity : "r2" or "mae"
    """
    first = study.trials[0]
    there = {(trial.seed, trial.hyperparameters.batch) for trial in study.trials}
    seed, batch = BARS if BARS in there else (first.seed, first.hyperparameters.batch)
    shown = [t for t in study.trials if (t.seed, t.hyperparameters.batch) == (seed, batch)]
    points = sorted({(t.hyperparameters.hidden, t.hyperparameters.learning_rate) for t in shown})
    baseline = getattr(study.pair_mean(seed), quantity)
    figure = Figure(figsize=(WIDTH, 3.6), layout="constrained")
    axes = figure.subplots()
    values: list[float] = []
    for offset, name in ((-0.2, "graph-descriptors"), (0.2, "graph")):
        found = {
            (t.hyperparameters.hidden, t.hyperparameters.learning_rate): getattr(
                study.scores(t)["test"], quantity
            )
            for t in shown
            if t.architecture == name
        }
        heights = [found[point] for point in points]
        values += heights
        bars = axes.bar(
            np.arange(len(points)) + offset, heights, 0.38, color=_COLOUR[name], label=TITLES[name]
        )
        axes.bar_label(bars, fmt="%.3f", fontsize=8, padding=2)
    axes.axhline(baseline, color=REFERENCE, lw=1, ls="--", label="mean of same polymer and salt")
    axes.set_xticks(range(len(points)), [f"LR {rate:g}\nHN {hidden}" for hidden, rate in points])
    axes.set_xlim(-0.6, max(len(points), 3) - 0.4)
    axes.grid(axis="x", visible=False)
    axes.set_ylim(*_limits([*values, baseline], quantity))
    axes.set_ylabel("R² of the test rows" if quantity == "r2" else "MAE of the test rows")
    axes.set_title(f"Learning rate (LR) and hidden neurons (HN); seed {seed}, batch {batch}")
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.18), ncols=3)
    return figure


def _limits(values: list[float], quantity: str) -> tuple[float, float]:
    if quantity == "mae":
        return 0.0, 1.25 * max(values)
    return math.floor(10 * min(values) - 0.5) / 10, 1.03


@styled
def plot_parity(study: Study) -> Figure:
    """Predicted against measured coefficients, training and test rows: fig. 7."""
    figure = Figure(figsize=(WIDTH, 4.8), layout="constrained")
    for axes, name in zip(figure.subplots(1, 2, sharex=True, sharey=True), TITLES, strict=True):
        trial = shown_trial(study, name)
        split, scores = study.splits[trial.seed], study.scores(trial)
        top = 1.05 * max(study.gamma.max(), trial.predicted.max())
        axes.plot([0, top], [0, top], color=REFERENCE, lw=1)
        for part, rows, marker in (("training", split.training, "o"), ("test", split.test, "D")):
            found = scores[part]
            axes.plot(
                study.gamma[rows],
                trial.predicted[rows],
                marker,
                ms=4.5 if part == "training" else 6,
                color=COLOURS[0] if part == "training" else COLOURS[1],
                alpha=0.75,
                mew=0,
                label=f"{part}: R² {found.r2:.3f}, MAE {found.mae:.3f}",
            )
        axes.set_title(f"{TITLES[name]}; seed {trial.seed}, {short_name(trial)}")
        axes.set_xlabel("measured activity coefficient")
        axes.legend(loc="upper left")
        axes.set_aspect("equal")
    figure.axes[0].set_ylabel("predicted activity coefficient")
    return figure


@styled
def plot_folds(study: Study) -> Figure:
    """Mean squared errors of each fold's network: fig. 9."""
    figure = Figure(figsize=(WIDTH, 3.8), layout="constrained")
    parts = {"training_mse": "training", "validation_mse": "validation fold", "test_mse": "test"}
    for axes, name in zip(figure.subplots(1, 2, sharey=True), TITLES, strict=True):
        trial = shown_trial(study, name)
        for place, key in enumerate(parts):
            errors: Floats = np.array([fold[key] for fold in trial.folds])
            axes.boxplot(
                errors,
                positions=[place],
                widths=0.5,
                showfliers=False,
                medianprops={"color": REFERENCE},
                boxprops={"color": REFERENCE},
                whiskerprops={"color": REFERENCE},
                capprops={"color": REFERENCE},
            )
            jitter = np.linspace(-0.12, 0.12, len(errors))
            axes.plot(place + jitter, errors, "o", ms=4.5, color=COLOURS[place], alpha=0.8, mew=0)
        axes.set_xticks(range(len(parts)), list(parts.values()))
        axes.set_yscale("log")
        axes.grid(axis="x", visible=False)
        axes.set_title(f"{TITLES[name]}; seed {trial.seed}, {short_name(trial)}")
    figure.axes[0].set_ylabel("mean squared error")
    return figure


def shown_trial(study: Study, architecture: str) -> Trial:
    """Return the paper's shown trial if the study has it, else the one that folds chose."""
    for trial in study.trials:
        if (trial.seed, trial.hyperparameters) == SHOWN and trial.architecture == architecture:
            return trial
    return study.chosen(study.trials[0].seed, architecture)


def short_name(trial: Trial) -> str:
    """Name learning rate, hidden neurons and batch as the figures do."""
    values = trial.hyperparameters
    return f"LR {values.learning_rate:g}, HN {values.hidden}, batch {values.batch}"
