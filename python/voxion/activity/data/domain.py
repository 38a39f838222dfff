"""Distance of a membrane from those that a model was trained on."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cache

import numpy as np
from rdkit import Chem, DataStructs
from rdkit.Chem import rdFingerprintGenerator

from voxion.activity.data.polymers import read_molecule
from voxion.activity.data.table import ActivityData
from voxion.contract.schema import ActivityContract
from voxion.errors import VoxionError
from voxion.systems.membrane.fixed_charges import kinds_of_groups

# Positions of the peaks and minima around an ion depend on force field, counter-ion and group, and
# little on the polymer; they are read off to a bin or two of the distribution functions (angstrom).
SAME_POSITION = 0.15
UNLIKE = 0.4  # a polymer less similar than this to all of the training data gets a warning
RADIUS, BITS = 2, 2048  # of the Morgan fingerprints


@dataclass(frozen=True)
class Familiarity:
    """Comparison of one membrane with the training data.

    Attributes
    ----------
    polymer, salt : str or None
        Their name of the same molecule, None if they do not have it.
    known : bool
        They have this polymer in this salt; only the numbers may differ.
    nearest : str
        Their polymer that is most similar.
    similarity : float
        Its Tanimoto similarity, 1 for the same molecule.
    warnings : tuple of str
        What is outside the training data.
    """

    polymer: str | None
    salt: str | None
    known: bool
    nearest: str
    similarity: float
    warnings: tuple[str, ...]


def familiarity(data: ActivityData, contract: ActivityContract) -> list[Familiarity]:
    """Compare each row with the training data of a model.

    Polymers are compared by Tanimoto similarity of counted Morgan fingerprints.

    Raises
    ------
    VoxionError
        An element of a polymer (or of a salt) is in none of the training polymers (salts), all of
        those have fixed charges of the other sign, or a number is further outside the training
        range than the range is wide.
    """
    polymers = _Molecules(contract.polymers, "polymer")
    salts = _Molecules(contract.salts, "salt")
    fixed = _FixedCharges(contract)
    numbers = data.numbers
    found = []
    for row, (polymer, salt) in enumerate(zip(data.polymers, data.salts, strict=True)):
        place = f"Row {row + 1} ({polymer} in {salt})"
        own_polymer, nearest, similarity = polymers.find(
            data.polymer_smiles[str(polymer)], str(polymer), place
        )
        own_salt, _, _ = salts.find(data.salt_smiles[str(salt)], str(salt), place)
        known = f"{own_polymer}/{own_salt}" in contract.pairs
        warnings = []
        if similarity < UNLIKE:
            warnings.append("polymer unlike those of the training data")
        elif own_polymer is None:
            warnings.append("new polymer")
        if own_salt is None:
            warnings.append("new salt")
        if own_polymer is not None and own_salt is not None and not known:
            warnings.append("polymer that is new in this salt")
        membrane = _membrane(data.polymer_smiles[str(polymer)], data.salt_smiles[str(salt)])
        warnings += fixed.warnings(membrane, place)
        warnings += _number_warnings(numbers[row], contract, place)
        warnings += fixed.position_warnings(membrane, numbers[row])
        found.append(
            Familiarity(own_polymer, own_salt, known, nearest, similarity, tuple(warnings))
        )
    return found


class _Molecules:
    """The training data's molecules of one kind."""

    def __init__(self, smiles: dict[str, str], kind: str) -> None:
        molecules = {name: read_molecule(text, name) for name, text in smiles.items()}
        self.kind = kind
        self.names = list(molecules)
        self.generator = rdFingerprintGenerator.GetMorganGenerator(radius=RADIUS, fpSize=BITS)
        self.prints = [self.generator.GetCountFingerprint(m) for m in molecules.values()]
        self.canonical = {_canonical(m): name for name, m in molecules.items()}
        self.elements = {a.GetSymbol() for m in molecules.values() for a in m.GetAtoms()}
        self.found: dict[str, tuple[str | None, str, float]] = {}

    def find(self, text: str, name: str, place: str) -> tuple[str | None, str, float]:
        """Return the name of the same one, if any, of the most similar one, and its similarity."""
        if text not in self.found:
            self.found[text] = self._find(read_molecule(text, f"{self.kind} {name}"), place)
        return self.found[text]

    def _find(self, molecule: Chem.Mol, place: str) -> tuple[str | None, str, float]:
        elements = Counter(atom.GetSymbol() for atom in molecule.GetAtoms())
        if strange := sorted(set(elements) - self.elements):
            raise VoxionError(
                f"{place}: no {self.kind} of the training data has the element {strange[0]}, the "
                "model knows nothing of it: leave the row out, or fit a model with such data."
            )
        same = self.canonical.get(_canonical(molecule))
        if same is not None:
            return same, same, 1.0
        own = self.generator.GetCountFingerprint(molecule)
        similar = DataStructs.BulkTanimotoSimilarity(own, self.prints)
        best = int(np.argmax(similar))
        # a shuffled copolymer can have the same fingerprint
        return None, self.names[best], min(float(similar[best]), 0.999)


