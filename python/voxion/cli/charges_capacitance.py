"""The command `voxion charges capacitance`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from voxion.cli.options import AsJson, Force, output, print_json, print_path
from voxion.systems.conditions import TEMPERATURE

if TYPE_CHECKING:
    from voxion.charges.data.dataset import ChargeDataset

console = Console()
FORMATS = (".png", ".svg", ".pdf")
MICRO = 100.0  # uC/cm^2 of one C/m^2


def capacitance(
    datasets: Annotated[
        list[Path],
        typer.Argument(
            help="Runs at several charges of the sheet, one of them neutral; or runs of two "
            "electrodes at potential differences."
        ),
    ],
    out: Annotated[Path, typer.Option(help="Figure to write (.png, .svg or .pdf).")],
    temperature: Annotated[
        float, typer.Option(help="Of two electrodes: temperature of the runs, K.")
    ] = TEMPERATURE,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Compute the capacitance of a sheet, or of two electrodes at potential differences.

    Of a sheet: from the potential by Poisson's equation, in V against the bulk. Of two electrodes:
    from the fluctuations of their charge, and from its slope against the voltage. Charges are in
    uC/cm^2, capacitances in uF/cm^2.
    """
    from voxion.charges.data.opening import open_dataset
    from voxion.errors import VoxionError

    if out.suffix not in FORMATS:
        raise VoxionError(f"--out {out}: expected a name that ends in {', '.join(FORMATS)}.")
    opened = [open_dataset(path) for path in datasets]
    at_potentials = [dataset.electrodes is not None for dataset in opened]
    if all(at_potentials):
        _of_pair(opened, out, temperature, force, as_json)
    elif any(at_potentials):
        raise VoxionError(
            "Some of the data sets have electrodes at given potentials and some have not: expected "
            "one kind."
        )
    else:
        _of_sheet(opened, out, force, as_json)


def _of_pair(
    datasets: list[ChargeDataset], out: Path, temperature: float, force: bool, as_json: bool
) -> None:
    from voxion.charges.analysis.pair_capacitance import pair_capacitance
    from voxion.charges.report.plots import plot_charging
    from voxion.files import replacing

    found = pair_capacitance(datasets, temperature)
    with output(out, force), replacing(out) as partial:
        plot_charging(found).savefig(partial, dpi=150, format=out.suffix[1:])
    if as_json:
        rows = [
            {
                "voltage": one.voltage,
                "frames": len(one.charges),
                "charge": one.mean,
                "charge_error": one.mean_error,
                "capacitance": one.capacitance,
                "capacitance_error": one.error,
            }
            for one in found.voltages
        ]
        print_json(
            {
                "voltages": rows,
                "empty": found.empty,
                "slope": found.slope,
                "slope_error": found.slope_error,
            }
        )
        return
    table = Table(title="Charge of the upper electrode, capacitance of the cell",
                  title_justify="left")  # fmt: skip
    for name in ("voltage / V", "frames", "charge / e", "C / (uF/cm^2)"):
        table.add_column(name, justify="right")
    for one in found.voltages:
        table.add_row(
            f"{one.voltage:g}",
            str(len(one.charges)),
            f"{one.mean:.4f} +- {one.mean_error:.4f}",
            f"{one.capacitance:.3f} +- {one.error:.3f}",
        )
    console.print(table)
    if found.slope is not None:
        console.print(
            f"slope of the charge: {found.slope:.3f} +- {found.slope_error:.3f} uF/cm^2; empty "
            f"cell: {found.empty:.4f} uF/cm^2"
        )
    print_path(console, "Figure", out)


def _of_sheet(datasets: list[ChargeDataset], out: Path, force: bool, as_json: bool) -> None:
    from voxion.charges.analysis.potential_profile import capacitance, potential_profile
    from voxion.charges.report.plots import plot_potentials
    from voxion.errors import VoxionError
    from voxion.files import replacing

    shown = console.is_terminal and not as_json
    profiles = {str(data.path): potential_profile(data, progress=shown) for data in datasets}
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
