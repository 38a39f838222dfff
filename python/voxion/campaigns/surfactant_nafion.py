"""Runs the campaign from surfactants to Nafion."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from voxion.campaigns.configuration import Configuration, claim_folder
from voxion.campaigns.workflow import check_snakemake, run_workflow

SNAKEFILE = Path(__file__).with_name("Snakefile")
REPORT_FILE = "report.html"


def run_campaign(
    folder: str | Path,
    configuration: Configuration,
    jobs: int = 1,
    options: Sequence[str] = (),
) -> Path:
    """Run what is missing of a campaign.

    Parameters
    ----------
    folder : str or Path
        New, or of a campaign with the same systems, which is continued: finished steps are kept,
        and LAMMPS goes on from its restart files.
    configuration : Configuration
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
        Snakemake is not installed, the folder is not this campaign's or another process works on
        it, or a step failed.
    """
    check_snakemake()
    folder = Path(folder)
    claim_folder(folder, configuration)
    run_workflow(SNAKEFILE, folder, jobs, options)
    return folder / REPORT_FILE
