"""Runs a campaign from the SMILES of membranes to activity coefficients."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from voxion.activity.data.polymers import read_molecule
from voxion.campaigns.membranes.configuration import Campaign, claim_folder
from voxion.campaigns.workflow import check_snakemake, run_workflow
from voxion.systems.membrane.amber_tools import check_installed
from voxion.systems.membrane.system import MembraneSystem

SNAKEFILE = Path(__file__).with_name("Snakefile")
REPORT_FILE = "report.html"


def simulate(
    folder: str | Path, campaign: Campaign, jobs: int = 1, options: Sequence[str] = ()
) -> Path:
    """Run what is missing of a campaign.

    Parameters
    ----------
    folder : str or Path
        New, or of a campaign with the same systems, which is continued: finished steps are kept,
        and LAMMPS goes on from its restart files.
    campaign : Campaign
    jobs : int
        Number of processors, or of jobs at a time with an executor.
    options : sequence of str
        Further options of Snakemake, such as ``--executor slurm``.

    Returns
    -------
    Path
        The page.

    Raises
    ------
    VoxionError
        Snakemake or AmberTools is not installed, a system cannot be built, the folder is not this
        campaign's or another process works on it, or a step failed.
    """
    check_snakemake()
    check_installed()
    _check_systems(campaign)
    folder = Path(folder)
    claim_folder(folder, campaign)
    run_workflow(SNAKEFILE, folder, jobs, options)
    return folder / REPORT_FILE


def _check_systems(campaign: Campaign) -> None:
    """Refuse membranes that the builder would refuse, before anything runs."""
    for one in campaign.membranes:
        MembraneSystem(
            one.name,
            read_molecule(one.polymer_smiles, one.polymer),
            read_molecule(one.salt_smiles, one.salt),
            one.water_per_ion,
            target_edge=campaign.edge,
            water_model=campaign.water_model,
        )
