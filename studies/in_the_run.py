"""Charges that a model sets in the running LAMMPS, against the matrix solver on the same frames.

python studies/in_the_run.py MODEL SYSTEM [SYSTEM ...]

SYSTEM is a folder of a built and equilibrated system. Writes in_the_run.md beside this file.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from voxion.charges.evaluation.scores import score_charges
from voxion.charges.sampling.electrode import label_electrode
from voxion.charges.sampling.run import model_method, sample_run
from voxion.demo import model_path
from voxion.systems.description import load_system

HEAD = (
    "| system | frames | model: MAE / e | R2 | largest / e | within 0.015 e "
    "| constant: MAE / e | R2 | within 0.015 e |\n|---|---|---|---|---|---|---|---|---|\n"
)

RESULT = Path(__file__).with_suffix(".md")


def main(
    systems: Annotated[list[Path], typer.Argument(help="Built and equilibrated systems.")],
    model: Annotated[Path, typer.Option(help="The embedded model by default.")] = model_path(),  # noqa: B008
    frames: Annotated[int, typer.Option(min=2)] = 20,
    interval: Annotated[float, typer.Option(help="Between frames, ps.")] = 0.2,
    out: Annotated[Path, typer.Option()] = RESULT,
) -> None:
    """Run each system with the model, label the frames with ELECTRODE, compare."""
    text = HEAD + "".join(_row(system, model, frames, interval) for system in systems)
    typer.echo(text)
    out.write_text(f"# {__doc__.splitlines()[0]}\n\n{text}")


def _row(system: Path, model: Path, frames: int, interval: float) -> str:
    description = load_system(system)
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        method = model_method(model, description)
        run = sample_run(system, work / "run.zarr", method, frames, interval, settle=1.0)
        solved = label_electrode(system, run, work / "solved.zarr")
        charges, reference = run.surface_charges(), solved.surface_charges()
    constant = np.full_like(reference, run.total_charge / run.surface_atoms)
    ours, theirs = score_charges(reference, charges), score_charges(reference, constant)
    return (
        f"| {description.title} | {frames} | {ours.mae:.2e} | {ours.r2:.5f} | {ours.largest:.1e} "
        f"| {ours.within_epsilon:.1%} | {theirs.mae:.2e} | {theirs.r2:.2f} "
        f"| {theirs.within_epsilon:.1%} |\n"
    )


if __name__ == "__main__":
    typer.run(main)
