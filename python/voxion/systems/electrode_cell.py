"""Electrodes in contact with aqueous NaCl: one and a wall, or two that face each other."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from voxion import __version__
from voxion.errors import VoxionError
from voxion.systems import SYSTEM_FILE
from voxion.systems import forcefields as ff
from voxion.systems.conditions import CUTOFF, ELECTROLYTE, TEMPERATURE, TIMESTEP
from voxion.systems.description import (
    ENGINES,
    Engine,
    Species,
    Surface,
    SystemDescription,
)
from voxion.systems.gromacs_system import check_gromacs_edges, write_gromacs_system
from voxion.systems.lammps_data import Terms, Topology
from voxion.systems.lammps_system import write_lammps_system
from voxion.systems.packing import pack

# Volumes in the liquid (angstrom^3): a water at 33.4 per nm^3, and what an ion pair takes up.
WATER_VOLUME = 29.94
ION_PAIR_VOLUME = 30.0
# Height (angstrom) that the liquid does not fill: the contact layers at electrode and wall, and a
# thin vapour gap, so that the liquid is at its own pressure. From the counts of the paper's system:
# its 2065 water and 88 ion pairs take up 73.25 of its 80 A.
UNFILLED_HEIGHT = 6.75
MOST_FILLED = 1.1  # share of the liquid's volume that given numbers of water may fill
# mol/L in the liquid's volume: 88 ion pairs, the mean of 90 and 86. (Over the whole box with its
# vacuum these are the 1 M that the paper states.)
DEFAULT_MOLARITY = 2.267
_PER_CUBIC_ANGSTROM = 6.02214076e-4  # of 1 mol/L

# Closest approach of packed atoms to an electrode and to the wall (angstrom).
ELECTRODE_CLEARANCE = 2.6
WALL_CLEARANCE = 1.8
BELOW, ABOVE = 2.0, 4.0  # room between the box and the outermost nuclei or wall, angstrom


@dataclass(frozen=True)
class Electrode:
    """What an electrode consists of.

    Attributes
    ----------
    material : str
        Name for titles.
    kind : AtomType
        Type of its atoms.
    behind_face : ndarray [M, 3], float64
        Positions of its atoms with the depth behind its face in place of z, angstrom.
    unfilled_height : float
        Height that the liquid does not fill between two such electrodes, angstrom.
    """

    material: str
    kind: ff.AtomType
    behind_face: NDArray[np.float64]
    unfilled_height: float = UNFILLED_HEIGHT

    @property
    def atoms(self) -> int:
        """Number of its atoms."""
        return len(self.behind_face)

    @property
    def depth(self) -> float:
        """Distance of its outermost layers, angstrom."""
        return float(self.behind_face[:, 2].max())

    def __str__(self) -> str:
        return f"{self.material}, {self.atoms} {self.kind.name}"


@dataclass(frozen=True, kw_only=True)
class ElectrodeCell(ABC):
    """Parameters of an electrode (or two) in contact with NaCl in SPC/E water.

    Attributes
    ----------
    total_charge : int
        Total charge of the (lower) electrode, e; the ions balance it. In a capacitor the upper
        one has the opposite charge.
    thickness : float
        Distance from the electrode to the wall, or between the faces of a capacitor, angstrom.
    molarity : float, optional
        mol of NaCl per litre of liquid; None takes that of the paper's system, 2.27.
    waters, cations, anions : int, optional
        Numbers instead of those that follow from thickness and molarity.
    capacitor : bool
        Two electrodes instead of one and a wall.
    boundary : "ppf" or "ppp"
        Bounded along z, with the slab correction of the long-range solver; or fully periodic, with
        real vacuum above the slab.
    vacuum : float, optional
        Between periodic images along z, angstrom; None takes 80 or the longer lateral edge,
        whichever is more, since images decay with the lateral period.
    """

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
    @abstractmethod
    def cells(self) -> tuple[int, int]:
        """Surface cells along x and y."""

    @property
    @abstractmethod
    def edges(self) -> tuple[float, float]:
        """Lateral periodic edges, angstrom."""

    @property
    @abstractmethod
    def lower(self) -> Electrode:
        """The electrode, or the lower one of a capacitor."""

    @property
    def upper(self) -> Electrode:
        """The upper electrode of a capacitor; of the same material unless a subclass has two."""
        return self.lower

    @property
    def electrodes(self) -> list[Electrode]:
        """One electrode, or the lower and the upper one."""
        return [self.lower, self.upper] if self.capacitor else [self.lower]

    @property
    def liquid_volume(self) -> float:
        """Volume that the liquid fills, angstrom^3."""
        unfilled = float(np.mean([electrode.unfilled_height for electrode in self.electrodes]))
        return self.edges[0] * self.edges[1] * (self.thickness - unfilled)

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
            The folder has a system already, the electrode is too small for the engine, or packmol
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
        write(folder, description, topology, self._kinds())
        (folder / SYSTEM_FILE).write_text(description.model_dump_json(indent=1) + "\n")
        return description

    def _kinds(self) -> list[ff.AtomType]:
        """Return the types of the atoms, those of the electrodes first."""
        own = dict.fromkeys(electrode.kind for electrode in self.electrodes)
        return [*own, *ELECTROLYTE]

    def _surface_list(self) -> list[Surface]:
        charge = float(self.total_charge)
        if not self.capacitor:
            charges = {"surface": charge}
        else:
            charges = {"lower": charge, "upper": 0.0 - charge}
        return [
            Surface(
                group=group,
                molecule=molecule,
                element=electrode.kind.name,
                atoms=electrode.atoms,
                charge=q,
            )
            for molecule, (electrode, (group, q)) in enumerate(
                zip(self.electrodes, charges.items(), strict=True), start=1
            )
        ]

    def _bounds(self, engine: Engine) -> tuple[tuple[float, float], float | None]:
        """Lower and upper z of the engine's box (angstrom) and the factor to its Ewald box.

        The period along z, of the box or of the Ewald box, is the same in all engines.
        """
        below = self.lower.depth
        depths = sum(electrode.depth for electrode in self.electrodes)
        height = self.thickness + depths + BELOW + ABOVE
        vacuum = max(80.0, *self.edges) if self.vacuum is None else self.vacuum
        # LAMMPS asks for a factor of 2 at least
        slab = None if self.boundary == "ppp" else max(2.0, round(1.0 + vacuum / height, 3))
        if engine == "lammps":
            above = depths - below + ABOVE + (vacuum if slab is None else 0.0)
            return (-below - BELOW, self.thickness + above), slab
        # GROMACS's boxes begin at z = 0, and its wall is the box's upper face
        if slab is None:
            return (0.0, height + vacuum), None
        top = self.thickness + depths + (ABOVE if self.capacitor else 0.0)
        return (0.0, top), round(slab * height / top, 6)

    def _describe(self, seed: int, engine: Engine) -> SystemDescription:
        waters, cations, anions = self.counts()
        box_z, slab = self._bounds(engine)
        pairs = 0.5 * (cations + anions)
        numbers = (waters, 2 * waters, cations, anions)
        return SystemDescription(
            engine=engine,
            title=f"{self._title()}, {waters} SPC/E water, {cations} Na+, {anions} Cl-",
            surfaces=self._surface_list(),
            species=[
                Species(name=t.name, charge=t.charge, count=n)
                for t, n in zip(ELECTROLYTE, numbers, strict=True)
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
            sources=[ff.SPCE, ff.JOUNG_CHEATHAM, *ff.electrode_sources(self._kinds())],
            voxion_version=__version__,
        )

    def _title(self) -> str:
        """Name the electrodes, and their charges unless they are at a voltage."""
        lower, upper = self.lower, self.upper
        charge = f"{self.total_charge:+g} e"
        if not self.capacitor:
            return f"{lower} at {charge}"
        if str(lower) != str(upper):
            return f"capacitor of {lower}, and {upper}"
        atoms = f"{lower.atoms} {lower.kind.name}"
        if not self.total_charge:
            return f"{lower.material} capacitor, twice {atoms}"
        return (
            f"{lower.material} capacitor, {atoms} at {charge} and {atoms} at "
            f"{-self.total_charge:+g} e"
        )

    def _assemble(self, description: SystemDescription, seed: int) -> Topology:
        waters, cations, anions = self.counts()
        top = self.thickness - (ELECTRODE_CLEARANCE if self.capacitor else WALL_CLEARANCE)
        packed = pack(
            waters, {"Na": cations, "Cl": anions}, self.edges, (ELECTRODE_CLEARANCE, top), seed
        )
        electrodes = [self.lower.behind_face * [1, 1, -1]]
        if self.capacitor:
            electrodes.append(self.upper.behind_face + np.array([0.0, 0.0, self.thickness]))
        # GROMACS's boxes begin at z = 0
        raised = [0, 0, self.lower.depth if description.engine == "gromacs" else 0.0]
        surface = sum(s.atoms for s in description.surfaces)
        electrode_charges = [np.full(s.atoms, s.charge / s.atoms) for s in description.surfaces]
        electrode_molecules = [np.full(s.atoms, s.molecule) for s in description.surfaces]
        kinds = self._kinds()
        oxygen, hydrogen, cation, anion = range(len(kinds) - len(ELECTROLYTE), len(kinds))
        types = np.concatenate(
            [
                *(np.full(one.atoms, kinds.index(one.kind)) for one in self.electrodes),
                np.tile([oxygen, hydrogen, hydrogen], waters),
                [cation] * cations,
                [anion] * anions,
            ]
        ).astype(int)
        fixed = np.array([t.charge for t in kinds])[types[surface:]]
        first = len(electrodes) + 1  # molecule ID of the first water
        liquid = np.concatenate(
            [np.repeat(np.arange(waters), 3), waters + np.arange(cations + anions)]
        )
        oxygens = surface + 1 + 3 * np.arange(waters)
        bonds = np.stack([np.repeat(oxygens, 2), (oxygens[:, None] + [1, 2]).ravel()], axis=1)
        edges = self.edges
        return Topology(
            types=kinds,
            atom_types=types,
            molecules=np.concatenate([*electrode_molecules, first + liquid]).astype(int),
            charges=np.concatenate([*electrode_charges, fixed]),
            positions=np.concatenate([*electrodes, packed]) + raised,
            box=np.array([[0.0, edges[0]], [0.0, edges[1]], description.box_z]),
            bonds=Terms.of_one_type("OH", bonds.astype(int)),
            angles=Terms.of_one_type(
                "HOH", np.stack([oxygens + 1, oxygens, oxygens + 2], axis=1).astype(int)
            ),
        )


def _validate(system: ElectrodeCell) -> None:
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
            f"The electrode is {system.edges[0]:.1f} x {system.edges[1]:.1f} A; both edges must be "
            f"at least the cutoff, {CUTOFF} A: use more cells."
        )
    system.counts()
