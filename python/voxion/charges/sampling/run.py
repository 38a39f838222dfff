"""MD that fills a data set of surface charges: run, take a frame, run on; and continue later.

The charges come from a fix that updates them at every step, whichever: ELECTRODE for labels, or
``fix voxion/charge`` for a run with a trained model.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from voxion.charges.data.dataset import ChargeDataset, ChargeFrame
from voxion.charges.data.dataset_writer import ChargeDatasetWriter
from voxion.charges.data.opening import open_dataset
from voxion.contract.schema import read_contract
from voxion.engines.lammps import cell_of, gather, in_group, lammps_session, quoted, wrap
from voxion.errors import VoxionError
from voxion.files import read_text
from voxion.systems.description import NEUTRAL, SystemDescription, load_system
from voxion.systems.lammps_data import check_lammps_data

_BUILD = "build the system again"


@dataclass(frozen=True)
class ChargeMethod:
    """Treatment of the surface's charges during MD.

    Attributes
    ----------
    commands : sequence of str
        LAMMPS commands after the force field, such as one ``fix``.
    kspace_style : str
        Long-range solver that they need.
    settings : dict
        Name and settings, kept with the data set as its label source; JSON values.
    stages : sequence of dict
        Potentials (V) of the electrodes, by group, each for an equal share of the frames; they are
        the equal-style variables ``potential_GROUP`` of the commands. Empty where the charges are
        not at given potentials.
    """

    commands: Sequence[str]
    kspace_style: str
    settings: dict[str, Any]
    stages: Sequence[dict[str, float]] = ()


def model_method(
    model: str | Path,
    system: SystemDescription,
    every: int = 1,
    differences: Sequence[float] = (),
    frames: int = 0,
    upper_model: str | Path | None = None,
) -> ChargeMethod:
    """Commands with which ``fix voxion/charge`` sets the charges of a system's surfaces.

    Parameters
    ----------
    model : path
        Model file; the species that its contract names are the sources.
    system : SystemDescription
    every : int
        Steps between predictions.
    differences : sequence of float
        Potentials of the second electrode over the first, V, one after the other, as of
        `stages_at_potentials`; without any, the total charges are the system's.
    frames : int
        Number of frames, which they share.
    upper_model : path, optional
        Model of the second electrode, at a potential, if it is of another material.

    Raises
    ------
    VoxionError
        No model, one without a contract of kind surface-charges, or see `stages_at_potentials`.
    """
    path = Path(model).resolve()
    contract = read_contract(path)
    sources = list(contract.sources)
    settings = {
        "name": "voxion",
        "model": path.name,
        "every": every,
        "contract": contract.model_dump(),
    }
    second_model = ""
    if upper_model is not None:
        if not differences:
            raise VoxionError("A model of the upper electrode needs electrodes at potentials.")
        second_path = Path(upper_model).resolve()
        second_contract = read_contract(second_path)
        sources += second_contract.sources
        settings |= {
            "upper_model": second_path.name,
            "upper_contract": second_contract.model_dump(),
        }
        second_model = f" model {quoted(second_path)}"
    species = " ".join(dict.fromkeys(source.name for source in sources))
    commands = [f"group sources type {species}"]
    fix = f"voxion/charge {every} {quoted(path)} sources sources"
    if differences:
        stages = stages_at_potentials(system, differences, frames)
        variables, (lower, upper) = potential_variables(system)
        first, second = (surface.group for surface in system.surfaces)
        commands += [
            *variables,
            f"fix charges {first} {fix} potential {lower} couple {second}{second_model} "
            f"potential {upper}",
        ]
        settings |= {
            "potentials": list(differences),
            "frames_each": frames // len(stages),
            "elements": [surface.element for surface in system.surfaces],
        }
        return ChargeMethod(commands, "pppm", settings, stages)
    commands += [
        f"fix {surface.group}_charges {surface.group} {fix} total {surface.charge!r}"
        for surface in system.surfaces
    ]
    return ChargeMethod(commands, "pppm", settings)


def stages_at_potentials(
    system: SystemDescription, differences: Sequence[float], frames: int
) -> tuple[dict[str, float], ...]:
    """Return the potentials of the two electrodes of a system, one stage after the other.

    Parameters
    ----------
    system : SystemDescription
        A system of two electrodes without a charge of its own.
    differences : sequence of float
        Potentials of the second electrode over the first, V; each is V/2 below and above zero.
    frames : int
        Number of frames, which they share.

    Returns
    -------
    tuple of dict
        Potentials (V) by group.

    Raises
    ------
    VoxionError
        The system has not two electrodes, a difference is not finite or given twice, or they do
        not share the frames evenly.
    """
    if not system.capacitor:
        raise VoxionError(
            f"'{system.title}' has one electrode; a potential difference needs two: build the "
            "system with --capacitor."
        )
    if not np.isfinite(differences).all() or len(set(differences)) < len(differences):
        raise VoxionError(
            f"Potential differences must be finite and different, found {list(differences)} V."
        )
    own = sum(s.charge * s.count for s in system.species)
    if abs(own) > NEUTRAL:
        raise VoxionError(
            f"The electrolyte of '{system.title}' has a charge of {own:g} e; electrodes at a "
            "potential difference need a neutral one."
        )
    if frames % len(differences):
        raise VoxionError(
            f"The number of frames must be a multiple of the {len(differences)} potential "
            f"differences, found {frames}."
        )
    groups = [surface.group for surface in system.surfaces]
    return tuple(
        dict(zip(groups, (-0.5 * value, 0.5 * value), strict=True)) for value in differences
    )


def potential_variables(system: SystemDescription) -> tuple[list[str], list[str]]:
    """Return the commands that define the electrodes' potentials, and their names in a fix."""
    names = [f"potential_{surface.group}" for surface in system.surfaces]
    return [f"variable {name} equal 0.0" for name in names], [f"v_{name}" for name in names]


