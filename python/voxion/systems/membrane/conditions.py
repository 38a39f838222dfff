"""Water models and conditions of the runs of membranes."""

from typing import Literal, get_args

WaterModel = Literal["spce", "tip3p"]
WATER_MODELS: tuple[WaterModel, ...] = get_args(WaterModel)

TEMPERATURE = 300.0  # K
PRESSURE = 1.0  # atm
TIMESTEP = 2.0  # fs; bonds to hydrogen are rigid
CUTOFF = 10.0  # angstrom
