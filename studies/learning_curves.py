"""Error on later frames against the number of frames to learn from.

python studies/learning_curves.py DFTB_DATA ELECTRODE_DATA

The models of `voxion charges learning-curve`, and the linear response refined from ELECTRODE's: its
coefficients, fitted to ELECTRODE's charges in all frames before the held-out ones, are scaled to
the chosen frames, and the ridge penalty acts on what is added to them. The two data sets have the
same frames. Writes learning_curves.md and docs/figures/learning_curves.png.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import numpy as np
import torch
import typer
from rich.progress import track

from voxion.charges.data.features import SiteFrames, site_frames
from voxion.charges.data.opening import open_dataset
from voxion.charges.data.splits import split_frames
from voxion.charges.defaults import CURVE_FRAMES, CURVE_REPEATS, CUTOFF, SHELLS, WIDTHS
from voxion.charges.evaluation.scores import score_charges
from voxion.charges.models.linear_response import Moments, fit_linear_response, moments
from voxion.charges.models.shells import shell_edges
from voxion.charges.models.site_potentials import SitePotentialsModel
from voxion.charges.training.learning_curve import (
    CurvePoint,
    choose_frames,
    draw,
    learning_curve,
)
from voxion.contract.schema import RadialFunctions
from voxion.training_folder import torch_threads

# The paper's network learns nothing from fewer, and takes minutes.
ION_FRAMES, ION_REPEATS = (20, 100, 148), 3
RESULT = Path(__file__).with_suffix(".md")
FIGURES = Path(__file__).parents[1] / "docs" / "figures"
HEAD = """| model | frames | MAE | R2 | within 0.015 e | each atom's mean: MAE |
|---|---|---|---|---|---|
"""


def main(
    dftb: Annotated[Path, typer.Argument(help="Data set with DFTB charges.")],
    electrode: Annotated[Path, typer.Argument(help="The same frames with ELECTRODE's.")],
    work: Annotated[Path, typer.Option(help="Folder for the points, continued if it is there.")],
    out: Annotated[Path, typer.Option()] = RESULT,
) -> None:
    """Draw all learning curves; mean and standard deviation over the choices of frames."""
    linear = learning_curve(
        dftb,
        work / "linear",
        models=("site-potentials", "tight-binding"),
        resume=True,
        progress=True,
    )
    paper = learning_curve(
        dftb,
        work / "paper",
        models=("ion-positions",),
        frames=ION_FRAMES,
        repeats=ION_REPEATS,
        resume=True,
        progress=True,
    )
    with torch_threads(1):
        refined = refined_curve(dftb, electrode, linear)
    points = [*linear, *refined, *paper]
    text = HEAD + "".join(_rows(points))
    text += (
        f"| the same for all | | {linear[0].constant_mae:.2e} | 0 "
        f"| {linear[0].constant_within:.1%} | |\n"
    )
    typer.echo(text)
    heading = "Mean and standard deviation over choices of frames; errors in e."
    out.write_text(f"# {__doc__.splitlines()[0]}\n\n{heading}\n\n{text}")
    draw(points).savefig(FIGURES / "learning_curves.png", dpi=150)


def refined_curve(dftb: Path, electrode: Path, scratch: Sequence[CurvePoint]) -> list[CurvePoint]:
    """Points of the linear response that starts from ELECTRODE's; `scratch` has the baselines."""
    dataset = open_dataset(dftb)
    frames = site_frames(dataset, RadialFunctions(widths=WIDTHS, cutoff=CUTOFF))
    others = replace(frames, charges=open_dataset(electrode).surface_charges())
    edges = shell_edges(dataset.surface_positions, dataset.cells[0], SHELLS)
    model = SitePotentialsModel(
        torch.from_numpy(edges), len(WIDTHS), dataset.total_charge / dataset.surface_atoms
    )
    parts = split_frames(dataset.frames)
    fit_linear_response(
        model,
        moments(model, [others.take(parts.training)]),
        moments(model, [others.take(parts.validation)]),
    )
    known = model.coefficients().numpy()
    baselines = {(p.frames, p.choice): p for p in scratch}
    points = []
    for count in track(CURVE_FRAMES, "refined"):
        for choice in range(CURVE_REPEATS):
            parts = choose_frames(dataset.frames, count, choice)
            training, validation = (
                moments(model, [frames.take(part)]) for part in (parts.training, parts.validation)
            )
            start = known * (known @ training.xy) / (known @ training.xx @ known)
            scaled = torch.from_numpy(start)
            for name in ("ELECTRODE's, scaled", "ELECTRODE's, refined"):
                model.set_coefficients(scaled)
                if name.endswith("refined"):
                    fit_linear_response(model, _beyond(training, start), _beyond(validation, start))
                    model.set_coefficients(model.coefficients() + scaled)
                held = frames.take(parts.held_out)
                points.append(_point(model, held, name, baselines[count, choice]))
    return points


def _beyond(known: Moments, start: np.ndarray) -> Moments:
    """Moments with what some coefficients explain taken from the response."""
    explained = known.xx @ start
    left = known.yy - float(start @ (2 * known.xy - explained))
    return Moments(known.xx, known.xy - explained, left)


def _point(model: SitePotentialsModel, held: SiteFrames, name: str, like: CurvePoint) -> CurvePoint:
    surface, cell = torch.from_numpy(held.surface_positions), torch.from_numpy(held.cell)
    predicted = [model(torch.from_numpy(p), surface, cell).numpy() for p in held.potentials]
    scores = score_charges(held.charges, np.stack(predicted))
    return replace(
        like, model=name, mae=scores.mae, r2=scores.r2, within_epsilon=scores.within_epsilon
    )


def _rows(points: list[CurvePoint]) -> list[str]:
    rows = []
    for model, frames in dict.fromkeys((p.model, p.frames) for p in points):
        group = [p for p in points if (p.model, p.frames) == (model, frames)]
        mae, r2, within, means = (
            np.array([getattr(p, name) for p in group])
            for name in ("mae", "r2", "within_epsilon", "atom_mean_mae")
        )
        rows.append(
            f"| {model} | {frames} | {mae.mean():.2e} +- {mae.std():.0e} "
            f"| {r2.mean():.5f} +- {r2.std():.0e} | {within.mean():.1%} | {means.mean():.2e} |\n"
        )
    return rows


if __name__ == "__main__":
    typer.run(main)
