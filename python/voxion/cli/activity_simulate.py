"""The command `voxion activity simulate`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from voxion.cli.options import WaterChoice, print_path
from voxion.errors import VoxionError

console = Console()


def simulate(
    context: typer.Context,
    membranes: Annotated[
        Path,
        typer.Argument(
            help="CSV file: polymer, polymer_smiles, salt, salt_smiles, water_per_ion, salt_conc_M."
        ),
    ],
    out: Annotated[Path, typer.Option(help="Folder of the campaign, new or to be continued.")],
    model: Annotated[
        Path | None, typer.Option(help="Model file of 'voxion activity fit', to predict by.")
    ] = None,
    seeds: Annotated[int, typer.Option(min=1, help="Independent starts of each membrane.")] = 2,
    edge: Annotated[float, typer.Option(help="Estimated edge of the boxes, angstrom.")] = 40.0,
    water_model: Annotated[
        WaterChoice, typer.Option(help="Water, and the ions that go with it.")
    ] = WaterChoice.spce,
    scale: Annotated[
        float, typer.Option(help="Length of the 21 steps of the equilibration; 1 is 1.56 ns.")
    ] = 1.0,
    block: Annotated[
        int, typer.Option(min=500, help="Steps of the blocks that tell if the box has settled.")
    ] = 50_000,
    blocks: Annotated[int, typer.Option(min=2, help="Most of these blocks.")] = 20,
    frames: Annotated[int, typer.Option(min=1, help="Number of configurations.")] = 1000,
    every: Annotated[int, typer.Option(min=1, help="Steps from one to the next.")] = 500,
    processes: Annotated[int, typer.Option(min=1, help="MPI processes of each run.")] = 1,
    label: Annotated[str, typer.Option(help="What the page says of these sizes.")] = "",
    jobs: Annotated[
        int, typer.Option(min=1, help="Number of processors, or of jobs with an executor.")
    ] = 1,
) -> None:
    """Simulate membranes from their SMILES, and predict activity coefficients.

    Builds, equilibrates and runs each membrane, computes its 12 solvation descriptors, and writes
    one page. Stopped at any moment, the same command continues. What follows -- goes to Snakemake,
    such as: -- --executor slurm --default-resources slurm_partition=long
    """
    from voxion.campaigns.membranes.configuration import Campaign, read_membranes
    from voxion.campaigns.membranes.simulate import simulate as run
    from voxion.files import check_content, require_file

    if model is not None:
        require_file(model, "fit one with 'voxion activity fit'")
    content = {
        "label": label,
        "membranes": [one.model_dump(mode="json") for one in read_membranes(membranes)],
        "seeds": seeds,
        "edge": edge,
        "water_model": water_model.value,
        "scale": scale,
        "block": block,
        "blocks": blocks,
        "frames": frames,
        "every": every,
        "processes": processes,
        "model": None if model is None else str(model.resolve()),
    }
    try:
        campaign = check_content(content, Campaign)
    except ValueError as error:
        raise VoxionError(f"The campaign cannot be run: {error}.") from None
    page = run(out, campaign, jobs, context.args)
    if page.exists():  # not after --dry-run
        print_path(console, "Page", page)
