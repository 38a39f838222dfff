"""Fixed charges of a polymer: where they are, and on what kind of group."""

from __future__ import annotations

from functools import cache

from rdkit import Chem

# The first that fits names the group; the first atom of each pattern is its centre.
_KINDS = {
    "sulfonate": "S(=O)(=O)([O-])[#6]",
    "sulfate ester": "S(=O)(=O)([O-])[#8]",
    "sulfonimide": "S(=O)(=O)[N-]",
    "carboxylate": "C(=O)[O-]",
    "phosphonate or phosphate": "P(=O)[O-]",
    "quaternary ammonium": "[NX4+]([#6])([#6])([#6])[#6]",
    "ammonium with hydrogen": "[NX4+;!H0]",
    "pyridinium": "[n+;r6]",
    "imidazolium": "[n+;r5]",
    "phosphonium": "[PX4+]",
    "sulfonium": "[SX3+]",
}


def charged_centres(molecule: Chem.Mol) -> list[int]:
    """Return the atoms that bear fixed charges; of an anionic group that which O or N is on."""
    centres: list[int] = []
    for atom in molecule.GetAtoms():
        charge = atom.GetFormalCharge()
        if charge > 0 and not any(n.GetFormalCharge() < 0 for n in atom.GetNeighbors()):
            centres.append(atom.GetIdx())
        elif charge < 0:
            heavy = [n for n in atom.GetNeighbors() if n.GetAtomicNum() > 1]
            inner = [n for n in heavy if n.GetFormalCharge() == 0]
            if inner:
                centres.append(inner[0].GetIdx())
    return sorted(set(centres))


def charged_atoms(molecule: Chem.Mol) -> list[int]:
    """Return the atoms that ions meet: of an anionic group its end oxygens, else the centres."""
    atoms: list[int] = []
    for centre in charged_centres(molecule):
        around = molecule.GetAtomWithIdx(centre).GetNeighbors()
        anionic = any(atom.GetFormalCharge() < 0 for atom in around)
        ends = [a.GetIdx() for a in around if a.GetSymbol() == "O" and a.GetDegree() == 1]
        atoms += ends if anionic and ends else [centre]
    return sorted(set(atoms))


def kinds_of_groups(molecule: Chem.Mol) -> set[str]:
    """Return the kinds of groups that bear a polymer's fixed charges."""
    return {_kind(molecule, centre) for centre in charged_centres(molecule)}


def _kind(molecule: Chem.Mol, centre: int) -> str:
    for name, pattern in _patterns():
        if any(match[0] == centre for match in molecule.GetSubstructMatches(pattern)):
            return name
    atom = molecule.GetAtomWithIdx(centre)
    around = "".join(sorted(neighbour.GetSymbol() for neighbour in atom.GetNeighbors()))
    return f"group of {atom.GetSymbol()} with {around or 'nothing'} around it"


@cache
def _patterns() -> tuple[tuple[str, Chem.Mol], ...]:
    return tuple((name, Chem.MolFromSmarts(smarts)) for name, smarts in _KINDS.items())
