"""Force-field constants of the systems that voxion builds, each with its source.

Units are those of LAMMPS ``units real``: angstrom, kcal/mol, e, g/mol.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

KCAL = 4.184  # kJ/mol
GRAMS_PER_CUBIC_ANGSTROM = 1.66053906660  # g/cm^3 of one g/mol in a cubic angstrom
# A minimum at r_min of the Lennard-Jones potential is a sigma of r_min / 2^(1/6).
_R_MIN_TO_SIGMA = 2.0 ** (-1.0 / 6.0)


@dataclass(frozen=True)
class AtomType:
    """Mass (g/mol), charge (e), Lennard-Jones epsilon (kcal/mol) and sigma (angstrom) of a type."""

    name: str
    mass: float
    charge: float
    epsilon: float
    sigma: float
    source: str


SPCE = "SPC/E: Berendsen, Grigera, Straatsma, J. Phys. Chem. 91, 6269 (1987), 10.1021/j100308a038"
JOUNG_CHEATHAM = (
    "ions for SPC/E: Joung, Cheatham, J. Phys. Chem. B 112, 9020 (2008), 10.1021/jp8001614"
)
AMBER_CARBON = (
    "aromatic carbon: Cornell et al., J. Am. Chem. Soc. 117, 5179 (1995), 10.1021/ja00124a002"
)
WERDER = "C-O: Werder et al., J. Phys. Chem. B 107, 1345 (2003), 10.1021/jp0268112"

OXYGEN = AtomType("O", 15.9994, -0.8476, 0.650 / KCAL, 3.166, SPCE)
HYDROGEN = AtomType("H", 1.008, 0.4238, 0.0, 0.0, SPCE)
SODIUM = AtomType("Na", 22.98977, 1.0, 0.3526418, 2 * 1.212 * _R_MIN_TO_SIGMA, JOUNG_CHEATHAM)
CHLORIDE = AtomType("Cl", 35.453, -1.0, 0.0127850, 2 * 2.711 * _R_MIN_TO_SIGMA, JOUNG_CHEATHAM)
# The charge of a carbon is the sheet's share, set by the builder. The sheet is rigid, so carbons
# do not attract each other; the constants serve the carbon-ion pairs.
CARBON = AtomType("C", 12.011, 0.0, 0.0860, 2 * 1.908 * _R_MIN_TO_SIGMA, AMBER_CARBON)

HEINZ = (
    "fcc metals: Heinz, Vaia, Farmer, Naik, J. Phys. Chem. C 112, 17281 (2008), 10.1021/jp801931d"
)


@dataclass(frozen=True)
class Metal:
    """An fcc metal: the type of its atoms, and its lattice constant (angstrom) at 298 K."""

    kind: AtomType
    lattice_constant: float


def _metal(name: str, mass: float, epsilon: float, r_min: float, constant: float) -> Metal:
    return Metal(AtomType(name, mass, 0.0, epsilon, r_min * _R_MIN_TO_SIGMA, HEINZ), constant)


# The metals are rigid, so their atoms do not attract each other; the constants serve their pairs
# with the electrolyte.
METALS = {
    "gold": _metal("Au", 196.96657, 5.29, 2.951, 4.0782),
    "silver": _metal("Ag", 107.8682, 4.56, 2.955, 4.0862),
    "copper": _metal("Cu", 63.546, 4.72, 2.616, 3.6150),
    "platinum": _metal("Pt", 195.084, 7.80, 2.845, 3.9239),
}

SPCE_BOND_LENGTH = 1.0  # angstrom
SPCE_ANGLE = 109.47  # degrees
# Stiffness of the water model while the packed start is minimised; SHAKE holds it afterwards, so
# these are no part of the physics (kcal/mol/A^2, kcal/mol/rad^2; those of CHARMM's TIP3P).
MINIMISER_BOND_STIFFNESS = 450.0
MINIMISER_ANGLE_STIFFNESS = 55.0

# Carbon-water attraction that gives SPC/E water on graphite its contact angle of 86 degrees.
WERDER_CARBON_OXYGEN = (0.392 / KCAL, 3.19)  # epsilon kcal/mol, sigma angstrom


def electrode_sources(types: Sequence[AtomType]) -> list[str]:
    """Return the sources of the constants of the electrodes' atoms, which are among these types."""
    sources = [kind.source for kind in types if not kind.charge]
    return [*dict.fromkeys(sources), *([WERDER] if CARBON in types else [])]


def pair_coefficients(types: Sequence[AtomType]) -> list[tuple[str, str, float, float, str]]:
    """Lennard-Jones coefficients of all pairs of types.

    Lorentz-Berthelot mixing, except that carbon-oxygen is Werder's and that the electrode's atoms
    do not attract each other.

    Parameters
    ----------
    types : sequence of AtomType
        Those without a charge of their own are the electrodes'.

    Returns
    -------
    list of (type, type, epsilon kcal/mol, sigma angstrom, remark)
    """
    rows = []
    for i, first in enumerate(types):
        for second in types[i:]:
            epsilon = sqrt(first.epsilon * second.epsilon)
            sigma = 0.5 * (first.sigma + second.sigma)
            remark = "" if first is second else "Lorentz-Berthelot"
            if {first.name, second.name} == {"C", "O"}:
                epsilon, sigma = WERDER_CARBON_OXYGEN
                remark = WERDER
            elif not (first.charge or second.charge):
                epsilon, remark = 0.0, "rigid electrodes; kept in the neighbour list"
            elif epsilon == 0.0:
                sigma, remark = 0.0, "no Lennard-Jones site on H"
            elif first is second:
                remark = first.source
            rows.append((first.name, second.name, epsilon, sigma, remark))
    return rows
