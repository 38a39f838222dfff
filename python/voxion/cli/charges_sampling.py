"""The commands of `voxion charges` that run MD or solve for charges: sample, label, couple, run."""

from __future__ import annotations

import os
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from voxion.charges.defaults import UPDATE_INTERVAL
from voxion.cli.options import STORE_FILE, Force, Resume, output
from voxion.errors import VoxionError

if TYPE_CHECKING:
    from voxion.charges.data.dataset import ChargeDataset
    from voxion.charges.sampling.dftb import DftbLabels
    from voxion.charges.sampling.electrode import ElectrodeLabels

console = Console()


class SourceChoice(str, Enum):
    """Programs that compute the charges."""

    electrode = "electrode"
    dftb = "dftb"


class Algorithm(str, Enum):
    """Solvers of ELECTRODE."""

    mat_inv = "mat_inv"
    cg = "cg"


System = Annotated[
    Path, typer.Argument(help="Folder of a built system, equilibrated with its in.equilibrate.")
]
Out = Annotated[Path, typer.Option(help="Data set to write (Zarr folder).")]
Frames = Annotated[int, typer.Option(min=1, help="Number of frames in the data set at the end.")]
Interval = Annotated[float, typer.Option(help="Time between frames, ps.")]
Settle = Annotated[float, typer.Option(help="Time before the first frame, ps.")]
Start = Annotated[
    Path | None,
    typer.Option(
        help="LAMMPS data file to start from.", show_default="equilibrated.data of SYSTEM"
    ),
]
Solver = Annotated[Algorithm, typer.Option(help="How ELECTRODE solves for the charges.")]
ThomasFermi = Annotated[
    float | None,
    typer.Option(help="Thomas-Fermi length, angstrom.", show_default="a perfect conductor"),
]
Potential = Annotated[
    list[float] | None,
    typer.Option(
        help="Potential of the upper electrode over the lower one, V; repeat for several, "
        "which share the frames. The time before the first frame is that at each.",
        show_default="electrodes of constant charge",
    ),
]
Source = Annotated[SourceChoice, typer.Option(help="What computes the charges.")]
Parameters = Annotated[
    Path | None, typer.Option(help="With dftb: folder of the Slater-Koster file C-C.skf.")
]


def sample(
    system: System,
    out: Out,
    frames: Frames = 500,
    interval: Interval = 0.2,
    settle: Settle = 5.0,
    start: Start = None,
    resume: Resume = False,
    force: Force = False,
    algorithm: Solver = Algorithm.mat_inv,
    thomas_fermi: ThomasFermi = None,
    potential: Potential = None,
) -> None:
    """Run MD with the charges of ELECTRODE at every step, and keep frames."""
    from voxion.charges.sampling.electrode import ElectrodeLabels, ElectrodeSettings

    settings = ElectrodeSettings(algorithm=algorithm.value, thomas_fermi=thomas_fermi)
    with output(out, force, resume, STORE_FILE):
        dataset = ElectrodeLabels(system, settings).sample(
            out,
            frames,
            interval,
            differences=potential or (),
            start=start,
            settle=settle,
            resume=resume,
        )
    _print_frames(dataset, out)


def label(
    system: System,
    dataset: Annotated[Path, typer.Argument(help="Data set whose frames are labelled.")],
    out: Out,
    source: Source = SourceChoice.electrode,
    algorithm: Solver = Algorithm.mat_inv,
    thomas_fermi: ThomasFermi = None,
    parameters: Parameters = None,
    workers: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="With dftb: number of frames computed at a time.",
            show_default="all processors",
        ),
    ] = None,
    force: Force = False,
) -> None:
    """Compute the charges of the frames of a data set, such as one of a run with a model."""
    from voxion.charges.data.opening import open_dataset
    from voxion.charges.sampling.labels import relabel

    if source is SourceChoice.electrode and workers is not None:
        raise VoxionError("--workers is for --source dftb; ELECTRODE labels one frame at a time.")
    at_a_time = (workers or _processors()) if source is SourceChoice.dftb else 1
    with (
        output(out, force, kind=STORE_FILE),
        _solver(system, source, algorithm, thomas_fermi, parameters) as solver,
    ):
        labelled = relabel(solver, open_dataset(dataset), out, workers=at_a_time)
    _print_frames(labelled, out)


