"""Scattering lengths against Sears's values, and what has none."""

import numpy as np
import pytest

from voxion.errors import VoxionError
from voxion.scattering.lengths import neutron_length, xray_form_factor


@pytest.mark.parametrize(
    ("formula", "length"),
    # Sears, Neutron News 3, 26 (1992): C 6.646, F 5.654, S 2.847, O 5.803, H -3.739, D 6.671 fm
    [("CF2", 17.954), ("S", 2.847), ("O3", 17.409), ("H2O", -1.675), ("D2O", 19.145)],
)
def test_neutron_lengths_of_beads(formula, length):
    assert neutron_length(formula) == pytest.approx(length, abs=0.02)


def test_deuteration_is_linear():
    light, heavy = neutron_length("H2O"), neutron_length("D2O")
    assert neutron_length("H2O", 1.0) == pytest.approx(heavy)
    assert neutron_length("H2O", 0.25) == pytest.approx(0.75 * light + 0.25 * heavy)
    assert neutron_length("CF2", 1.0) == neutron_length("CF2")
    assert neutron_length("D2O", 0.5) == heavy


def test_xray_form_factors_begin_at_the_number_of_electrons_and_fall():
    q = np.linspace(0, 6, 20)
    found = xray_form_factor("CF2", q)
    assert found[0] == pytest.approx(24, abs=0.01) and (np.diff(found) < 0).all()
    assert xray_form_factor("Na{+}", q)[0] == pytest.approx(10, abs=0.01)
    # of the hydrogen atom, (1 + (a0 Q / 2)^2)^-2
    exact = (1 + (0.529177 * q / 2) ** 2) ** -2
    assert xray_form_factor("H", q) == pytest.approx(exact, abs=0.06)


@pytest.mark.parametrize("formula", ["", "Xx2", "C(F2", "CF2 and more", "1"])
def test_no_formula(formula):
    with pytest.raises(VoxionError, match="is no formula"):
        neutron_length(formula)


def test_what_is_not_tabulated():
    with pytest.raises(VoxionError, match="no neutron scattering length for Po of Po"):
        neutron_length("Po")
    with pytest.raises(VoxionError, match=r"deuteration must be from 0 to 1, found 1\.5"):
        neutron_length("H2O", 1.5)
