"""The demonstration: the embedded graphene electrode runs in LAMMPS with the embedded model."""

from __future__ import annotations

import gzip
import re
import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console

from voxion.charges.data.dataset import ChargeDataset
from voxion.charges.evaluation.scores import score_charges
from voxion.charges.report.page import make_report
from voxion.charges.sampling.electrode import label_electrode
from voxion.charges.sampling.run import model_method, sample_run
from voxion.errors import VoxionError
from voxion.systems.description import load_system

_HERE = Path(__file__).parent


def model_path() -> Path:
    """Return the embedded site-potentials model."""
    return _HERE / "site_potentials.pt"


def copy_system(folder: str | Path) -> Path:
    """Unpack the embedded system: the paper's electrode and electrolyte, equilibrated.

    Parameters
    ----------
    folder : path
        New folder.

    Returns
    -------
    Path
        The folder, as `voxion.systems` builds one.

    Raises
    ------
    VoxionError
        The folder exists.
    """
    folder = Path(folder)
    if folder.exists():
        raise VoxionError(f"{folder} exists: remove it or give another folder.")
    shutil.copytree(_HERE / "system", folder)
    packed = folder / "equilibrated.data.gz"
    with gzip.open(packed) as source, open(folder / "equilibrated.data", "wb") as target:
        shutil.copyfileobj(source, target)
    packed.unlink()
    # what a builder would have left as the packed start; label sources read it
    shutil.copy(folder / "equilibrated.data", folder / "system.data")
    return folder


@dataclass(frozen=True)
class DemoResult:
    """Summary of the demonstration in three lines, with the path of its report."""

    lines: tuple[str, str, str]
    report: Path


def run_demo(
    folder: str | Path, frames: int = 20, interval: float = 0.2, settle: float = 1.0
) -> DemoResult:
    """Run MD with the model inside LAMMPS, label its frames with ELECTRODE, write the report.

    Parameters
    ----------
    folder : path
        New folder for the system, the run, the labels and the report.
    frames : int
    interval : float
        Between frames, ps.
    settle : float
        Before the first frame, ps.

    Raises
    ------
    VoxionError
        The folder exists, or LAMMPS stopped with an error.
    """
    console = Console()
    folder = Path(folder)
    system = copy_system(folder / "system")
    model = Path(shutil.copy(model_path(), folder / "model.pt"))

    console.print("Molecular dynamics in LAMMPS; the model sets the charges at every step:")
    method = model_method(model, load_system(system))
    console.print(f"  {method.commands[-1]}", soft_wrap=True)
    run = sample_run(system, folder / "run.zarr", method, frames, interval, settle=settle)
    console.print("The same frames by LAMMPS's own matrix solver, fix electrode/conq:")
    labels = label_electrode(system, run, folder / "electrode.zarr")
    console.print("The report:")
    report = make_report(
        folder / "electrode.zarr", [model], {"run": folder / "run.zarr"}, folder / "report.html"
    )
    return DemoResult(_tell(folder, run, labels, report), report)


def _tell(
    folder: Path, run: ChargeDataset, labels: ChargeDataset, report: Path
) -> tuple[str, str, str]:
    reference, predicted = labels.surface_charges(), run.surface_charges()
    frames, atoms = reference.shape
    total = labels.total_charge
    model = score_charges(reference, predicted)
    constant = score_charges(reference, np.full_like(reference, total / atoms))
    updates, share = _updates(folder / "run.log")
    off = np.abs(predicted.sum(axis=1) - total).max()
    return (
        f"{updates} updates of {atoms} charges inside LAMMPS took {share:.1f} % of its loop time; "
        f"their sum stayed {total:g} e to {off:.0e} e.",
        f"Against the matrix solver on {frames} frames of the run: MAE {model.mae:.1e} e, "
        f"R2 {model.r2:.4f} (the same charge for all: MAE {constant.mae:.1e} e, "
        f"R2 {constant.r2:.4f}).",
        f"Report: {report.resolve().as_uri()}",
    )


def _updates(log: Path) -> tuple[int, float]:
    """Count the updates of all runs in a log; also their share of the loop time, %."""
    pattern = re.compile(r"^Fix voxion/charge .*, (\d+) during the run, (\S+) s, (\S+) % of", re.M)
    runs = [(int(n), float(s), float(share)) for n, s, share in pattern.findall(log.read_text())]
    seconds = sum(s for _, s, _ in runs)
    loops = sum(100 * s / share for _, s, share in runs if share)
    return sum(n for n, _, _ in runs), 100 * seconds / loops if loops else 0.0
