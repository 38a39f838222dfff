"""The page of a campaign from surfactants to Nafion.

Runs in the folder of the campaign: ``python -m voxion.campaigns.surfactants.report``.
"""

from __future__ import annotations

import csv
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from voxion.campaigns.surfactants.configuration import (
    Configuration,
    read_configuration,
)
from voxion.campaigns.surfactants.plots import plot_mixtures, plot_rebuilt, plot_surfactants
from voxion.campaigns.workflow import CONFIG_FILE
from voxion.files import read_text, replacing, write_csv, write_json
from voxion.pages import png_source, render_page
from voxion.scattering.reconstruction import Curve, peak_position, read_curve
from voxion.systems.forcefields import GRAMS_PER_CUBIC_ANGSTROM
from voxion.systems.united_atom.system import (
    UnitedAtomDescription,
    read_description,
)
from voxion.voxels.classifier.mixture import Mixture, read_mixture
from voxion.voxels.stores.store import open_store

TEMPLATE = Path(__file__).parents[1] / "templates" / "surfactants.html"
DPI = 130
_ADVICE = "run the campaign again"


@dataclass(frozen=True)
class System:
    """What ran of one material at one hydration.

    Attributes
    ----------
    material : str
    hydration : int
    beads : int
    frames : int
        Of all starts.
    edges, densities : list of float
        Mean edge (angstrom) and density (g/cm^3) of each start.
    """

    material: str
    hydration: int
    beads: int
    frames: int
    edges: list[float]
    densities: list[float]


def write_report(folder: Path) -> Path:
    """Write the page of a campaign whose steps have all finished, ``report.html``.

    Beside it, for other programs, ``summary.json`` and ``curves.csv``, all structure factors.

    Raises
    ------
    VoxionError
        A result is missing or damaged.
    """
    config = read_configuration(folder / CONFIG_FILE)
    systems = [
        _system(folder, material, hydration, part.starts)
        for material, part in (("surfactant", config.surfactant), ("nafion", config.nafion))
        for hydration in part.hydrations
    ]
    contrasts, of_nafion = config.scattering.contrasts, config.nafion.hydrations
    curves = {contrast: _curves(folder, contrast, config) for contrast in contrasts}
    mixtures = {h: read_mixture(folder / f"mixtures/nafion-{h}.csv") for h in of_nafion}
    residuals = {
        contrast: {h: _residuals(folder, contrast, h) for h in of_nafion} for contrast in curves
    }
    peaks = {
        contrast: {f"{m}-{h}": peak_position(curve) for (m, h), curve in of_contrast.items()}
        for contrast, of_contrast in curves.items()
    }
    scores = json.loads(read_text(folder / "trained" / "scores.json", _ADVICE))
    figures = _figures(folder, config, curves, mixtures, peaks[next(iter(curves))])
    summary = {
        "label": config.label,
        "systems": [vars(system) for system in systems],
        "scores": scores,
        "mixtures": {h: _shares(one) for h, one in mixtures.items()},
        "peaks": peaks,
        "residuals": residuals,
    }
    write_json(folder / "summary.json", summary)
    _write_curves(folder / "curves.csv", curves)
    embedded = {}
    for name, figure in figures.items():
        path = folder / f"{name}.png"
        figure.savefig(path, dpi=DPI)
        embedded[name] = png_source(path.read_bytes())
    built = _description(folder, "surfactant", config.surfactant.hydrations[-1])
    content = {
        **summary,
        "config": config,
        "contrast": next(iter(curves)),
        "names": list(next(iter(next(iter(residuals.values())).values()))),
        "figures": embedded,
        "sources": built.sources,
        "forcefield": built.forcefield,
    }
    page = folder / "report.html"
    with replacing(page) as temporary:
        temporary.write_text(render_page(TEMPLATE, content), encoding="utf-8")
    return page


def _description(folder: Path, material: str, hydration: int) -> UnitedAtomDescription:
    found = read_description(folder / f"runs/{material}-{hydration}-1/system.json")
    assert found is not None, "its builder wrote it"
    return found


def _system(folder: Path, material: str, hydration: int, starts: int) -> System:
    description = _description(folder, material, hydration)
    stores = [
        open_store(folder / f"runs/{material}-{hydration}-{start}/voxels.zarr")
        for start in range(1, starts + 1)
    ]
    mass = sum(bead.mass * bead.count for bead in description.species)
    volumes = [abs(np.linalg.det(store.boxes)).mean() for store in stores]
    return System(
        material=material,
        hydration=hydration,
        beads=sum(bead.count for bead in description.species),
        frames=sum(store.frames for store in stores),
        edges=[float(volume ** (1 / 3)) for volume in volumes],
        densities=[mass * GRAMS_PER_CUBIC_ANGSTROM / volume for volume in volumes],
    )


def _curves(folder: Path, contrast: str, config: Configuration) -> dict[tuple[str, int], Curve]:
    return {
        (material, h): read_curve(
            folder / f"structure_factors/{contrast}/{material}-{h}/structure_factor.csv"
        )
        for material, part in (("surfactant", config.surfactant), ("nafion", config.nafion))
        for h in part.hydrations
    }


def _write_curves(path: Path, curves: dict[str, dict[tuple[str, int], Curve]]) -> None:
    rows = (
        [contrast, material, str(hydration), *(f"{value:.5g}" for value in row)]
        for contrast, of_contrast in curves.items()
        for (material, hydration), curve in of_contrast.items()
        for row in zip(curve.q, curve.s, curve.error, strict=True)
    )
    write_csv(path, ["contrast", "material", "hydration", "q", "s", "s_error"], rows)


def _residuals(folder: Path, contrast: str, hydration: int) -> dict[str, dict[str, float]]:
    path = folder / f"reconstructions/{contrast}/nafion-{hydration}/residuals.csv"
    rows = csv.DictReader(read_text(path, _ADVICE).splitlines())
    return {
        row["mixture"]: {"residual": float(row["residual"]), "error": float(row["error"])}
        for row in rows
    }


def _shares(mixture: Mixture) -> dict[str, dict[str, float]]:
    return {
        label: {"fraction": float(fraction), "error": float(error)}
        for label, fraction, error in zip(
            mixture.labels, mixture.fractions, mixture.errors, strict=True
        )
    }


def _figures(
    folder: Path,
    config: Configuration,
    curves: dict[str, dict[tuple[str, int], Curve]],
    mixtures: dict[int, Mixture],
    peaks: dict[str, tuple[float, float] | None],
) -> dict[str, Figure]:
    contrast = next(iter(curves))
    rebuilt = {
        h: _columns(folder / f"reconstructions/{contrast}/nafion-{h}/reconstruction.csv")
        for h in config.nafion.hydrations
    }
    of_contrast = curves[contrast]
    return {
        "mixtures": plot_mixtures(mixtures),
        "surfactants": plot_surfactants(
            {h: of_contrast["surfactant", h] for h in config.surfactant.hydrations},
            {h: peaks[f"surfactant-{h}"] for h in config.surfactant.hydrations},
        ),
        "rebuilt": plot_rebuilt(
            {h: of_contrast["nafion", h] for h in config.nafion.hydrations}, rebuilt
        ),
    }


def _columns(path: Path) -> dict[str, list[float]]:
    """Return the columns of ``reconstruction.csv``."""
    rows = list(csv.DictReader(read_text(path, _ADVICE).splitlines()))
    return {name: [float(row[name]) for row in rows] for name in rows[0]}


if __name__ == "__main__":
    write_report(Path.cwd())
