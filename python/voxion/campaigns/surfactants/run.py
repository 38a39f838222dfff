"""Runs the campaign from surfactants to Nafion."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from voxion.campaigns.surfactants.configuration import Configuration, claim_folder
from voxion.campaigns.workflow import check_snakemake, run_workflow
from voxion.systems.united_atom.forcefield import built_in, load_forcefield
from voxion.systems.united_atom.system import nafion_system, surfactant_system

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
        Snakemake is not installed, a system cannot be built, the folder is not this campaign's or
        another process works on it, or a step failed.
    """
    check_snakemake()
    if configuration.forcefield not in built_in():
        # the steps run in the folder of the campaign
        absolute = {"forcefield": str(Path(configuration.forcefield).resolve())}
        configuration = configuration.model_copy(update=absolute)
    _check_systems(configuration)
    folder = Path(folder)
    claim_folder(folder, configuration)
    run_workflow(SNAKEFILE, folder, jobs, options)
    return folder / REPORT_FILE


def _check_systems(configuration: Configuration) -> None:
    """Refuse sizes that a builder would refuse, before anything runs."""
    forcefield = load_forcefield(configuration.forcefield)
    surfactant, nafion = configuration.surfactant, configuration.nafion
    for hydration in surfactant.hydrations:
        surfactant_system(hydration, surfactant.beads, forcefield)
    for hydration in nafion.hydrations:
        nafion_system(hydration, nafion.chains, nafion.side_chains, forcefield)
