"""The command line `voxion charges`: charges on polarisable surfaces."""

from __future__ import annotations

import typer

from voxion.cli.charges_capacitance import capacitance
from voxion.cli.charges_hardness import app as hardness
from voxion.cli.charges_learning_curve import learning_curve
from voxion.cli.charges_report import report
from voxion.cli.charges_sampling import couple, label, run, sample
from voxion.cli.charges_score import score
from voxion.cli.charges_select import select
from voxion.cli.charges_training import cross_validate, export_model, train

app = typer.Typer(no_args_is_help=True, help="Charges on polarisable surfaces.")
app.command()(sample)
app.command()(label)
app.command()(couple)
app.command()(run)
app.command()(select)
app.command()(train)
app.command("cross-validate")(cross_validate)
app.command("learning-curve")(learning_curve)
app.command()(score)
app.command()(report)
app.command()(capacitance)
app.command("export")(export_model)
app.add_typer(hardness, name="hardness")
