"""Charges and hydrophilicity of a polymer, from its structure."""

from __future__ import annotations

from collections import Counter
from functools import cache

import numpy as np
from rdkit import Chem
from rdkit.Chem import rdMolDescriptors

from voxion.activity.data.polymers import read_molecule
from voxion.activity.data.table import DESCRIPTORS, ActivityData, Floats
from voxion.activity.data.theory import Ions
from voxion.errors import VoxionError

BOND = 1.25  # angstrom of chain length for one bond of an extended chain
# van der Waals volumes with what lies between, of a heavy atom and of a water molecule
ATOM_VOLUME, WATER_VOLUME = 15.0, 30.0  # angstrom^3

_SIZES = ("log_heavy_atoms_per_charge", "heavy_atoms_per_charge")
_HYDROPHOBICITIES = ("logp_per_heavy_atom", "logp_per_charge")
FEATURES = (
    *_SIZES,
    *_HYDROPHOBICITIES,
    "aromatic_share",
    "polar_area_per_heavy_atom",
    "water_volume_share",
    "log_water_per_ion",
    "log_cn_fixed_ion",
    "cn_fixed_water",
)
ALTERNATIVES = (frozenset(_SIZES), frozenset(_HYDROPHOBICITIES))  # of each, one says enough
SMALL_NUMBER = 0.01  # keeps the logarithm of a coordination number finite


def features(data: ActivityData) -> Floats:
    """Return `FEATURES` of each row [N, 10].

    logP is Crippen's (Wildman and Crippen, J. Chem. Inf. Comput. Sci. 39, 868, 1999), the polar
    area that of Ertl et al. (J. Med. Chem. 43, 3714, 2000).

    Raises
    ------
    VoxionError
        A polymer cannot be read or has no tethered charge.
    """
    rows = []
    for row, name in enumerate(data.polymers):
        smiles = data.polymer_smiles[str(name)]
        heavy, logp, aromatic, area = _structure(smiles, str(name))
        charges = abs(fixed_charge(smiles, str(name)))
        volume = ATOM_VOLUME * heavy / charges
        water = WATER_VOLUME * data.water_per_ion[row]
        descriptors = dict(zip(DESCRIPTORS, data.descriptors[row], strict=True))
        rows.append(
            [
                np.log(heavy / charges),
                heavy / charges,
                logp / heavy,
                logp / charges,
                aromatic / heavy,
                area / heavy,
                water / (water + volume),
                np.log(data.water_per_ion[row]),
                np.log(descriptors["cn_fixed_ion"] + SMALL_NUMBER),
                descriptors["cn_fixed_water"],
            ]
        )
    return np.array(rows)


def ions_of(data: ActivityData) -> list[Ions]:
    """Return the valences and numbers of the ions of each row.

    Raises
    ------
    VoxionError
        A polymer has no tethered charge, a salt is not one anion and one cation.
    """
    found = []
    for polymer, salt in zip(data.polymers.tolist(), data.salts.tolist(), strict=True):
        sign = 1 if fixed_charge(data.polymer_smiles[polymer], polymer) > 0 else -1
        found.append(_ions(data.salt_smiles[salt], salt, sign))
    return found


@cache
def fixed_charge(smiles: str, name: str) -> int:
    """Return the sum of a polymer's tethered charges.

    Raises
    ------
    VoxionError
        It cannot be read, or is not charged.
    """
    charge = Chem.GetFormalCharge(read_molecule(smiles, f"polymer {name}"))
    if charge == 0:
        raise VoxionError(f"Polymer {name} has no tethered charge: an ionised polymer is expected.")
    return int(charge)


@cache
def charge_spacing(smiles: str, name: str) -> float:
    """Estimate the distance [angstrom] of neighbouring charges along the extended chain.

    The longest way through the molecule's bonds is taken for the chain. It is a crude estimate,
    more so for a network; the monomers' measured feed says better.
    """
    molecule = read_molecule(smiles, f"polymer {name}")
    longest = float(Chem.GetDistanceMatrix(molecule).max())
    return BOND * longest / abs(fixed_charge(smiles, name))


@cache
def _structure(smiles: str, name: str) -> tuple[int, float, int, float]:
    """Heavy atoms, logP, aromatic atoms, polar area in angstrom^2."""
    molecule = read_molecule(smiles, f"polymer {name}")
    aromatic = sum(atom.GetIsAromatic() for atom in molecule.GetAtoms())
    area = rdMolDescriptors.CalcTPSA(molecule)
    return (
        molecule.GetNumHeavyAtoms(),
        float(rdMolDescriptors.CalcCrippenDescriptors(molecule)[0]),
        aromatic,
        area,
    )


@cache
def _ions(smiles: str, name: str, fixed_sign: int) -> Ions:
    fragments = Chem.GetMolFrags(read_molecule(smiles, f"salt {name}"), asMols=True)
    charges = Counter(Chem.GetFormalCharge(fragment) for fragment in fragments)
    counter = [charge for charge in charges if charge * fixed_sign < 0]
    other = [charge for charge in charges if charge * fixed_sign > 0]
    neutral = sum(charge * number for charge, number in charges.items()) == 0
    if len(charges) != 2 or len(counter) != 1 or len(other) != 1 or not neutral:
        raise VoxionError(
            f"Salt {name}: {smiles!r} has ions of charges {sorted(charges.elements())}; cations of "
            "one charge and anions of one charge that cancel are expected."
        )
    return Ions(abs(counter[0]), abs(other[0]), charges[counter[0]], charges[other[0]])
