"""The command `voxion activity reproduce`: the study of Naghshnejad et al. on any data set."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from voxion.cli.activity_options import Data, Molecules
from voxion.cli.options import Force, Resume, output
from voxion.training_folder import SETTINGS_FILE

console = Console()
PAPER = "of the paper"


def reproduce(
    out: Annotated[Path, typer.Option(help="Folder of the study to write.")],
    data: Data = None,
    molecules: Molecules = None,
    hidden: Annotated[
        list[int] | None,
        typer.Option(min=1, help="Width of the layers; repeatable.", show_default=PAPER),
    ] = None,
    learning_rate: Annotated[
        list[float] | None,
        typer.Option(help="Learning rate of Adam; repeatable.", show_default="of the paper"),
    ] = None,
    batch: Annotated[
        list[int] | None,
        typer.Option(
            min=1, help="Number of rows in a step; repeatable.", show_default="of the paper"
        ),
    ] = None,
    seed: Annotated[
        list[int] | None,
        typer.Option(help="Seed: 28, 42 or 48; repeatable.", show_default="all three"),
    ] = None,
    folds: Annotated[int, typer.Option(min=2, help="Number of folds.")] = 11,
    epochs: Annotated[int, typer.Option(min=1, help="Largest number of epochs.")] = 1000,
    resume: Resume = False,
    force: Force = False,
) -> None:
    """Train the networks of the paper's grid; write its table 3 and figures 5, 6, 7 and 9.

    The grid is that of the paper unless options make it smaller.
    """
    from voxion.activity.reproduction.figures import save_figures
    from voxion.activity.reproduction.study import Grid, run_study
    from voxion.cli.activity_options import read_given

    whole = Grid()
    grid = Grid(
        tuple(hidden or whole.hidden),
        tuple(learning_rate or whole.learning_rates),
        tuple(batch or whole.batches),
        tuple(seed or whole.seeds),
    )
    rows = read_given(data, molecules)
    with output(out, force, resume, SETTINGS_FILE):
        study = run_study(
            rows,
            grid,
            out,
            folds=folds,
            epochs=epochs,
            progress=console.is_terminal,
        )
    save_figures(study, out)
    console.print(_table(study))
    console.print(f"Table: {out / 'table3.csv'}; figures are beside it.", soft_wrap=True)


def _table(study: object) -> Table:
    """Table 3, and the trivial baseline of each seed."""
    from voxion.activity.reproduction.figures import TITLES
    from voxion.activity.reproduction.study import ARCHITECTURES, Study

    assert isinstance(study, Study)
    table = Table(title="Test rows; error of what the folds held out", title_justify="left")
    for name in ("seed", "model", "R²", "MAE", "RMSE", "SD", "folds' RMSE"):
        table.add_column(name, justify="left" if name == "model" else "right")
    for seed in study.splits:
        mean = study.pair_mean(seed)
        row = [f"{v:.3f}" for v in (mean.r2 or 0.0, mean.mae, mean.rmse, mean.std)]
        table.add_row(str(seed), "mean of the same polymer and salt", *row, "")
        chosen = {name: study.chosen(seed, name) for name in ARCHITECTURES}
        for trial in study.trials:
            if trial.seed != seed:
                continue
            test, held_out = study.scores(trial)["test"], study.scores(trial)["held out"]
            row = [f"{v:.3f}" for v in (test.r2 or 0.0, test.mae, test.rmse, test.std)]
            mark = " *" if trial is chosen[trial.architecture] else ""
            name = f"{TITLES[trial.architecture]}, {trial.hyperparameters.name}{mark}"
            table.add_row(str(seed), name, *row, f"{held_out.rmse:.3f}")
        table.add_section()
    table.caption = "* lowest error of what the folds held out: the choice without the test rows"
    return table
