"""Makes the synthetic data set that `voxion activity` takes when it is given none.

    python make_data.py FOLDER

None of it was measured or simulated. Six copolymers meet four salts at four concentrations. The
activity coefficient follows from two theories without a fitted parameter:

- Manning's limiting law (J. Chem. Phys. 51, 924 and 934 (1969)). Charges at distances b along a
  chain have xi = l_B / b, l_B = 7.14 angstrom in water at 298 K. Counter-ions of valency z condense
  until the chain has xi_eff = min(xi, 1/z): of the fixed charges n_p the part n_eff = n_p xi_eff/xi
  stays bare. For an ion of valency z_i in the field of the chains
      ln gamma_i = -1/2 z_i^2 xi_eff n_eff / sum_j n_j z_j^2,
  the sum over all ions that are not condensed; those that are do not count in the activity of the
  counter-ion, whose gamma is multiplied by its free fraction. gamma is the mean of both ions.
- Donnan's equilibrium with an ideal outer solution tells how much salt is in the membrane: the
  product of the activities of its ions is the same on both sides.

The descriptors are made from ionic radii (Shannon 1976), usual hydration numbers, the water content
and the condensed fraction, by the formulas in `_descriptors`: they resemble those of a simulation
in kind, not in value. Descriptors scatter by 2 %, the coefficients by 4 %, always the same way.
"""

import csv
import sys
from pathlib import Path

import numpy as np
from scipy.optimize import brentq

BJERRUM = 7.14  # angstrom
RISE = 2.5  # angstrom of chain for each repeat unit of a vinyl polymer
WATER_MOLAR = 55.5  # mol in a litre of water
OXYGEN = 1.38  # angstrom, radius of a water oxygen

SULFONATE, AMPS = "[*]CC([*])c1ccc(S(=O)(=O)[O-])cc1", "[*]CC([*])C(=O)NC(C)(C)CS(=O)(=O)[O-]"
AMMONIUM, PYRIDINIUM = "[*]CC([*])c1ccc(C[N+](C)(C)C)cc1", "[*]CC([*])c1cccc[n+]1C"
STYRENE, ACRYLATE = "[*]CC([*])c1ccccc1", "[*]CC([*])C(=O)OCCO"
# order of the units, charged unit, its charge and number, other unit and its number; water per ion
POLYMERS = {
    "SS50-random": ("random", SULFONATE, -1, 5, STYRENE, 5, 18),
    "SS25-block": ("block", SULFONATE, -1, 3, STYRENE, 9, 24),
    "AMPS60-random": ("random", AMPS, -1, 6, ACRYLATE, 4, 32),
    "AMPS20-random": ("random", AMPS, -1, 2, ACRYLATE, 8, 60),
    "VBTMA40-random": ("random", AMMONIUM, 1, 4, STYRENE, 6, 16),
    "VP50-block": ("block", PYRIDINIUM, 1, 5, STYRENE, 5, 12),
}
# number, valency, radius (angstrom) and hydration number of the cation; the anion is chloride
SALTS = {
    "LiCl": ("[Li+].[Cl-]", 1, 0.76, 4.0),
    "NaCl": ("[Na+].[Cl-]", 1, 1.02, 5.5),
    "KCl": ("[K+].[Cl-]", 1, 1.38, 6.5),
    "MgCl2": ("[Mg+2].[Cl-].[Cl-]", 2, 0.72, 6.0),
}
CHLORIDE = (1, 1.81, 6.5)
CONCENTRATIONS = (0.01, 0.05, 0.2, 1.0)  # mol/L
COLUMNS = ["polymer", "salt", "water_per_ion", "salt_conc_M"] + [
    f"{quantity}_{pair}"
    for pair in ("ion_water", "fixed_water", "fixed_ion")
    for quantity in ("r_min", "r_peak", "g_peak", "cn")
]


