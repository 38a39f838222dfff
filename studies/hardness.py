"""The hardness model: error of its charges, and energy conservation beside the plain model.

python studies/hardness.py SYSTEM TRAINING_DATA [DATA ...]

Trains on each data set and scores on its held-out part; then runs the built and equilibrated SYSTEM
at constant energy with models of the first data set. Writes hardness.md beside this file and
docs/figures/hardness.png. Runs that are in WORK already are not repeated.
"""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import matplotlib.pyplot as plt
import numpy as np
import torch
import typer
from matplotlib.figure import Figure
from numpy.typing import NDArray
from rich.progress import track
from scipy.special import erfc

from voxion.charges.data.opening import open_dataset
from voxion.charges.data.splits import split_frames
from voxion.charges.evaluation.scores import ScoreReport
from voxion.charges.models.hardness import COULOMB, HardnessModel
from voxion.charges.models.shells import pairs_within
from voxion.charges.sampling.run import load_configuration, model_method
from voxion.charges.sampling.sheet_potentials import read_matrix, sheet_potentials, write_matrix
from voxion.charges.training.hardness import ETA, SHELLS, score, train
from voxion.charges.training.run import make_settings
from voxion.charges.training.run import train as train_plain
from voxion.engines.lammps import cell_of, gather, in_group, lammps_session, quoted
from voxion.figures import COLOURS, REFERENCE, WIDTH, styled
from voxion.systems.description import load_system

ROOT = Path(__file__).parents[1]
RESULT = Path(__file__).with_suffix(".md")
FIGURE = ROOT / "docs" / "figures" / "hardness.png"
SHELL_CHOICES = (1, 2, 4, 8, 12, SHELLS)
KINDS = {
    "fixed": "fixed charges",
    "hardness": "hardness, fix electrode/conq read_mat",
    "plain": "site-potentials, fix voxion/charge 1",
}
TIMESTEPS = (2.0, 1.0, 0.5, 0.25)  # fs
SHORT, BETWEEN = 1.0, 0.01  # ps: length of the runs with these, and between energies
BOLTZMANN, KILOJOULE = 0.0019872067, 4.184  # kcal/mol/K, kJ/kcal
# Nothing but the time step between forces and energy: no step of the energy at cutoffs (where the
# Coulomb energy is not shifted, so it has to be small), and a plain Ewald sum, since forces of a
# mesh are no exact gradient; those of an Ewald sum are, at any accuracy.
EXACT = (
    "pair_style lj/cut/coul/long 10.0 12.0",
    "pair_modify table 0 shift yes",
    "kspace_style ewald/electrode 1.0e-4",
    "kspace_modify gewald 0.3",
    "neigh_modify every 1 delay 0 check yes",
)


@dataclass(frozen=True)
class Trace:
    """Total energy (kcal/mol) along a run of constant energy, and its degrees of freedom."""

    time: NDArray[np.float64]
    energy: NDArray[np.float64]
    atoms: int
    freedom: float

    def drift(self) -> tuple[float, float]:
        """Slope of the energy, kcal/mol/ps: mean and standard error over five parts."""
        parts = zip(np.array_split(self.time, 5), np.array_split(self.energy, 5), strict=True)
        slopes = [np.polyfit(time, energy, 1)[0] for time, energy in parts]
        return float(np.polyfit(self.time, self.energy, 1)[0]), float(np.std(slopes) / np.sqrt(4))

    def fluctuation(self) -> float:
        """Give the standard deviation of the energy, kcal/mol."""
        return float(self.energy.std())

    def wander(self) -> float:
        """Give the standard deviation of means over 1 ps, kcal/mol."""
        return float(self.energy.reshape(-1, round(1.0 / BETWEEN)).mean(1).std())


