"""Compression and decompression of packed polymers in 21 steps."""

from __future__ import annotations

from voxion.systems.membrane.conditions import PRESSURE, TEMPERATURE

# Larsen, Lin, Hart, Colina, Macromolecules 44, 6944 (2011), 10.1021/ma201345v; the 21 steps of
# their table: ensemble, temperature (K), pressure (share of the largest one), length (ps).
HOT_TEMPERATURE = 600.0  # K
LARGEST_PRESSURE = 50_000.0  # atm
_HOT, _COLD = HOT_TEMPERATURE, TEMPERATURE
STEPS = (
    ("nvt", _HOT, 0.0, 50.0),
    ("nvt", _COLD, 0.0, 50.0),
    ("npt", _COLD, 0.02, 50.0),
    ("nvt", _HOT, 0.0, 50.0),
    ("nvt", _COLD, 0.0, 100.0),
    ("npt", _COLD, 0.6, 50.0),
    ("nvt", _HOT, 0.0, 50.0),
    ("nvt", _COLD, 0.0, 100.0),
    ("npt", _COLD, 1.0, 50.0),
    ("nvt", _HOT, 0.0, 50.0),
    ("nvt", _COLD, 0.0, 100.0),
    ("npt", _COLD, 0.5, 5.0),
    ("nvt", _HOT, 0.0, 5.0),
    ("nvt", _COLD, 0.0, 10.0),
    ("npt", _COLD, 0.1, 5.0),
    ("nvt", _HOT, 0.0, 5.0),
    ("nvt", _COLD, 0.0, 10.0),
    ("npt", _COLD, 0.01, 5.0),
    ("nvt", _HOT, 0.0, 5.0),
    ("nvt", _COLD, 0.0, 10.0),
    ("npt", _COLD, PRESSURE / LARGEST_PRESSURE, 800.0),
)
