"""The commands of `voxion charges` that run LAMMPS: sample, label and run."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from voxion.charges.dataset import ChargeDataset, open_dataset
from voxion.engines.electrode import ElectrodeLabels, ElectrodeSettings, label_electrode
from voxion.engines.sampling import model_method, sample_run
from voxion.systems.description import load_system

console = Console()


class Algorithm(str, Enum):
    """How ELECTRODE solves for the charges."""

    mat_inv = "mat_inv"
    cg = "cg"


System = Annotated[
    Path, typer.Argument(help="Folder of a built system, equilibrated with its in.equilibrate.")
]
Output = Annotated[Path, typer.Argument(help="Data set to write (Zarr).")]
Frames = Annotated[int, typer.Option(min=1, help="Frames in the data set at the end.")]
Interval = Annotated[float, typer.Option(help="Between frames, ps.")]
Settle = Annotated[float, typer.Option(help="MD before the first frame, ps.")]
Start = Annotated[
    Path | None, typer.Option(help="LAMMPS data file to start from; equilibrated.data by default.")
]
Resume = Annotated[bool, typer.Option("--resume", help="Continue the data set that is there.")]
Solver = Annotated[Algorithm, typer.Option(help="How ELECTRODE solves for the charges.")]
ThomasFermi = Annotated[
    float | None,
    typer.Option(help="Thomas-Fermi length, angstrom; without it a perfect conductor."),
]


def sample(
    system: System,
    output: Output,
    frames: Frames = 500,
    interval: Interval = 0.2,
    settle: Settle = 5.0,
    start: Start = None,
    resume: Resume = False,
    algorithm: Solver = Algorithm.mat_inv,
    thomas_fermi: ThomasFermi = None,
) -> None:
    """Run MD with the charges of ELECTRODE at every step, and keep frames."""
    settings = ElectrodeSettings(algorithm=algorithm.value, thomas_fermi=thomas_fermi)
    dataset = ElectrodeLabels(system, settings).sample(
        output, frames, interval, start=start, settle=settle, resume=resume
    )
    _tell(dataset, output)


def label(
    system: System,
    dataset: Annotated[Path, typer.Argument(help="Data set whose frames are labelled.")],
    output: Output,
    algorithm: Solver = Algorithm.mat_inv,
    thomas_fermi: ThomasFermi = None,
) -> None:
    """Give frames of a data set, such as those of a run with a model, the charges of ELECTRODE."""
    settings = ElectrodeSettings(algorithm=algorithm.value, thomas_fermi=thomas_fermi)
    _tell(label_electrode(system, open_dataset(dataset), output, settings=settings), output)


def run(
    system: System,
    model: Annotated[Path, typer.Argument(help="Exported model.")],
    output: Output,
    every: Annotated[int, typer.Option(min=1, help="Steps between predictions.")] = 1,
    frames: Frames = 500,
    interval: Interval = 0.2,
    settle: Settle = 5.0,
    start: Start = None,
    resume: Resume = False,
) -> None:
    """Run MD with a model's charges, and keep frames."""
    method = model_method(model, load_system(system), every)
    dataset = sample_run(
        system, output, method, frames, interval, start=start, settle=settle, resume=resume
    )
    _tell(dataset, output)


def _tell(dataset: ChargeDataset, output: Path) -> None:
    console.print(
        f"{output}: {dataset.frames} frames of {dataset.surface_atoms} charges", soft_wrap=True
    )
