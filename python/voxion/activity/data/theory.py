"""Counter-ion condensation: activity coefficients of ions among charged chains, without a fit.

Manning, J. Chem. Phys. 51, 924 (1969), for ions of any valence; Kamcev, Paul and Freeman,
Macromolecules 48, 8011 (2015), apply it to membranes. All coefficients here are the product of the
ions' coefficients to the power of their numbers in the salt (for NaCl, that of Na times that of
Cl), on the scale of concentrations in the absorbed water, relative to an ideal solution.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from scipy.constants import elementary_charge, epsilon_0, k, pi
from scipy.optimize import brentq

TEMPERATURE, PERMITTIVITY = 298.15, 78.4  # K; of water, relative
# distance at which two charges in water have the energy kT, angstrom
BJERRUM = (
    1e10 * elementary_charge**2 / (4 * pi * epsilon_0 * PERMITTIVITY * k * TEMPERATURE)
)  # fmt: skip
WATER_MOLARITY = 55.3  # mol/L
DEBYE_HUECKEL = 0.509 * math.log(10)  # of ln gamma, (L/mol)^(1/2), water at 25 °C


@dataclass(frozen=True)
class Ions:
    """A salt beside a tethered charge.

    Attributes
    ----------
    counter_valence, co_valence : int
        Valence (positive) of the ions of opposite sign to the tethered charge, and of the same
        sign.
    counter_number, co_number : int
        How many of them a formula unit has.
    """

    counter_valence: int
    co_valence: int
    counter_number: int
    co_number: int

    @property
    def number(self) -> int:
        """Ions of a formula unit."""
        return self.counter_number + self.co_number


def log_manning(charge_density: float, fixed: float, salt: float, ions: Ions) -> float:
    """Return ln of the product of the coefficients.

    Counter-ions condense until the charge density is 1 / z; what is left screens as Debye and
    Hückel say (Manning's eqs. 26 to 33, in which the valences are 1 or 2 by way of example).

    Parameters
    ----------
    charge_density : float
        Manning's xi: Bjerrum length over the distance of neighbouring charges along the chain.
    fixed, salt : float
        Tethered charges and formula units of salt in the membrane, mol per litre of its water.
    ions : Ions
    """
    z, number = ions.counter_valence, ions.counter_number
    free_share = min(1.0, 1 / (z * charge_density))
    free = free_share * fixed / z + number * salt
    all_counter = fixed / z + number * salt
    strength = z**2 * free + ions.co_valence**2 * ions.co_number * salt
    screening = 0.5 * free_share**2 * charge_density * fixed / strength
    squares = number * z**2 + ions.co_number * ions.co_valence**2
    return number * math.log(free / all_counter) - screening * squares


def log_davies(concentration: float, ions: Ions) -> float:
    """Return ln of the product of the coefficients in the solution outside (Davies, 1962)."""
    z, other = ions.counter_valence, ions.co_valence
    strength = 0.5 * concentration * (ions.counter_number * z**2 + ions.co_number * other**2)
    root = math.sqrt(strength)
    mean = -DEBYE_HUECKEL * z * other * (root / (1 + root) - 0.3 * strength)
    return ions.number * mean


def absorbed_salt(charge_density: float, fixed: float, outside: float, ions: Ions) -> float:
    """Return the salt in the membrane [mol/L of water] in Donnan's equilibrium with `outside`.

    The ions' activities have the same product on both sides.
    """

    def excess(log_salt: float) -> float:
        salt = math.exp(log_salt)
        counter = fixed / ions.counter_valence + ions.counter_number * salt
        inside = ions.counter_number * math.log(counter)
        inside += ions.co_number * math.log(ions.co_number * salt)
        return inside + log_manning(charge_density, fixed, salt, ions) - activity

    activity = log_davies(outside, ions)
    activity += ions.counter_number * math.log(ions.counter_number * outside)
    activity += ions.co_number * math.log(ions.co_number * outside)
    return math.exp(brentq(excess, math.log(outside) - 40, math.log(outside) + 10))


def fixed_concentration(water_per_ion: float) -> float:
    """Return the tethered charges, mol per litre of absorbed water."""
    return WATER_MOLARITY / water_per_ion
