"""United-atom systems on disk: data file and inputs for LAMMPS."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from pathlib import Path

import numpy as np
from pydantic import BaseModel, ConfigDict

from voxion import __version__
from voxion.arrays import MAX_ATOMS
from voxion.errors import VoxionError
from voxion.files import read_json
from voxion.systems import SYSTEM_FILE
from voxion.systems.forcefields import GRAMS_PER_CUBIC_ANGSTROM
from voxion.systems.lammps_data import Terms, Topology, check_seed, write_lammps_data
from voxion.systems.rendering import render
from voxion.systems.united_atom import molecules as kinds
from voxion.systems.united_atom.forcefield import (
    Angle,
    Bond,
    Bonded,
    Dihedral,
    ForceField,
    load_forcefield,
)
from voxion.systems.united_atom.molecules import Molecule
from voxion.systems.united_atom.random_start import place

TEMPERATURE = 300.0  # K
PRESSURE = 1.0  # atm
TIMESTEP = 2.0  # fs; 4 conserves the energy, 5 drifts
# Chosen: a start that random walks still fit into, and the conditions that take it to a liquid.
START_DENSITY = 0.8  # g/cm^3
LARGEST_DENSITY, WATER_DENSITY = 2.1, 1.05  # g/cm^3, of dry Nafion and of its water
HOT_TEMPERATURE = 600.0  # K
DRY_HOT_TEMPERATURE = 800.0  # K, without water
HOT_PRESSURE = 500.0  # atm
HOT_STEPS = 100_000
COOL_STEPS = 50_000
SETTLE_STEPS = 100_000
# Dumortier and Mossa, J. Phys. Chem. B 124, 8918 (2020): 1000 windows of 20 ps in 20 ns, each
# averaged over its second half.
WINDOWS = 1000
WINDOW_STEPS = 10_000
SAMPLE_STEPS = 50

INPUTS = (
    "in.init",
    "in.settings",
    "in.dynamics",
    "in.push_off",
    "in.equilibrate",
    "in.production",
    "README.md",
)
_Members = Callable[[Molecule], Sequence[Sequence[int]]]


@dataclass(frozen=True)
class _Kind:
    name: str
    mass: float


class MoleculeCount(BaseModel):
    """Molecules of one kind: their number, and the number of beads of each."""

    name: str
    beads: int
    count: int


class BeadCount(BaseModel):
    """Beads of one kind: formula, charge (e), mass (g/mol) and number."""

    name: str
    formula: str
    charge: float
    mass: float
    count: int


class UnitedAtomDescription(BaseModel):
    """What the files of a built united-atom system hold."""

    model_config = ConfigDict(extra="forbid")

    title: str
    units: str = "real"
    forcefield: str
    hydration: int
    molecules: list[MoleculeCount]
    species: list[BeadCount]
    edge: float  # of the cubic box at the start, angstrom
    pressure: float  # atm
    temperature: float  # K
    timestep: float  # fs
    seed: int
    sources: list[str]
    voxion_version: str


def read_description(path: Path) -> UnitedAtomDescription | None:
    """Read ``system.json``; None if it is that of another kind of system."""
    try:
        return read_json(path, UnitedAtomDescription, "build the system again")
    except VoxionError:
        return None


@dataclass(frozen=True)
class UnitedAtomSystem:
    """Chains, hydronium and water in a periodic cube.

    Attributes
    ----------
    title : str
    contents : tuple of (Molecule, int)
        Kinds of molecules and their numbers.
    hydration : int
        Number of water molecules per head group, lambda.
    forcefield : ForceField
    """

    title: str
    contents: tuple[tuple[Molecule, int], ...]
    hydration: int = 0
    forcefield: ForceField = field(default_factory=load_forcefield)

    def __post_init__(self) -> None:
        if self.atoms > MAX_ATOMS:
            raise VoxionError(
                f"A system of {self.atoms} atoms was asked for; at most {MAX_ATOMS} are possible."
            )
        water = self._mass(tuple(e for e in self.contents if e[0] is kinds.WATER))
        volume = water / WATER_DENSITY + (self.mass - water) / LARGEST_DENSITY
        final = (volume * GRAMS_PER_CUBIC_ANGSTROM) ** (1 / 3)
        shortest = 2 * self.forcefield.nonbonded.cutoff
        if final < shortest:
            raise VoxionError(
                f"{self.title}: the box could shrink to {final:.1f} angstrom; at least twice the "
                f"cutoff, {shortest:g}, is needed: use more molecules."
            )

    @property
    def beads(self) -> dict[str, int]:
        """Number of beads of each kind, in the order of the force field."""
        numbers: Counter[str] = Counter()
        for molecule, number in self.contents:
            for bead, count in Counter(molecule.beads).items():
                numbers[bead] += count * number
        return {name: numbers[name] for name in self.forcefield.beads if numbers[name]}

    @property
    def atoms(self) -> int:
        """Number of all beads."""
        return sum(len(molecule.beads) * number for molecule, number in self.contents)

    @property
    def mass(self) -> float:
        """Of all beads, g/mol."""
        return self._mass(self.contents)

    def _mass(self, contents: tuple[tuple[Molecule, int], ...]) -> float:
        return sum(
            number * self.forcefield.beads[bead].mass
            for molecule, number in contents
            for bead in molecule.beads
        )

    @property
    def edge(self) -> float:
        """Edge of the cubic box at the start, angstrom."""
        return float((self.mass * GRAMS_PER_CUBIC_ANGSTROM / START_DENSITY) ** (1 / 3))

    def build(self, folder: str | Path, seed: int = 1) -> UnitedAtomDescription:
        """Place the molecules at random and write the files of the system into a folder.

        Writes ``system.data``, the inputs, ``README.md`` and, last, ``system.json``.

        Parameters
        ----------
        folder : str or Path
            New, or without a built system.
        seed : int
            Seed of the start and of the thermostat.

        Raises
        ------
        VoxionError
            The folder has a system already, the seed is none of LAMMPS's, or a molecule found no
            room.
        """
        folder = Path(folder)
        if (folder / SYSTEM_FILE).exists():
            raise VoxionError(f"{folder} already holds a system: give another folder.")
        check_seed(seed)
        topology = self.topology(seed)
        description = self._describe(seed)
        folder.mkdir(parents=True, exist_ok=True)
        write_lammps_data(folder / "system.data", topology, self.title)
        for name, text in self._inputs(description).items():
            (folder / name).write_text(text)
        (folder / SYSTEM_FILE).write_text(description.model_dump_json(indent=1) + "\n")
        return description

    def topology(self, seed: int) -> Topology:
        """Return a random start.

        Parameters
        ----------
        seed : int
            The same seed gives the same start.

        Raises
        ------
        VoxionError
            A molecule found no room, or the force field has no entry for a bonded term.
        """
        every = [molecule for molecule, number in self.contents for _ in range(number)]
        positions = place(every, self.edge, self.forcefield, np.random.default_rng(seed))
        names = list(self.beads)
        beads = [bead for molecule in every for bead in molecule.beads]
        sizes = [len(molecule.beads) for molecule in every]
        forcefield = self.forcefield
        return Topology(
            types=[_Kind(name, forcefield.beads[name].mass) for name in names],
            atom_types=np.array([names.index(bead) for bead in beads]),
            molecules=np.repeat(np.arange(1, len(every) + 1), sizes),
            charges=np.array([forcefield.beads[bead].charge for bead in beads]),
            positions=positions,
            box=np.array([[0.0, self.edge]] * 3),
            bonds=self._terms(forcefield.bonds, attrgetter("bonds")),
            angles=self._terms(forcefield.angles, attrgetter("angles")),
            dihedrals=self._terms(forcefield.dihedrals, attrgetter("dihedrals")),
        )

    def _terms(self, entries: Sequence[Bonded], members: _Members) -> Terms | None:
        """Return the bonds, angles or dihedrals of all molecules; None if there are none."""
        labels = list(self._used(entries, members))
        terms, rows, first = [], [], 1
        for molecule, number in self.contents:
            starts = first + len(molecule.beads) * np.arange(number)
            first += len(molecule.beads) * number
            for indices in members(molecule):
                label = self._label(entries, molecule, indices)
                if label in labels:
                    terms.append(np.full(number, labels.index(label)))
                    rows.append(starts[:, None] + indices)
        if not labels:
            return None
        return Terms(labels, np.concatenate(terms), np.concatenate(rows))

    def _used(self, entries: Sequence[Bonded], members: _Members) -> dict[str, Bonded]:
        """Return those entries that these molecules need, by their type labels."""
        wanted = {
            self._label(entries, molecule, indices)
            for molecule, _ in self.contents
            for indices in members(molecule)
        }
        return {
            label: entry
            for entry in entries
            if (label := "-".join(entry.beads)) in wanted and not _is_empty(entry)
        }

    def _label(self, entries: Sequence[Bonded], molecule: Molecule, indices: Sequence[int]) -> str:
        entry = self.forcefield.find(entries, [molecule.beads[i] for i in indices])
        return "-".join(entry.beads)

    def _describe(self, seed: int) -> UnitedAtomDescription:
        forcefield = self.forcefield
        return UnitedAtomDescription(
            title=self.title,
            forcefield=forcefield.title,
            hydration=self.hydration,
            molecules=[
                MoleculeCount(name=molecule.name, beads=len(molecule.beads), count=number)
                for molecule, number in self.contents
            ],
            species=[
                BeadCount(
                    name=name,
                    formula=forcefield.beads[name].formula,
                    charge=forcefield.beads[name].charge,
                    mass=forcefield.beads[name].mass,
                    count=n,
                )
                for name, n in self.beads.items()
            ],
            edge=self.edge,
            pressure=PRESSURE,
            temperature=TEMPERATURE,
            timestep=TIMESTEP,
            seed=seed,
            sources=self._sources(),
            voxion_version=__version__,
        )

    def _sources(self) -> list[str]:
        """Return the sources of the constants that this system uses, each once."""
        forcefield = self.forcefield
        used = {
            **self._used(forcefield.bonds, attrgetter("bonds")),
            **self._used(forcefield.angles, attrgetter("angles")),
            **self._used(forcefield.dihedrals, attrgetter("dihedrals")),
        }
        rows = [(name, forcefield.beads[name].source) for name in self.beads]
        rows += [(label, entry.source) for label, entry in used.items()]
        rows.append(("Coulomb", forcefield.nonbonded.source))
        return [f"{name}: {source}" for name, source in rows]

    def _inputs(self, description: UnitedAtomDescription) -> dict[str, str]:
        forcefield = self.forcefield
        rigid = [b for molecule, _ in self.contents if molecule.rigid for b in molecule.beads]
        has_water = any(molecule is kinds.WATER for molecule, _ in self.contents)
        values = {
            "title": self.title,
            "system": description,
            "beads": {name: forcefield.beads[name] for name in self.beads},
            "bonds": self._used(forcefield.bonds, attrgetter("bonds")),
            "angles": self._used(forcefield.angles, attrgetter("angles")),
            "dihedrals": self._used(forcefield.dihedrals, attrgetter("dihedrals")),
            "damping": forcefield.nonbonded.damping,
            "cutoff": forcefield.nonbonded.cutoff,
            "chain_beads": [name for name in self.beads if name not in rigid],
            "rigid_beads": [name for name in self.beads if name in rigid],
            "temperature": TEMPERATURE,
            "pressure": PRESSURE,
            "hot_temperature": HOT_TEMPERATURE if has_water else DRY_HOT_TEMPERATURE,
            "hot_pressure": HOT_PRESSURE,
            "hot_steps": HOT_STEPS,
            "cool_steps": COOL_STEPS,
            "steps": SETTLE_STEPS,
            "windows": WINDOWS,
            "window_steps": WINDOW_STEPS,
            "sample_steps": SAMPLE_STEPS,
        }
        return render("templates/united_atom", INPUTS, values)


def _is_empty(entry: Bond | Angle | Dihedral) -> bool:
    return isinstance(entry, Dihedral) and not entry.coefficients


def surfactant_system(
    hydration: int, beads: int = 6000, forcefield: ForceField | None = None
) -> UnitedAtomSystem:
    """Return an ionic surfactant with one hydronium and `hydration` water molecules per head.

    Parameters
    ----------
    hydration : int
        lambda.
    beads : int
        Number of all beads together, nearly: hydronium has four, water three.
    forcefield : ForceField, optional

    Raises
    ------
    VoxionError
        The hydration is negative, or there are too few beads for a box.
    """
    _check_hydration(hydration)
    ions, water, chain = kinds.HYDRONIUM, kinds.WATER, kinds.SURFACTANT
    unit = len(chain.beads) + len(ions.beads) + hydration * len(water.beads)
    number = max(1, round(beads / unit))
    return UnitedAtomSystem(
        f"{number} ionic surfactants with {hydration} water per head",
        _present((chain, number), (ions, number), (water, hydration * number)),
        hydration,
        forcefield or load_forcefield(),
    )


def nafion_system(
    hydration: int, chains: int = 4, side_chains: int = 10, forcefield: ForceField | None = None
) -> UnitedAtomSystem:
    """Return Nafion with one hydronium and `hydration` water molecules per side chain.

    Parameters
    ----------
    hydration : int
        lambda.
    chains, side_chains : int
        Number of chains, and of side chains of each.
    forcefield : ForceField, optional

    Raises
    ------
    VoxionError
        The hydration is negative, or the box is too small for the cutoff.
    """
    _check_hydration(hydration)
    if chains < 1 or side_chains < 1:
        raise VoxionError(
            f"Nafion needs one chain and one side chain at least, found {chains} and {side_chains}."
        )
    heads = chains * side_chains
    return UnitedAtomSystem(
        f"Nafion, {chains} chains of {side_chains} side chains, with {hydration} water per head",
        _present(
            (kinds.nafion(side_chains), chains),
            (kinds.HYDRONIUM, heads),
            (kinds.WATER, hydration * heads),
        ),
        hydration,
        forcefield or load_forcefield(),
    )


def perfluoroalkane_system(
    carbons: int, molecules: int, forcefield: ForceField | None = None
) -> UnitedAtomSystem:
    """Return a liquid of a linear perfluoroalkane, which shows what the beads' sizes are worth.

    Parameters
    ----------
    carbons : int
        Number of C atoms of a molecule, 3 at least.
    molecules : int
    forcefield : ForceField, optional

    Raises
    ------
    VoxionError
        The chain is too short, or the box too small for the cutoff.
    """
    if carbons < kinds.FEWEST_CARBONS:
        raise VoxionError(
            f"A perfluoroalkane needs {kinds.FEWEST_CARBONS} C atoms at least, found {carbons}."
        )
    molecule = kinds.perfluoroalkane(carbons)
    return UnitedAtomSystem(
        f"{molecules} {molecule.name}",
        ((molecule, molecules),),
        forcefield=forcefield or load_forcefield(),
    )


def _present(*contents: tuple[Molecule, int]) -> tuple[tuple[Molecule, int], ...]:
    return tuple(entry for entry in contents if entry[1] > 0)


def _check_hydration(hydration: int) -> None:
    if hydration < 0 or int(hydration) != hydration:
        raise VoxionError(
            "The hydration must be a whole number of water per head, 0 at least; found "
            f"{hydration}."
        )
