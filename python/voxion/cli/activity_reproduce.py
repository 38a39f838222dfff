"""The command `voxion activity paper`: the study of Naghshnejad et al. on any data set."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from voxion.cli.activity_options import Data, Molecules

console = Console()


def paper(
    out: Annotated[Path, typer.Option(help="Folder of the study; what it has is not done again.")],
    data: Data = None,
    molecules: Molecules = None,
    hidden: Annotated[
        list[int] | None, typer.Option(min=1, help="Width of the layers; repeatable.")
    ] = None,
    learning_rate: Annotated[list[float] | None, typer.Option(help="Of Adam; repeatable.")] = None,
    batch: Annotated[
        list[int] | None, typer.Option(min=1, help="Rows in a step; repeatable.")
    ] = None,
    seed: Annotated[
        list[int] | None,
        typer.Option(help="Of split, folds, weights and batches: 28, 42 or 48; repeatable."),
    ] = None,
    folds: Annotated[int, typer.Option(min=2, help="Of the cross-validation.")] = 11,
    epochs: Annotated[int, typer.Option(min=1, help="At most, of each network.")] = 1000,
) -> None:
    """Run the paper's grid with and without descriptors; table 3 and figs. 5, 6, 7 and 9.

    Without further options it is the whole grid. Stopped, it goes on where it was.
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
    study = run_study(
        read_given(data, molecules),
        grid,
        out,
        folds=folds,
        epochs=epochs,
        progress=console.is_terminal,
    )
    save_figures(study, out)
    console.print(_table(study))
    console.print(f"All numbers: {out / 'table3.csv'}; figures beside it.", soft_wrap=True)


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
