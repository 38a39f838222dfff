"""The page of simulated membranes.

Runs in the folder of the campaign: ``python -m voxion.campaigns.membranes.report``.
"""

from __future__ import annotations

import csv
from io import BytesIO
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure

from voxion.activity.data.table import CONCENTRATION, WATER
from voxion.campaigns.membranes.configuration import Campaign, read_campaign
from voxion.campaigns.membranes.plots import plot_box, plot_densities
from voxion.campaigns.membranes.results import Simulated, read_simulated
from voxion.campaigns.workflow import CONFIG_FILE
from voxion.files import read_text, replacing, write_json
from voxion.pages import png_source, render_page
from voxion.trajectories.opening import open_trajectory

TEMPLATE = Path(__file__).parents[1] / "templates" / "membranes.html"
DPI = 130
_ADVICE = "run 'voxion activity simulate' again"


def write_report(folder: Path) -> Path:
    """Write ``report.html`` and ``summary.json`` of a campaign whose steps have all finished.

    Raises
    ------
    VoxionError
        A result is missing or damaged.
    """
    campaign = read_campaign(folder / CONFIG_FILE)
    simulated = read_simulated(folder, campaign)
    predicted = _predicted(folder) if campaign.model else []
    membranes = [_summary(one, predicted) for one in simulated]
    write_json(folder / "summary.json", {"label": campaign.label, "membranes": membranes})
    content = {
        "campaign": campaign,
        "membranes": [
            {**summary, "pictures": _pictures(folder, one, campaign)}
            for summary, one in zip(membranes, simulated, strict=True)
        ],
        "steps": 0.001 * simulated[0].system.timestep * campaign.frames * campaign.every,
        "sources": simulated[0].system.sources,
        "guessed": sorted({line for one in simulated for line in one.system.guessed}),
    }
    page = folder / "report.html"
    with replacing(page) as temporary:
        temporary.write_text(render_page(TEMPLATE, content), encoding="utf-8")
    return page


def _predicted(folder: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(read_text(folder / "predicted.csv", _ADVICE).splitlines()))


def _summary(one: Simulated, predicted: list[dict[str, str]]) -> dict[str, Any]:
    membrane, (density, error) = one.membrane, one.final_density
    return {
        "name": membrane.name,
        "polymer": membrane.polymer,
        "salt": membrane.salt,
        WATER: membrane.water_per_ion,
        "chains": one.system.chains,
        "atoms": one.system.chains * one.system.chain_atoms
        + 3 * one.system.waters
        + sum(ion.count for ion in one.system.ions),
        "density": density,
        "density_error": error,
        "descriptors": {
            name: {"value": found.value, "error": found.error, "seeds": list(found.seeds)}
            for name, found in one.descriptors.items()
        },
        "predictions": [
            {name: row[name] for name in (CONCENTRATION, "gamma", "lower", "upper", "warning")}
            for row in predicted
            if (row["polymer"], row["salt"]) == (membrane.polymer, membrane.salt)
            and float(row[WATER]) == membrane.water_per_ion
        ],
    }


def _pictures(folder: Path, one: Simulated, campaign: Campaign) -> dict[str, str]:
    """Return the sources of the images: box, densities and distribution functions."""
    run = folder / f"runs/{one.membrane.name}-1"
    last = folder / "descriptors" / one.membrane.name
    frames = sorted((run / "frames").glob("*.lammpstrj"))
    universe = open_trajectory(run / "system.gro", frames[-1]).universe
    return {
        "box": _source(plot_box(universe), last / "box.png"),
        "densities": _source(plot_densities(one.densities), last / "densities.png"),
        "distributions": png_source((last / "rdf.png").read_bytes()),
    }


def _source(figure: Figure, path: Path) -> str:
    """Write a figure; returns its source for the page."""
    picture = BytesIO()
    figure.savefig(picture, dpi=DPI, format="png")
    path.write_bytes(picture.getvalue())
    return png_source(picture.getvalue())


if __name__ == "__main__":
    write_report(Path.cwd())
