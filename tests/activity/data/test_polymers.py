"""Molecules from SMILES and from compositions."""

from collections import Counter

import pytest
from rdkit import Chem
from rdkit.Chem.rdMolDescriptors import CalcMolFormula

from voxion.activity.data.polymers import read_molecule
from voxion.errors import VoxionError

STYRENE, PYRROLE = "[*]CC([*])c1ccccc1", "[*]CC([*])C1=NC=CC=C1"


def test_a_smiles_is_read_as_rdkit_reads_it() -> None:
    salt = read_molecule("[Na+].[Cl-]", "salt")
    assert sorted(atom.GetFormalCharge() for atom in salt.GetAtoms()) == [-1, 1]
    assert Chem.MolToSmiles(read_molecule("C1=CC=CC=C1", "benzene")) == "c1ccccc1"


def test_three_styrenes_head_to_tail() -> None:
    found = read_molecule(f"block: {STYRENE} x 3", "PS")
    expected = Chem.MolFromSmiles("CC(c1ccccc1)CC(c1ccccc1)CCc1ccccc1")
    assert Chem.MolToSmiles(found) == Chem.MolToSmiles(expected)


def test_one_unit_gets_hydrogen_at_both_ends() -> None:
    assert Chem.MolToSmiles(read_molecule(f"block: {STYRENE} x 1", "PS")) == "CCc1ccccc1"


def test_blocks_follow_each_other_as_written() -> None:
    found = read_molecule("block: [*]CO[*] x 2 + [*]CS[*] x 2", "p")
    assert Chem.MolToSmiles(found) == Chem.MolToSmiles(Chem.MolFromSmiles("COCOCSCS"))


def test_a_random_copolymer_has_all_units_in_an_order_of_its_seed() -> None:
    def made(seed: int) -> Chem.Mol:
        return read_molecule(f"random: {STYRENE} x 6 + [*]CC([*])F x 4; seed {seed}", "p")

    molecules = {seed: made(seed) for seed in range(6)}
    # 6 C8H8 and 4 C2H3F, with a hydrogen at each end
    assert {CalcMolFormula(m) for m in molecules.values()} == {"C56H62F4"}
    assert len({Chem.MolToSmiles(m) for m in molecules.values()}) > 3
    assert Chem.MolToSmiles(made(2)) == Chem.MolToSmiles(molecules[2])
    assert Chem.MolToSmiles(made(0)) == Chem.MolToSmiles(
        read_molecule(f"random: {STYRENE} x 6 + [*]CC([*])F x 4", "p")
    )


def test_joints_keep_the_handedness_of_units() -> None:
    lactide = read_molecule("block: [*]O[C@@H](C)C([*])=O x 3", "PLA")
    centres = Counter(label for _, label in Chem.FindMolChiralCenters(lactide))
    single = Chem.FindMolChiralCenters(Chem.MolFromSmiles("O[C@@H](C)C(=O)O"))
    assert centres == {single[0][1]: 3}


def test_ends_may_have_map_numbers() -> None:
    plain = read_molecule("block: [*]CC([*])O x 3", "p")
    mapped = read_molecule("block: [*:1]CC([*:2])O x 3", "p")
    assert Chem.MolToSmiles(mapped) == Chem.MolToSmiles(plain)


def test_charges_stay() -> None:
    found = read_molecule("random: [*]CC([*])c1ccc(S(=O)(=O)[O-])cc1 x 5 + [*]CC[*] x 5", "p")
    assert Chem.GetFormalCharge(found) == -5


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("CC(", "cannot read the SMILES"),
        ("", "no atoms"),
        ("[*]CC[*]", "2 open ends"),
        ("block: [*]CC x 3", "1 ends"),
        ("block: [*]C([*])C[*] x 3", "3 ends"),
        ("block: [*]=C[*] x 3", "one single bond"),
        ("block: [*][*] x 3", "one single bond"),
        ("block: [*]C[*]", "not a repeat unit and its number"),
        ("block: [*]C[*] x 0", "not a repeat unit and its number"),
        ("block: [*]C[*] x 3; seed 2", "a block has no seed"),
        ("random: [*]C[*] x 600 + [*]O[*] x 600", "more than 1000"),
        ("random: [*]C[*] x 3 + [*]Q[*] x 3", "cannot read the SMILES"),
    ],
)
def test_wrong_molecules_are_refused_by_name(text: str, complaint: str) -> None:
    with pytest.raises(VoxionError, match=complaint) as error:
        read_molecule(text, "polymer Nafion")
    assert "polymer Nafion" in str(error.value)


@pytest.mark.parametrize(
    "unit", ["[1*]CC([2*])c1ccccc1", "[*:1]CC([*:2])c1ccccc1", "*CC(*)c1ccccc1"]
)
def test_ends_may_be_labelled(unit: str) -> None:
    expected = read_molecule(f"block: {STYRENE} x 3", "PS")
    found = read_molecule(f"block: {unit} x 3", "PS")
    assert Chem.MolToSmiles(found) == Chem.MolToSmiles(expected)
    assert {atom.GetSymbol() for atom in found.GetAtoms()} == {"C"}
