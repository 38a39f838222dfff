"""Long runs with a model's charges, beside the loop with the solver itself.

python studies/long_runs.py SYSTEM DFTB_MODEL DFTB_DATA ELECTRODE_MODEL --work FOLDER

SYSTEM is a folder of a built and equilibrated system, DFTB_DATA what DFTB_MODEL learned from. The
loop sets ELECTRODE's charges from outside (`voxion charges couple`), and ELECTRODE_MODEL runs at
the loop's interval and length. Writes long_runs.md, and long_runs.png and
long_runs_density.png in docs/figures. Runs that are in the work folder already are continued, or
not repeated.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from matplotlib.figure import Figure
from numpy.typing import NDArray
from scipy.stats import wasserstein_distance

from voxion.charges.analysis.density import DensityProfile, density_profiles, rms_difference
from voxion.charges.data.dataset import ChargeDataset
from voxion.charges.data.opening import open_dataset
from voxion.charges.evaluation.distance import TrainedGround
from voxion.charges.report.plots import plot_profiles
from voxion.charges.sampling.coupling import couple
from voxion.charges.sampling.electrode import ElectrodeLabels
from voxion.charges.sampling.electrolyte_runs import DatasetRun
from voxion.charges.sampling.run import model_method, sample_run
from voxion.engines.lammps import quoted
from voxion.figures import COLOURS, REFERENCE, WIDTH, styled
from voxion.systems.description import load_system

FRAME = 0.5  # ps
SETTLE = 2.0  # ps
RECORDS = 5  # of the energy, from one update to the next
KILOJOULE = 4.184  # of one kcal
SPECIES = {"O": "water (O)", "Na": "Na+", "Cl": "Cl-"}
RESULT = Path(__file__).with_suffix(".md")
FIGURES = Path(__file__).parents[1] / "docs" / "figures"


@dataclass(frozen=True)
class LongRun:
    """One way of setting charges, and how often (steps)."""

    name: str
    title: str
    every: int
    model: Path | None  # without one, ELECTRODE's charges, set from outside


@dataclass(frozen=True)
class Energies:
    """Record of a run: temperature (K) and conserved energy (kcal/mol)."""

    time: NDArray[np.float64]  # ps
    temperature: NDArray[np.float64]
    conserved: NDArray[np.float64]
    interval: NDArray[np.int64]  # number of the update before each record

    def between_updates(self) -> tuple[float, float]:
        """Slope while charges stay as they are, kcal/mol/ps: mean and standard error."""
        slopes = [
            np.polyfit(self.time[own], self.conserved[own], 1)[0]
            for own in np.split(
                np.arange(len(self.time)), np.flatnonzero(np.diff(self.interval)) + 1
            )
            if len(own) == RECORDS - 1
        ]
        return float(np.mean(slopes)), float(np.std(slopes) / np.sqrt(len(slopes)))

    def altogether(self) -> float:
        """Slope with the updates, kcal/mol/ps."""
        return float(np.polyfit(self.time, self.conserved, 1)[0])


def main(
    system: Annotated[Path, typer.Argument(help="Folder of a built, equilibrated system.")],
    dftb: Annotated[Path, typer.Argument(help="Model of DFTB charges.")],
    dftb_data: Annotated[Path, typer.Argument(help="Data set that it learned from.")],
    electrode: Annotated[Path, typer.Argument(help="Model of ELECTRODE's charges.")],
    work: Annotated[Path, typer.Option(help="Folder for the runs.")],
    length: Annotated[float, typer.Option(help="Of the run with DFTB's model, ps.")] = 100.0,
    loop_length: Annotated[float, typer.Option(help="Of the loop and its model, ps.")] = 100.0,
) -> None:
    """Run, compare, and write table and figures."""
    runs = {
        LongRun("dftb-model", "DFTB's model, every 10 steps", 10, dftb): length,
        LongRun("electrode-loop", "loop with ELECTRODE, every 0.5 ps", 250, None): loop_length,
        LongRun("electrode-model", "ELECTRODE's model, every 0.5 ps", 250, electrode): loop_length,
    }
    data = {run: perform(run, system, work, span) for run, span in runs.items()}
    timestep = load_system(system).timestep * 1e-3
    energies = {run: _energies(work / f"{run.name}.energies", run.every, timestep) for run in runs}
    profiles = {run.title: density_profiles(DatasetRun(data[run]), list(SPECIES)) for run in runs}
    training = open_dataset(dftb_data)
    text = "\n".join(
        [
            _energy_table(energies, training.sources),
            _charge_table(data, training),
            _distance_line(dftb, next(iter(data.values()))),
            _density_table(profiles),
        ]
    )
    typer.echo(text)
    RESULT.write_text(f"# {__doc__.splitlines()[0]}\n\n{text}")
    _figure(data, energies, training).savefig(FIGURES / "long_runs.png", dpi=130)
    first = list(profiles)[1]  # the loop is the reference
    ordered = {first: profiles[first], **profiles}
    plot_profiles(ordered, SPECIES).savefig(FIGURES / "long_runs_density.png", dpi=110)


def perform(run: LongRun, system: Path, work: Path, length: float) -> ChargeDataset:
    """Make a run, or what is left of it."""
    output = work / f"{run.name}.zarr"
    frames = round(length / FRAME)
    if output.exists() and open_dataset(output).frames >= frames:
        return open_dataset(output)
    folder = work / f"{run.name}-system"
    if not folder.exists():
        shutil.copytree(system, folder)
        with (folder / "in.dynamics").open("a") as dynamics:
            dynamics.write(_records(work / f"{run.name}.energies", run.every // RECORDS))
    if run.model is None:
        with ElectrodeLabels(folder) as source:
            return couple(source, folder, output, frames, FRAME, settle=SETTLE, resume=True)
    method = model_method(run.model, load_system(folder), run.every)
    return sample_run(folder, output, method, frames, FRAME, settle=SETTLE, resume=True)


def _records(file: Path, steps: int) -> str:
    return (
        "variable step equal step\nvariable temperature equal temp\n"
        "variable conserved equal econserve\n"
        f'fix energies all print {steps} "${{step}} ${{temperature}} ${{conserved}}" '
        f"append {quoted(file.resolve())} screen no\n"
    )


def _energies(file: Path, every: int, timestep: float) -> Energies:
    """Read the records between updates; those of a continued run replace the ones before."""
    rows = {int(row[0]): row for row in np.loadtxt(file)}
    table = np.array([rows[step] for step in sorted(rows) if step % every])
    steps = table[:, 0].astype(np.int64)
    return Energies(timestep * steps, table[:, 1], table[:, 2], steps // every)


def _energy_table(energies: dict[LongRun, Energies], atoms: int) -> str:
    lines = [
        "Conserved energy (with the thermostat's part), kJ/mol/ns per electrolyte atom.\n",
        "| charges | length | temperature / K | between updates | altogether |",
        "|---|---|---|---|---|",
    ]
    unit = 1000 * KILOJOULE / atoms
    for run, one in energies.items():
        slope, error = one.between_updates()
        parts = np.array([part.mean() for part in np.array_split(one.temperature, 5)])
        lines.append(
            f"| {run.title} | {one.time[-1]:.0f} ps "
            f"| {parts.mean():.2f} +- {parts.std(ddof=1) / np.sqrt(5):.2f} "
            f"| {slope * unit:.2f} +- {error * unit:.2f} | {one.altogether() * unit:.1f} |"
        )
    return "\n".join(lines) + "\n"


def _charge_table(data: dict[LongRun, ChargeDataset], training: ChargeDataset) -> str:
    learned = training.surface_charges().ravel()
    loop = next(one for run, one in data.items() if run.model is None).surface_charges().ravel()
    lines = [
        "Charges in the run and in the training data (DFTB's) or in the loop (ELECTRODE's), e.\n",
        "| charges | mean | standard deviation | 0.1 % and 99.9 % quantile | Wasserstein distance "
        "| beyond the other's range |\n|---|---|---|---|---|---|",
        _charge_row("DFTB's training data", learned, None),
    ]
    for run, dataset in data.items():
        other = learned if run.name == "dftb-model" else loop
        own = dataset.surface_charges().ravel()
        lines.append(_charge_row(run.title, own, None if run.model is None else other))
    return "\n".join(lines) + "\n"


def _distance_line(model: Path, dataset: ChargeDataset) -> str:
    distances = [distance for _, distance in TrainedGround(model).look_at_all(dataset)]
    return (
        "Distance of the frames with DFTB's model from its training data (1 is its furthest site): "
        f"median {np.median(distances):.2f}, largest {max(distances):.2f}.\n"
    )


def _charge_row(name: str, charges: NDArray[np.float64], other: NDArray[np.float64] | None) -> str:
    low, high = np.quantile(charges, (0.001, 0.999))
    cells = f"| {name} | {charges.mean():.5f} | {charges.std():.5f} | {low:.4f}, {high:.4f} |"
    if other is None:
        return f"{cells} | |"
    beyond = np.mean((charges < other.min()) | (charges > other.max()))
    return f"{cells} {wasserstein_distance(charges, other):.1e} | {beyond:.1e} |"


def _density_table(profiles: dict[str, dict[str, DensityProfile]]) -> str:
    titles = list(profiles)
    loop = profiles[titles[1]]
    lines = [
        "Highest density over that in the bulk, its place, and the rms difference to the loop in "
        "standard errors within 15 angstrom (1.15 where they agree).\n",
        "| charges | species | highest | at / angstrom | difference |\n|---|---|---|---|---|",
    ]
    for title, of_run in profiles.items():
        for species, profile in of_run.items():
            place, value, error = profile.highest()
            difference = ""
            if of_run is not loop:
                difference = f"{rms_difference(profile, loop[species]):.2f}"
            lines.append(
                f"| {title} | {species} | {value:.2f} +- {error:.2f} | {place:.1f} | {difference} |"
            )
    return "\n".join(lines) + "\n"


@styled
def _figure(
    data: dict[LongRun, ChargeDataset], energies: dict[LongRun, Energies], training: ChargeDataset
) -> Figure:
    figure = Figure((WIDTH, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    bins = np.linspace(-0.1, 0.04, 141)
    left.hist(
        training.surface_charges().ravel(),
        bins,
        density=True,
        color=REFERENCE,
        alpha=0.25,
        label="DFTB's training data",
    )
    for (run, dataset), colour in zip(data.items(), COLOURS, strict=False):
        left.hist(
            dataset.surface_charges().ravel(),
            bins,
            density=True,
            histtype="step",
            color=colour,
            label=run.title,
        )
        one = energies[run]
        change = one.conserved - one.conserved[0]
        right.plot(one.time, change, color=colour, lw=1.0, label=run.title)
    left.set(xlabel="charge / e", ylabel="density / (1/e)", yscale="log", ylim=(1e-2, 2e3))
    left.set_title("charges of the sheet")
    right.set(xlabel="time / ps", ylabel="change / (kcal/mol)", title="conserved energy")
    left.legend(fontsize=8)
    return figure


if __name__ == "__main__":
    typer.run(main)
