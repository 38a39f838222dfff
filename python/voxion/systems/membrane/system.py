"""Membranes on disk: force field, packed start, and inputs for LAMMPS and GROMACS."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rdkit import Chem

from voxion import __version__
from voxion.arrays import MAX_ATOMS
from voxion.errors import VoxionError
from voxion.files import require_file
from voxion.systems import SYSTEM_FILE
from voxion.systems.forcefields import GRAMS_PER_CUBIC_ANGSTROM
from voxion.systems.gromacs_files import write_gro
from voxion.systems.lammps_data import check_seed, write_lammps_data
from voxion.systems.membrane import amber_tools
from voxion.systems.membrane.chain import make_chain
from voxion.systems.membrane.conditions import (
    CUTOFF,
    PRESSURE,
    TEMPERATURE,
    TIMESTEP,
    WATER_MODELS,
    WaterModel,
)
from voxion.systems.membrane.description import Ion, MembraneDescription, Selections
from voxion.systems.membrane.equilibration import HOT_TEMPERATURE, LARGEST_PRESSURE, STEPS
from voxion.systems.membrane.fixed_charges import charged_atoms, charged_centres
from voxion.systems.membrane.lammps_topology import lammps_topology
from voxion.systems.membrane.packed_start import (
    MoleculeKind,
    pack_without_spearing,
)
from voxion.systems.membrane.parameters import (
    SOURCES,
    ResidueParameters,
    parametrise,
    write_residues,
)
from voxion.systems.membrane.residues import cut
from voxion.systems.membrane.salt import Salt, ion_name, split_salt
from voxion.systems.membrane.topology import (
    ION_SOURCE,
    WATER_SOURCES,
    combine,
    polymer_topology,
    tethered_atoms,
    water_and_ions,
    write_gromacs_topology,
)
from voxion.systems.rendering import render

# For the number of chains that a box of the wanted edge takes: volume of a water molecule, and
# densities of dry hydrocarbon and fluorinated polymers.
WATER_VOLUME = 29.9  # angstrom^3
POLYMER_DENSITY = 1.2  # g/cm^3
FLUORINATED_DENSITY, FLUORINATED = 2.0, 0.4  # g/cm^3; share of fluorine in the mass
LAMMPS_INPUTS = (
    "in.init",
    "in.settings",
    "in.dynamics",
    "in.equilibrate",
    "in.production",
    "descriptors.sh",
    "README.md",
)
GROMACS_INPUTS = ("em.mdp", "md.mdp", "equilibrate.sh")
CHARGE_FILE = "residues.yaml"
CONDITIONS = {
    "cutoff": CUTOFF,
    "steps": [
        (ensemble, kelvin, share * LARGEST_PRESSURE, length)
        for ensemble, kelvin, share, length in STEPS
    ],
    "temperature": TEMPERATURE,
    "hot_temperature": HOT_TEMPERATURE,
    "pressure": PRESSURE,
    "timestep": TIMESTEP,
}


def default_cache() -> Path:
    """Return the user's folder for charges of residues."""
    import platformdirs

    return Path(platformdirs.user_cache_dir("voxion")) / "residues"


