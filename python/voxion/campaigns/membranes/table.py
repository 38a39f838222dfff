"""Table of the simulated membranes for the activity models.

Runs in the folder of the campaign: ``python -m voxion.campaigns.membranes.table``.
"""

from __future__ import annotations

from pathlib import Path

from voxion.activity.data.table import CONCENTRATION, DESCRIPTORS, WATER
from voxion.campaigns.membranes.configuration import read_campaign
from voxion.campaigns.membranes.results import Simulated, read_simulated
from voxion.campaigns.workflow import CONFIG_FILE
from voxion.files import write_csv


def write_table(folder: Path) -> None:
    """Write ``activity.csv`` and ``molecules.csv`` of those membranes that have all descriptors.

    Raises
    ------
    VoxionError
        A result is missing or damaged.
    """
    simulated = read_simulated(folder, read_campaign(folder / CONFIG_FILE))
    complete = [one for one in simulated if one.complete]
    header = ["polymer", "salt", WATER, CONCENTRATION, *DESCRIPTORS]
    write_csv(folder / "activity.csv", header, [row for one in complete for row in _rows(one)])
    molecules = {
        ("polymer", one.membrane.polymer, one.membrane.polymer_smiles) for one in simulated
    } | {("salt", one.membrane.salt, one.membrane.salt_smiles) for one in simulated}
    write_csv(folder / "molecules.csv", ["kind", "name", "smiles"], sorted(molecules))


def _rows(one: Simulated) -> list[list[str]]:
    membrane = one.membrane
    values = [f"{one.descriptors[name].value:.6g}" for name in DESCRIPTORS]
    start = [membrane.polymer, membrane.salt, f"{membrane.water_per_ion:g}"]
    return [[*start, f"{outside:g}", *values] for outside in membrane.concentrations]


if __name__ == "__main__":
    write_table(Path.cwd())