@dataclass(frozen=True)
class _Membrane:
    """What the surroundings of its ions depend on."""

    sign: int
    groups: frozenset[str]
    counter_ions: frozenset[str]


@cache
def _membrane(polymer: str, salt: str) -> _Membrane:
    molecule = read_molecule(polymer, "polymer")
    sign = int(np.sign(Chem.GetFormalCharge(molecule)))
    ions = Chem.GetMolFrags(read_molecule(salt, "salt"), asMols=True)
    counter = {_canonical(ion) for ion in ions if Chem.GetFormalCharge(ion) * sign < 0}
    return _Membrane(sign, frozenset(kinds_of_groups(molecule)), frozenset(counter))


class _FixedCharges:
    """Fixed charges and counter-ions of the training data, and the distances around them."""

    def __init__(self, contract: ActivityContract) -> None:
        self.numbers = contract.numbers
        pairs = [pair.rsplit("/", 1) for pair in contract.pairs]
        self.members = [_membrane(contract.polymers[p], contract.salts[s]) for p, s in pairs]
        self.ranges = contract.pair_ranges or ()
        self.signs = {member.sign for member in self.members}
        self.groups = frozenset().union(*(member.groups for member in self.members))

    def warnings(self, membrane: _Membrane, place: str) -> list[str]:
        if membrane.sign and membrane.sign not in self.signs:
            sign = "positive" if membrane.sign > 0 else "negative"
            raise VoxionError(
                f"{place}: its fixed charges are {sign}, those of the training data all have the "
                "other sign, the model knows nothing of it: leave the row out, or fit a model with "
                "such data."
            )
        return [
            f"no polymer of the training data has {group} groups"
            for group in sorted(membrane.groups - self.groups)
        ]

    def position_warnings(self, membrane: _Membrane, row: np.ndarray) -> list[str]:
        """Compare with the training data that have the same group and counter-ion."""
        warnings = []
        for column, name in enumerate(self.numbers):
            if not name.startswith(("r_peak_", "r_min_")):
                continue
            alike = [
                (ranges.min[column], ranges.max[column])
                for member, ranges in zip(self.members, self.ranges, strict=bool(self.ranges))
                if ("ion" not in name or member.counter_ions == membrane.counter_ions)
                and ("fixed" not in name or member.groups == membrane.groups)
            ]
            if not alike:
                continue
            low, high = min(a for a, _ in alike), max(b for _, b in alike)
            if max(low - row[column], row[column] - high) > SAME_POSITION:
                warnings.append(
                    f"{name} is {row[column]:g} where the training data with the same ions have "
                    f"{low:g} to {high:g}: descriptors of another force field?"
                )
        return warnings


def _canonical(molecule: Chem.Mol) -> str:
    """Name a molecule as graphs see it, without handedness and isotopes."""
    return str(Chem.MolToSmiles(molecule, isomericSmiles=False))


def _number_warnings(row: np.ndarray, contract: ActivityContract, place: str) -> list[str]:
    warnings = []
    ranges = contract.input_ranges
    for name, value, low, high in zip(contract.numbers, row, ranges.min, ranges.max, strict=True):
        outside = max(low - value, value - high)
        # a range of one value is taken to be as wide as it is high
        if outside > ((high - low) or abs(high)):
            raise VoxionError(
                f"{place}: {name} is {value:g}, the training data have {low:g} to {high:g}: the "
                "model knows nothing of such a value; leave the row out, or fit a model with such "
                "data."
            )
        if outside > 0:
            warnings.append(f"{name} outside {low:g} to {high:g}")
    return warnings
