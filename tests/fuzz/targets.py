"""All targets by name; each lives in a module of its own, imported when it is used."""

from __future__ import annotations

import importlib

from .harness import Target

MODULES = {
    "contracts": "contracts",
    "models": "models",
}


def find_target(name: str) -> Target:
    """Return the target of this name."""
    module = importlib.import_module(f".{MODULES[name]}", __package__)
    found: Target = next(target for target in module.TARGETS if target.name == name)
    return found