def main(
    system: Annotated[Path, typer.Argument(help="Folder of a built, equilibrated system.")],
    datasets: Annotated[list[Path], typer.Argument(help="Data sets with charges.")],
    work: Annotated[Path, typer.Option(help="Folder for models and runs.")],
    length: Annotated[float, typer.Option(help="Of the long runs, ps.")] = 20.0,
) -> None:
    """Score, run, and write table and figure."""
    torch.set_num_threads(1)
    work.mkdir(parents=True, exist_ok=True)
    tables, models = [], []
    for path in datasets:
        model, table = _score(path, work)
        models.append(model)
        tables.append(table)
    plain = work / datasets[0].stem / "model.pt"

    def run(kind: str, timestep: float, picoseconds: float) -> Trace:
        file = work / f"{kind}-{timestep:g}-{picoseconds:g}.npz"
        if not file.exists():
            trace = constant_energy(system, kind, models[0], plain, timestep, picoseconds)
            np.savez(file, **vars(trace))
        stored = np.load(file)
        return Trace(stored["time"], stored["energy"], int(stored["atoms"]), stored["freedom"])

    long = {kind: run(kind, 1.0, length) for kind in KINDS}
    short = {kind: [run(kind, dt, SHORT) for dt in TIMESTEPS] for kind in KINDS}
    text = "\n".join([*tables, _energies(long, short)])
    typer.echo(text)
    RESULT.write_text(f"# {__doc__.splitlines()[0]}\n\n{text}")
    FIGURE.parent.mkdir(exist_ok=True)
    _figure(long, short).savefig(FIGURE, dpi=130)


def constant_energy(
    system: Path,
    kind: str,
    model: HardnessModel,
    plain: Path,
    timestep: float,
    picoseconds: float,
) -> Trace:
    """Run at constant energy with rigid water, the sheet held.

    The energy is LAMMPS's with what it does not know of: 1/2 q U q, and where LAMMPS takes the
    sheet's charges for points, what makes them Gaussians. So all three runs are judged by the same
    function of the configuration and the charges.
    """
    description = load_system(system)
    surface = description.surfaces[0]
    steps, rows = round(BETWEEN * 1000 / timestep), []
    with (
        tempfile.TemporaryDirectory() as folder,
        lammps_session(variables={"kspace": "pppm/electrode"}) as engine,
    ):
        load_configuration(engine, system.resolve(), system.resolve() / "equilibrated.data")
        for command in (*EXACT, f"kspace_modify slab {description.slab_factor}"):
            engine.command(command)
        if len(description.surfaces) == 1:
            engine.command("fix_modify wall energy yes")  # its energy is part of the sum
        sheet = in_group(engine, "surface")
        sites, cell = gather(engine, "x")[sheet], cell_of(engine)[0]
        extra = model.hardness_matrix(sites, cell).toarray()
        matrix = Path(folder) / "matrix"
        if kind == "hardness":
            electrode = f"fix charges surface electrode/conq {surface.charge} {ETA} symm off"
            engine.command(f"{electrode} write_mat {quoted(matrix)}")
            engine.command("run 0 post no")
            identifiers, coulomb = read_matrix(matrix)
            write_matrix(matrix, identifiers, coulomb + extra)
            engine.command("unfix charges")
            engine.command(f"{electrode} read_mat {quoted(matrix)}")
        else:
            extra = extra + _smearing(sites, cell)
        if kind == "plain":
            for command in model_method(plain, description, 1).commands:
                engine.command(command)
        for command in (
            f"velocity electrolyte create {description.temperature} {description.seed} mom yes",
            "fix water electrolyte shake 1.0e-8 500 0 b OH a HOH",
            "fix integrate electrolyte nve",
            f"timestep {timestep}",
            "thermo 1000000",
            "run 0 post no",
        ):
            engine.command(command)
        for _ in track(range(round(picoseconds / BETWEEN)), f"{kind}, {timestep:g} fs"):
            engine.command(f"run {steps} pre no post no")
            charges = gather(engine, "q")[sheet]
            kinetic = engine.get_thermo("ke")
            learned = 0.5 * COULOMB * charges @ extra @ charges
            rows.append(kinetic + engine.get_thermo("pe") + learned)
        freedom = 2 * kinetic / (BOLTZMANN * engine.get_thermo("temp"))
    time = BETWEEN * np.arange(1, len(rows) + 1)
    return Trace(time, np.array(rows), int((~sheet).sum()), freedom)


def _smearing(sites: NDArray[np.float64], cell: NDArray[np.float64]) -> NDArray[np.float64]:
    """Interaction of the sheet's Gaussian charges less that of point charges, [M, M]."""
    i, j, distance = (
        t.numpy() for t in pairs_within(torch.from_numpy(sites), torch.from_numpy(cell), 8.0)
    )
    pair = distance > 0
    matrix = np.zeros((len(sites), len(sites)))
    values = erfc(ETA / np.sqrt(2) * distance[pair]) / distance[pair]
    np.add.at(matrix, (i[pair], j[pair]), -values)
    return matrix + np.sqrt(2 / np.pi) * ETA * np.eye(len(sites))


