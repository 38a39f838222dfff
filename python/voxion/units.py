"""Units as people read them."""

import re

_SIGNS = {
    "angstrom": "Å",
    "epsilon": "ε",
    "sigma": "σ",
    "tau": "τ",
    "um": "µm",
    "us": "µs",
}
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def typeset(unit: str) -> str:
    """Return a unit with signs and superscripts: "m/sigma^3" becomes "m/σ³"."""
    words = re.sub(r"[A-Za-z]+", lambda word: _SIGNS.get(word[0], word[0]), unit)
    return re.sub(r"\^(-?\d+)", lambda power: power[1].translate(_SUPERSCRIPTS), words)
