"""The command line: ``voxion ...``. Wrong input ends in one clear line, never in a traceback."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

import voxion
from voxion.cli.activity import app as activity
from voxion.cli.campaign import app as campaign
from voxion.cli.charges import app as charges
from voxion.cli.mdrun import mdrun
from voxion.cli.options import AsJson, Force, output
from voxion.cli.scattering import app as scattering
from voxion.cli.systems import app as systems
from voxion.cli.voxels import app as voxels
from voxion.errors import VoxionError
from voxion.systems import SYSTEM_FILE

app = typer.Typer(
    help="Trained models inside the molecular-dynamics engine: charges in, voxels out.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
# arguments that are not its own are mdrun's
app.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})(mdrun)
app.add_typer(systems, name="systems")
app.add_typer(charges, name="charges")
app.add_typer(voxels, name="voxels")
app.add_typer(scattering, name="scattering")
app.add_typer(activity, name="activity")
app.add_typer(campaign, name="campaign")


@app.callback(invoke_without_command=True)
def _root(
    show_version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    if show_version:
        typer.echo(f"voxion {voxion.__version__}")
        raise typer.Exit


@app.command()
def doctor() -> None:
    """Report what is installed, what the plugin was built against, and what to correct."""
    from voxion.cli.doctor import doctor as examine_and_print

    if examine_and_print():
        raise typer.Exit(1)


@app.command()
def inspect(
    model: Annotated[Path, typer.Argument(help="Model file (TorchScript).")],
    as_json: AsJson = False,
) -> None:
    """Show the contract of a model: inputs, units, sources, training data."""
    from voxion.cli.inspection import inspect_model

    inspect_model(model, as_json=as_json)


@app.command()
def demo(
    out: Annotated[Path, typer.Option(help="Folder to write.")] = Path("demo"),
    frames: Annotated[int, typer.Option(min=10, help="Number of frames, one every 0.2 ps.")] = 20,
    force: Force = False,
) -> None:
    """Run the embedded electrode in LAMMPS with the embedded model, and report."""
    from voxion.demo import run_demo

    with output(out, force, kind=SYSTEM_FILE):
        result = run_demo(out, frames)
    for line in result.lines:
        typer.echo(line)


def main() -> None:
    """Run the command line."""
    try:
        app()
    except VoxionError as error:
        print(f"voxion: {error}", file=sys.stderr)
        sys.exit(1)