def sample_run(
    system: str | Path,
    output: str | Path,
    method: ChargeMethod,
    frames: int,
    interval: float,
    *,
    start: str | Path | None = None,
    settle: float = 5.0,
    resume: bool = False,
    progress: bool = True,
) -> ChargeDataset:
    """Run NVT with charges that a fix updates at every step, and keep frames in a data set.

    Beside the data set ``NAME.zarr`` stand ``NAME.restart``, the configuration of the last frame,
    and ``NAME.log``. An interrupted run continues from them.

    Parameters
    ----------
    system : path
        Folder of a built and equilibrated system.
    output : path
        Folder of the data set.
    method : ChargeMethod
    frames : int
        Frames in the data set at the end, those of earlier runs included.
    interval : float
        Between frames, ps; a whole number of MD steps.
    start : path, optional
        LAMMPS data file to start from; ``equilibrated.data`` of the system by default.
    settle : float
        MD before the first frame, ps, at each of the method's potentials, while the electrolyte
        gets used to the charges.
    resume : bool
        Continue a data set that is there.
    progress : bool
        Show a progress bar.

    Returns
    -------
    ChargeDataset

    Raises
    ------
    VoxionError
        No such system, no equilibrated configuration, an output that is there already or is of
        another system, or an error of LAMMPS.
    """
    description = load_system(system)
    settle_steps = steps_of(settle, description.timestep, "settle", smallest=0)
    with sampling_run(
        system, output, method, frames, interval, start=start, resume=resume
    ) as sampling:
        writer = sampling.writer
        with frames_bar("sampling", progress) as bar:
            task = bar.add_task("sampling", total=frames, completed=writer.frames)

            def count() -> None:
                bar.update(task, completed=writer.frames)

            # killed between a restart and its frame: the frame is the restart's configuration
            pending = sampling.continued and sampling.step > (writer.last_step or 0)
            for first, last, potentials in _stages(method, frames):
                if writer.frames >= last:
                    continue
                _set_potentials(sampling, potentials)
                sampling.engine.command("run 0 post no")
                if pending:
                    writer.append(sampling.collector.frame())
                    count()
                elif writer.frames == first:
                    _settle(sampling, settle_steps)
                pending = False
                _collect(sampling, last, count)
    return open_dataset(output)


def _stages(method: ChargeMethod, frames: int) -> Iterator[tuple[int, int, dict[str, float]]]:
    """Yield first frame, last frame (exclusive) and potentials of each stage."""
    stages = method.stages or [{}]
    for number, potentials in enumerate(stages):
        yield (
            frames * number // len(stages),
            frames * (number + 1) // len(stages),
            potentials,
        )


def _set_potentials(sampling: SamplingRun, potentials: dict[str, float]) -> None:
    sampling.collector.potentials = potentials
    for group, value in potentials.items():
        sampling.engine.command(f"variable potential_{group} equal {value!r}")


def _settle(sampling: SamplingRun, steps: int) -> None:
    """Run without frames; the step afterwards is a multiple of the interval, as restarts want."""
    if not steps:
        return
    engine, first = sampling.engine, sampling.writer.frames == 0
    engine.command(f"run {steps if first else steps + -steps % sampling.every} pre no post no")
    if first:
        engine.command("reset_timestep 0")
    engine.command("run 0 post no")


