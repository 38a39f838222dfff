"""Contracts, read by Python and by C++, which must decide alike."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch  # noqa: F401  voxion._core links against the libraries that torch loads

from tests.contract.test_schema import POSITIONS, SITES, VOXELS
from voxion import _core
from voxion.contract.schema import ChargeContract, ClassifierContract, parse_contract
from voxion.errors import VoxionError

from .harness import Target
from .mutations import damaged_bytes, damaged_json, json_text

NESTING = (1, 10, 33, 1000, 100_000)


def prepare(folder: Path) -> None:
    """Write a contract of each kind."""
    for name, content in (("positions", POSITIONS), ("sites", SITES), ("voxels", VOXELS)):
        (folder / f"{name}.json").write_text(json.dumps(content))


def damage(good: Path, folder: Path, rng: np.random.Generator) -> Path:
    """Damage values, or bytes, or nest a field."""
    source = sorted(good.iterdir())[rng.integers(3)]
    target = folder / source.name
    match rng.integers(8):
        case 0 | 1:
            target.write_bytes(damaged_bytes(source.read_bytes(), rng))
        case 2:
            depth = NESTING[rng.integers(len(NESTING))]
            nested = "[" * depth + "]" * depth
            target.write_text(source.read_text()[:-1] + f', "extra": {nested}}}')
        case _:
            content = damaged_json(json.loads(source.read_text()), rng)
            target.write_text(json_text(content), encoding="utf-8", errors="surrogatepass")
    return target


def read(path: Path) -> None:
    """Read it twice; a verdict of one reader alone is a fault."""
    kind = ClassifierContract if path.stem == "voxels" else ChargeContract
    name = "voxel-classifier" if path.stem == "voxels" else "surface-charges"
    data = path.read_bytes()
    cpp = _verdict(lambda: _core.check_contract(data, name))
    try:
        text = data.decode()
    except UnicodeDecodeError:
        assert cpp is not None, "C++ accepts what is not UTF-8"
        raise VoxionError("not UTF-8") from None
    python = _verdict(lambda: parse_contract(text, "contract", kind))
    assert (cpp is None) == (python is None), f"C++ says {cpp}, Python says {python}"
    if python is not None:
        raise python


def _verdict(action) -> VoxionError | None:
    try:
        action()
    except VoxionError as error:
        assert "\n" not in str(error) and len(str(error)) < 1000, str(error)[:300]
        return error
    return None


TARGETS = (Target("contracts", prepare, damage, read),)
