"""Distance from the training data against the error of the charges, on systems beyond it.

python studies/distance.py --work FOLDER

A site-potentials model learns ELECTRODE's charges of one system, and predicts those of others:
other sizes, molarities, charges and temperatures, strained sheets. Writes distance.md and
.png in docs/figures. What is in the work folder already is not made again.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import typer
from matplotlib.figure import Figure
from numpy.typing import NDArray
from scipy.stats import spearmanr

from voxion.charges.data.dataset import ChargeDataset
from voxion.charges.data.opening import open_dataset
from voxion.charges.evaluation.distance import TrainedGround
from voxion.charges.evaluation.force_errors import score_forces
from voxion.charges.evaluation.scores import predict
from voxion.charges.sampling.electrode import ElectrodeLabels
from voxion.charges.training.run import make_settings, train
from voxion.engines.lammps import run_lammps
from voxion.figures import COLOURS, styled
from voxion.systems import graphene

RESULT = Path(__file__).with_suffix(".md")
FIGURES = Path(__file__).parents[1] / "docs" / "figures"
STANDARD = {"cells": (8, 6), "total_charge": -2, "molarity": 1.0, "thickness": 30.0}
KELVIN = 300
TRAINING_FRAMES, FRAMES = 150, 15
INTERVAL, SETTLE, STEPS = 0.2, 1.0, 2500  # ps, ps, steps of equilibration
MARKERS = "osD^v<>phX*Pd"


@dataclass(frozen=True)
class System:
    """Difference of a system from that of the training."""

    changes: dict[str, Any] = field(default_factory=dict)
    strain: float = 0.0
    kelvin: int = KELVIN


SYSTEMS = {
    "training": System(),
    "another run": System(),
    "384 C": System({"cells": (12, 8), "total_charge": -4}),
    "4 M": System({"molarity": 4.0}),
    "water, neutral": System({"molarity": 0.0, "total_charge": 0}),
    "neutral": System({"total_charge": 0}),
    "-8 e": System({"total_charge": -8}),
    "+8 e": System({"total_charge": 8}),
    "450 K": System(kelvin=450),
    "60 water": System({"molarity": None, "waters": 60, "cations": 5, "anions": 3}),
    "strained 2 %": System(strain=0.02),
    "strained 5 %": System(strain=0.05),
    "strained 10 %": System(strain=0.10),
}


@dataclass(frozen=True)
class Found:
    """Distance and rms error (e) of each frame; error of the forces over the constant's."""

    distances: NDArray[np.float64]
    errors: NDArray[np.float64]
    forces: float


def main(
    work: Annotated[Path, typer.Option(help="Folder for systems, data sets and the model.")],
) -> None:
    """Build, run, train, score."""
    data = {}
    for number, (name, system) in enumerate(SYSTEMS.items()):
        frames = FRAMES if number else TRAINING_FRAMES
        data[name] = sampled(system, work / f"{number:02}", 11 + number, frames)
    settings = make_settings([data.pop("training").path], epochs=0)
    model = train(settings, work / "trained", resume=True).model_path
    found = {name: _found(model, dataset) for name, dataset in data.items()}
    text = _table(found)
    typer.echo(text)
    RESULT.write_text(f"# {__doc__.splitlines()[0]}\n\n{text}")
    _figure(found).savefig(FIGURES / "distance.png", dpi=130)


def sampled(system: System, folder: Path, seed: int, frames: int) -> ChargeDataset:
    """Build, equilibrate and run one system with ELECTRODE's charges."""
    output = folder.with_suffix(".zarr")
    if not output.exists():
        bond = graphene.BOND_LENGTH
        try:
            graphene.BOND_LENGTH = bond * (1 + system.strain)  # no builder makes strained sheets
            graphene.GrapheneSystem(**{**STANDARD, **system.changes}).build(folder, seed=seed)
        finally:
            graphene.BOND_LENGTH = bond
        for name in ("in.equilibrate", "in.dynamics"):
            file = folder / name
            file.write_text(file.read_text().replace(f"{KELVIN}.0", f"{system.kelvin}.0"))
        run_lammps(folder / "in.equilibrate", variables={"steps": STEPS})
        ElectrodeLabels(folder).sample(output, frames, INTERVAL, settle=SETTLE)
    return open_dataset(output)


def _found(model: Path, dataset: ChargeDataset) -> Found:
    frames = np.arange(dataset.frames)
    errors = predict(model, dataset, frames, frames).errors()
    looks = TrainedGround(model).look_at_all(dataset)
    return Found(
        distances=np.array([distance for _, distance in looks]),
        errors=np.sqrt(np.square(errors["model"]).mean(1)),
        forces=score_forces(dataset, frames, errors).model.relative,
    )


def _table(found: dict[str, Found]) -> str:
    lines = [
        "Distance 1 is the furthest site of the training data; errors of the forces are those of "
        "the model over those of the same charge for all atoms.\n",
        "| system | frames | distance: median | largest | rms error / e | forces |",
        "|---|---|---|---|---|---|",
    ]
    for name, one in found.items():
        rms = np.sqrt(np.square(one.errors).mean())
        lines.append(
            f"| {name} | {len(one.errors)} | {np.median(one.distances):.2f} "
            f"| {one.distances.max():.2f} | {rms:.1e} | {one.forces:.1%} |"
        )
    distances, errors = (
        np.concatenate([getattr(one, name) for one in found.values()])
        for name in ("distances", "errors")
    )
    rank = spearmanr(distances, errors).statistic
    return "\n".join(lines) + f"\n\nRank correlation over all frames: {rank:.2f}\n"


@styled
def _figure(found: dict[str, Found]) -> Figure:
    figure = Figure((7.5, 4.4), layout="constrained")
    axes = figure.subplots()
    for index, (name, one) in enumerate(found.items()):
        axes.plot(
            one.distances,
            one.errors,
            MARKERS[index],
            color=COLOURS[index % len(COLOURS)],
            ms=4,
            alpha=0.7,
            label=name,
        )
    axes.axvline(1.0, color="#8a9099", lw=0.8)
    axes.set(
        xscale="log",
        yscale="log",
        xlabel="distance (1: furthest site of the training data)",
        ylabel="rms error of the charges in a frame / e",
    )
    axes.legend(loc="lower right", fontsize=8, ncols=2)
    return figure


if __name__ == "__main__":
    typer.run(main)
