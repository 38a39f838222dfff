"""Model files: damaged bytes, and archives made anew of damaged weights or contracts."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import numpy as np
import torch

from voxion import _core
from voxion.cli.inspection import inspect_model
from voxion.contract.schema import Contract, load_model, read_contract
from voxion.demo import model_path
from voxion.errors import VoxionError

from .harness import Target
from .mutations import damaged_bytes, damaged_json, json_text

CELL = np.diag([29.5, 29.8, 86.0])


def prepare(folder: Path) -> None:
    """Copy the embedded model."""
    (folder / "model.pt").write_bytes(model_path().read_bytes())


def damage(good: Path, folder: Path, rng: np.random.Generator) -> Path:
    """Damage the file's bytes, or one part of it, packed again with right checksums."""
    source, target = good / "model.pt", folder / "model.pt"
    if rng.integers(3) == 0:
        target.write_bytes(damaged_bytes(source.read_bytes(), rng))
        return target
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(target, "w") as new:
        names = old.namelist()
        weights = [name for name in names if "/data/" in name and old.getinfo(name).file_size]
        contract = next(name for name in names if name.endswith("voxion.json"))
        chosen = contract if rng.integers(2) else weights[rng.integers(len(weights))]
        for name in names:
            content = old.read(name)
            if name == chosen == contract:
                content = json_text(damaged_json(json.loads(content), rng)).encode(
                    errors="surrogatepass"
                )
            elif name == chosen:
                content = _damaged_weights(content, rng)
            packing = zipfile.ZIP_DEFLATED if rng.integers(10) == 0 else zipfile.ZIP_STORED
            new.writestr(name, content, packing)
    return target


def _damaged_weights(content: bytes, rng: np.random.Generator) -> bytes:
    values = bytearray(content)
    for _ in range(rng.integers(1, 4)):
        values[rng.integers(len(values))] = rng.integers(256)
    return bytes(values)


def read(path: Path) -> None:
    """Inspect it, load it in Python, and run it as an engine does; the total must be exact."""
    problems = [
        _problem(lambda: read_contract(path, Contract)),
        _problem(lambda: inspect_model(path)),
        _problem(lambda: load_model(path)),
        _problem(lambda: _predict(path)),
    ]
    assert (problems[0] is None) == (problems[1] is None), problems
    if problems[0] is not None:
        assert problems[3] is not None, f"C++ runs what Python refuses: {problems[0]}"
    found = next((problem for problem in problems if problem is not None), None)
    if found is not None:
        raise found


def _predict(path: Path) -> None:
    rng = np.random.default_rng(0)
    surface = np.stack(np.meshgrid(np.arange(4) * 7.0, np.arange(4) * 7.0, [5.0]), -1).reshape(
        -1, 3
    )
    water = rng.uniform([0, 0, 8], [29, 29, 20], (60, 3))
    charges = np.resize([-0.8476, 0.4238, 0.4238], 60)
    predictor = _core.ChargePredictor(str(path))
    found = predictor.predict(water, charges, surface, CELL, (True, True, False), -0.2).charges
    assert np.isfinite(found).all() and np.abs(found).max() <= 10
    assert abs(float(torch.tensor(found).sum()) + 0.2) < 1e-11


def _problem(action) -> VoxionError | None:
    try:
        action()
    except VoxionError as error:
        return error
    return None


TARGETS = (Target("models", prepare, damage, read),)
