"""Synthetic phases that only their morphology tells apart, and a classifier trained on them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from voxion.voxels.classifier.settings import TrainingSettings, make_settings
from voxion.voxels.classifier.training import TrainingResult, train

from .reference import write_store

EDGE = 16
PHASES = ("lamellar", "spheres", "noise")
CHANNELS = ("mass", "charge")


def grids(
    phase: str, frames: int, seed: int = 0, axes: Sequence[int] = (0, 1, 2)
) -> NDArray[np.float32]:
    """Grids [F, 2, 16, 16, 16] of one phase, half of the voxels dense in each.

    Lamellae lie across one of `axes` (0, 1, 2: x, y, z), with a period of 8 voxels. The share of
    dense voxels and the values on both sides are those of all phases, so that neither the mean
    nor the spread of a channel tells the phase.
    """
    rng = np.random.default_rng([PHASES.index(phase), seed])
    fields = np.stack([_field(phase, rng, axes) for _ in range(frames)])
    dense = fields > np.median(fields, axis=(1, 2, 3), keepdims=True)
    channels = np.stack([np.where(dense, 1.0, 0.2), np.where(dense, -0.1, 0.1)], axis=1)
    noise = rng.normal(size=channels.shape) * np.array([0.05, 0.013])[:, None, None, None]
    return (channels + noise).astype(np.float32)


def _field(phase: str, rng: np.random.Generator, axes: Sequence[int]) -> NDArray[np.float64]:
    z, y, x = np.meshgrid(*[np.arange(EDGE)] * 3, indexing="ij")
    shift = rng.uniform(0, EDGE, 3)
    tie = 1e-3 * rng.normal(size=(EDGE,) * 3)
    angles = [2 * np.pi * (r + s) / 8 for r, s in zip((x, y, z), shift, strict=True)]
    if phase == "lamellar":
        return np.asarray(np.cos(angles[rng.choice(axes)]) + tie)
    if phase == "spheres":
        return np.asarray(sum(np.cos(angle) for angle in angles) + tie)
    return rng.normal(size=(EDGE,) * 3)


def write_phases(folder: Path, frames: int, seed: int = 0, **how: Any) -> list[tuple[str, str]]:
    """Write one store for each phase; returns labels and paths."""
    return [
        (
            phase,
            str(write_store(folder / f"{phase}.zarr", grids(phase, frames, seed, **how), CHANNELS)),
        )
        for phase in PHASES
    ]


@pytest.fixture(scope="session")
def sources(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, str]]:
    """Three phases of 80 frames each."""
    return _once("sources", lambda: write_phases(tmp_path_factory.mktemp("phases"), 80))


@pytest.fixture(scope="session")
def settings(sources: list[tuple[str, str]]) -> TrainingSettings:
    """Settings of the training below: 64 frames of each phase train, 8 validate, 8 are held out."""
    return _once("settings", lambda: make_settings(sources, epochs=8, batch=8))


@pytest.fixture(scope="session")
def trained(
    settings: TrainingSettings, tmp_path_factory: pytest.TempPathFactory
) -> tuple[TrainingResult, Path]:
    """Result and folder of an uninterrupted training."""
    out = tmp_path_factory.mktemp("training") / "cnn"
    return _once("trained", lambda: (train(settings, out), out))


_made: dict[str, Any] = {}


def _once(name: str, make: Any) -> Any:
    """Make a thing once, though each test file that imports a fixture has one of its own."""
    if name not in _made:
        _made[name] = make()
    return _made[name]
