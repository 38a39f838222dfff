"""The command `voxion charges capacitance`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from voxion.cli.options import AsJson, Force, output, print_json, print_path

console = Console()
FORMATS = (".png", ".svg", ".pdf")
MICRO = 100.0  # uC/cm^2 of one C/m^2


def capacitance(
    datasets: Annotated[
        list[Path],
        typer.Argument(help="Runs at several charges of the sheet; one of them is neutral."),
    ],
    out: Annotated[
        Path, typer.Option(help="Figure of the potentials to write (.png, .svg or .pdf).")
    ],
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Compute the potential by Poisson's equation, and the capacitance of the sheet.

    Potentials are in V against the bulk, charges in uC/cm^2, capacitances in uF/cm^2.
    """
    from voxion.charges.analysis.potential_profile import capacitance, potential_profile
    from voxion.charges.data.opening import open_dataset
    from voxion.charges.report.plots import plot_potentials
    from voxion.errors import VoxionError
    from voxion.files import replacing

    if out.suffix not in FORMATS:
        raise VoxionError(f"--out {out}: expected a name that ends in {', '.join(FORMATS)}.")
    shown = console.is_terminal and not as_json
    profiles = {
        str(path): potential_profile(open_dataset(path), progress=shown) for path in datasets
    }
    neutral = [p for p in profiles.values() if p.surface_charge == 0]
    if len(neutral) != 1 or len(profiles) < 2:
        raise VoxionError(
            f"Expected one data set with a neutral sheet and others with a charged one, found "
            f"{len(neutral)} with a neutral one among {len(profiles)}."
        )
    rows = []
    for name, profile in profiles.items():
        row = {
            "dataset": name,
            "frames": profile.frames,
            "charge": profile.surface_charge * MICRO,
            "drop": profile.drop,
            "drop_error": profile.drop_error,
        }
        if profile is not neutral[0]:
            row["capacitance"], row["capacitance_error"] = capacitance(profile, neutral[0])
        rows.append(row)
    with output(out, force), replacing(out) as partial:
        plot_potentials(profiles).savefig(partial, dpi=150, format=out.suffix[1:])
    if as_json:
        print_json(rows)
        return
    console.print(_table(rows))
    print_path(console, "Figure", out)


def _table(rows: list[dict[str, Any]]) -> Table:
    table = Table(title="Potential of the sheet against the bulk", title_justify="left")
    for name in ("data set", "frames", "charge / (uC/cm^2)", "drop / V", "C / (uF/cm^2)"):
        table.add_column(name, justify="left" if name == "data set" else "right")
    for row in rows:
        cells = [
            row["dataset"],
            str(row["frames"]),
            f"{row['charge']:.2f}",
            f"{row['drop']:.3f} +- {row['drop_error']:.3f}",
        ]
        if "capacitance" in row:
            cells.append(f"{row['capacitance']:.1f} +- {row['capacitance_error']:.1f}")
        table.add_row(*cells)
    return table
