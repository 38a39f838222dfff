"""Command line of the system builders: ``voxion systems ...``."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table

from voxion.cli.options import Force, Seed, WaterChoice, output
from voxion.errors import VoxionError
from voxion.systems import SYSTEM_FILE

if TYPE_CHECKING:
    from voxion.systems.coarse_surfactant import CoarseSurfactantDescription
    from voxion.systems.crystals import Crystal
    from voxion.systems.description import SystemDescription
    from voxion.systems.electrode_cell import ElectrodeCell
    from voxion.systems.membrane.system import MembraneDescription
    from voxion.systems.united_atom.system import UnitedAtomSystem

app = typer.Typer(help="Build systems that run as they are.", no_args_is_help=True)
console = Console()


class EngineChoice(str, Enum):
    """Program that runs a system."""

    lammps = "lammps"
    gromacs = "gromacs"


class BoundaryChoice(str, Enum):
    """Boundaries along x, y and z."""

    ppf = "ppf"
    ppp = "ppp"


class MaterialChoice(str, Enum):
    """Material of crystalline electrodes."""

    gold = "gold"
    silver = "silver"
    copper = "copper"
    platinum = "platinum"
    graphite = "graphite"


Engine = Annotated[EngineChoice, typer.Option(help="Program that the inputs are for.")]
Molarity = Annotated[
    float | None, typer.Option(help="Concentration of NaCl, mol/L of liquid.", show_default="2.27")
]
Waters = Annotated[int | None, typer.Option(help="Number of water molecules.")]
Cations = Annotated[int | None, typer.Option(help="Number of Na+.")]
Anions = Annotated[int | None, typer.Option(help="Number of Cl-.")]
Boundary = Annotated[
    BoundaryChoice,
    typer.Option(help="ppf: bounded along z, slab correction. ppp: periodic, with vacuum."),
]
Vacuum = Annotated[
    float | None,
    typer.Option(help="Vacuum between images along z, angstrom.", show_default="80 or more"),
]

Hydration = Annotated[int, typer.Option(help="Number of water molecules per head group (lambda).")]
BeadConstants = Annotated[
    str,
    typer.Option(
        help="Constants of the beads: real, compact, or a file such as those in "
        "voxion/systems/united_atom/beads."
    ),
]


@app.callback()
def _systems() -> None:
    """Build systems that run as they are."""


@app.command()
def graphene(
    out: Annotated[Path, typer.Option(help="Folder to write: coordinates and inputs.")],
    engine: Engine = EngineChoice.lammps,
    carbons: Annotated[
        int | None,
        typer.Option(help="Number of C atoms of a nearly square sheet.", show_default="336"),
    ] = None,
    cells: Annotated[
        tuple[int, int] | None,
        typer.Option(
            help="Instead of --carbons: number of cells of 4 C along x (2.46 angstrom) and y "
            "(4.26 angstrom).",
            show_default=False,
        ),
    ] = None,
    charge: Annotated[int, typer.Option(help="Total charge of the (lower) sheet, e.")] = -4,
    molarity: Molarity = None,
    thickness: Annotated[
        float,
        typer.Option(help="Distance from the sheet to the wall or the other sheet, angstrom."),
    ] = 80.0,
    waters: Waters = None,
    cations: Cations = None,
    anions: Anions = None,
    capacitor: Annotated[
        bool, typer.Option("--capacitor", help="Two sheets of opposite charge.")
    ] = False,
    boundary: Boundary = BoundaryChoice.ppf,
    vacuum: Vacuum = None,
    seed: Seed = 1,
    force: Force = False,
) -> None:
    """Build graphene in contact with NaCl in SPC/E water."""
    from voxion.systems.graphene import GrapheneSystem, cells_for

    if carbons is not None and cells is not None:
        raise VoxionError("--carbons and --cells exclude each other: choose one of them.")
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
        boundary=boundary.value,
        vacuum=vacuum,
    )
    _build(system, out, seed, engine, force)


@app.command()
def electrodes(
    out: Annotated[Path, typer.Option(help="Folder to write: coordinates and inputs.")],
    material: Annotated[
        MaterialChoice, typer.Option(help="Material of the electrodes.")
    ] = MaterialChoice.gold,
    surface: Annotated[
        str | None,
        typer.Option(
            help="Surface of a metal: 100, 110 or 111; graphite has one only.", show_default="100"
        ),
    ] = None,
    layers: Annotated[int, typer.Option(help="Number of layers of each electrode.")] = 3,
    cells: Annotated[
        tuple[int, int], typer.Option(help="Number of surface cells along x and y.")
    ] = (9, 9),
    upper_material: Annotated[
        MaterialChoice | None,
        typer.Option(help="Material of the upper electrode.", show_default="that of the lower one"),
    ] = None,
    upper_surface: Annotated[
        str | None, typer.Option(help="Surface of an upper electrode of metal.", show_default="100")
    ] = None,
    upper_layers: Annotated[
        int | None,
        typer.Option(help="Number of layers of the upper electrode.", show_default="as LAYERS"),
    ] = None,
    thickness: Annotated[
        float, typer.Option(help="Distance between the faces of the electrodes, angstrom.")
    ] = 32.0,
    engine: Engine = EngineChoice.lammps,
    molarity: Molarity = None,
    waters: Waters = None,
    cations: Cations = None,
    anions: Anions = None,
    boundary: Boundary = BoundaryChoice.ppf,
    vacuum: Vacuum = None,
    seed: Seed = 1,
    force: Force = False,
) -> None:
    """Build two crystals that face each other, with NaCl in SPC/E water between them.

    An upper electrode of another material is strained to the cell of the lower one, by 2 % at most.
    """
    from voxion.systems.crystals import CrystalCapacitor

    upper = None
    if upper_material is not None:
        count = layers if upper_layers is None else upper_layers
        upper = _crystal(upper_material, upper_surface, count)
    elif upper_surface is not None or upper_layers is not None:
        raise VoxionError("--upper-surface and --upper-layers need --upper-material.")
    system = CrystalCapacitor(
        crystal=_crystal(material, surface, layers),
        upper_crystal=upper,
        cells=cells,
        thickness=thickness,
        molarity=molarity,
        waters=waters,
        cations=cations,
        anions=anions,
        boundary=boundary.value,
        vacuum=vacuum,
    )
    _build(system, out, seed, engine, force)


@app.command()
def surfactant(
    out: Annotated[Path, typer.Option(help="Folder to write: data file and inputs.")],
    hydration: Hydration,
    beads: Annotated[
        int, typer.Option(help="Approximate number of beads; a hydronium has 4, a water 3.")
    ] = 6000,
    forcefield: BeadConstants = "real",
    coarse: Annotated[
        bool,
        typer.Option(
            "--coarse",
            help="A coarse analogue for dissipative particle dynamics, whose phases form in "
            "seconds; a water is one bead.",
        ),
    ] = False,
    seed: Seed = 1,
    force: Force = False,
) -> None:
    """Build an ionic surfactant with hydronium in water."""
    from voxion.systems.coarse_surfactant import CoarseSurfactant
    from voxion.systems.united_atom.forcefield import load_forcefield
    from voxion.systems.united_atom.system import surfactant_system

    if coarse and forcefield != "real":
        raise VoxionError("--forcefield is for beads in real units, not for --coarse.")
    if not coarse:
        system = surfactant_system(hydration, beads, load_forcefield(forcefield))
        _build_united_atom(system, out, seed, force)
        return
    with output(out, force, kind=SYSTEM_FILE):
        description = CoarseSurfactant(hydration=hydration, beads=beads).build(out, seed)
    _show_coarse(description, out)


@app.command()
def nafion(
    out: Annotated[Path, typer.Option(help="Folder to write: data file and inputs.")],
    hydration: Hydration,
    chains: Annotated[int, typer.Option(help="Number of chains.")] = 4,
    side_chains: Annotated[int, typer.Option(help="Number of side chains of a chain.")] = 10,
    forcefield: BeadConstants = "real",
    seed: Seed = 1,
    force: Force = False,
) -> None:
    """Build Nafion with hydronium in water."""
    from voxion.systems.united_atom.forcefield import load_forcefield
    from voxion.systems.united_atom.system import nafion_system

    system = nafion_system(hydration, chains, side_chains, load_forcefield(forcefield))
    _build_united_atom(system, out, seed, force)


@app.command()
def membrane(
    out: Annotated[Path, typer.Option(help="Folder to write: inputs for LAMMPS and GROMACS.")],
    polymer: Annotated[
        str,
        typer.Option(
            help="SMILES of an ionised oligomer, or repeat units and their numbers: 'random: "
            "[*]CC([*])c1ccc(S(=O)(=O)[O-])cc1 x 6 + [*]CC([*])c1ccccc1 x 4; seed 0'."
        ),
    ],
    water: Annotated[float, typer.Option(help="Water molecules per fixed charge.")],
    salt: Annotated[
        str, typer.Option(help="SMILES of the salt, whose one ion is the counter-ion.")
    ] = "[Na+].[Cl-]",
    salt_units: Annotated[
        int, typer.Option(help="Formula units of salt beside the counter-ions.")
    ] = 0,
    edge: Annotated[
        float,
        typer.Option(help="Estimated edge of the final box, angstrom, unless CHAINS is given."),
    ] = 40.0,
    chains: Annotated[
        int | None, typer.Option(help="Number of chains, in place of EDGE.", show_default="by EDGE")
    ] = None,
    water_model: Annotated[
        WaterChoice, typer.Option(help="Water, and the ions that go with it.")
    ] = WaterChoice.spce,
    charges: Annotated[
        Path | None,
        typer.Option(help="Your own charges and types: residues.yaml of a system, edited."),
    ] = None,
    frcmod: Annotated[
        Path | None, typer.Option(help="Your own force-field terms, a frcmod file of AMBER.")
    ] = None,
    seed: Seed = 1,
    force: Force = False,
) -> None:
    """Build an ion-exchange membrane: polymer, counter-ions, salt and water.

    All atoms, with GAFF2 and AM1-BCC charges by AmberTools, which need the extra voxion[membranes].
    The charges of a residue are computed once and kept in the user's cache.
    """
    from voxion.activity.data.polymers import check_polymer, read_molecule
    from voxion.systems.membrane.parameters import read_residues
    from voxion.systems.membrane.system import MembraneSystem

    molecule = read_molecule(polymer, "--polymer")
    check_polymer(molecule, "--polymer")
    system = MembraneSystem(
        name="membrane",
        polymer=molecule,
        salt=read_molecule(salt, "--salt"),
        water_per_charge=water,
        salt_units=salt_units,
        target_edge=edge,
        chains=chains,
        water_model=water_model.value,
        given=read_residues(charges) if charges is not None else None,
        frcmod=frcmod,
    )
    with output(out, force, kind=SYSTEM_FILE), console.status("computing charges, packing"):
        description = system.build(out, seed)
    _show_membrane(description, out)


def _show_membrane(description: MembraneDescription, out: Path) -> None:
    table = Table(title=description.title, show_header=False)
    table.add_row(
        "box",
        f"{description.edge:.1f} A at the start, some {description.target_edge:.0f} A in the end",
    )
    table.add_row("chains", f"{description.chains} of {description.chain_atoms} atoms")
    table.add_row("fixed charges", str(description.tethered))
    for ion in description.ions:
        table.add_row(ion.name, f"{ion.count} of {ion.charge:+d} e")
    table.add_row("water", f"{description.waters}, {description.water_model}")
    console.print(table)
    for line in description.guessed:
        console.print(
            f"GAFF2 has nothing close to the term {line.split('  ')[0].strip()}; it is in the "
            "README.md of the system.",
            soft_wrap=True,
        )
    _show_next(out)


def _build_united_atom(system: UnitedAtomSystem, out: Path, seed: int, force: bool) -> None:
    with (
        output(out, force, kind=SYSTEM_FILE),
        console.status(f"placing {system.atoms} beads at random"),
    ):
        description = system.build(out, seed)
    table = Table(title=description.title, show_header=False)
    table.add_row("force field", description.forcefield)
    table.add_row("box", f"{description.edge:.1f} A at the start")
    for molecule in description.molecules:
        table.add_row(molecule.name, f"{molecule.count} of {molecule.beads} beads")
    console.print(table)
    _show_next(out)


def _crystal(material: MaterialChoice, surface: str | None, layers: int) -> Crystal:
    from voxion.systems.crystals import Crystal

    if surface is None and material is not MaterialChoice.graphite:
        surface = "100"
    return Crystal(material.value, surface, layers)


def _build(system: ElectrodeCell, out: Path, seed: int, engine: EngineChoice, force: bool) -> None:
    with (
        output(out, force, kind=SYSTEM_FILE),
        console.status(f"packing {system.counts()[0]} water molecules"),
    ):
        description = system.build(out, seed, engine.value)
    _show(description, out)


def _show_coarse(description: CoarseSurfactantDescription, out: Path) -> None:
    table = Table(title=description.title, show_header=False)
    table.add_row("box", f"{description.edge:.2f} r_c at the start")
    table.add_row("pressure", f"{description.pressure:g} kT/r_c^3")
    for species in description.species:
        table.add_row(species.name, f"{species.count} of {species.charge:+g} e")
    console.print(table)
    _show_next(out)


def _show_next(out: Path) -> None:
    console.print(f"next: cd {out} && lmp -in in.equilibrate", soft_wrap=True)


def _show(description: SystemDescription, out: Path) -> None:
    table = Table(title=description.title, show_header=False)
    edges, (low, high) = description.edges, description.box_z
    table.add_row("box", f"{edges[0]:.2f} x {edges[1]:.2f} A, z from {low:g} to {high:g} A")
    table.add_row("electrolyte", f"{description.thickness:g} A, {description.molarity:.2f} mol/L")
    for surface in description.surfaces:
        table.add_row(
            f"group {surface.group}", f"{surface.atoms} {surface.element}, {surface.charge:+g} e"
        )
    for species in description.species:
        table.add_row(species.name, f"{species.count} of {species.charge:+g} e")
    console.print(table)
    following = {
        "lammps": f"cd {out} && lmp -in in.equilibrate",
        "gromacs": f"cd {out}, and the commands in README.md",
    }
    console.print(f"next: {following[description.engine]}", soft_wrap=True)
