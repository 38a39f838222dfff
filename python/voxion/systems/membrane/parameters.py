"""GAFF2 types and AM1-BCC charges of residues, computed once and kept in a cache."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import BaseModel, ConfigDict, Field
from rdkit import Chem, rdBase
from rdkit.Chem import rdDistGeom, rdForceFieldHelpers

from voxion.errors import VoxionError
from voxion.files import parse_yaml, read_json, read_text, replacing
from voxion.systems.membrane.amber_tools import run_program, tools_version, working_folder

SOURCES = (
    "GAFF2 (AmberTools); Wang, Wolf, Caldwell, Kollman, Case, J. Comput. Chem. 25, 1157 (2004), "
    "10.1002/jcc.20035",
    "AM1-BCC charges: Jakalian, Jack, Bayly, J. Comput. Chem. 23, 1623 (2002), 10.1002/jcc.10128",
)
# Elements that both GAFF2 and AM1-BCC have parameters for.
ELEMENTS = frozenset({"H", "C", "N", "O", "F", "P", "S", "Cl", "Br", "I"})
TOTAL = 0.02  # e; of a residue with its surroundings, AM1-BCC rounds to less
MOST_ATOMS = 120  # of what AM1 is solved for; its cost grows with the third power
_GEOMETRIES = 20  # attempts at a start for AM1

_Type = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9+*]{0,3}$")]
_Charge = Annotated[float, Field(ge=-10, le=10)]


class AtomParameters(BaseModel):
    """A heavy atom: its GAFF2 type and charge (e), and those of each hydrogen on it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    type: _Type
    charge: _Charge
    hydrogen_type: _Type | None = None
    hydrogen_charge: _Charge = 0.0


