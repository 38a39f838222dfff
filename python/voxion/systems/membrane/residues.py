"""Residues of a polymer, and the capped molecules that their charges are computed in.

A chain is cut at single bonds between saturated carbons and at aryl ethers, outside small rings; so
repeat units, whole oligomers and cross-linked ones are treated alike. What is left of the
neighbours is short and carries no charged group: a residue of a long chain, of a random copolymer
and of an oligomer is the same one, and its charges are computed once.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from rdkit import Chem

# A residue has at least this many heavy atoms, lest rounding its charge to a whole number matter.
FEWEST_ATOMS = 4
# Bonds beyond a cut that stay as the residue's surroundings.
SURROUNDINGS = 2
# Larger rings are those of cross-links, which may be cut.
LARGEST_RING = 8


@dataclass(frozen=True)
class Residue:
    """Atoms of a residue, and the molecule in which they get charges and types.

    Attributes
    ----------
    atoms : tuple of int
        Heavy atoms of the residue, in the molecule that was cut.
    smiles : str
        The residue with its surroundings, saturated with hydrogen or methyl; canonical.
    places : tuple of int
        Number of each of `atoms` in `smiles`.
    """

    atoms: tuple[int, ...]
    smiles: str
    places: tuple[int, ...]


def cut(molecule: Chem.Mol) -> list[Residue]:
    """Cut a molecule into residues.

    Parameters
    ----------
    molecule : rdkit.Chem.Mol
        Without explicit hydrogen.

    Returns
    -------
    list of Residue
        In the order of their first atoms; each heavy atom is in one of them.
    """
    return [_in_surroundings(molecule, piece) for piece in _pieces(molecule)]


def _pieces(molecule: Chem.Mol) -> list[set[int]]:
    """Return the sets of atoms between the cuts, small ones joined to what follows."""
    cuts = [bond.GetIdx() for bond in molecule.GetBonds() if _may_be_cut(bond)]
    if not cuts:
        return [set(range(molecule.GetNumAtoms()))]
    fragments = Chem.FragmentOnBonds(molecule, cuts, addDummies=False)
    pieces = [set(atoms) for atoms in Chem.GetMolFrags(fragments)]
    while len(pieces) > 1:
        pieces.sort(key=min)
        small = next((piece for piece in pieces if len(piece) < FEWEST_ATOMS), None)
        if small is None:
            break
        beside = _neighbours(molecule, small)
        joined = [piece for piece in pieces if piece & beside]
        following = [piece for piece in joined if min(piece) > min(small)]
        other = following[0] if following else joined[-1]
        pieces = [piece for piece in pieces if piece is not small and piece is not other]
        pieces.append(small | other)
    return sorted(pieces, key=min)


def _may_be_cut(bond: Chem.Bond) -> bool:
    if bond.GetBondType() != Chem.BondType.SINGLE:
        return False
    ring = bond.GetOwningMol().GetRingInfo().MinBondRingSize(bond.GetIdx())
    ends = bond.GetBeginAtom(), bond.GetEndAtom()
    if 0 < ring <= LARGEST_RING or any(atom.GetFormalCharge() for atom in ends):
        return False
    if all(_is_saturated_carbon(atom) for atom in ends):
        return True
    # the oxygen of an aryl ether
    return any(
        one.GetIsAromatic() and other.GetSymbol() == "O" and other.GetDegree() == 2
        for one, other in (ends, ends[::-1])
    )


def _is_saturated_carbon(atom: Chem.Atom) -> bool:
    return (
        atom.GetSymbol() == "C"
        and atom.GetHybridization() == Chem.HybridizationType.SP3
        and not atom.GetIsAromatic()
    )


def _neighbours(molecule: Chem.Mol, atoms: set[int]) -> set[int]:
    beside = {
        neighbour.GetIdx() for i in atoms for neighbour in molecule.GetAtomWithIdx(i).GetNeighbors()
    }
    return beside - atoms


def _in_surroundings(molecule: Chem.Mol, piece: set[int]) -> Residue:
    kept = piece | _surroundings(molecule, piece)
    capped = Chem.RWMol(molecule)
    for bond in molecule.GetBonds():
        ends = bond.GetBeginAtom(), bond.GetEndAtom()
        for inside, outside in (ends, ends[::-1]):
            if inside.GetIdx() in kept and outside.GetIdx() not in kept:
                _cap(capped, inside, int(bond.GetBondTypeAsDouble()))
    for atom in capped.GetAtoms():
        if atom.GetIdx() < molecule.GetNumAtoms():
            atom.SetIntProp("place", atom.GetIdx())
        atom.SetChiralTag(Chem.ChiralType.CHI_UNSPECIFIED)
    for index in sorted(set(range(molecule.GetNumAtoms())) - kept, reverse=True):
        capped.RemoveAtom(index)
    Chem.SanitizeMol(capped)
    plain = Chem.RemoveHs(capped)
    Chem.RemoveStereochemistry(plain)
    smiles = Chem.MolToSmiles(plain)
    order = list(plain.GetPropsAsDict(True, True)["_smilesAtomOutputOrder"])
    place_of = {
        plain.GetAtomWithIdx(index).GetIntProp("place"): place
        for place, index in enumerate(order)
        if plain.GetAtomWithIdx(index).HasProp("place")
    }
    atoms = tuple(sorted(piece))
    return Residue(atoms, smiles, tuple(place_of[atom] for atom in atoms))


def _surroundings(molecule: Chem.Mol, piece: set[int]) -> set[int]:
    """Return the atoms near a piece that are kept: no charged groups, and rings whole or not."""
    kept: set[int] = set()
    shell = piece
    for distance in range(1, SURROUNDINGS + 1):
        beyond: set[int] = set()
        for index in _neighbours(molecule, shell) - piece - kept:
            ring = _ring_system(molecule, index)
            if _is_charged(molecule, ring) or (
                distance > 1 and (ring or _in_charged_group(molecule, index))
            ):
                continue
            beyond |= ring
            beyond.add(index)
        beyond -= piece
        kept |= beyond
        shell = beyond
    # a carbonyl or a CF2 stays what it is
    ends = {i for i in _neighbours(molecule, kept) if molecule.GetAtomWithIdx(i).GetDegree() == 1}
    kept |= {i for i in ends - piece if molecule.GetAtomWithIdx(i).GetSymbol() != "C"}
    return kept


def _is_charged(molecule: Chem.Mol, atoms: Iterable[int]) -> bool:
    return any(molecule.GetAtomWithIdx(i).GetFormalCharge() for i in atoms)


def _in_charged_group(molecule: Chem.Mol, index: int) -> bool:
    return _is_charged(molecule, {index} | _neighbours(molecule, {index}))


def _ring_system(molecule: Chem.Mol, index: int) -> set[int]:
    """Return the atoms of the small rings that an atom is in, and of those that share a bond."""
    rings = [set(ring) for ring in molecule.GetRingInfo().AtomRings() if len(ring) <= LARGEST_RING]
    system = {index}
    while grown := [ring for ring in rings if ring & system and not ring <= system]:
        system = system.union(*grown)
    return system if len(system) > 1 else set()


def _cap(capped: Chem.RWMol, atom: Chem.Atom, bonds: int) -> None:
    """Saturate an atom that lost a neighbour: hydrogen on carbon, methyl on others."""
    element = 1 if atom.GetSymbol() == "C" else 6
    for _ in range(bonds):
        added = capped.AddAtom(Chem.Atom(element))
        capped.AddBond(atom.GetIdx(), added, Chem.BondType.SINGLE)
