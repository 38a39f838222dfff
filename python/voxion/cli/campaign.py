"""Command line of workflows of many runs: ``voxion campaign ...``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from voxion.cli.options import print_path

app = typer.Typer(help="Run workflows of many runs.", no_args_is_help=True)
console = Console()


@app.callback()
def _campaign() -> None:
    """Run workflows of many runs."""


@app.command("surfactant-nafion", context_settings={"allow_extra_args": True})
def surfactant_nafion(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(help="Folder of the campaign, new or to be continued.")],
    config: Annotated[Path, typer.Option(help="Configuration (.yaml).")],
    jobs: Annotated[
        int, typer.Option(min=1, help="Number of processors, or of jobs with an executor.")
    ] = 1,
) -> None:
    """Simulate surfactants and Nafion, train, transfer, and rebuild structure factors.

    What follows -- goes to Snakemake, such as: -- --executor slurm --default-resources
    slurm_partition=long
    """
    from voxion.campaigns.surfactants.configuration import read_configuration
    from voxion.campaigns.surfactants.run import run_campaign

    page = run_campaign(folder, read_configuration(config), jobs, context.args)
    if page.exists():  # not after --dry-run
        print_path(console, "Page", page)
