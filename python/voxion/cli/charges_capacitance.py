"""The command `voxion charges capacitance`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

console = Console()
FORMATS = (".png", ".svg", ".pdf")
MICRO = 100.0  # uC/cm^2 of one C/m^2


def capacitance(
    datasets: Annotated[
        list[Path],
        typer.Argument(help="Runs at several charges of the sheet; one of them is neutral."),
    ],
    figure: Annotated[
        Path, typer.Option(help="Figure of the potentials to write (PNG, SVG, PDF).")
    ],
) -> None:
    """Potential against the distance from the sheet, by Poisson's equation, and capacitance."""
    from voxion.charges.analysis.potential_profile import capacitance, potential_profile
    from voxion.charges.data.opening import open_dataset
    from voxion.charges.report.plots import plot_potentials
    from voxion.errors import VoxionError
    from voxion.files import replacing

    if figure.suffix not in FORMATS:
        raise VoxionError(f"{figure}: expected a name that ends in {', '.join(FORMATS)}.")
    profiles = {
        str(path): potential_profile(open_dataset(path), progress=console.is_terminal)
        for path in datasets
    }
    neutral = [p for p in profiles.values() if p.surface_charge == 0]
    if len(neutral) != 1 or len(profiles) < 2:
        raise VoxionError(
            f"Expected one data set with a neutral sheet and others with a charged one, found "
            f"{len(neutral)} with a neutral one among {len(profiles)}."
        )
    table = Table(title="Potential of the sheet against the bulk", title_justify="left")
    for name in ("data set", "frames", "charge / (uC/cm^2)", "drop / V", "C / (uF/cm^2)"):
        table.add_column(name, justify="left" if name == "data set" else "right")
    for name, profile in profiles.items():
        cells = [
            name,
            str(profile.frames),
            f"{profile.surface_charge * MICRO:.2f}",
            f"{profile.drop:.3f} +- {profile.drop_error:.3f}",
        ]
        if profile is not neutral[0]:
            value, error = capacitance(profile, neutral[0])
            cells.append(f"{value:.1f} +- {error:.1f}")
        table.add_row(*cells)
    console.print(table)
    with replacing(figure) as partial:
        plot_potentials(profiles).savefig(partial, dpi=150, format=figure.suffix[1:])
    console.print(f"Figure: {figure}", soft_wrap=True)
