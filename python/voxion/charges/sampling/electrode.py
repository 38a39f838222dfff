"""Charges from LAMMPS's ELECTRODE package: conductors of constant total charge or potential.

Ahrens-Iwers, Janssen, Tee, Meissner, J. Chem. Phys. 157, 084801 (2022), 10.1063/5.0099239. The
charges, Gaussians of reciprocal width eta, minimise the electrostatic energy: at a given total
charge of each electrode, or at given potentials and a given charge of all electrodes together.
Optionally with the semiclassical Thomas-Fermi model of Scalfi et al., J. Chem. Phys. 153, 174704
(2020), 10.1063/5.0028232.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from voxion.charges.data.dataset import ChargeDataset
from voxion.charges.sampling.labels import check_sources, relabel
from voxion.charges.sampling.run import (
    ChargeMethod,
    load_configuration,
    potential_variables,
    sample_run,
    stages_at_potentials,
)
from voxion.engines.build import built_for
from voxion.engines.lammps import (
    cell_of,
    gather,
    in_group,
    lammps_errors,
    lammps_session,
    scatter,
    wrap,
)
from voxion.errors import VoxionError
from voxion.systems.conditions import CUTOFF, KSPACE_ACCURACY
from voxion.systems.description import SystemDescription, load_system

KSPACE_STYLE = "pppm/electrode"
# Volume of a carbon in graphite (angstrom^3), for the Thomas-Fermi term: 2.62 A^2 x 3.35 A.
CARBON_VOLUME = 8.78


@dataclass(frozen=True)
class ElectrodeSettings:
    """Settings of ``fix electrode/conq``.

    Attributes
    ----------
    eta : float
        Reciprocal width of the electrode's Gaussian charges, 1/angstrom.
    algorithm : "mat_inv" or "cg"
        Matrix inverted once, or conjugate gradients at every step.
    tolerance : float
        Tolerance of the conjugate gradients; 1e-4, 1e-8 and 1e-12 leave errors near 1e-3, 1e-5,
        1e-7 e on 336 atoms.
    thomas_fermi : float, optional
        Thomas-Fermi length of the electrode, angstrom; none makes it a perfect conductor.
    """

    eta: float = 1.979
    algorithm: Literal["mat_inv", "cg"] = "mat_inv"
    tolerance: float = 1e-8
    thomas_fermi: float | None = None

    def __post_init__(self) -> None:
        if self.algorithm not in ("mat_inv", "cg"):
            raise VoxionError(f"algorithm must be 'mat_inv' or 'cg', found {self.algorithm!r}.")
        for name in ("eta", "tolerance", "thomas_fermi"):
            value = getattr(self, name)
            if value is not None and value <= 0:
                raise VoxionError(f"{name} must be positive, found {value}.")

    def method(self, system: SystemDescription) -> ChargeMethod:
        """Commands that give a system these charges at every step."""
        values = [repr(surface.charge) for surface in system.surfaces]
        # the ions make up for the electrodes' charge, so their own sum is not held at zero
        commands = self._commands("electrode/conq", system, values, symmetric=False)
        charges = {s.group: s.charge for s in system.surfaces}
        return ChargeMethod(
            commands, KSPACE_STYLE, self._describe("electrode/conq", system, charges=charges)
        )

    def potential_method(
        self, system: SystemDescription, differences: Sequence[float], frames: int
    ) -> ChargeMethod:
        """Commands that hold the two electrodes of a system at a potential difference.

        The potentials are V/2 below and above zero; the charges of both electrodes sum to zero
        (``symm on``).

        Parameters
        ----------
        system : SystemDescription
            A system of two electrodes without a charge of its own.
        differences : sequence of float
            Potentials of the second electrode over the first, V, one after the other.
        frames : int
            Number of frames, which they share.

        Raises
        ------
        VoxionError
            The system has not two electrodes, a difference is not finite or given twice, or they
            do not share the frames evenly.
        """
        stages = stages_at_potentials(system, differences, frames)
        commands, values = potential_variables(system)
        commands += self._commands("electrode/conp", system, values, symmetric=True)
        settings = self._describe(
            "electrode/conp",
            system,
            potentials=list(differences),
            frames_each=frames // len(stages),
            elements=[surface.element for surface in system.surfaces],
        )
        return ChargeMethod(commands, KSPACE_STYLE, settings, stages)

    def _commands(
        self, style: str, system: SystemDescription, values: Sequence[str], *, symmetric: bool
    ) -> list[str]:
        (first, value), *others = zip(system.surfaces, values, strict=True)
        command = f"fix electrode {first.group} {style} {value} {self.eta}"
        for surface, other in others:
            command += f" couple {surface.group} {other}"
        command += f" symm {'on' if symmetric else 'off'} algo {self.algorithm}"
        if self.algorithm == "cg":
            command += f" {self.tolerance}"
        if self.thomas_fermi is None:
            return [command]
        # fix_modify tf takes the number of the type
        return [
            command,
            "variable carbon equal label2type(atom,C)",
            f"fix_modify electrode tf ${{carbon}} {self.thomas_fermi} {CARBON_VOLUME}",
        ]

    def _describe(self, style: str, system: SystemDescription, **given: Any) -> dict[str, Any]:
        settings = {k: v for k, v in asdict(self).items() if v is not None}
        if self.algorithm == "mat_inv":
            del settings["tolerance"]
        return {
            "name": "lammps-electrode",
            "style": style,
            **settings,
            "kspace_style": KSPACE_STYLE,
            "kspace_accuracy": KSPACE_ACCURACY,
            "cutoff": CUTOFF,
            "slab_factor": system.slab_factor,
            **given,
            "lammps": built_for().lammps.version,
        }


class ElectrodeLabels:
    """Label source: constant-charge ELECTRODE on one built system.

    Use it as a context manager when it labels frames: LAMMPS starts with the first of them, keeps
    its matrix, and ends with the context.

    Parameters
    ----------
    system : path
        Folder of a built system.
    settings : ElectrodeSettings

    Raises
    ------
    VoxionError
        The folder holds no system, or one that is periodic along z.
    """

    def __init__(
        self, system: str | Path, settings: ElectrodeSettings = ElectrodeSettings()
    ) -> None:
        self.folder = Path(system).resolve()
        self.description = load_system(self.folder)
        if self.description.periodic[2]:
            raise VoxionError(
                f"ELECTRODE needs a box bounded along z; {self.folder} is periodic: build it with "
                "boundary ppf."
            )
        self._settings = settings
        self.method = settings.method(self.description)
        self._stack = ExitStack()
        self._engine: Any = None

    @property
    def settings(self) -> dict[str, Any]:
        """Name of the method and everything that its charges depend on."""
        return self.method.settings

    @property
    def sources(self) -> int:
        """Number of electrolyte atoms."""
        return sum(s.count for s in self.description.species)

    @property
    def surface_positions(self) -> NDArray[np.float64]:
        """Positions of the carbon atoms, [M, 3], angstrom; starts LAMMPS."""
        with lammps_errors():
            positions: NDArray[np.float64] = gather(self._started(), "x")[self._surface]
        return positions

    def __enter__(self) -> ElectrodeLabels:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def label(self, source_positions: NDArray[np.floating]) -> NDArray[np.float64]:
        """Charges of the surface for one configuration of the electrolyte.

        Parameters
        ----------
        source_positions : ndarray [N, 3]
            Angstrom, ascending atom ID.

        Returns
        -------
        ndarray [M]
            e.

        Raises
        ------
        VoxionError
            Wrong number of atoms, or atoms outside the bounds along z.
        """
        check_sources(self.description, source_positions)
        try:
            with lammps_errors():
                return self._solve(np.asarray(source_positions, np.float64))
        except VoxionError:
            self.close()  # LAMMPS is of no use after an error; the next label starts another
            raise

    def close(self) -> None:
        """End LAMMPS."""
        self._engine = None
        self._stack.close()

    def sample(
        self,
        output: str | Path,
        frames: int,
        interval: float,
        *,
        differences: Sequence[float] = (),
        start: str | Path | None = None,
        settle: float = 5.0,
        resume: bool = False,
        progress: bool = True,
    ) -> ChargeDataset:
        """Run NVT with charges that are solved at every step.

        Parameters
        ----------
        differences : sequence of float
            Potential differences, see `ElectrodeSettings.potential_method`; without any, the
            total charges are the system's.
        output, frames, interval, start, settle, resume, progress
            See `sample_run`.
        """
        method = self.method
        if differences:
            method = self._settings.potential_method(self.description, differences, frames)
        return sample_run(
            self.folder,
            output,
            method,
            frames,
            interval,
            start=start,
            settle=settle,
            resume=resume,
            progress=progress,
        )

    def _solve(self, source_positions: NDArray[np.float64]) -> NDArray[np.float64]:
        engine = self._started()
        cell, origin = cell_of(engine)
        positions = gather(engine, "x")
        positions[self._sources] = wrap(source_positions, cell, origin, self.description.periodic)
        scatter(engine, "x", positions)
        # nothing moves in this step; it sorts the atoms into the box anew and sets the charges
        engine.command("run 1 pre no post no")
        charges: NDArray[np.float64] = gather(engine, "q")[self._surface]
        return charges

    def _started(self) -> Any:
        if self._engine is None:
            self._engine = self._start()
        return self._engine

    def _start(self) -> Any:
        engine = self._stack.enter_context(
            lammps_session(variables={"kspace": self.method.kspace_style})
        )
        load_configuration(engine, self.folder, self.folder / "system.data")
        if engine.has_id("fix", "wall"):
            # frames of another program may reach beyond it, and charges do not depend on it
            engine.command("unfix wall")
        for command in (
            *self.method.commands,
            "neigh_modify every 1 delay 0 check no",
            "run 0 post no",
        ):
            engine.command(command)
        self._surface = in_group(engine, "surface")
        self._sources = in_group(engine, "electrolyte")
        return engine


def label_electrode(
    system: str | Path,
    dataset: ChargeDataset,
    output: str | Path,
    *,
    settings: ElectrodeSettings = ElectrodeSettings(),
    progress: bool = True,
) -> ChargeDataset:
    """Label the frames of a data set with ELECTRODE into a new data set."""
    with ElectrodeLabels(system, settings) as source:
        return relabel(source, dataset, output, progress=progress)
