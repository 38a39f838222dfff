import math

import numpy as np
import pytest

from voxion.activity.data.chemistry import FEATURES, charge_spacing, features, fixed_charge, ions_of
from voxion.activity.data.table import ActivityData
from voxion.activity.data.theory import (
    BJERRUM,
    Ions,
    absorbed_salt,
    fixed_concentration,
    log_davies,
    log_manning,
)
from voxion.errors import VoxionError

NACL, MGCL2, NA2SO4 = Ions(1, 1, 1, 1), Ions(2, 1, 1, 2), Ions(1, 2, 2, 1)


@pytest.mark.parametrize("density", [1.3, 2.0, 5.0])
@pytest.mark.parametrize("ratio", [0.1, 3.0, 100.0])
def test_one_to_one_salts_as_printed(density: float, ratio: float) -> None:
    # Kamcev et al., Macromolecules 48, 8011 (2015): above the threshold, with X = fixed / salt
    counter = (ratio / density + 1) / (ratio + 1)
    both = math.exp(-(ratio / density) / (ratio / density + 2))
    assert log_manning(density, ratio * 0.3, 0.3, NACL) == pytest.approx(math.log(counter * both))


@pytest.mark.parametrize("ratio", [0.1, 3.0, 100.0])
def test_one_to_one_salts_without_condensation(ratio: float) -> None:
    expected = -0.7 * ratio / (ratio + 2)
    assert log_manning(0.7, ratio, 1.0, NACL) == pytest.approx(expected)


@pytest.mark.parametrize("ions", [NACL, MGCL2, NA2SO4])
@pytest.mark.parametrize("density", [0.3, 3.0])
def test_screening_is_the_derivative_of_the_free_energy(ions: Ions, density: float) -> None:
    # Manning's line charge: f / kT = -(share^2 density) fixed ln(kappa b), per volume; ln gamma of
    # an ion is the derivative by its number, with the share condensed kept
    fixed, salt = 1.5, 0.4
    share = min(1.0, 1 / (ions.counter_valence * density))
    counter = share * fixed / ions.counter_valence + ions.counter_number * salt
    other = ions.co_number * salt

    def energy(n: float, m: float) -> float:
        squares = n * ions.counter_valence**2 + m * ions.co_valence**2
        return -(share**2) * density * fixed * 0.5 * math.log(squares)

    step = 1e-6
    by_counter = (energy(counter + step, other) - energy(counter - step, other)) / (2 * step)
    by_other = (energy(counter, other + step) - energy(counter, other - step)) / (2 * step)
    whole = fixed / ions.counter_valence + ions.counter_number * salt
    expected = ions.counter_number * (math.log(counter / whole) + by_counter)
    expected += ions.co_number * by_other
    assert log_manning(density, fixed, salt, ions) == pytest.approx(expected, rel=1e-6)


def test_much_salt_makes_ions_ideal() -> None:
    for ions in (NACL, MGCL2, NA2SO4):
        assert log_manning(3.0, 1.0, 1e7, ions) == pytest.approx(0, abs=1e-5)


@pytest.mark.parametrize("ions", [NACL, MGCL2, NA2SO4])
@pytest.mark.parametrize("outside", [1e-3, 0.1, 1.0])
def test_activities_are_the_same_on_both_sides(ions: Ions, outside: float) -> None:
    salt = absorbed_salt(2.5, 2.6, outside, ions)
    counter = 2.6 / ions.counter_valence + ions.counter_number * salt
    inside = math.exp(log_manning(2.5, 2.6, salt, ions))
    inside *= counter**ions.counter_number * (ions.co_number * salt) ** ions.co_number
    there = (
        math.exp(log_davies(outside, ions)) * (ions.counter_number * outside) ** ions.counter_number
    )
    there *= (ions.co_number * outside) ** ions.co_number
    assert inside == pytest.approx(there, rel=1e-8)
    assert salt > 0
    if outside < 1:
        assert salt < outside  # co-ions are excluded


