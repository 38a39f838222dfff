"""The command `voxion activity explain`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from voxion.cli.activity_options import Data, Molecules
from voxion.cli.options import AsJson, Force, output, print_json

console = Console()


def explain(
    model: Annotated[Path, typer.Argument(help="Graph model of 'voxion activity fit'.")],
    out: Annotated[Path, typer.Option(help="Folder to write: page, maps and tables.")],
    data: Data = None,
    molecules: Molecules = None,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Map which atoms raise and which lower the predicted coefficients, and check the maps."""
    from voxion.activity.explain.page import PAGE_FILE, explain_model
    from voxion.cli.activity_options import read_given

    rows = read_given(data, molecules)
    shown = console.is_terminal and not as_json
    with output(out, force, kind=PAGE_FILE):
        found = explain_model(model, rows, out, progress=shown)
    if as_json:
        print_json(found)
        return
    table = Table(title="Means over the membranes", title_justify="left")
    for name in ("", *found):
        table.add_column(name, justify="right" if name else "left")
    for row, text in CHECKS.items():
        table.add_row(text, *(_number(one[row]) for one in found.values()))
    console.print(table)
    console.print(f"Page: {(out / PAGE_FILE).resolve().as_uri()}", soft_wrap=True)


CHECKS = {
    "members": "rank correlation, trained networks with each other",
    "shuffled": "rank correlation with shuffled weights",
    "shuffled_absolute": "the same, absolute",
    "raising_first": "masked, raising atoms first: mean change of gamma",
    "random": "masked in random order",
    "lowering_first": "masked, lowering atoms first",
}


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:+.3f}"