@dataclass(frozen=True)
class SamplingRun:
    """A LAMMPS in this process that is ready to run and fill a data set.

    Attributes
    ----------
    engine : lammps.lammps
    collector : FrameCollector
    writer : ChargeDatasetWriter
    restart : Path
        Restart file of the last frame.
    every : int
        MD steps between frames.
    continued : bool
        Whether `restart` was read.
    """

    engine: Any
    collector: FrameCollector
    writer: ChargeDatasetWriter
    restart: Path
    every: int
    continued: bool

    @property
    def step(self) -> int:
        """MD step of this moment."""
        return int(self.engine.get_thermo("step"))


@contextmanager
def sampling_run(
    system: str | Path,
    output: str | Path,
    method: ChargeMethod,
    frames: int,
    interval: float,
    *,
    start: str | Path | None = None,
    resume: bool = False,
) -> Iterator[SamplingRun]:
    """Begin, or continue, a run that fills a data set; parameters as in `sample_run`.

    Yields
    ------
    SamplingRun
        With everything read but no step made.

    Raises
    ------
    VoxionError
        As `sample_run`.
    """
    folder, output = Path(system).resolve(), Path(output).resolve()
    description = load_system(folder)
    every = steps_of(interval, description.timestep, "interval")
    if frames < 1:
        raise VoxionError(f"The number of frames must be positive, found {frames}.")
    if output.exists() and not resume:
        raise VoxionError(f"{output} exists: give another name, or resume it.")
    restart = output.with_suffix(".restart")
    continued = output.exists() and restart.exists()
    if output.exists() and not continued and open_dataset(output).frames:
        raise VoxionError(f"{output} cannot be continued: {restart} is missing.")
    begin = restart if continued else Path(start or folder / "equilibrated.data").resolve()
    if not begin.exists():
        raise VoxionError(
            f"{begin} does not exist: equilibrate the system with 'lmp -in in.equilibrate' in "
            f"{folder}, or name another start."
        )
    output.parent.mkdir(parents=True, exist_ok=True)
    with lammps_session(
        log=output.with_suffix(".log"),
        variables={"kspace": method.kspace_style},
    ) as engine:
        load_configuration(engine, folder, begin, restart=continued)
        engine.command(f"include {quoted(folder / 'in.dynamics')}")
        for command in method.commands:
            engine.command(command)
        engine.command(f"thermo {every}")
        if not continued:
            engine.command("reset_timestep 0")
        collector = FrameCollector(engine, description)
        groups = list(method.stages[0]) if method.stages else []
        writer = collector.writer(output, method.settings, electrodes=groups, append=True)
        run = SamplingRun(engine, collector, writer, restart, every, continued)
        _check_phase(run)
        yield run


def load_configuration(
    engine: Any, folder: Path, configuration: Path, *, restart: bool = False
) -> None:
    """Read a configuration of a built system, and its force field, into LAMMPS.

    Parameters
    ----------
    engine : lammps.lammps
    folder : Path
        Folder of the system, absolute.
    configuration : Path
        Data file, or restart file if `restart`.
    restart : bool

    Raises
    ------
    VoxionError
        A file is missing, no text, or a data file that LAMMPS cannot begin with.
    """
    inputs = [folder / "in.init", folder / "in.settings"]
    for path in inputs:
        read_text(path, _BUILD)
    if not restart:
        check_lammps_data(configuration, _BUILD)
    engine.command(f"include {quoted(inputs[0])}")
    engine.command(f"{'read_restart' if restart else 'read_data'} {quoted(configuration)}")
    engine.command(f"include {quoted(inputs[1])}")