def mean_coefficient(xi: float, fixed: float, salt: float, counter: int, co: int) -> float:
    """Manning's gamma of a membrane with `salt` mol/L of co-ion equivalents inside.

    `fixed` is the concentration of fixed charges, mol/L; `counter` and `co` are valencies.
    """
    effective = min(xi, 1 / counter)
    bare = fixed * effective / xi
    counter_total = (fixed + salt) / counter
    counter_free = (bare + salt) / counter
    field = 0.5 * effective * bare / (counter_free * counter**2 + salt / co * co**2)
    log_counter = np.log(counter_free / counter_total) - counter**2 * field
    log_co = -(co**2) * field
    # of a salt with `co` counter-ions and `counter` co-ions
    return float(np.exp((co * log_counter + counter * log_co) / (co + counter)))


def membrane_coefficient(xi: float, fixed: float, outside: float, counter: int, co: int) -> float:
    """Gamma at Donnan's equilibrium with `outside` mol/L of salt."""

    def imbalance(log_salt: float) -> float:
        salt = np.exp(log_salt)
        gamma = mean_coefficient(xi, fixed, salt, counter, co)
        inside = co * np.log((fixed + salt) / counter) + counter * np.log(salt / co)
        ideal = co * np.log(outside * co) + counter * np.log(outside * counter)
        return inside + (co + counter) * np.log(gamma) - ideal

    return mean_coefficient(xi, fixed, np.exp(brentq(imbalance, -60, 5)), counter, co)


def _descriptors(
    valency: int, radius: float, hydration: float, charge: int, water: float, condensed: float
) -> list[float]:
    shell = water / (water + 6)  # of the hydration shell that there is water for
    fixed = 1.37 if charge < 0 else 3.07  # angstrom, of SO3- and of NR4+
    ion_water, fixed_water, fixed_ion = radius + OXYGEN, fixed + OXYGEN, fixed + radius
    counter_water = [ion_water + 0.8, ion_water, 4 + 8 * valency / radius, hydration * shell]
    tethered_water = [fixed_water + 0.9, fixed_water, 1.5 + 20 / water, 8 * shell * fixed / 1.37]
    tethered_counter = [fixed_ion + 0.8, fixed_ion, 3 + 12 * condensed / radius, 0.1 + condensed]
    return counter_water + tethered_water + tethered_counter


def rows() -> list[list[str]]:
    """All membranes, a row each."""
    scatter = np.random.default_rng(6)
    table = []
    for polymer, (_, _, charge, charged, _, others, water) in POLYMERS.items():
        xi = BJERRUM * charged / (charged + others) / RISE
        for salt, (_, valency, radius, hydration) in SALTS.items():
            cation = (valency, radius, hydration)
            counter, co = (cation, CHLORIDE) if charge < 0 else (CHLORIDE, cation)
            # small and multivalent counter-ions swell a membrane differently
            swollen = water * (1.1 - 0.15 * (counter[0] - 1) - 0.06 * counter[1])
            condensed = max(0.0, 1 - 1 / (counter[0] * xi))
            for outside in CONCENTRATIONS:
                gamma = membrane_coefficient(
                    xi, WATER_MOLAR / swollen, outside, counter[0], co[0]
                ) * np.exp(0.04 * scatter.standard_normal())
                found = np.array(_descriptors(*counter, charge, swollen, condensed))
                found *= 1 + 0.02 * scatter.standard_normal(found.size)
                numbers = [f"{swollen:.1f}", f"{outside:g}", *(f"{value:.4g}" for value in found)]
                table.append([polymer, salt, *numbers, f"{gamma:.4g}"])
    return table


def main(folder: Path) -> None:
    """Write activity.csv and molecules.csv."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "activity.csv").open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([[*COLUMNS, "gamma_exp"], *rows()])
    molecules = []
    for name, (order, unit, _, charged, other, others, _) in POLYMERS.items():
        seed = "; seed 0" if order == "random" else ""
        composition = f"{order}: {unit} x {charged} + {other} x {others}{seed}"
        molecules.append(["polymer", name, composition])
    molecules += [["salt", name, smiles] for name, (smiles, *_) in SALTS.items()]
    with (folder / "molecules.csv").open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([["kind", "name", "smiles"], *molecules])


if __name__ == "__main__":
    main(Path(sys.argv[1]))