def couple(
    system: System,
    out: Out,
    source: Source = SourceChoice.electrode,
    interval: Annotated[
        float, typer.Option(help="Time between updates of the charges, ps.")
    ] = UPDATE_INTERVAL,
    frames: Annotated[
        int, typer.Option(min=1, help="Number of updates, each of which is a frame.")
    ] = 100,
    start: Start = None,
    resume: Resume = False,
    force: Force = False,
    algorithm: Solver = Algorithm.mat_inv,
    thomas_fermi: ThomasFermi = None,
    parameters: Parameters = None,
) -> None:
    """Run MD with charges that a solver computes at every interval, and keep the frames."""
    from voxion.charges.sampling.coupling import couple as couple_run

    threads = _processors()
    with (
        output(out, force, resume, STORE_FILE),
        _solver(system, source, algorithm, thomas_fermi, parameters, threads) as solver,
    ):
        dataset = couple_run(solver, system, out, frames, interval, start=start, resume=resume)
    _print_frames(dataset, out)


def run(
    system: System,
    model: Annotated[Path, typer.Argument(help="Exported model.")],
    out: Out,
    every: Annotated[
        int, typer.Option(min=1, help="Number of steps between updates of the charges.")
    ] = 1,
    frames: Frames = 500,
    interval: Interval = 0.2,
    settle: Settle = 5.0,
    start: Start = None,
    resume: Resume = False,
    force: Force = False,
    potential: Potential = None,
    upper_model: Annotated[
        Path | None,
        typer.Option(help="Model of an upper electrode of another material.", show_default=False),
    ] = None,
) -> None:
    """Run MD with a model's charges, and keep frames."""
    from voxion.charges.sampling.run import model_method, sample_run
    from voxion.systems.description import load_system

    method = model_method(model, load_system(system), every, potential or (), frames, upper_model)
    with output(out, force, resume, STORE_FILE):
        dataset = sample_run(
            system, out, method, frames, interval, start=start, settle=settle, resume=resume
        )
    _print_frames(dataset, out)


def _solver(
    system: Path,
    source: SourceChoice,
    algorithm: Algorithm,
    thomas_fermi: float | None,
    parameters: Path | None,
    threads: int = 1,
) -> ElectrodeLabels | DftbLabels:
    from voxion.charges.sampling.dftb import DftbLabels
    from voxion.charges.sampling.electrode import ElectrodeLabels, ElectrodeSettings

    if source is SourceChoice.electrode:
        if parameters is not None:
            raise VoxionError("--parameters is for --source dftb; ELECTRODE has none.")
        settings = ElectrodeSettings(algorithm=algorithm.value, thomas_fermi=thomas_fermi)
        return ElectrodeLabels(system, settings)
    if thomas_fermi is not None or algorithm is not Algorithm.mat_inv:
        raise VoxionError("--thomas-fermi and --algorithm are for --source electrode.")
    if parameters is None:
        raise VoxionError(
            "--source dftb needs --parameters FOLDER, with the Slater-Koster file C-C.skf."
        )
    return DftbLabels(system, parameters, threads=threads)


def _processors() -> int:
    return len(os.sched_getaffinity(0))


def _print_frames(dataset: ChargeDataset, out: Path) -> None:
    from voxion.charges.sampling.skipped import SkippedFrames

    console.print(
        f"{out}: {dataset.frames} frames of {dataset.surface_atoms} charges", soft_wrap=True
    )
    if left_out := SkippedFrames.of(out):
        steps = ", ".join(str(frame["step"]) for frame in left_out)
        console.print(f"{len(left_out)} frames left out, of steps {steps}", soft_wrap=True)
