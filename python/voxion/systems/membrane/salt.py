"""The ions of a salt in a membrane: counter-ion and co-ion."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from rdkit import Chem

from voxion.errors import VoxionError

# tleap's names of ions, by element and charge
IONS = {
    ("Li", 1): "LI",
    ("Na", 1): "NA",
    ("K", 1): "K",
    ("Rb", 1): "RB",
    ("Cs", 1): "CS",
    ("Mg", 2): "MG",
    ("Ca", 2): "CA",
    ("Zn", 2): "ZN",
    ("F", -1): "F",
    ("Cl", -1): "CL",
    ("Br", -1): "BR",
    ("I", -1): "IOD",
}


@dataclass(frozen=True)
class Salt:
    """Ions of a salt, and how many of each a formula unit has.

    Attributes
    ----------
    counter, other : rdkit.Chem.Mol
        Of the sign opposite to the fixed charges, and of the same.
    counters, others : int
    """

    counter: Chem.Mol
    other: Chem.Mol
    counters: int
    others: int


def split_salt(salt: Chem.Mol, fixed: int) -> Salt:
    """Return the ions of a salt.

    Parameters
    ----------
    salt : rdkit.Chem.Mol
        As of ``[Na+].[Cl-]``.
    fixed : int
        Charge of the polymer.

    Raises
    ------
    VoxionError
        It has not one kind of cation and one of anion, it is charged, or there are no parameters
        of a single-atom ion.
    """
    names = [Chem.MolToSmiles(part) for part in Chem.GetMolFrags(salt, asMols=True)]
    kinds = {name: Chem.MolFromSmiles(name) for name in names}
    signs = {int(np.sign(Chem.GetFormalCharge(ion))) for ion in kinds.values()}
    if len(kinds) != 2 or signs != {-1, 1} or Chem.GetFormalCharge(salt) != 0:
        raise VoxionError(
            f"the salt {Chem.MolToSmiles(salt)} must have one kind of cation and one of anion and "
            "no charge, as [Na+].[Cl-]."
        )
    for name, ion in kinds.items():
        if ion.GetNumAtoms() == 1 and ion_name(ion) is None:
            known = ", ".join(f"{e}{abs(z)}{'+' if z > 0 else '-'}" for e, z in IONS)
            raise VoxionError(f"there are no parameters of the ion {name}; known are {known}.")
    counter, other = sorted(kinds, key=lambda name: Chem.GetFormalCharge(kinds[name]) * fixed)
    return Salt(kinds[counter], kinds[other], names.count(counter), names.count(other))


def ion_name(ion: Chem.Mol) -> str | None:
    """Return tleap's name of a single-atom ion; None if it has none."""
    if ion.GetNumAtoms() != 1:
        return None
    atom = ion.GetAtomWithIdx(0)
    return IONS.get((atom.GetSymbol(), atom.GetFormalCharge()))
