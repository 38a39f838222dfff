"""All targets by name; each lives in a module of its own, imported when it is used."""

from __future__ import annotations

import importlib

from .harness import Target

MODULES = {
    "contracts": "contracts",
    "models": "models",
    "charges-zarr": "charge_data_sets",
    "charges-append": "charge_data_sets",
    "charges-hdf5": "charge_data_sets",
    "voxel-stores": "voxel_stores",
    "dftb-results": "dftb_outputs",
    "dftb-program": "dftb_outputs",
    "activity-tables": "activity_tables",
    "campaign-files": "campaign_files",
    "membrane-files": "membrane_files",
    "system-descriptions": "system_files",
    "lammps-data": "system_files",
    "lammps-trajectories": "system_files",
}


def find_target(name: str) -> Target:
    """Return the target of this name."""
    module = importlib.import_module(f".{MODULES[name]}", __package__)
    found: Target = next(target for target in module.TARGETS if target.name == name)
    return found
