"""The command line `voxion activity`: activity coefficients of ions in membranes."""

from __future__ import annotations

import typer

from voxion.activity.descriptors_cli import descriptors
from voxion.activity.evaluate_cli import evaluate
from voxion.activity.explain_cli import explain
from voxion.activity.fit_cli import fit
from voxion.activity.paper_cli import paper
from voxion.activity.predict_cli import predict

app = typer.Typer(
    no_args_is_help=True, help="Activity coefficients of ions in ion-exchange membranes."
)
for command in (fit, evaluate, predict, explain, paper, descriptors):
    app.command()(command)
