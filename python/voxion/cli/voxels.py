"""The command line `voxion voxels`: voxel grids of a run, and the phases in them."""

from __future__ import annotations

import typer

from voxion.cli.voxels_classifier import classify, export_model, score, train
from voxion.cli.voxels_explain import explain, morphology
from voxion.cli.voxels_stores import convert, info, pack, page

app = typer.Typer(no_args_is_help=True, help="Voxel grids of a run, and the phases in them.")
app.command()(info)
app.command()(pack)
app.command()(convert)
app.command()(page)
app.command()(morphology)
app.command()(train)
app.command()(score)
app.command("export")(export_model)
app.command()(classify)
app.command()(explain)