class FrameCollector:
    """Takes frames of the system's surface and electrolyte from a LAMMPS in this process.

    Parameters
    ----------
    engine : lammps.lammps
        With the system's ``in.settings`` read.
    description : SystemDescription

    Attributes
    ----------
    potentials : dict of str to float
        Potentials (V) of the electrodes at this moment, by group; empty where they are not given.

    Raises
    ------
    VoxionError
        LAMMPS has other numbers of atoms than the description.
    """

    def __init__(self, engine: Any, description: SystemDescription) -> None:
        self.engine = engine
        self.description = description
        self.surface = in_group(engine, "surface")
        self.sources = in_group(engine, "electrolyte")
        self.potentials: dict[str, float] = {}
        self._check_counts()

    def _check_counts(self) -> None:
        types, in_electrolyte = gather(self.engine, "type"), self.sources
        found = {"surface": int(self.surface.sum()), "electrolyte": int(in_electrolyte.sum())}
        species = self.description.species
        expected = {
            "surface": sum(surface.atoms for surface in self.description.surfaces),
            "electrolyte": sum(one.count for one in species),
        }
        for one in species:
            number = self._type_of(one.name)
            found[one.name] = int(np.count_nonzero(types[in_electrolyte] == number))
            expected[one.name] = one.count
        for name, count in expected.items():
            if found[name] != count:
                raise VoxionError(
                    f"LAMMPS has read {found[name]} atoms of {name}, the system.json of "
                    f"'{self.description.title}' says {count}: give the files of one system."
                )

    def _type_of(self, name: str) -> int:
        # lammps.eval is not in modules before 2025
        self.engine.command(f"variable voxion_type equal label2type(atom,{name})")
        return int(self.engine.extract_variable("voxion_type"))

    def frame(self) -> ChargeFrame:
        """Take the configuration and charges of this moment."""
        cell, origin = cell_of(self.engine)
        positions = gather(self.engine, "x")[self.sources]
        step = int(self.engine.get_thermo("step"))
        return ChargeFrame(
            source_positions=single(positions, cell, origin, self.description.periodic),
            surface_charges=gather(self.engine, "q")[self.surface],
            cell=cell,
            step=step,
            time=step * self.description.timestep * 1e-3,
            potentials=np.array(list(self.potentials.values())) if self.potentials else None,
        )

    def writer(
        self,
        output: Path,
        settings: dict[str, Any],
        *,
        electrodes: Sequence[str] = (),
        append: bool,
    ) -> ChargeDatasetWriter:
        """Open a data set for this system; `electrodes` are groups whose potentials are given."""
        types = gather(self.engine, "type")[self.sources]
        names = {self._type_of(s.name): s.name for s in self.description.species}
        return ChargeDatasetWriter(
            output,
            surface_positions=gather(self.engine, "x")[self.surface],
            source_charges=gather(self.engine, "q")[self.sources],
            source_species=[names[t] for t in types],
            total_charge=sum(s.charge for s in self.description.surfaces)
            if not electrodes
            else 0.0,
            periodic=self.description.periodic,
            cell_origin=cell_of(self.engine)[1],
            label_source=settings,
            title=self.description.title,
            electrodes={group: in_group(self.engine, group)[self.surface] for group in electrodes},
            append=append,
        )


def single(
    positions: NDArray[np.float64],
    cell: NDArray[np.float64],
    origin: NDArray[np.float64],
    periodic: tuple[bool, bool, bool],
) -> NDArray[np.float32]:
    """Positions wrapped into the cell, in single precision and still inside it."""
    wrapped = wrap(positions, cell, origin, periodic).astype(np.float32)
    # rounding to single precision can put an atom onto the far face: move it to the near one
    return wrap(wrapped.astype(np.float64), cell, origin, periodic).astype(np.float32)


def frames_bar(what: str, progress: bool) -> Progress:
    """Progress bar that counts frames."""
    return Progress(
        TextColumn(what),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("frames"),
        TimeRemainingColumn(),
        disable=not progress,
    )


def _collect(sampling: SamplingRun, frames: int, count: Callable[[], None]) -> None:
    engine, writer = sampling.engine, sampling.writer
    partial = sampling.restart.with_name(f".{sampling.restart.name}")
    engine.command(f"restart {sampling.every} {quoted(partial)}")
    step = sampling.step
    while writer.frames < frames:
        engine.command(f"run {sampling.every} pre no post no")
        step += sampling.every
        # the restart first: it is never older than the last frame
        Path(f"{partial}.{step}").replace(sampling.restart)
        writer.append(sampling.collector.frame())
        count()
    engine.command("restart 0")


def _check_phase(sampling: SamplingRun) -> None:
    writer, step = sampling.writer, sampling.step
    if sampling.continued and writer.last_step is not None and step < writer.last_step:
        raise VoxionError(
            f"{sampling.restart} is of step {step}, older than the last frame of {writer.path} "
            f"(step {writer.last_step}): they do not belong together."
        )


def steps_of(picoseconds: float, timestep: float, name: str, smallest: int = 1) -> int:
    """MD steps in a time.

    Raises
    ------
    VoxionError
        It is no whole number of steps, or less than `smallest`.
    """
    steps = round(picoseconds * 1000.0 / timestep)
    if steps < smallest or abs(steps * timestep / 1000.0 - picoseconds) > 1e-9:
        raise VoxionError(
            f"{name} must be a whole number of MD steps of {timestep} fs, found {picoseconds} ps."
        )
    return steps