@dataclass(frozen=True)
class MembraneSystem:
    """A polymer with fixed charges, its counter-ions, water, and salt from outside if wanted.

    Attributes
    ----------
    name : str
        Of the polymer, for titles and messages.
    polymer : rdkit.Chem.Mol
        One chain or oligomer, ionised, without explicit hydrogen.
    salt : rdkit.Chem.Mol
        Two kinds of ions, as of ``[Na+].[Cl-]``; that of the sign opposite to the polymer's charge
        is the counter-ion.
    water_per_charge : float
        Water molecules per fixed charge.
    salt_units : int
        Formula units of salt beside the counter-ions.
    target_edge : float
        Estimated edge of the final box, angstrom, unless `chains` is given.
    chains : int, optional
        Number of chains.
    water_model : "spce" or "tip3p"
    given : mapping of SMILES to ResidueParameters, optional
        Charges and types of a user's own.
    frcmod : Path, optional
        Force-field parameters of a user's own, in AMBER's format.
    cache : Path, optional
        Folder of charges that were computed before.
    """

    name: str
    polymer: Chem.Mol
    salt: Chem.Mol
    water_per_charge: float
    salt_units: int = 0
    target_edge: float = 40.0
    chains: int | None = None
    water_model: WaterModel = "spce"
    given: Mapping[str, ResidueParameters] | None = None
    frcmod: Path | None = None
    cache: Path | None = None

    def __post_init__(self) -> None:
        amber_tools.check_installed()
        if not 0 < self.water_per_charge <= 1000:
            raise VoxionError(
                f"{self.name}: the water content must be a number of molecules per fixed charge "
                f"over 0, 1000 at most; found {self.water_per_charge:g}."
            )
        if self.water_model not in WATER_MODELS:
            raise VoxionError(
                f"The water model must be one of {', '.join(WATER_MODELS)}; found "
                f"{self.water_model!r}."
            )
        if self.salt_units < 0 or (self.chains is not None and self.chains < 1):
            raise VoxionError(
                f"{self.name}: expected one chain or more and no negative number of salt; found "
                f"{self.chains} and {self.salt_units}."
            )
        if not self.target_edge <= 1000:
            raise VoxionError(
                f"{self.name}: the box may have 1000 angstrom at most; found {self.target_edge:g}."
            )
        if (edge := self._final_edge()) < 2 * CUTOFF:
            raise VoxionError(
                f"{self.name}: the box would shrink to some {edge:.1f} angstrom; at least twice "
                f"the cutoff, {2 * CUTOFF:g}, is needed: take more chains."
            )
        if self.frcmod is not None:
            require_file(self.frcmod, "give a frcmod file in AMBER's format")

    @property
    def charges_per_chain(self) -> int:
        """Number of fixed charges of a chain."""
        return len(charged_centres(self.polymer))

    def _salt(self) -> Salt:
        try:
            return split_salt(self.salt, self._fixed_charge())
        except VoxionError as error:
            raise VoxionError(f"{self.name}: {error}") from None

    def _fixed_charge(self) -> int:
        """Return the charge of a chain."""
        charge = int(Chem.GetFormalCharge(self.polymer))
        if charge == 0:
            raise VoxionError(
                f"{self.name}: the polymer has no charge: write its groups ionised, as "
                "S(=O)(=O)[O-] or C[N+](C)(C)C."
            )
        return charge

    def _counts(self) -> tuple[int, int, int]:
        """Return the numbers of chains, of water molecules and of counter-ions for the chains."""
        fixed = abs(self._fixed_charge())
        valence = abs(Chem.GetFormalCharge(self._salt().counter))
        step = valence // int(np.gcd(fixed, valence))
        if self.chains is None:
            chains = max(step, step * round(self.target_edge**3 / self._chain_volume() / step))
        elif self.chains % step:
            raise VoxionError(
                f"{self.name}: {self.chains} chains of {fixed} charges cannot be balanced by ions "
                f"of {valence}: take a multiple of {step}."
            )
        else:
            chains = self.chains
        waters = round(self.water_per_charge * self.charges_per_chain * chains)
        if waters < 1:
            raise VoxionError(f"{self.name}: {self.water_per_charge:g} makes no water molecule.")
        if 3 * waters + chains * self.polymer.GetNumAtoms() > MAX_ATOMS:
            raise VoxionError(f"{self.name}: more than {MAX_ATOMS} atoms; take a smaller box.")
        return chains, waters, chains * fixed // valence

    def _final_edge(self) -> float:
        """Estimate the edge of the final box, angstrom."""
        chains, _, _ = self._counts()
        return float((chains * self._chain_volume()) ** (1 / 3))

    def _chain_volume(self) -> float:
        """Estimate the volume of a chain with its water, angstrom^3."""
        atoms = Chem.AddHs(self.polymer).GetAtoms()
        mass = sum(atom.GetMass() for atom in atoms)
        fluorine = sum(atom.GetMass() for atom in atoms if atom.GetSymbol() == "F")
        density = FLUORINATED_DENSITY if fluorine > FLUORINATED * mass else POLYMER_DENSITY
        water = self.water_per_charge * self.charges_per_chain * WATER_VOLUME
        return float(mass * GRAMS_PER_CUBIC_ANGSTROM / density + water)

    def build(self, folder: str | Path, seed: int = 1) -> MembraneDescription:
        """Parametrise, pack and write the files of the system into a folder.

        Writes ``system.data`` and inputs of LAMMPS, ``system.gro``, ``system.top`` and inputs of
        GROMACS, the charges of the residues (``residues.yaml``) and, last, ``system.json``.

        Parameters
        ----------
        folder : str or Path
            New, or without a built system.
        seed : int
            Seed of the conformations, the packing and the thermostat.

        Raises
        ------
        VoxionError
            The folder has a system already, the seed is none of LAMMPS's, a residue cannot be
            parametrised, or the molecules found no room.
        """
        folder = Path(folder)
        if (folder / SYSTEM_FILE).exists():
            raise VoxionError(f"{folder} already holds a system: give another folder.")
        check_seed(seed)
        cache = self.cache or default_cache()
        parts = self._parts(cache, seed)
        packed, edge = pack_without_spearing(parts, seed)
        structure = combine([(p.structure, p.count) for p in parts], packed, edge)
        counts = [len(part.structure.atoms) for part in parts for _ in range(part.count)]
        topology, constants = lammps_topology(
            structure, np.repeat(np.arange(1, len(counts) + 1), counts)
        )
        description = self._describe(parts, edge, seed)
        folder.mkdir(parents=True, exist_ok=True)
        write_lammps_data(folder / "system.data", topology, description.title)
        write_gromacs_topology(folder / "system.top", structure, description.title)
        names = [(a.residue.idx + 1, a.residue.name, a.name) for a in structure.atoms]
        write_gro(folder / "system.gro", description.title, 0.1 * packed, names, 3 * (0.1 * edge,))
        write_residues(folder / CHARGE_FILE, parts[0].residues)
        values = {"system": description, "constants": constants, **CONDITIONS}
        for engine, inputs in (("membrane", LAMMPS_INPUTS), ("membrane/gromacs", GROMACS_INPUTS)):
            for name, text in render(f"templates/{engine}", inputs, values).items():
                (folder / name).write_text(text)
        (folder / SYSTEM_FILE).write_text(description.model_dump_json(indent=1) + "\n")
        return description

    def _parts(self, cache: Path, seed: int) -> list[MoleculeKind]:
        """Return the kinds of molecules with their numbers: polymer, ions, water."""
        chains, waters, counters = self._counts()
        salt = self._salt()
        ions = [
            (salt.counter, counters + salt.counters * self.salt_units),
            (salt.other, salt.others * self.salt_units),
        ]
        names = [name for ion, _ in ions if (name := ion_name(ion))]
        water, *atoms = water_and_ions(self.water_model, names, cache / "failed-water")
        single = dict(zip(names, atoms, strict=True))
        parts = [self._parametrised(self.polymer, self.name, chains, cache, seed)]
        for ion, count in ions:
            smiles = Chem.MolToSmiles(ion)
            if (name := ion_name(ion)) is not None:
                parts.append(MoleculeKind(smiles, ion, single[name], count))
            elif count:
                parts.append(self._parametrised(ion, smiles, count, cache, seed))
        return [*parts, MoleculeKind("water", None, water, waters)]

    def _parametrised(
        self, molecule: Chem.Mol, name: str, count: int, cache: Path, seed: int
    ) -> MoleculeKind:
        residues = cut(molecule)
        found = {r.smiles: parametrise(r.smiles, cache, self.given) for r in residues}
        chain = make_chain(molecule, residues, found)
        start = chain.conformation(seed)
        topology = polymer_topology(chain, start, self.frcmod, cache / "failed-topology")
        return MoleculeKind(
            name,
            molecule,
            topology.structure,
            count,
            chain,
            tuple(found.values()),
            topology.guessed,
        )

    def _describe(
        self, parts: Sequence[MoleculeKind], edge: float, seed: int
    ) -> MembraneDescription:
        polymer, *ions, _ = parts
        assert polymer.chain is not None
        counter = ions[0].structure.atoms
        chains, waters, _ = self._counts()
        names = " or ".join(f"name {atom.name}" for atom in counter if atom.atomic_number > 1)
        kinds = [
            Ion(name=ion.name, charge=Chem.GetFormalCharge(ion.molecule), count=ion.count)
            for ion in ions
            if ion.count
        ]
        return MembraneDescription(
            title=f"{self.name}: {chains} chains, "
            + "".join(f"{ion.count} {ion.name}, " for ion in kinds)
            + f"{waters} water",
            polymer=Chem.MolToSmiles(self.polymer),
            salt=Chem.MolToSmiles(self.salt),
            chains=chains,
            chain_atoms=len(polymer.structure.atoms),
            tethered=chains * self.charges_per_chain,
            water_model=self.water_model,
            waters=waters,
            ions=kinds,
            edge=edge,
            target_edge=self._final_edge(),
            temperature=TEMPERATURE,
            pressure=PRESSURE,
            timestep=TIMESTEP,
            seed=seed,
            selections=Selections(
                counter_ion=f"resname {counter[0].residue.name} and ({names})",
                tethered=tethered_atoms(polymer.structure, polymer.chain),
                water="resname WAT and name O",
                atoms_per_charge=len(charged_atoms(self.polymer)) / self.charges_per_chain,
            ),
            guessed=list(polymer.guessed),
            sources=[*SOURCES, ION_SOURCE, WATER_SOURCES[self.water_model]],
            voxion_version=__version__,
        )