def test_known_constants() -> None:
    assert BJERRUM == pytest.approx(7.15, abs=0.02)
    # measured mean coefficients at 0.1 mol/kg: NaCl 0.778 (Robinson and Stokes)
    assert math.exp(log_davies(0.1, NACL) / 2) == pytest.approx(0.778, abs=0.01)
    assert fixed_concentration(55.3) == pytest.approx(1.0)


def test_the_limit_orders_the_salts_as_measured(published: ActivityData) -> None:
    # sulphate in Nafion is a hundred times below chloride: theory knows that without any fit
    limits = {ions: math.exp(log_manning(3.0, 1.0, 0.0, ions)) for ions in (NACL, MGCL2, NA2SO4)}
    measured = {
        salt: published.measured[published.pairs == f"NAFION/{salt}"].min()
        for salt in ("NaCl", "MgCl2", "Na2SO4")
    }
    assert measured["Na2SO4"] < measured["MgCl2"] < measured["NaCl"]
    assert limits[NA2SO4] < limits[MGCL2] < limits[NACL]


def test_ions_of_the_published_salts(published: ActivityData) -> None:
    found = dict(zip(published.pairs.tolist(), ions_of(published), strict=True))
    assert found["NAFION/Na2SO4"] == NA2SO4
    assert found["CR61/CaCl2"] == MGCL2
    assert found["AR103/NaCl"] == NACL
    assert fixed_charge(published.polymer_smiles["AR103"], "AR103") == 3
    assert fixed_charge(published.polymer_smiles["CR61"], "CR61") == -3


def test_counter_ions_are_those_of_the_other_sign() -> None:
    from voxion.activity.data.chemistry import _ions

    assert _ions("[Na+].[Na+].[O-]S([O-])(=O)=O", "x", -1) == NA2SO4
    assert _ions("[Na+].[Na+].[O-]S([O-])(=O)=O", "x", 1) == Ions(2, 1, 1, 2)
    for wrong in ("[Na+].[Na+].[Cl-]", "[Na+]", "O", "[Na+].[K+].[Mg+2].[Cl-].[Cl-].[Cl-].[Cl-]"):
        with pytest.raises(VoxionError, match="Salt x"):
            _ions(wrong, "x", -1)


def test_features_by_hand() -> None:
    # benzenesulphonate: 10 heavy atoms, 6 of them aromatic, one charge
    descriptors = np.zeros((1, 12))
    descriptors[0, 7], descriptors[0, 11] = 3.0, 0.49
    data = ActivityData(
        np.array(["a"]),
        np.array(["b"]),
        np.array([5.0]),
        np.array([0.1]),
        descriptors,
        None,
        {"a": "O=S(=O)([O-])c1ccccc1"},
        {"b": "[Na+].[Cl-]"},
    )
    found = dict(zip(FEATURES, features(data)[0], strict=True))
    assert found["heavy_atoms_per_charge"] == 10
    assert found["log_heavy_atoms_per_charge"] == pytest.approx(math.log(10))
    assert found["aromatic_share"] == 0.6
    assert found["logp_per_charge"] == pytest.approx(10 * found["logp_per_heavy_atom"])
    assert found["water_volume_share"] == pytest.approx(0.5)
    assert found["log_water_per_ion"] == pytest.approx(math.log(5))
    assert found["log_cn_fixed_ion"] == pytest.approx(math.log(0.5))
    assert found["cn_fixed_water"] == 3
    assert found["polar_area_per_heavy_atom"] == pytest.approx(5.72, abs=0.1)  # sulphonate: 57.2


def test_uncharged_polymers_are_refused() -> None:
    with pytest.raises(VoxionError, match="Polymer a has no tethered charge"):
        fixed_charge("CCC", "a")


def test_spacing_of_a_chain() -> None:
    # two charges, 9 bonds between the ends of the longest way
    assert charge_spacing("[O-]CCCCCCCC[O-]", "a") == pytest.approx(1.25 * 9 / 2)
