"""Scattering lengths of particles with a chemical formula, from the tables of periodictable."""

from __future__ import annotations

from typing import Any

import numpy as np
import periodictable
from numpy.typing import NDArray

from voxion.errors import VoxionError

_EXPECTED = "expected a chemical formula such as O, CF2 or SO3"


def neutron_length(formula: str, deuteration: float = 0.0) -> float:
    """Return the coherent neutron scattering length of a particle.

    Parameters
    ----------
    formula : str
        Of the particle; natural isotopes unless it says otherwise (D is deuterium).
    deuteration : float
        Share of its hydrogen of natural isotopes that is deuterium, 0 to 1.

    Returns
    -------
    float
        fm.

    Raises
    ------
    VoxionError
        It is no formula, an element has no known length, or the share is not from 0 to 1.
    """
    if not 0 <= deuteration <= 1:
        raise VoxionError(f"The deuteration must be from 0 to 1, found {deuteration}.")
    total = 0.0
    for element, number in _atoms(formula).items():
        length = _tabulated(element, formula)
        if element is periodictable.H:
            length += deuteration * (_tabulated(periodictable.D, formula) - length)
        total += number * length
    return total


def xray_form_factor(formula: str, wave_vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the sum of the X-ray form factors of the atoms of a particle.

    The atoms count as if all were at the particle's position.

    Parameters
    ----------
    formula : str
        Of the particle; ions have their charge in braces, as in Na{+}.
    wave_vectors : ndarray [B], float64
        Q, 1/angstrom.

    Returns
    -------
    ndarray [B], float64
        Electrons.

    Raises
    ------
    VoxionError
        It is no formula, or an element has no known form factor.
    """
    total = np.zeros(len(wave_vectors))
    for element, number in _atoms(formula).items():
        values = np.asarray(element.xray.f0(wave_vectors), np.float64)
        if not np.isfinite(values).all():
            raise VoxionError(f"There is no X-ray form factor for {element} of {formula}.")
        total += number * values
    return total


def _tabulated(element: Any, formula: str) -> float:
    length = element.neutron.b_c
    if length is None:
        raise VoxionError(f"There is no neutron scattering length for {element} of {formula}.")
    return float(length)


def _atoms(formula: str) -> dict[periodictable.core.Element, float]:
    """Return the elements and isotopes of a formula with their numbers."""
    try:
        atoms = dict(periodictable.formula(formula).atoms)
    except Exception as error:  # its parser raises whatever the text makes it stumble over
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise VoxionError(f"{formula!r} is no formula ({reason}): {_EXPECTED}.") from None
    if not atoms:
        raise VoxionError(f"{formula!r} is no formula: {_EXPECTED}.")
    return atoms
