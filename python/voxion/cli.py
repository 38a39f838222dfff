"""The command line: ``voxion ...``. Wrong input ends in one clear line, never in a traceback."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

import voxion
from voxion.activity.cli import app as activity
from voxion.charges.capacitance_cli import capacitance
from voxion.charges.cli import app as charges
from voxion.charges.engine_cli import couple, label, run, sample
from voxion.charges.learning_curve_cli import learning_curve
from voxion.charges.report_cli import report
from voxion.charges.select_cli import select
from voxion.charges.variational_cli import app as variational
from voxion.engines.mdrun_cli import mdrun
from voxion.errors import VoxionError
from voxion.systems.cli import app as systems
from voxion.voxels.classifier_cli import export_model, train
from voxion.voxels.classifier_cli import score as score_classifier
from voxion.voxels.cli import app as voxels
from voxion.voxels.explain_cli import explain, morphology

app = typer.Typer(
    help="Trained models inside the molecular-dynamics engine: charges in, voxels out.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
for charge_command in (sample, label, couple, run, report, select, learning_curve, capacitance):
    charges.command()(charge_command)
for voxel_command in (train, score_classifier, export_model, explain, morphology):
    voxels.command()(voxel_command)
# arguments that are not its own are mdrun's
app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})(mdrun)
charges.add_typer(variational, name="variational")
app.add_typer(systems, name="systems")
app.add_typer(charges, name="charges")
app.add_typer(voxels, name="voxels")
app.add_typer(activity, name="activity")


@app.callback(invoke_without_command=True)
def _root(
    show_version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    if show_version:
        typer.echo(f"voxion {voxion.__version__}")
        raise typer.Exit


@app.command()
def doctor() -> None:
    """Tell what is installed, what the plugin was built against, and what to mend."""
    from voxion.doctor import doctor as examine_and_print

    if examine_and_print():
        raise typer.Exit(1)


@app.command()
def inspect(
    model: Annotated[Path, typer.Argument(help="A model file (TorchScript).")],
    json: Annotated[bool, typer.Option("--json", help="Print the contract as JSON.")] = False,
) -> None:
    """Show what a model says of itself: inputs, units, sources, training data."""
    from voxion.inspection import inspect_model

    inspect_model(model, as_json=json)


@app.command()
def demo(
    folder: Annotated[Path, typer.Argument(help="New folder.")] = Path("demo"),
    frames: Annotated[int, typer.Option(min=10, help="Frames, one every 0.2 ps.")] = 20,
) -> None:
    """Run the embedded electrode in LAMMPS with the embedded model, and report."""
    from voxion.demo import run_demo

    for line in run_demo(folder, frames).lines:
        typer.echo(line)


def main() -> None:
    """Run the command line."""
    try:
        app()
    except VoxionError as error:
        print(f"voxion: {error}", file=sys.stderr)
        sys.exit(1)
