"""Graphene in contact with aqueous NaCl: one charged sheet, or a capacitor of two.

The defaults are the system of Di Pasquale et al., J. Chem. Theory Comput. 17, 4477 (2021),
section 2.1: 336 C with -4 e, 2065 water, 90 Na+ and 86 Cl- in a slab of 8 nm.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from voxion import __version__
from voxion.errors import VoxionError
from voxion.systems import SYSTEM_FILE
from voxion.systems import forcefields as ff
from voxion.systems.conditions import CUTOFF, TEMPERATURE, TIMESTEP, TYPES
from voxion.systems.description import (
    ENGINES,
    Engine,
    Species,
    Surface,
    SystemDescription,
)
from voxion.systems.graphene_gromacs import check_gromacs_edges, write_gromacs_system
from voxion.systems.graphene_lammps import write_lammps_system
from voxion.systems.lammps_data import Topology
from voxion.systems.packing import pack

BOND_LENGTH = 1.42  # C-C, angstrom

# Volumes in the liquid (angstrom^3): a water at 33.4 per nm^3, and what an ion pair takes up.
WATER_VOLUME = 29.94
ION_PAIR_VOLUME = 30.0
# Height (angstrom) that the liquid does not fill: the contact layers at sheet and wall, and a thin
# vapour gap, so that the liquid is at its own pressure. From the counts of the default system:
# its 2065 water and 88 ion pairs take up 73.25 of its 80 A.
UNFILLED_HEIGHT = 6.75
MOST_FILLED = 1.1  # share of the liquid's volume that given numbers of water may fill
# mol/L in the liquid's volume: 88 ion pairs, the mean of 90 and 86. (Over the whole box with its
# vacuum these are the 1 M that the paper states.)
DEFAULT_MOLARITY = 2.267
_PER_CUBIC_ANGSTROM = 6.02214076e-4  # of 1 mol/L

# Closest approach of packed atoms to a sheet and to the wall (angstrom).
SHEET_CLEARANCE = 2.6
WALL_CLEARANCE = 1.8
BELOW, ABOVE = 2.0, 4.0  # room between the box and the outermost sheet or wall, angstrom


@dataclass(frozen=True)
class GrapheneSystem:
    """Parameters of a graphene sheet (or two) in contact with NaCl in SPC/E water.

    Attributes
    ----------
    cells : (int, int)
        Orthogonal cells of 4 C along x (2.46 A each) and y (4.26 A each).
    total_charge : int
        Total charge of the (lower) sheet, e; the ions balance it. In a capacitor the upper sheet
        has the opposite charge.
    thickness : float
        Distance from the sheet to the wall, or between the sheets of a capacitor, angstrom.
    molarity : float, optional
        mol of NaCl per litre of liquid; None takes that of the default system, 2.27.
    waters, cations, anions : int, optional
        Numbers instead of those that follow from thickness and molarity.
    capacitor : bool
        Two sheets instead of a sheet and a wall.
    boundary : "ppf" or "ppp"
        Bounded along z, with the slab correction of the long-range solver; or fully periodic, with
        real vacuum above the slab.
    vacuum : float, optional
        Between periodic images along z, angstrom; None takes 80 or the longer lateral edge,
        whichever is more, since images decay with the lateral period.
    """

    cells: tuple[int, int] = (12, 7)
    total_charge: int = -4
    thickness: float = 80.0
    molarity: float | None = None
    waters: int | None = None
    cations: int | None = None
    anions: int | None = None
    capacitor: bool = False
    boundary: str = "ppf"
    vacuum: float | None = None

    def __post_init__(self) -> None:
        _validate(self)

    @property
    def edges(self) -> tuple[float, float]:
        """Lateral periodic edges, angstrom."""
        return self.cells[0] * sqrt(3) * BOND_LENGTH, self.cells[1] * 3 * BOND_LENGTH

    @property
    def carbons(self) -> int:
        """Atoms of one sheet."""
        return 4 * self.cells[0] * self.cells[1]

    @property
    def liquid_volume(self) -> float:
        """Volume that the liquid fills, angstrom^3."""
        return self.edges[0] * self.edges[1] * (self.thickness - UNFILLED_HEIGHT)

    def counts(self) -> tuple[int, int, int]:
        """Numbers of water, Na+ and Cl-.

        Raises
        ------
        VoxionError
            The ions do not make up for the charge, or there is no room for the water.
        """
        excess = 0 if self.capacitor else -int(self.total_charge)
        if self.cations is not None and self.anions is not None:
            cations, anions = self.cations, self.anions
        elif self.cations is not None:
            cations, anions = self.cations, self.cations - excess
        elif self.anions is not None:
            cations, anions = self.anions + excess, self.anions
        else:
            molarity = DEFAULT_MOLARITY if self.molarity is None else self.molarity
            pairs = round(molarity * _PER_CUBIC_ANGSTROM * self.liquid_volume)
            # the excess is shared: as many of the one added as of the other left out
            cations = max(pairs + (excess + 1) // 2, excess, 0)
            anions = cations - excess
        if cations - anions != excess or min(cations, anions) < 0:
            raise VoxionError(
                f"{cations} Na+ and {anions} Cl- do not make up for {-excess:+d} e on the surface: "
                f"expected {excess} more Na+ than Cl-."
            )
        waters = self.waters
        if waters is None:
            ion_volume = ION_PAIR_VOLUME * (cations + anions) / 2
            waters = round((self.liquid_volume - ion_volume) / WATER_VOLUME)
        if waters <= 0:
            raise VoxionError(
                f"A slab of {self.thickness} A with {cations + anions} ions has no room for water: "
                "choose a thicker slab or a lower molarity."
            )
        most = round(MOST_FILLED * self.liquid_volume / WATER_VOLUME)
        if waters > most:
            raise VoxionError(
                f"{waters} water molecules do not fit a slab of {self.thickness} A: expected "
                f"{most} at most; choose a thicker slab."
            )
        return waters, cations, anions

    def build(
        self, folder: str | Path, seed: int = 1, engine: Engine = "lammps"
    ) -> SystemDescription:
        """Pack the system and write its files for an engine into a folder.

        The coordinates are the same for all engines. ``README.md`` tells what the files are; the
        last one is ``system.json``.

        Parameters
        ----------
        folder : str or Path
            New, or without a built system.
        seed : int
            Seed of the packing and of the velocities.
        engine : "lammps" or "gromacs"

        Raises
        ------
        VoxionError
            The folder has a system already, the sheet is too small for the engine, or packmol
            found no packing.
        """
        folder = Path(folder)
        if (folder / SYSTEM_FILE).exists():
            raise VoxionError(f"{folder} already holds a system: give another folder.")
        if seed <= 0:
            raise VoxionError(f"The seed must be a positive number, found {seed}.")
        if engine not in ENGINES:
            raise VoxionError(f"The engine must be one of {', '.join(ENGINES)}; found {engine!r}.")
        if engine == "gromacs":
            check_gromacs_edges(self.edges)
        description = self._describe(seed, engine)
        topology = self._assemble(description, seed)
        folder.mkdir(parents=True, exist_ok=True)
        write = {"lammps": write_lammps_system, "gromacs": write_gromacs_system}[engine]
        write(folder, description, topology)
        (folder / SYSTEM_FILE).write_text(description.model_dump_json(indent=1) + "\n")
        return description

    def _surface_list(self) -> list[Surface]:
        charge = float(self.total_charge)
        if not self.capacitor:
            return [Surface(group="surface", molecule=1, atoms=self.carbons, charge=charge)]
        return [
            Surface(group="lower", molecule=1, atoms=self.carbons, charge=charge),
            Surface(group="upper", molecule=2, atoms=self.carbons, charge=-charge),
        ]

    def _bounds(self, engine: Engine) -> tuple[tuple[float, float], float | None]:
        """Lower and upper z of the engine's box (angstrom) and the factor to its Ewald box.

        The period along z, of the box or of the Ewald box, is the same in all engines.
        """
        height = self.thickness + BELOW + ABOVE
        vacuum = max(80.0, *self.edges) if self.vacuum is None else self.vacuum
        # LAMMPS asks for a factor of 2 at least
        slab = None if self.boundary == "ppp" else max(2.0, round(1.0 + vacuum / height, 3))
        if engine == "lammps":
            above = ABOVE + (vacuum if slab is None else 0.0)
            return (-BELOW, self.thickness + above), slab
        # GROMACS's boxes begin at z = 0, and its wall is the box's upper face
        if slab is None:
            return (0.0, height + vacuum), None
        top = self.thickness + (ABOVE if self.capacitor else 0.0)
        return (0.0, top), round(slab * height / top, 6)

    def _describe(self, seed: int, engine: Engine) -> SystemDescription:
        waters, cations, anions = self.counts()
        box_z, slab = self._bounds(engine)
        pairs = 0.5 * (cations + anions)
        sheets = f"graphene, {self.carbons} C at {self.total_charge:+g} e"
        if self.capacitor:
            sheets = (
                f"graphene capacitor, {self.carbons} C at {self.total_charge:+g} e and "
                f"{self.carbons} C at {-self.total_charge:+g} e"
            )
        numbers = (waters, 2 * waters, cations, anions)
        return SystemDescription(
            engine=engine,
            title=f"{sheets}, {waters} SPC/E water, {cations} Na+, {anions} Cl-",
            surfaces=self._surface_list(),
            species=[
                Species(name=t.name, charge=t.charge, count=n)
                for t, n in zip(TYPES[1:], numbers, strict=True)
                if n > 0
            ],
            waters=waters,
            molarity=round(pairs / (self.liquid_volume * _PER_CUBIC_ANGSTROM), 4),
            edges=self.edges,
            thickness=self.thickness,
            box_z=box_z,
            periodic=(True, True, self.boundary == "ppp"),
            slab_factor=slab,
            timestep=TIMESTEP,
            temperature=TEMPERATURE,
            seed=seed,
            sources=[ff.SPCE, ff.JOUNG_CHEATHAM, ff.AMBER_CARBON, ff.WERDER],
            voxion_version=__version__,
        )

    def _assemble(self, description: SystemDescription, seed: int) -> Topology:
        waters, cations, anions = self.counts()
        top = self.thickness - (SHEET_CLEARANCE if self.capacitor else WALL_CLEARANCE)
        packed = pack(
            waters, {"Na": cations, "Cl": anions}, self.edges, (SHEET_CLEARANCE, top), seed
        )
        heights = [0.0, self.thickness][: len(description.surfaces)]
        sheets = [graphene_sheet(self.cells, z) for z in heights]
        surface = sum(s.atoms for s in description.surfaces)
        sheet_charges = [np.full(s.atoms, s.charge / s.atoms) for s in description.surfaces]
        sheet_molecules = [np.full(s.atoms, s.molecule) for s in description.surfaces]
        types = np.concatenate(
            [np.zeros(surface, int), np.tile([1, 2, 2], waters), [3] * cations, [4] * anions]
        ).astype(int)
        fixed = np.array([t.charge for t in TYPES])[types[surface:]]
        first = len(sheets) + 1  # molecule ID of the first water
        liquid = np.concatenate(
            [np.repeat(np.arange(waters), 3), waters + np.arange(cations + anions)]
        )
        oxygens = surface + 1 + 3 * np.arange(waters)
        bonds = np.stack([np.repeat(oxygens, 2), (oxygens[:, None] + [1, 2]).ravel()], axis=1)
        edges = self.edges
        return Topology(
            types=TYPES,
            atom_types=types,
            molecules=np.concatenate([*sheet_molecules, first + liquid]).astype(int),
            charges=np.concatenate([*sheet_charges, fixed]),
            positions=np.concatenate([*sheets, packed]),
            bonds=bonds.astype(int),
            angles=np.stack([oxygens + 1, oxygens, oxygens + 2], axis=1),
            box=np.array([[0.0, edges[0]], [0.0, edges[1]], description.box_z]),
        )


def graphene_sheet(cells: tuple[int, int], z: float = 0.0) -> NDArray[np.float64]:
    """Positions of a flat periodic sheet of orthogonal 4-atom cells.

    Parameters
    ----------
    cells : (int, int)
        Cells along x and y.
    z : float
        Height, angstrom.

    Returns
    -------
    ndarray [4 nx ny, 3]
        Angstrom; no atom lies on a face of the box.
    """
    a = BOND_LENGTH
    width = sqrt(3) * a
    basis = np.array(
        [[width / 4, a / 2], [3 * width / 4, a], [3 * width / 4, 2 * a], [width / 4, 5 * a / 2]]
    )
    corner = np.stack(np.meshgrid(*map(np.arange, cells), indexing="ij"), axis=-1).reshape(-1, 1, 2)
    flat = (corner * [width, 3 * a] + basis).reshape(-1, 2)
    return np.column_stack([flat, np.full(len(flat), z)])


def cells_for(carbons: int) -> tuple[int, int]:
    """Cells of the sheet nearest to a square that has exactly this many atoms.

    Raises
    ------
    VoxionError
        No sheet of orthogonal 4-atom cells with edges within a factor of 1.5 has that many.
    """
    cell_count, rest = divmod(carbons, 4)
    if rest == 0 and cell_count > 0:
        pairs = [(n, cell_count // n) for n in range(1, cell_count + 1) if cell_count % n == 0]
        ratios = [abs(np.log(nx / (sqrt(3) * ny))) for nx, ny in pairs]
        if min(ratios) < np.log(1.5):
            return pairs[int(np.argmin(ratios))]
    raise VoxionError(
        f"No nearly square sheet has {carbons} carbons: give 4 times a product such as "
        "336 = 4 x 12 x 7, or the cells themselves."
    )


def _validate(system: GrapheneSystem) -> None:
    if len(system.cells) != 2 or min(system.cells) < 1:
        raise VoxionError(f"cells must be two positive numbers, found {system.cells}.")
    if not float(system.total_charge).is_integer():
        raise VoxionError(
            f"The total charge must be a whole number of e, since ions make up for it; "
            f"found {system.total_charge}."
        )
    if system.boundary not in ("ppf", "ppp"):
        raise VoxionError(f"boundary must be 'ppf' or 'ppp', found {system.boundary!r}.")
    if system.thickness < 15.0:
        raise VoxionError(f"The thickness must be 15 A at least, found {system.thickness}.")
    if system.vacuum is not None and system.vacuum < 0:
        raise VoxionError(f"The vacuum must not be negative, found {system.vacuum} A.")
    if system.molarity is not None and system.molarity < 0:
        raise VoxionError(f"The molarity must not be negative, found {system.molarity} mol/L.")
    if system.molarity is not None and (system.cations, system.anions) != (None, None):
        raise VoxionError("Give the molarity or the numbers of ions, not both.")
    # LAMMPS's neighbour lists need a box that is not thinner than the cutoff allows
    if min(system.edges) < CUTOFF:
        raise VoxionError(
            f"The sheet is {system.edges[0]:.1f} x {system.edges[1]:.1f} A; both edges must be "
            f"at least the cutoff, {CUTOFF} A: use more cells."
        )
    system.counts()
