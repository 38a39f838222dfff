"""Command line of the system builders: ``voxion systems ...``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer
from rich.console import Console
from rich.table import Table

from voxion.errors import VoxionError

if TYPE_CHECKING:
    from voxion.systems.description import Engine, SystemDescription
    from voxion.systems.surfactant import SurfactantDescription

app = typer.Typer(help="Build systems that run as they are.", no_args_is_help=True)
console = Console()


@app.callback()
def _systems() -> None:
    """Build systems that run as they are."""


@app.command()
def graphene(
    out: Annotated[Path, typer.Argument(help="Folder for coordinates and inputs.")],
    engine: Annotated[str, typer.Option(help="That runs it: lammps or gromacs.")] = "lammps",
    carbons: Annotated[
        int | None, typer.Option(help="Carbons of a nearly square sheet; 336 by default.")
    ] = None,
    cells: Annotated[
        tuple[int, int] | None,
        typer.Option(help="Instead of carbons: cells of 4 C along x (2.46 A) and y (4.26 A)."),
    ] = None,
    charge: Annotated[int, typer.Option(help="Total charge of the (lower) sheet, e.")] = -4,
    molarity: Annotated[
        float | None, typer.Option(help="mol NaCl per litre of liquid; 2.27 by default.")
    ] = None,
    thickness: Annotated[
        float, typer.Option(help="From the sheet to the wall or the other sheet, angstrom.")
    ] = 80.0,
    waters: Annotated[int | None, typer.Option(help="Number of water molecules.")] = None,
    cations: Annotated[int | None, typer.Option(help="Number of Na+.")] = None,
    anions: Annotated[int | None, typer.Option(help="Number of Cl-.")] = None,
    capacitor: Annotated[
        bool, typer.Option("--capacitor", help="Two sheets of opposite charge.")
    ] = False,
    boundary: Annotated[
        str, typer.Option(help="ppf: bounded along z, slab correction; ppp: periodic, vacuum.")
    ] = "ppf",
    vacuum: Annotated[
        float | None, typer.Option(help="Between images along z, angstrom; 80 or more by default.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of packing and velocities.")] = 1,
) -> None:
    """Graphene in contact with NaCl in SPC/E water; the defaults are 336 C at -4 e."""
    from voxion.systems.graphene import GrapheneSystem, cells_for

    if carbons is not None and cells is not None:
        raise VoxionError("Give either --carbons or --cells, not both.")
    if carbons is not None:
        cells = cells_for(carbons)
    system = GrapheneSystem(
        cells=cells or GrapheneSystem.cells,
        total_charge=charge,
        thickness=thickness,
        molarity=molarity,
        waters=waters,
        cations=cations,
        anions=anions,
        capacitor=capacitor,
        boundary=boundary,
        vacuum=vacuum,
    )
    with console.status(f"packing {system.counts()[0]} water molecules"):
        description = system.build(out, seed, cast("Engine", engine))
    _show(description, out)


@app.command()
def surfactant(
    out: Annotated[Path, typer.Argument(help="Folder for data file and inputs.")],
    hydration: Annotated[int, typer.Option(help="Water per head, lambda.")],
    beads: Annotated[int, typer.Option(help="Of all kinds together, nearly.")] = 6000,
    seed: Annotated[int, typer.Option(help="Of start, velocities and thermostat.")] = 1,
) -> None:
    """Ionic surfactant in water by dissipative particle dynamics: phases form in minutes."""
    from voxion.systems.surfactant import SurfactantSystem

    description = SurfactantSystem(hydration=hydration, beads=beads).build(out, seed)
    _show_surfactant(description, out)


def _show_surfactant(description: SurfactantDescription, out: Path) -> None:
    table = Table(title=description.title, show_header=False)
    table.add_row("box", f"{description.edge:.2f} r_c at the start")
    table.add_row("pressure", f"{description.pressure:g} kT/r_c^3")
    for species in description.species:
        table.add_row(species.name, f"{species.count} of {species.charge:+g} e")
    console.print(table)
    console.print(f"next: cd {out} && lmp -in in.equilibrate", soft_wrap=True)


def _show(description: SystemDescription, out: Path) -> None:
    table = Table(title=description.title, show_header=False)
    edges, (low, high) = description.edges, description.box_z
    table.add_row("box", f"{edges[0]:.2f} x {edges[1]:.2f} A, z from {low:g} to {high:g} A")
    table.add_row("electrolyte", f"{description.thickness:g} A, {description.molarity:.2f} mol/L")
    for surface in description.surfaces:
        table.add_row(f"group {surface.group}", f"{surface.atoms} C, {surface.charge:+g} e")
    for species in description.species:
        table.add_row(species.name, f"{species.count} of {species.charge:+g} e")
    console.print(table)
    following = {
        "lammps": f"cd {out} && lmp -in in.equilibrate",
        "gromacs": f"cd {out}, and the commands in README.md",
    }
    console.print(f"next: {following[description.engine]}", soft_wrap=True)
