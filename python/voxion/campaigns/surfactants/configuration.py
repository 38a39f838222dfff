"""What a campaign from surfactants to Nafion runs, from a YAML file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from voxion.campaigns import workflow
from voxion.files import parse_yaml, read_text

_ADVICE = "see examples/03_surfactants_to_nafion"

_Hydration = Annotated[int, Field(ge=0, le=200)]
_Steps = Annotated[int, Field(ge=100, le=10**10)]
_Count = Annotated[int, Field(ge=1, le=10**7)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Surfactant(_Part):
    """Surfactants: hydrations (the classes), independent starts of each, and number of beads."""

    hydrations: Annotated[list[_Hydration], Field(min_length=2, max_length=100)]
    starts: Annotated[int, Field(ge=1, le=100)] = 2
    beads: _Count = 32_000


class Nafion(_Part):
    """Nafion: hydrations, independent starts of each, chains and side chains of each chain."""

    hydrations: Annotated[list[_Hydration], Field(min_length=1, max_length=100)]
    starts: Annotated[int, Field(ge=1, le=100)] = 2
    chains: _Count = 108
    side_chains: _Count = 10


class Equilibration(_Part):
    """Steps that are hot, that cool, and at constant pressure."""

    hot_steps: _Steps = 100_000
    cool_steps: _Steps = 50_000
    steps: _Steps = 100_000


class Production(_Part):
    """Windows, steps of each, steps between samples, and voxels along an edge."""

    windows: Annotated[int, Field(ge=1, le=10**7)] = 1000
    window: _Steps = 10_000
    every: Annotated[int, Field(ge=1, le=10**6)] = 50
    voxels: Annotated[int, Field(ge=16, le=256)] = 32

    @model_validator(mode="after")
    def _fits(self) -> Production:
        if self.window // 2 < self.every:
            raise ValueError("half a window has no sample: every must be at most half of window")
        return self


class Training(_Part):
    """Number of epochs of the classifier, and whether grids are turned and shifted."""

    epochs: Annotated[int, Field(ge=1, le=10**6)] = 50
    augment: bool = True


class Contrast(_Part):
    """What is scattered, and the share of hydrogen that is deuterium."""

    probe: Annotated[str, Field(pattern="^(neutron|xray)$")]
    deuteration: Annotated[float, Field(ge=0, le=1)] = 0.0


class Scattering(_Part):
    """Largest Q, width of bins (1/angstrom), and contrasts by name."""

    largest: Annotated[float, Field(gt=0, le=100)] = 3.0
    bin: Annotated[float, Field(gt=0, le=1)] = 0.02
    reconstructed: Annotated[float, Field(gt=0, le=100)] = 1.0  # largest Q that is compared
    contrasts: Annotated[
        dict[Annotated[str, Field(pattern="^[a-z0-9_]{1,20}$")], Contrast], Field(min_length=1)
    ] = {
        "h2o": Contrast(probe="neutron"),
        "d2o": Contrast(probe="neutron", deuteration=1.0),
        "xray": Contrast(probe="xray"),
    }


class Configuration(_Part):
    """A campaign; what is not given is that of Dumortier and Mossa (2020), or the builder's.

    `label` says on the page what these sizes are, such as "reduced".
    """

    label: Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]{0,200}$")] = ""
    surfactant: Surfactant
    nafion: Nafion
    forcefield: Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]{1,1000}$")] = "real"
    seed: Annotated[int, Field(ge=1, le=8000)] = 1
    processes: Annotated[int, Field(ge=1, le=4096)] = 1  # MPI processes of each run
    equilibration: Equilibration = Equilibration()
    production: Production = Production()
    training: Training = Training()
    scattering: Scattering = Scattering()

    @model_validator(mode="after")
    def _distinct(self) -> Configuration:
        for name in ("surfactant", "nafion"):
            hydrations = getattr(self, name).hydrations
            if len(set(hydrations)) < len(hydrations):
                raise ValueError(f"the hydrations of {name} are not different: {hydrations}")
        return self


def read_configuration(path: Path) -> Configuration:
    """Read a configuration.

    Raises
    ------
    VoxionError
        It is no YAML, or does not hold what it should; with the first problem.
    """
    return parse_yaml(read_text(path, _ADVICE), Configuration, str(path), _ADVICE)


def claim_folder(folder: Path, configuration: Configuration) -> None:
    """Write the configuration into a folder, which continues a campaign with the same systems.

    More hydrations, starts, windows or epochs, and other contrasts, may be asked for.

    Raises
    ------
    VoxionError
        The folder has a campaign with other systems or runs, or something else.
    """
    workflow.claim_folder(folder, configuration, read_configuration, _fixed)


def _fixed(configuration: Configuration) -> dict[str, Any]:
    """Return what runs that were begun depend on."""
    c = configuration
    return {
        "surfactant.beads": c.surfactant.beads,
        "nafion.chains": c.nafion.chains,
        "nafion.side_chains": c.nafion.side_chains,
        "forcefield": c.forcefield,
        "seed": c.seed,
        "equilibration": c.equilibration.model_dump(),
        "production.window": c.production.window,
        "production.every": c.production.every,
        "production.voxels": c.production.voxels,
    }
