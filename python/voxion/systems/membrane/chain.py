"""A polymer with charges and types of all its atoms, and its conformations."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rdkit import Chem
from rdkit.Chem import rdDistGeom, rdForceFieldHelpers

from voxion.errors import VoxionError
from voxion.systems.membrane.parameters import ResidueParameters
from voxion.systems.membrane.residues import Residue

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_ATTEMPTS = 5
_OPTIMISATION = 500  # iterations


@dataclass(frozen=True)
class Chain:
    """A polymer.

    Attributes
    ----------
    molecule : rdkit.Chem.Mol
        With all hydrogen, residue by residue.
    residues : tuple of int
        Number of the residue of each atom, from 0.
    names : tuple of str
        Of the atoms; different within a residue.
    residue_names : tuple of str
        Of the residues; the same for the same SMILES.
    types : tuple of str
        GAFF2 types.
    charges : ndarray [atoms]
        e; their sum is a whole number.
    """

    molecule: Chem.Mol
    residues: tuple[int, ...]
    names: tuple[str, ...]
    residue_names: tuple[str, ...]
    types: tuple[str, ...]
    charges: NDArray[np.float64]

    @property
    def charge(self) -> int:
        """Formal charge."""
        return int(Chem.GetFormalCharge(self.molecule))

    def conformation(self, seed: int) -> NDArray[np.float64]:
        """Return positions of the atoms, angstrom; unset stereocentres are set by the seed.

        Raises
        ------
        VoxionError
            RDKit finds none.
        """
        molecule = Chem.Mol(self.molecule)
        status = rdDistGeom.EmbedMolecule(
            molecule, maxAttempts=_ATTEMPTS, randomSeed=seed, useRandomCoords=True
        )
        if status != 0:
            raise VoxionError(
                f"RDKit found no conformation of the polymer with seed {seed}; try another seed, "
                "or a shorter chain."
            )
        if rdForceFieldHelpers.MMFFHasAllMoleculeParams(molecule):
            rdForceFieldHelpers.MMFFOptimizeMolecule(molecule, maxIters=_OPTIMISATION)
        positions: NDArray[np.float64] = np.array(molecule.GetConformer().GetPositions())
        return positions


def make_chain(
    molecule: Chem.Mol,
    residues: list[Residue],
    parameters: Mapping[str, ResidueParameters],
) -> Chain:
    """Give all atoms of a polymer their types and charges.

    The charge of each residue is brought to its formal one by the same share for all its atoms.

    Parameters
    ----------
    molecule : rdkit.Chem.Mol
        That was cut into the residues.
    residues : list of Residue
    parameters : mapping of SMILES to ResidueParameters
    """
    full = Chem.AddHs(molecule)
    order, types, charges, names = [], [], [], []
    for residue in residues:
        members, own = [], []
        for index, place in zip(residue.atoms, residue.places, strict=True):
            found = parameters[residue.smiles].atoms[place]
            members.append(index)
            types.append(found.type)
            own.append(found.charge)
            for neighbour in full.GetAtomWithIdx(index).GetNeighbors():
                if neighbour.GetAtomicNum() == 1:
                    members.append(neighbour.GetIdx())
                    types.append(found.hydrogen_type or "")
                    own.append(found.hydrogen_charge)
        atoms = [full.GetAtomWithIdx(i) for i in members]
        charges.append(_with_total(own, sum(atom.GetFormalCharge() for atom in atoms)))
        names += [atom.GetSymbol() + _in_base_36(i) for i, atom in enumerate(atoms, start=1)]
        order.append(members)
    kinds = list(dict.fromkeys(residue.smiles for residue in residues))
    return Chain(
        Chem.RenumberAtoms(full, [index for members in order for index in members]),
        tuple(number for number, members in enumerate(order) for _ in members),
        tuple(names),
        tuple(f"R{_in_base_36(kinds.index(r.smiles) + 1):0>2}" for r in residues),
        tuple(types),
        np.concatenate(charges),
    )


def _with_total(charges: list[float], total: int) -> NDArray[np.float64]:
    """Spread what is missing from the total; with six decimals, whose sum is the total."""
    spread = np.round(np.array(charges) + (total - sum(charges)) / len(charges), 6)
    largest = np.abs(spread).argmax()
    spread[largest] = round(spread[largest] + total - spread.sum(), 6)
    return spread


def _in_base_36(number: int) -> str:
    high, low = divmod(number, 36)
    return (_in_base_36(high) if high else "") + _DIGITS[low]


def write_mol2(path: Path, chain: Chain, positions: NDArray[np.float64]) -> None:
    """Write a chain for AmberTools."""
    bonds = list(chain.molecule.GetBonds())
    lines = [
        "@<TRIPOS>MOLECULE",
        "POL",
        f"{len(chain.names)} {len(bonds)} {len(chain.residue_names)} 0 0",
        "SMALL",
        "USER_CHARGES",
        "",
        "@<TRIPOS>ATOM",
    ]
    rows = zip(chain.names, chain.types, chain.residues, chain.charges, positions, strict=True)
    for number, (name, kind, residue, charge, (x, y, z)) in enumerate(rows, start=1):
        lines.append(
            f"{number} {name} {x:.4f} {y:.4f} {z:.4f} {kind} {residue + 1} "
            f"{chain.residue_names[residue]} {charge:.6f}"
        )
    lines.append("@<TRIPOS>BOND")
    lines += [
        f"{number} {bond.GetBeginAtomIdx() + 1} {bond.GetEndAtomIdx() + 1} 1"
        for number, bond in enumerate(bonds, start=1)
    ]
    lines.append("@<TRIPOS>SUBSTRUCTURE")
    lines += [
        f"{number + 1} {name} {chain.residues.index(number) + 1} TEMP 0 **** **** 0 ROOT"
        for number, name in enumerate(chain.residue_names)
    ]
    path.write_text("\n".join(lines) + "\n")
