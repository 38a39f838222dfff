"""Build, equilibrate and sample the surfactant at 16 hydrations, two independent runs each.

python make_phases.py

Leaves phases/lambda-8-run-1.zarr and so on: the training set of the classifier. Stopped and started
again it goes on with what is missing; with more --frames, it samples anew.
"""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from voxion.engines.lammps import run_lammps
from voxion.errors import VoxionError
from voxion.systems.coarse_surfactant import (
    HYDRATIONS,
    CoarseSurfactant,
    CoarseSurfactantDescription,
)
from voxion.voxels.stores.store import open_store

HERE = Path(__file__).resolve().parent
RUNS = (1, 2)


def main(
    frames: Annotated[int, typer.Option(min=1, help="Windows of 250 steps per run.")] = 40,
    beads: Annotated[int, typer.Option(help="Of each system.")] = 3000,
    steps: Annotated[int, typer.Option(help="Of equilibration.")] = 5000,
    jobs: Annotated[int, typer.Option(min=1, help="At a time, one core each.")] = 2,
    hydration: Annotated[
        list[int] | None, typer.Option(help="Only this one; may be given several times.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder of systems and stores.")] = HERE / "phases",
) -> None:
    """Make the stores of all hydrations and runs that are not there yet."""
    out.mkdir(parents=True, exist_ok=True)
    # the slowest first: the last jobs then end together
    wanted = [(number, run) for number in sorted(hydration or HYDRATIONS) for run in RUNS]
    with _progress() as progress, ThreadPoolExecutor(jobs) as pool:
        task = progress.add_task("surfactants", total=len(wanted))
        started = [pool.submit(make, out, *job, beads, steps, frames) for job in wanted]
        try:
            for job in as_completed(started):
                progress.console.print(job.result())
                progress.advance(task)
        except VoxionError as error:
            pool.shutdown(cancel_futures=True)
            typer.echo(f"Error: {error}", err=True)
            raise typer.Exit(1) from None
        except KeyboardInterrupt:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def make(out: Path, hydration: int, run: int, beads: int, steps: int, frames: int) -> str:
    """Make one store; what there is of it already is kept, an unfinished part done again."""
    name = f"lambda-{hydration}-run-{run}"
    folder, store = out / name, out / f"{name}.zarr"
    _check_size(folder, CoarseSurfactant(hydration, beads))
    if store.is_dir() and open_store(store).frames >= frames:
        return f"{name}: there already"
    if not (folder / "system.json").exists():
        shutil.rmtree(folder, ignore_errors=True)
        # another seed is another start at infinite temperature
        CoarseSurfactant(hydration, beads).build(folder, seed=1000 * run + hydration + 1)
    if not (folder / "equilibrated").exists():
        run_lammps(folder / "in.equilibrate", variables={"steps": steps}, log="equilibrate.log")
        (folder / "equilibrated").touch()
    shutil.copy(HERE / "in.sample", folder / "in.sample")
    partial = folder / "voxels.zarr"
    shutil.rmtree(partial, ignore_errors=True)
    run_lammps(folder / "in.sample", variables={"frames": frames}, log="sample.log")
    shutil.rmtree(store, ignore_errors=True)
    partial.rename(store)
    return f"{name}: {open_store(store).frames} frames"


def _check_size(folder: Path, system: CoarseSurfactant) -> None:
    path = folder / "system.json"
    if not path.exists():
        return
    found = CoarseSurfactantDescription.model_validate_json(path.read_text())
    if found.surfactants != system.surfactants:
        raise VoxionError(
            f"{folder} has {found.surfactants} surfactants, {system.surfactants} were asked for: "
            "remove it with its store, or give another --out."
        )


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    )


if __name__ == "__main__":
    typer.run(main)
