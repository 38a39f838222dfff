"""The command line `voxion activity`: activity coefficients of ions in membranes."""

from __future__ import annotations

import typer

from voxion.cli.activity_descriptors import descriptors
from voxion.cli.activity_evaluate import evaluate
from voxion.cli.activity_explain import explain
from voxion.cli.activity_fit import fit
from voxion.cli.activity_predict import predict
from voxion.cli.activity_reproduce import reproduce
from voxion.cli.activity_simulate import simulate

app = typer.Typer(
    no_args_is_help=True, help="Activity coefficients of ions in ion-exchange membranes."
)
app.command()(fit)
app.command()(evaluate)
app.command()(predict)
app.command()(explain)
app.command()(reproduce)
app.command()(descriptors)
app.command(context_settings={"allow_extra_args": True})(simulate)
