"""The command line: ``voxion ...``. Wrong input ends in one clear line, never in a traceback."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

import voxion
from voxion.cli.activity import app as activity
from voxion.cli.charges import app as charges
from voxion.cli.charges_capacitance import capacitance
from voxion.cli.charges_learning_curve import learning_curve
from voxion.cli.charges_report import report
from voxion.cli.charges_sampling import couple, label, run, sample
from voxion.cli.charges_select import select
from voxion.cli.charges_variational import app as variational
from voxion.cli.mdrun import mdrun
from voxion.cli.systems import app as systems
from voxion.cli.voxels import app as voxels
from voxion.cli.voxels_classifier import export_model, train
from voxion.cli.voxels_classifier import score as score_classifier
from voxion.cli.voxels_explain import explain, morphology
from voxion.errors import VoxionError

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
    from voxion.cli.doctor import doctor as examine_and_print

    if examine_and_print():
        raise typer.Exit(1)


@app.command()
def inspect(
    model: Annotated[Path, typer.Argument(help="A model file (TorchScript).")],
    json: Annotated[bool, typer.Option("--json", help="Print the contract as JSON.")] = False,
) -> None:
    """Show what a model says of itself: inputs, units, sources, training data."""
    from voxion.cli.inspection import inspect_model

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
