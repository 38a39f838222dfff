"""Molecules of a data set: SMILES, or repeat units and a composition that make an oligomer.

A composition is written as::

    random: [*]CC([*])c1ccc(S(=O)(=O)[O-])cc1 x 6 + [*]CC([*])c1ccccc1 x 4; seed 0
    block: [*]CC([*])c1ccc(S(=O)(=O)[O-])cc1 x 6 + [*]CC([*])c1ccccc1 x 4

Each repeat unit has two ends: `*`, `[*]`, or with a label as in `[*:1]` or `[1*]`. The second end
of a unit is joined to the first of the next, and the ends of the chain get hydrogen. The units of a
block follow each other as written; those of a random copolymer are shuffled, the same for the same
seed.
"""

from __future__ import annotations

import re

import numpy as np
from rdkit import Chem, rdBase

from voxion.errors import VoxionError

EXAMPLE = "random: [*]CC([*])c1ccccc1 x 6 + [*]CC([*])C(=O)[O-] x 4; seed 0"
MOST_UNITS, MOST_ATOMS = 1000, 20_000  # of an oligomer
LONGEST = 20_000  # characters of a SMILES or a composition
_COMPOSITION = re.compile(r"(random|block):(.*?)(?:;\s*seed\s+(\d{1,18}))?\s*", re.DOTALL)
_SHARE = re.compile(r"(\S+)\s+x\s+([1-9]\d{0,8})")
# groups of cation-exchange membranes with the proton that leaves
_ACID = Chem.MolFromSmarts("[$([SX4](=O)(=O)),$(C(=O)),$([PX4](=O))][OX2H1]")


def read_molecule(text: str, name: str) -> Chem.Mol:
    """Return the molecule of a SMILES or of a composition.

    Parameters
    ----------
    text : str
        SMILES, of ions separated by dots if need be, or a composition of repeat units.
    name : str
        Name of the molecule, for messages.

    Raises
    ------
    VoxionError
        RDKit cannot read a SMILES, the molecule has no atoms or open ends, the composition is not
        in the form above, or a repeat unit does not have two ends.
    """
    if len(text) > LONGEST:
        raise VoxionError(
            f"{name}: {len(text)} characters are no SMILES that can be read, at most {LONGEST} are "
            "taken: write repeat units and their numbers."
        )
    if "{" in text:
        raise VoxionError(
            f"{name}: {_shown(text)} is BigSMILES, which is not read: write '{EXAMPLE}'."
        )
    found = _COMPOSITION.fullmatch(text.strip())
    if found is not None:
        order, parts, seed = found.groups()
        if order == "block" and seed is not None:
            raise VoxionError(f"{name}: a block has no seed: leave it out, or write 'random:'.")
        return _join(_units(parts, name), name, None if order == "block" else int(seed or 0))
    molecule = _parse(text, name)
    if ends := _ends(molecule):
        raise VoxionError(
            f"{name}: {_shown(text)} has {len(ends)} open ends (*): write how many repeat units "
            f"there are, as in '{EXAMPLE}'."
        )
    if molecule.GetNumAtoms() == 0:
        raise VoxionError(f"{name}: its SMILES has no atoms.")
    return molecule


def _parse(smiles: str, name: str) -> Chem.Mol:
    with rdBase.BlockLogs():
        molecule = Chem.MolFromSmiles(smiles)
    if molecule is None:
        raise VoxionError(
            f"{name}: RDKit cannot read the SMILES {_shown(smiles)}: correct it; ends of repeat "
            "units are written [*]."
        )
    isotopes = sorted({a.GetSymbol() for a in molecule.GetAtoms() if a.GetIsotope()} - {"*"})
    if isotopes:
        raise VoxionError(
            f"{name}: {_shown(smiles)} has isotopes of {', '.join(isotopes)}, which the models do "
            "not know: write the plain element; ends of repeat units are written [*]."
        )
    return molecule


