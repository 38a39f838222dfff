"""Two electrodes that are charged by a model, beside fix electrode/conp from the same starts.

python studies/charging.py MODEL SYSTEM [SYSTEM ...] --work FOLDER

SYSTEM is a folder of a built and equilibrated capacitor; all are of one cell and differ by their
seed:

    for seed in 1 2 3 4 5 6 7 8; do
        voxion systems graphene --out small$seed --cells 6 4 --charge 0 --capacitor \
            --thickness 24 --molarity 2 --seed $seed
        (cd small$seed && lmp -in in.equilibrate -var steps 10000)
    done

Each stays at 0 V for a while, then 2 V are switched on. Writes charging.md beside this file, and
charging.png in docs/figures. Runs that are in the work folder already are continued, or not
repeated.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from matplotlib.figure import Figure
from numpy.typing import NDArray

from voxion.charges.analysis.pair_capacitance import pair_capacitance
from voxion.charges.analysis.potential_profile import standard_error
from voxion.charges.data.dataset import ChargeDataset
from voxion.charges.data.opening import open_dataset
from voxion.charges.sampling.electrode import ElectrodeSettings
from voxion.charges.sampling.run import ChargeMethod, model_method, sample_run
from voxion.figures import COLOURS, WIDTH, styled
from voxion.systems.description import load_system

VOLTAGES = (0.0, 2.0)
INTERVAL = 0.25  # ps
MODEL, SOLVER = "model", "fix electrode/conp"
PART = 5.0  # ps; means over it are compared
RESULT = Path(__file__).with_suffix(".md")
FIGURE = Path(__file__).parents[1] / "docs" / "figures" / "charging.png"


@dataclass(frozen=True)
class Charging:
    """Runs of one method from all starts.

    Attributes
    ----------
    charges : ndarray [R, 2, F]
        Charge of the upper electrode in each run at each voltage, e.
    capacitances : ndarray [R]
        From the fluctuations at 0 V, uF/cm^2.
    """

    charges: NDArray[np.float64]
    capacitances: NDArray[np.float64]

    @classmethod
    def of(cls, runs: list[ChargeDataset]) -> Charging:
        """Collect what is compared."""
        found = [pair_capacitance([run], temperature=300.0).voltages for run in runs]
        return cls(
            np.array([[one.charges for one in of_run] for of_run in found]),
            np.array([of_run[0].capacitance for of_run in found]),
        )

    def parts(self) -> NDArray[np.float64]:
        """Return means over parts of the time at 2 V, [R, P]."""
        frames = round(PART / INTERVAL)
        charges = self.charges[:, 1]
        count = charges.shape[1] // frames
        return charges[:, : count * frames].reshape(len(charges), count, frames).mean(2)


def main(
    model: Annotated[Path, typer.Argument(help="Model of two electrodes.")],
    systems: Annotated[list[Path], typer.Argument(help="Built and equilibrated capacitors.")],
    work: Annotated[Path, typer.Option(help="Folder for the runs.")],
    length: Annotated[float, typer.Option(help="Time at each voltage, ps.")] = 30.0,
) -> None:
    """Run from each start with both, compare, and write table and figure."""
    runs: dict[str, list[ChargeDataset]] = {SOLVER: [], MODEL: []}
    for system in systems:
        for name, method in _methods(model, system, round(length / INTERVAL)).items():
            kind = "conp" if name == SOLVER else "model"
            output = work / f"{system.name}-{kind}.zarr"
            runs[name].append(perform(system, output, method, length))
    charging = {name: Charging.of(of_method) for name, of_method in runs.items()}
    text = f"{load_system(systems[0]).title}; {len(systems)} starts.\n\n{_tables(charging)}"
    typer.echo(text)
    RESULT.write_text(f"# {__doc__.splitlines()[0]}\n\n{text}")
    _figure(charging).savefig(FIGURE, dpi=110)


def _methods(model: Path, system: Path, frames: int) -> dict[str, ChargeMethod]:
    description = load_system(system)
    all_frames = len(VOLTAGES) * frames
    return {
        SOLVER: ElectrodeSettings().potential_method(description, VOLTAGES, all_frames),
        MODEL: model_method(model, description, 1, VOLTAGES, all_frames),
    }


def perform(system: Path, output: Path, method: ChargeMethod, length: float) -> ChargeDataset:
    """Make a run, or what is left of it."""
    frames = len(VOLTAGES) * round(length / INTERVAL)
    if output.exists() and open_dataset(output).frames >= frames:
        return open_dataset(output)
    # the first frame at a voltage follows one interval after it is switched on
    return sample_run(
        system, output, method, frames, INTERVAL, settle=INTERVAL, resume=output.exists()
    )


def _tables(charging: dict[str, Charging]) -> str:
    solver, model = charging[SOLVER], charging[MODEL]
    lines = [
        "Charge of the upper electrode after 2 V are switched on, e: means over the starts with "
        "their standard errors, and the mean difference between runs from the same start.\n",
        f"| time / ps | {SOLVER} | {MODEL} | difference |\n|---|---|---|---|",
    ]
    parts = zip(solver.parts().T, model.parts().T, strict=True)
    for part, (of_solver, of_model) in enumerate(parts):
        lines.append(
            f"| {part * PART:g} to {(part + 1) * PART:g} | {_mean(of_solver, 3)} "
            f"| {_mean(of_model, 3)} | {_mean(of_model - of_solver, 3)} |"
        )
    lines.append(
        f"\nDifferential capacitance at 0 V from the fluctuations, uF/cm^2: {SOLVER} "
        f"{_mean(solver.capacitances, 2)}, {MODEL} {_mean(model.capacitances, 2)}, difference "
        f"{_mean(model.capacitances - solver.capacitances, 2)}."
    )
    return "\n".join(lines) + "\n"


def _mean(values: NDArray[np.float64], digits: int) -> str:
    return f"{values.mean():.{digits}f} +- {standard_error(values):.{digits}f}"


@styled
def _figure(charging: dict[str, Charging]) -> Figure:
    figure = Figure((0.6 * WIDTH, 3.6), layout="constrained")
    axes = figure.subplots()
    for (name, one), colour in zip(charging.items(), COLOURS, strict=False):
        charges = one.charges.reshape(len(one.charges), -1)
        times = INTERVAL * (np.arange(charges.shape[1]) - one.charges.shape[2] + 1)
        mean, error = charges.mean(0), standard_error(charges)
        axes.plot(times, mean, color=colour, label=name)
        axes.fill_between(times, mean - error, mean + error, color=colour, alpha=0.25, lw=0)
    axes.set(xlabel="time after 2 V are switched on / ps", ylabel="charge / e")
    axes.set_title("charge of the upper electrode, mean over the starts")
    axes.legend(loc="lower right")
    return figure


if __name__ == "__main__":
    typer.run(main)
