"""The command ``voxion mdrun``: GROMACS's mdrun with voxion's jobs in it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def mdrun(
    context: typer.Context,
    jobs: Annotated[Path, typer.Option(help="Jobs file: what the kernel does in the run.")],
    gmx: Annotated[str, typer.Option(help="The GROMACS program.")] = "gmx",
    grompp: Annotated[
        str | None,
        typer.Option(
            help="Arguments of gmx grompp that made the run input, in quotes; needed to continue "
            "(-cpi) a run with charge jobs."
        ),
    ] = None,
    gmxapi: Annotated[
        bool,
        typer.Option(
            "--gmxapi",
            help="Run through the Python package gmxapi, in a folder that it makes; the paths in "
            "the jobs file must be absolute.",
        ),
    ] = False,
) -> None:
    """Run gmx mdrun with trained charges and voxels; all other arguments are mdrun's own."""
    from voxion.engines.mdrun import check_gmxapi, prepare, start, start_in_gmxapi

    launch = prepare(jobs, context.args, program=gmx, grompp=grompp)
    if launch.continues is not None:
        tpr = launch.arguments[launch.arguments.index("-s") + 1]
        typer.echo(f"step {launch.continues}: its charges are in the run input {tpr}", err=True)
    if gmxapi:
        check_gmxapi(jobs, launch)
        start_in_gmxapi(launch)
    else:
        start(launch)