def _score(path: Path, work: Path) -> tuple[HardnessModel, str]:
    dataset = open_dataset(path)
    folder = work / path.stem
    settings = make_settings([path], epochs=0)
    plain = train_plain(settings, folder, resume=True)
    electrostatics = sheet_potentials(dataset, ETA, progress=True)
    seen = split_frames(dataset.frames, name=str(path)).seen
    lines = [
        f"{path.name}, {dataset.frames} frames: {dataset.title}\n",
        "| model | numbers learned | MAE / e | R2 | largest / e |\n|---|---|---|---|---|",
    ]
    for shells in SHELL_CHOICES:
        model = train(dataset, electrostatics, seen, shells)
        report = score(model, "", dataset, "held-out", electrostatics)
        lines.append(_row(f"hardness, shells: {shells}", shells, report.model))
    numbers = settings.shells * len(settings.radial_functions.widths)
    lines.append(_row("site-potentials", numbers, plain.scores[0].model))
    lines += _baselines(report)
    hardness = " ".join(f"{u:.4f}" for u in model.hardness)
    lines.append(f"\nHardness of the {SHELLS} shells, 1/angstrom: {hardness}\n")
    model.write(folder / "hardness.json")
    return model, "\n".join(lines)


def _baselines(report: ScoreReport) -> list[str]:
    return [
        _row("the same charge for all", 0, report.constant),
        _row("each atom's own mean", report.surface_atoms, report.atom_mean),
    ]


def _row(name: str, numbers: int, scores: Any) -> str:
    return f"| {name} | {numbers} | {scores.mae:.2e} | {scores.r2:.5f} | {scores.largest:.1e} |"


def _energies(long: dict[str, Trace], short: dict[str, list[Trace]]) -> str:
    columns = "".join(f" | sd in {SHORT:g} ps, {dt:g} fs" for dt in TIMESTEPS)
    span = next(iter(long.values())).time[-1]
    lines = [
        f"Constant energy; {span:.0f} ps with 1 fs, and {SHORT:g} ps with each time step; standard "
        "deviations (sd) in kcal/mol.\n",
        "| charges | drift, kJ/mol/ns per electrolyte atom | drift, K/ns | sd of means over 1 ps"
        f"{columns} |",
        "|---" * (4 + len(TIMESTEPS)) + "|",
    ]
    for kind, trace in long.items():
        slope, error = (1000 * value for value in trace.drift())
        atom, kelvin = KILOJOULE / trace.atoms, 2 / (trace.freedom * BOLTZMANN)
        cells = [
            KINDS[kind],
            f"{slope * atom:.3f} +- {error * atom:.3f}",
            f"{slope * kelvin:.1f} +- {error * kelvin:.1f}",
            f"{trace.wander():.4f}",
            *(f"{one.fluctuation():.4f}" for one in short[kind]),
        ]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


@styled
def _figure(long: dict[str, Trace], short: dict[str, list[Trace]]) -> Figure:
    figure, (left, right) = plt.subplots(1, 2, figsize=(WIDTH, 3.6), layout="constrained")
    colours = dict(zip(KINDS, (REFERENCE, *COLOURS), strict=False))
    for kind, trace in long.items():
        left.plot(trace.time, trace.energy - trace.energy[0], color=colours[kind], lw=0.9)
        deviations = [one.fluctuation() for one in short[kind]]
        right.loglog(TIMESTEPS, deviations, "o-", color=colours[kind], label=KINDS[kind])
    ideal = short["fixed"][0].fluctuation() * (np.array(TIMESTEPS) / TIMESTEPS[0]) ** 2
    right.loglog(TIMESTEPS, ideal, ":", color=REFERENCE, lw=1.0, label="square of the time step")
    right.set_xticks(TIMESTEPS, [f"{dt:g}" for dt in TIMESTEPS])
    right.minorticks_off()
    left.set(title="total energy", xlabel="time / ps", ylabel="change / (kcal/mol)")
    right.set(
        title=f"standard deviation over {SHORT:g} ps", xlabel="time step / fs", ylabel="kcal/mol"
    )
    right.legend()
    return figure


if __name__ == "__main__":
    typer.run(main)