class ResidueParameters(BaseModel):
    """Types and charges of the atoms of a capped residue, in the order of its SMILES."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    smiles: Annotated[str, Field(min_length=1, max_length=2000)]
    method: Annotated[str, Field(max_length=200)]
    atoms: Annotated[list[AtomParameters], Field(min_length=1, max_length=MOST_ATOMS)]


class ResidueFile(BaseModel):
    """Residues of a system, or those that a user has charges of."""

    model_config = ConfigDict(extra="forbid")

    residues: Annotated[list[ResidueParameters], Field(max_length=1000)]


def read_residues(path: Path) -> dict[str, ResidueParameters]:
    """Read charges and types from a file in the form of a built system's ``residues.yaml``.

    Returns
    -------
    dict of SMILES to ResidueParameters

    Raises
    ------
    VoxionError
        The file does not hold residues, or not as many atoms as a SMILES has.
    """
    advice = "write it in the form of the residues.yaml of a built membrane"
    found = parse_yaml(read_text(path, advice), ResidueFile, str(path), advice).residues
    for residue in found:
        _check_atoms(residue, f"{path}, residue {residue.smiles}")
    return {residue.smiles: residue for residue in found}


def write_residues(path: Path, residues: Sequence[ResidueParameters]) -> None:
    """Write the file that `read_residues` reads."""
    content = ResidueFile(residues=list(residues)).model_dump(mode="json", exclude_none=True)
    with replacing(path) as temporary:
        temporary.write_text(yaml.safe_dump(content, sort_keys=False, default_flow_style=None))


def parametrise(
    smiles: str, cache: Path, given: Mapping[str, ResidueParameters] | None = None
) -> ResidueParameters:
    """Return types and charges of a capped residue.

    Parameters
    ----------
    smiles : str
        Canonical, as `voxion.systems.membrane.residues.Residue` has it.
    cache : Path
        Folder of what was computed before; results are added to it.
    given : mapping of SMILES to ResidueParameters, optional
        A user's own, which go before.

    Raises
    ------
    VoxionError
        The residue has an element or a radical that GAFF2 and AM1-BCC do not know, is too big, or
        a program failed on it.
    """
    if given and smiles in given:
        return given[smiles]
    method = f"GAFF2, AM1-BCC, AmberTools {tools_version()}"
    key = hashlib.sha256(f"{method} {smiles}".encode()).hexdigest()[:24]
    path = cache / f"{key}.json"
    if path.exists():
        advice = "remove it, and it is computed again"
        kept = read_json(path, ResidueParameters, advice)
        if kept.smiles != smiles:
            raise VoxionError(f"{path} is of residue {kept.smiles}, not {smiles}: {advice}.")
        _check_atoms(kept, str(path))
        return kept
    found = ResidueParameters(
        smiles=smiles, method=method, atoms=_compute(smiles, cache / f"failed-{key}")
    )
    cache.mkdir(parents=True, exist_ok=True)
    with replacing(path) as temporary:
        temporary.write_text(found.model_dump_json(indent=1) + "\n")
    return found


def _check_atoms(residue: ResidueParameters, where: str) -> None:
    with rdBase.BlockLogs():
        molecule = Chem.MolFromSmiles(residue.smiles)
    if molecule is None or Chem.MolToSmiles(molecule) != residue.smiles:
        raise VoxionError(f"{where}: expected a canonical SMILES, found {residue.smiles!r}.")
    if len(residue.atoms) != molecule.GetNumAtoms():
        raise VoxionError(
            f"{where}: {len(residue.atoms)} atoms for a SMILES of {molecule.GetNumAtoms()}."
        )
    for number, (atom, found) in enumerate(
        zip(molecule.GetAtoms(), residue.atoms, strict=True), start=1
    ):
        if (atom.GetTotalNumHs() > 0) != (found.hydrogen_type is not None):
            raise VoxionError(
                f"{where}: atom {number}, {atom.GetSymbol()}, has {atom.GetTotalNumHs()} hydrogen "
                "atoms, which its hydrogen_type does not fit."
            )
    charges = [
        found.charge + atom.GetTotalNumHs() * found.hydrogen_charge
        for atom, found in zip(molecule.GetAtoms(), residue.atoms, strict=True)
    ]
    formal = Chem.GetFormalCharge(molecule)
    if not abs(sum(charges) - formal) <= TOTAL:
        raise VoxionError(
            f"{where}: the charges of its atoms add up to {sum(charges):.4f} e, expected {formal}."
        )


def _compute(smiles: str, failed: Path) -> list[AtomParameters]:
    molecule = Chem.MolFromSmiles(smiles)
    what = f"residue {smiles}"
    unknown = sorted({atom.GetSymbol() for atom in molecule.GetAtoms()} - ELEMENTS)
    if unknown:
        raise VoxionError(
            f"{what}: GAFF2 and AM1-BCC have no parameters of {', '.join(unknown)}; known are "
            f"{', '.join(sorted(ELEMENTS))}. Other residues need charges and types of your own."
        )
    if any(atom.GetNumRadicalElectrons() for atom in molecule.GetAtoms()):
        raise VoxionError(f"{what} has unpaired electrons, which AM1-BCC has no charges for.")
    full = Chem.AddHs(molecule)
    if full.GetNumAtoms() > MOST_ATOMS:
        raise VoxionError(
            f"{what} has {full.GetNumAtoms()} atoms with its surroundings, too many for AM1: at "
            f"most {MOST_ATOMS}. A chain is cut between saturated carbons and at aryl ethers; "
            "others need charges and types of your own."
        )
    _place(full, what)
    charge = Chem.GetFormalCharge(full)
    with working_folder(failed) as folder:
        Chem.MolToMolFile(full, str(folder / "residue.mol"))
        run_program(
            "antechamber",
            f"-i residue.mol -fi mdl -o residue.mol2 -fo mol2 -c bcc -nc {charge} -at gaff2 "
            "-rn RES -pf y -dr n".split(),
            folder,
            f"{what} (AM1-BCC charges)",
        )
        rows = _mol2_atoms(folder / "residue.mol2", full, what)
    return [_heavy(full, atom, rows) for atom in full.GetAtoms() if atom.GetAtomicNum() > 1]


def _place(molecule: Chem.Mol, what: str) -> None:
    """Give a molecule a geometry that AM1 can start from."""
    if rdDistGeom.EmbedMolecule(molecule, randomSeed=1, maxAttempts=_GEOMETRIES) != 0:
        if rdDistGeom.EmbedMolecule(molecule, randomSeed=1, useRandomCoords=True) != 0:
            raise VoxionError(f"{what}: RDKit found no geometry for it; look at its rings.")
    if rdForceFieldHelpers.MMFFHasAllMoleculeParams(molecule):
        rdForceFieldHelpers.MMFFOptimizeMolecule(molecule, maxIters=2000)


def _mol2_atoms(path: Path, molecule: Chem.Mol, what: str) -> list[tuple[str, float]]:
    """Return type and charge of each atom in a file of antechamber's."""
    lines = path.read_text().splitlines() if path.exists() else []
    rows = []
    if "@<TRIPOS>ATOM" in lines:
        for line in lines[lines.index("@<TRIPOS>ATOM") + 1 :]:
            if line.startswith("@"):
                break
            words = line.split()
            rows.append((words[5], float(words[8])))
    charges = [charge for _, charge in rows]
    expected = Chem.GetFormalCharge(molecule)
    if len(rows) != molecule.GetNumAtoms() or not math.isclose(
        sum(charges), expected, abs_tol=TOTAL
    ):
        raise VoxionError(
            f"{what}: antechamber wrote {len(rows)} atoms with a charge of {sum(charges):g} e; "
            f"expected {molecule.GetNumAtoms()} and {expected}."
        )
    return rows


def _heavy(
    molecule: Chem.Mol, atom: Chem.Atom, rows: Sequence[tuple[str, float]]
) -> AtomParameters:
    kind, charge = rows[atom.GetIdx()]
    hydrogens = [rows[n.GetIdx()] for n in atom.GetNeighbors() if n.GetAtomicNum() == 1]
    return AtomParameters(
        type=kind,
        charge=charge,
        hydrogen_type=hydrogens[0][0] if hydrogens else None,
        hydrogen_charge=round(sum(c for _, c in hydrogens) / len(hydrogens), 6)
        if hydrogens
        else 0.0,
    )