def check_polymer(molecule: Chem.Mol, name: str) -> None:
    """Check that a molecule is an ionised polymer, without the ions that go with it.

    Raises
    ------
    VoxionError
        It has several parts, or no charge.
    """
    _check_parts(molecule, name)
    if Chem.GetFormalCharge(molecule) == 0:
        acid = molecule.HasSubstructMatch(_ACID)
        what = "is in its acid form" if acid else "has no charge"
        raise VoxionError(
            f"{name}: the polymer {what}: write its tethered groups ionised, as S(=O)(=O)[O-] or "
            "C[N+](C)(C)C, since water is counted for each of them."
        )


def _check_parts(molecule: Chem.Mol, name: str) -> None:
    parts = Chem.MolToSmiles(molecule).split(".")
    if len(parts) > 1:
        smallest = min(parts, key=len)
        raise VoxionError(
            f"{name}: the polymer has {len(parts)} parts, one of them {_shown(smallest)}: write it "
            "without its counter-ion, which belongs to the salt."
        )


def _shown(text: str) -> str:
    return repr(text if len(text) <= 80 else f"{text[:80]}...")


def _ends(molecule: Chem.Mol) -> list[int]:
    return [atom.GetIdx() for atom in molecule.GetAtoms() if atom.GetAtomicNum() == 0]


def _units(parts: str, name: str) -> list[Chem.Mol]:
    """Read "UNIT x 6 + UNIT x 4"; each unit as often as it occurs."""
    units: list[Chem.Mol] = []
    atoms = 0
    for part in re.split(r"\s\+\s", parts):
        found = _SHARE.fullmatch(part.strip())
        if found is None:
            raise VoxionError(
                f"{name}: {_shown(part.strip())} is not a repeat unit and its number; write for "
                f"instance '{EXAMPLE}'."
            )
        smiles, count = found.group(1), int(found.group(2))
        if len(units) + count > MOST_UNITS:
            raise VoxionError(f"{name}: more than {MOST_UNITS} repeat units: make it shorter.")
        unit = _parse(smiles, name)
        _check_parts(unit, f"{name}, repeat unit {_shown(smiles)}")
        _check_unit(unit, smiles, name)
        if (atoms := atoms + count * unit.GetNumAtoms()) > MOST_ATOMS:
            raise VoxionError(f"{name}: more than {MOST_ATOMS} atoms: make it shorter.")
        units += [unit] * count
    return units


def _check_unit(unit: Chem.Mol, smiles: str, name: str) -> None:
    ends = _ends(unit)
    if len(ends) != 2:
        raise VoxionError(
            f"{name}: the repeat unit {_shown(smiles)} has {len(ends)} ends (*), and must have two."
        )
    for end in ends:
        bonds = unit.GetAtomWithIdx(end).GetBonds()
        if (
            len(bonds) != 1
            or bonds[0].GetBondType() != Chem.BondType.SINGLE
            or bonds[0].GetOtherAtom(unit.GetAtomWithIdx(end)).GetAtomicNum() == 0
        ):
            raise VoxionError(
                f"{name}: in the repeat unit {_shown(smiles)} each end (*) must have one single "
                "bond to an atom."
            )


def _join(units: list[Chem.Mol], name: str, seed: int | None) -> Chem.Mol:
    """Join units tail to head; shuffled if there is a seed."""
    if seed is not None:
        order = np.random.default_rng(seed).permutation(len(units))
        units = [units[i] for i in order]
    chain = Chem.RWMol()
    for number, unit in enumerate(units, start=1):
        first = chain.GetNumAtoms()
        chain.InsertMol(unit)
        for end, joint in zip(_ends(unit), (number, number + 1), strict=True):
            atom = chain.GetAtomWithIdx(first + end)
            # of a unit written as [*:1]CC[*:2] or [1*]CC[2*]
            atom.SetAtomMapNum(0)
            atom.SetIsotope(0)
            if 1 < joint <= len(units):
                atom.SetAtomMapNum(joint)  # molzip joins equal numbers
            else:
                atom.SetAtomicNum(1)
    chain = Chem.molzip(chain)
    with rdBase.BlockLogs():
        # by way of SMILES, so that an oligomer's atoms are those of its SMILES
        molecule = Chem.MolFromSmiles(Chem.MolToSmiles(chain))
    if molecule is None:
        raise VoxionError(f"{name}: RDKit refuses the joined chain; look at its repeat units.")
    return molecule
